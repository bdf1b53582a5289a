//! Who calls, and whether they may. Every RPC names its roles in the contract; a call without a proof of identity is
//! refused, and so is one whose roles the contract does not name.

mod api_key;
mod denials;
mod jwt;
mod layer;
mod local;

use std::{collections::HashMap, path::Path, sync::Arc};

use septet_contract::Catalog;
use tonic::Status;

pub use api_key::new_api_key;
pub use denials::Denials;
pub use layer::{HEALTH, authorise};
pub use local::read_local_token;

use crate::{config::AuthConfig, error::fault, grpc::Peer};

/// The role that may call everything.
pub const ADMIN: &str = "admin";
/// The role of one service that calls another.
pub const SERVICE: &str = "service";

/// A caller whose identity is proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Who: a token's `sub`, an API key's subject, a certificate's name, or `service:<name>`.
    pub subject: Arc<str>,
    /// Roles that the proof grants.
    pub roles: Arc<[String]>,
}

impl Identity {
    /// A caller with these roles.
    pub fn new(subject: &str, roles: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { subject: subject.into(), roles: roles.into_iter().map(Into::into).collect() }
    }

    /// A service of this process.
    pub fn of_service(name: &str) -> Self {
        Self::new(&format!("service:{name}"), [SERVICE])
    }

    fn has_any(&self, roles: &[&str]) -> bool {
        self.roles.iter().any(|role| role == ADMIN || roles.contains(&role.as_str()))
    }
}

/// Checks proofs of identity and the roles of the contracts.
pub struct Auth {
    /// The roles that may call an RPC, by its path.
    roles: HashMap<&'static str, &'static [&'static str]>,
    /// What was denied, to be published.
    denials: Denials,
    local: Option<local::LocalToken>,
    api_keys: Option<api_key::ApiKeys>,
    jwt: Option<jwt::Jwt>,
    /// By a name in the caller's certificate.
    mtls: HashMap<String, Identity>,
}

impl Auth {
    /// As configured. With `local_token`, mints one into the data directory.
    ///
    /// # Errors
    /// One line that names the setting or file that cannot be used.
    pub async fn new(config: &AuthConfig, data_dir: &Path, catalog: &Catalog) -> anyhow::Result<Self> {
        Ok(Self {
            roles: catalog
                .contracts()
                .flat_map(|contract| contract.rpcs)
                .map(|rpc| (rpc.path, rpc.roles))
                .collect(),
            denials: Denials::default(),
            local: config.local_token.then(|| local::LocalToken::mint(data_dir)).transpose()?,
            api_keys: config.api_keys.file.as_deref().map(api_key::ApiKeys::read).transpose()?,
            jwt: jwt::Jwt::new(&config.jwt).await?,
            mtls: config
                .mtls
                .iter()
                .map(|entry| (entry.name.clone(), Identity::new(&entry.name, entry.roles.clone())))
                .collect(),
        })
    }

    /// What was denied, to be published.
    pub fn denials(&self) -> Denials {
        self.denials.clone()
    }

    /// The contract's own name of an RPC; empty if no contract has it.
    fn known(&self, path: &str) -> &'static str {
        self.roles.get_key_value(path).map_or("", |(known, _)| known)
    }

    /// The roles that may call an RPC; `None` if no contract has it.
    fn roles(&self, path: &str) -> Option<&'static [&'static str]> {
        self.roles.get(path).copied()
    }

    /// Who shows a certificate with these names.
    fn identify_peer(&self, peer: &Peer) -> Result<Identity, Status> {
        let Some(names) = &peer.0 else { return Err(refused("the call carries no token")) };
        let known = names.iter().find_map(|name| self.mtls.get(name));
        known.cloned().ok_or_else(|| {
            fault(
                tonic::Code::Unauthenticated,
                "SEPTET-0010",
                "authorization",
                "none of the names in the certificate is known here",
                "name one of them in `auth.mtls`, or send `authorization: Bearer TOKEN`",
            )
        })
    }

    /// Who carries this token or key.
    async fn identify(&self, credential: &str) -> Result<Identity, Status> {
        if let Some(identity) = self.local.as_ref().and_then(|local| local.identify(credential)) {
            return Ok(identity);
        }
        if credential.starts_with(api_key::PREFIX) {
            let identity = self.api_keys.as_ref().and_then(|keys| keys.identify(credential));
            return identity.ok_or_else(|| refused("the API key is not known here"));
        }
        match &self.jwt {
            Some(jwt) if credential.contains('.') => {
                jwt.identify(credential).await.map_err(|error| refused(&error))
            }
            _ => Err(refused("the token is not valid here")),
        }
    }
}

fn refused(why: &str) -> Status {
    fault(
        tonic::Code::Unauthenticated,
        "SEPTET-0010",
        "authorization",
        why,
        "send `authorization: Bearer TOKEN` with a token of this server; `septet up` writes one to `.septet/token`",
    )
}
