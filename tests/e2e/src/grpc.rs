use std::{net::SocketAddr, time::Duration};

use tonic::{
    Request, Status,
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
    transport::{Channel as Network, Endpoint},
};

/// A plain gRPC client's way to a service, with a token: give it to a generated client's `new`.
pub type Channel = InterceptedService<Network, Bearer>;

/// Adds a token to each call.
#[derive(Clone)]
pub struct Bearer(MetadataValue<Ascii>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert("authorization", self.0.clone());
        Ok(request)
    }
}

/// The way to these addresses in turn, with a token.
pub(crate) fn channel(addresses: &[SocketAddr], token: &str) -> Channel {
    let bearer = format!("Bearer {token}").parse().expect("a token is printable");
    InterceptedService::new(network(addresses), Bearer(bearer))
}

/// Connections are made when they are needed, and made again when they are lost.
pub(crate) fn network(addresses: &[SocketAddr]) -> Network {
    let endpoint = |address: &SocketAddr| {
        Endpoint::from_shared(format!("http://{address}"))
            .expect("an address makes a URL")
            .connect_timeout(Duration::from_secs(5))
    };
    match addresses {
        [one] => endpoint(one).connect_lazy(),
        several => Network::balance_list(several.iter().map(endpoint)),
    }
}
