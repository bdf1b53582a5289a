use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header, jwk::JwkSet};
use serde_json::{Map, Value};
use tokio::sync::{Mutex, MutexGuard, RwLock};

use super::Identity;
use crate::config::JwtConfig;

/// Signatures by a key pair only: with a shared secret every verifier could sign.
const ALGORITHMS: [Algorithm; 8] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];
/// How often the key set is fetched at most, when a token names a key that is not in it.
const REFRESH: Duration = Duration::from_secs(30);
/// The pause after a fetch that failed.
const RETRY: Duration = Duration::from_secs(2);
/// How old the key set may get: a key that was withdrawn is refused from then on.
const MAX_AGE: Duration = Duration::from_secs(600);
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);
const MAX_SET_BYTES: usize = 1024 * 1024;

/// Checks JSON Web Tokens.
pub(super) struct Jwt {
    /// With the time when they were fetched.
    keys: RwLock<(Arc<JwkSet>, Instant)>,
    url: Option<String>,
    /// When the next fetch is allowed. Held during a fetch.
    allowed: Mutex<Instant>,
    http: reqwest::Client,
    validation: Validation,
    roles_claim: String,
}

impl Jwt {
    /// `None` where no key set is configured.
    pub async fn new(config: &JwtConfig) -> anyhow::Result<Option<Self>> {
        let keys = match (&config.jwks_file, &config.jwks_url) {
            (None, None) => return Ok(None),
            (Some(_), Some(_)) => bail!("auth.jwt: set either `jwks_file` or `jwks_url`, not both"),
            (Some(path), None) => {
                let text = std::fs::read_to_string(path)
                    .with_context(|| format!("cannot read auth.jwt.jwks_file {}", path.display()))?;
                serde_json::from_str(&text).with_context(|| {
                    format!("auth.jwt.jwks_file {} is not a JSON Web Key Set", path.display())
                })?
            }
            (None, Some(url)) => {
                check_url(url)?;
                JwkSet { keys: Vec::new() }
            }
        };
        let (Some(issuer), Some(audience)) = (&config.issuer, &config.audience) else {
            bail!("auth.jwt: set `issuer` and `audience`; tokens for others must not be accepted");
        };
        let mut validation = Validation::new(Algorithm::RS256);
        validation.algorithms = ALGORITHMS.to_vec();
        validation.set_issuer(&[issuer]);
        validation.set_audience(&[audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.validate_nbf = true;
        let http = reqwest::Client::builder()
            .timeout(FETCH_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .context("cannot make an HTTP client for auth.jwt.jwks_url")?;
        let jwt = Self {
            keys: RwLock::new((Arc::new(keys), Instant::now())),
            url: config.jwks_url.clone(),
            allowed: Mutex::new(Instant::now()),
            http,
            validation,
            roles_claim: config.roles_claim.clone(),
        };
        // An identity provider that is away at the start is asked again when a token comes.
        if let Some(url) = &jwt.url
            && let Err(error) = jwt.fetch(url).await
        {
            tracing::warn!(%error, "cannot fetch the key set yet");
        }
        Ok(Some(jwt))
    }

    /// Who the token names; else why it is not accepted, without a word of its contents.
    pub async fn identify(&self, token: &str) -> Result<Identity, String> {
        let header = decode_header(token).map_err(|_| "the token is not a JSON Web Token".to_owned())?;
        if !ALGORITHMS.contains(&header.alg) {
            return Err("the token's algorithm is not accepted".to_owned());
        }
        let kid = header.kid.as_deref();
        if self.keys.read().await.1.elapsed() > MAX_AGE
            && let Ok(allowed) = self.allowed.try_lock()
        {
            // Others go on with the keys there are.
            self.refresh(allowed).await;
        }
        let key = match self.key(kid).await {
            Some(key) => key,
            None => {
                self.refresh(self.allowed.lock().await).await;
                self.key(kid).await.ok_or("the token was signed by a key that is not known here")?
            }
        };
        // Each key has one family of algorithms; the library wants the list to hold no other.
        let validation = Validation { algorithms: vec![header.alg], ..self.validation.clone() };
        let claims = decode::<Map<String, Value>>(token, &key, &validation)
            .map_err(|error| format!("the token is not accepted: {error}"))?
            .claims;
        let subject = claims.get("sub").and_then(Value::as_str).ok_or("the token has no `sub`")?;
        Ok(Identity::new(subject, self.roles(&claims)))
    }

    fn roles(&self, claims: &Map<String, Value>) -> Vec<String> {
        let mut parts = self.roles_claim.split('.');
        let first = parts.next().and_then(|part| claims.get(part));
        let found = parts.fold(first, |value, part| value.and_then(|value| value.get(part)));
        match found {
            Some(Value::Array(roles)) => roles.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            // As OAuth 2.0 writes scopes.
            Some(Value::String(roles)) => roles.split_whitespace().map(str::to_owned).collect(),
            _ => Vec::new(),
        }
    }

    async fn key(&self, kid: Option<&str>) -> Option<DecodingKey> {
        let keys = Arc::clone(&self.keys.read().await.0);
        let jwk = match kid {
            Some(kid) => keys.find(kid)?,
            // Without a key id there must be no choice.
            None => match keys.keys.as_slice() {
                [only] => only,
                _ => return None,
            },
        };
        DecodingKey::from_jwk(jwk).ok()
    }

    async fn refresh(&self, mut allowed: MutexGuard<'_, Instant>) {
        let Some(url) = &self.url else { return };
        if Instant::now() < *allowed {
            return;
        }
        let pause = match self.fetch(url).await {
            Ok(()) => REFRESH,
            Err(error) => {
                tracing::warn!(%error, "cannot fetch the key set");
                RETRY
            }
        };
        *allowed = Instant::now() + pause;
    }

    async fn fetch(&self, url: &str) -> anyhow::Result<()> {
        let mut response = self.http.get(url).send().await?.error_for_status()?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            body.extend_from_slice(&chunk);
            if body.len() > MAX_SET_BYTES {
                bail!("{url} sent more than {MAX_SET_BYTES} bytes");
            }
        }
        let keys =
            serde_json::from_slice(&body).with_context(|| format!("{url} is not a JSON Web Key Set"))?;
        *self.keys.write().await = (Arc::new(keys), Instant::now());
        Ok(())
    }
}

/// Keys that came over an open network prove nothing.
fn check_url(url: &str) -> anyhow::Result<()> {
    let url = reqwest::Url::parse(url).context("auth.jwt.jwks_url is not a URL")?;
    let loopback = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    if url.scheme() == "https" || (url.scheme() == "http" && loopback) {
        return Ok(());
    }
    bail!("auth.jwt.jwks_url must be an https: URL (http: on loopback only)")
}
