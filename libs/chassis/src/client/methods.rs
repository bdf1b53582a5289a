use std::{collections::HashMap, sync::Arc};

use prost_reflect::{
    DynamicMessage, MessageDescriptor, MethodDescriptor, prost_types::method_options::IdempotencyLevel,
};
use septet_contract::Catalog;

/// The field that makes a retry of any call safe: the service keeps the reply with it.
const REQUEST_ID: &str = "request_id";
/// Bytes before a message: a flag and a length.
const PREFIX: usize = 5;

/// What the contracts say about the calls that may be made, by path.
#[derive(Clone, Default)]
pub(super) struct Methods(Arc<HashMap<String, Method>>);

/// What a contract says about calling one RPC.
pub(super) struct Method {
    /// Service that it belongs to, for example `review`.
    pub owner: &'static str,
    /// One request and one reply.
    pub unary: bool,
    idempotent: bool,
    /// The request's type, where it has a request id.
    keyed: Option<MessageDescriptor>,
}

impl Methods {
    pub fn of(catalog: &Catalog) -> Self {
        let mut by_path = HashMap::new();
        for contract in catalog.contracts() {
            for method in
                (contract.pool)().services().flat_map(|service| service.methods().collect::<Vec<_>>())
            {
                let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
                // A pool holds what it imports too; the owner's own is as good.
                by_path.entry(path).or_insert_with(|| Method::of(contract.service, &method));
            }
        }
        Self(Arc::new(by_path))
    }

    /// `None` for what no contract here has.
    pub fn get(&self, path: &str) -> Option<&Method> {
        self.0.get(path)
    }
}

impl Method {
    fn of(owner: &'static str, method: &MethodDescriptor) -> Self {
        let request = method.input();
        let options = method.method_descriptor_proto().options.as_ref();
        let level = options.map(|options| options.idempotency_level());
        Self {
            owner,
            unary: !method.is_client_streaming() && !method.is_server_streaming(),
            idempotent: matches!(level, Some(IdempotencyLevel::NoSideEffects | IdempotencyLevel::Idempotent)),
            keyed: request.get_field_by_name(REQUEST_ID).is_some().then_some(request),
        }
    }

    /// Whether a server that gets this request twice does it once.
    pub fn is_safe_twice(&self, message: &[u8]) -> bool {
        self.idempotent || self.keyed.as_ref().is_some_and(|request| has_request_id(request, message))
    }
}

fn has_request_id(request: &MessageDescriptor, message: &[u8]) -> bool {
    let plain = message.first() == Some(&0);
    let Some(message) = message.get(PREFIX..).filter(|_| plain) else { return false };
    DynamicMessage::decode(request.clone(), message)
        .is_ok_and(|message| message.has_field_by_name(REQUEST_ID))
}
