//! JSON Web Tokens: only those of the configured issuer, for this audience, signed by a known key pair, and in time.

use std::{fs, sync::atomic::Ordering};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use septet_testkit::evidence::Workspace;
use serde_json::{Value, json};
use tonic::Code;

use crate::{
    fixture::{Server, configured, process, review},
    jwks::{AUDIENCE, ISSUER, KeyServer, claims, first, in_seconds, second},
};

async fn with_file(test: &str, more: &str) -> Server {
    let workspace = Workspace::new(&format!("chassis::jwt::{test}"));
    let path = workspace.path().join("keys.json");
    fs::write(&path, json!({"keys": [first().jwk(), second().jwk()]}).to_string()).expect("written");
    let config =
        format!("[auth.jwt]\njwks_file = {path:?}\nissuer = {ISSUER:?}\naudience = {AUDIENCE:?}\n{more}");
    Server::again(workspace, &config).await
}

fn but(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

async fn code(server: &Server, token: &str) -> Code {
    review(server.as_caller(token), "any").await.map_or_else(|status| status.code(), |_| Code::Ok)
}

#[tokio::test]
async fn a_good_token_names_its_caller() {
    let mut server = with_file("good", "").await;
    for pair in [first(), second()] {
        let reply = review(server.as_caller(&pair.sign(&claims())), "any").await.expect("allowed");
        assert_eq!(reply.review.map(|review| review.id), Some("ann".to_owned()));
    }
    let listed = but("aud", json!(["other", AUDIENCE]));
    assert_eq!(code(&server, &first().sign(&listed)).await, Code::Ok);
    assert_eq!(code(&server, &first().sign(&but("roles", json!("viewer developer")))).await, Code::Ok);
    for roles in [json!(["viewer"]), json!([]), json!(null), json!(7), json!({"developer": true})] {
        let token = first().sign(&but("roles", roles.clone()));
        assert_eq!(code(&server, &token).await, Code::PermissionDenied, "{roles}");
    }
    server.drain().await.expect("drained");
}

#[tokio::test]
async fn a_bad_token_is_refused_and_not_repeated() {
    let mut server = with_file("bad", "").await;
    let good = first().sign(&claims());
    let [header, payload, signature] = good.split('.').collect::<Vec<_>>()[..] else { panic!("a token") };
    let b64 = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    // The public key as a shared secret: what a verifier that lets the token choose would accept.
    let confused = |secret: &[u8]| {
        let header = Header { kid: Some("first".to_owned()), ..Header::new(Algorithm::HS256) };
        encode(&header, &claims(), &EncodingKey::from_secret(secret)).expect("a token")
    };
    let public = URL_SAFE_NO_PAD.decode(first().public()).expect("base64");
    let bad = [
        ("expired", first().sign(&but("exp", json!(in_seconds(-600))))),
        ("not yet", first().sign(&but("nbf", json!(in_seconds(600))))),
        ("another audience", first().sign(&but("aud", json!("other")))),
        ("another issuer", first().sign(&but("iss", json!("https://evil.example")))),
        ("no expiry", first().sign(&json!({"sub": "ann", "iss": ISSUER, "aud": AUDIENCE}))),
        ("no subject", first().sign(&json!({"iss": ISSUER, "aud": AUDIENCE, "exp": in_seconds(600)}))),
        ("unknown key", first().sign_as("third", &claims())),
        ("another's key", first().sign_as("second", &claims())),
        ("no algorithm", format!("{}.{payload}.", b64(json!({"alg": "none", "kid": "first"})))),
        ("no algorithm, signed", format!("{}.{payload}.{signature}", b64(json!({"alg": "none"})))),
        ("shared secret", confused(&public)),
        ("shared secret, as text", confused(first().public().as_bytes())),
        ("other claims", format!("{header}.{}.{signature}", b64(but("sub", json!("admin"))))),
        ("no signature", format!("{header}.{payload}.")),
        ("cut", format!("{header}.{payload}")),
        ("dots", "...".to_owned()),
    ];
    for (what, token) in bad {
        let status = review(server.as_caller(&token), "any").await.expect_err(what);
        assert_eq!(status.code(), Code::Unauthenticated, "{what}");
        assert!(!status.message().contains(&payload[..20]), "{what}: {}", status.message());
    }
    assert_eq!(code(&server, &good).await, Code::Ok, "the good one still is");
    server.drain().await.expect("drained");
}

#[tokio::test]
async fn roles_may_be_nested_in_the_claims() {
    let mut server = with_file("nested", "roles_claim = \"realm_access.roles\"").await;
    let mut nested = but("realm_access", json!({"roles": ["developer"]}));
    nested["roles"] = json!([]);
    assert_eq!(code(&server, &first().sign(&nested)).await, Code::Ok);
    assert_eq!(code(&server, &first().sign(&claims())).await, Code::PermissionDenied);
    server.drain().await.expect("drained");
}

#[tokio::test]
async fn a_new_key_is_fetched_when_a_token_names_it() {
    let keys = KeyServer::start(&[&first()]).await;
    let config = format!(
        "[auth.jwt]\njwks_url = \"http://{}/keys\"\nissuer = {ISSUER:?}\naudience = {AUDIENCE:?}",
        keys.address
    );
    let mut server = Server::start("jwt::rotation", &config).await;
    assert_eq!(code(&server, &first().sign(&claims())).await, Code::Ok);
    assert_eq!(keys.asked.load(Ordering::SeqCst), 1, "the set is kept");
    keys.set(&[&first(), &second()]);
    assert_eq!(code(&server, &second().sign(&claims())).await, Code::Ok, "the new key is known at once");
    assert_eq!(keys.asked.load(Ordering::SeqCst), 2);
    // Tokens with invented keys do not make this server a hammer.
    for _ in 0..20 {
        assert_eq!(code(&server, &first().sign_as("invented", &claims())).await, Code::Unauthenticated);
    }
    assert_eq!(keys.asked.load(Ordering::SeqCst), 2);
    server.drain().await.expect("drained");
}

#[tokio::test]
async fn a_key_server_that_is_away_at_the_start_is_asked_again() {
    // Bound and never answered until it is replaced: connections are refused once it is dropped.
    let closed = std::net::TcpListener::bind("127.0.0.1:0").expect("bound").local_addr().expect("address");
    let config = format!(
        "[auth.jwt]\njwks_url = \"http://{closed}/keys\"\nissuer = {ISSUER:?}\naudience = {AUDIENCE:?}"
    );
    let mut server = Server::start("jwt::away", &config).await;
    assert_eq!(code(&server, &first().sign(&claims())).await, Code::Unauthenticated);
    review(server.channel(), "any").await.expect("other proofs go on");
    server.drain().await.expect("drained");
}

#[tokio::test]
async fn half_a_configuration_is_refused() {
    for (what, config, says) in [
        ("audience", "[auth.jwt]\njwks_url = \"https://id.example/keys\"\nissuer = \"i\"", "`audience`"),
        (
            "plain",
            "[auth.jwt]\njwks_url = \"http://id.example/keys\"\nissuer = \"i\"\naudience = \"a\"",
            "https:",
        ),
        (
            "absent",
            "[auth.jwt]\njwks_file = \"/nowhere/keys.json\"\nissuer = \"i\"\naudience = \"a\"",
            "/nowhere/keys.json",
        ),
    ] {
        let workspace = Workspace::new(&format!("chassis::jwt::half::{what}"));
        let script = Default::default();
        let process = process(&script);
        let source = process.source(Some(&configured(&workspace, config))).expect("readable");
        let error = process.start(source, septet_chassis::Mode::Serve).await.err().expect("refused");
        let message = format!("{error:#}");
        assert!(message.contains(says) && !message.contains('\n'), "{what}: {message}");
    }
}
