//! Keys and tokens for tests, and a server that gives out key sets. The key pairs are those of RFC 8037 and RFC 8032.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

pub const ISSUER: &str = "https://id.example";
pub const AUDIENCE: &str = "septet";

/// An Ed25519 key pair: seed and public key.
pub struct Pair {
    kid: &'static str,
    seed: [u8; 32],
    public: &'static str,
}

/// RFC 8037, appendix A.
pub fn first() -> Pair {
    let seed = URL_SAFE_NO_PAD.decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").expect("base64");
    let public = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    Pair { kid: "first", seed: seed.try_into().expect("32 bytes"), public }
}

/// RFC 8032, section 7.1, test 2.
pub fn second() -> Pair {
    let seed = [
        0x4c, 0xcd, 0x08, 0x9b, 0x28, 0xff, 0x96, 0xda, 0x9d, 0xb6, 0xc3, 0x46, 0xec, 0x11, 0x4e, 0x0f, 0x5b,
        0x8a, 0x31, 0x9f, 0x35, 0xab, 0xa6, 0x24, 0xda, 0x8c, 0xf6, 0xed, 0x4f, 0xb8, 0xa6, 0xfb,
    ];
    Pair { kid: "second", seed, public: "PUAXw-hDiVqStwqnTRt-vJyYLM8uxJaMwM1V8Sr0Zgw" }
}

impl Pair {
    pub fn jwk(&self) -> Value {
        json!({"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": self.kid, "x": self.public})
    }

    pub fn public(&self) -> &'static str {
        self.public
    }

    /// A token that says `claims`.
    pub fn sign(&self, claims: &Value) -> String {
        self.sign_as(self.kid, claims)
    }

    /// The same, under another key's name.
    pub fn sign_as(&self, kid: &str, claims: &Value) -> String {
        // PKCS #8 of RFC 8410: a fixed beginning, then the seed.
        let mut der = vec![
            0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
        ];
        der.extend(self.seed);
        let header = Header { kid: Some(kid.to_owned()), ..Header::new(Algorithm::EdDSA) };
        encode(&header, claims, &EncodingKey::from_ed_der(&der)).expect("a token")
    }
}

/// What a good token says.
pub fn claims() -> Value {
    json!({"sub": "ann", "iss": ISSUER, "aud": AUDIENCE, "exp": in_seconds(600), "roles": ["developer"]})
}

/// Seconds since the epoch, so many from now.
pub fn in_seconds(seconds: i64) -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    i64::try_from(now).expect("small") + seconds
}

/// Gives out a key set over HTTP.
pub struct KeyServer {
    pub address: SocketAddr,
    set: Arc<Mutex<String>>,
    pub asked: Arc<AtomicUsize>,
}

impl KeyServer {
    pub async fn start(keys: &[&Pair]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
        let address = listener.local_addr().expect("an address");
        let server = Self { address, set: Arc::default(), asked: Arc::default() };
        server.set(keys);
        let (set, asked) = (server.set.clone(), server.asked.clone());
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                asked.fetch_add(1, Ordering::SeqCst);
                let body = set.lock().unwrap_or_else(PoisonError::into_inner).clone();
                // One read has the whole of so small a request.
                let _ = stream.read(&mut [0; 4096]).await;
                let head = format!(
                    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
                    body.len()
                );
                let _ = stream.write_all((head + &body).as_bytes()).await;
            }
        });
        server
    }

    pub fn set(&self, keys: &[&Pair]) {
        let keys: Vec<Value> = keys.iter().map(|pair| pair.jwk()).collect();
        *self.set.lock().unwrap_or_else(PoisonError::into_inner) = json!({"keys": keys}).to_string();
    }
}
