//! Styles, scripts and pictures, from the binary.

use axum::{
    extract::Path,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "console/assets"]
struct Assets;

/// For good: the address changes with the content.
const FOR_GOOD: &str = "public, max-age=31536000, immutable";

/// The address of a file, with what it holds in it.
pub fn asset(name: &str) -> String {
    let hash = Assets::get(name).map(|file| file.metadata.sha256_hash()).unwrap_or_default();
    let version: String = hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("/assets/{name}?v={version}")
}

/// A file.
pub async fn serve(Path(name): Path<String>) -> Response {
    let Some(file) = Assets::get(&name) else { return StatusCode::NOT_FOUND.into_response() };
    let kind = match name.rsplit_once('.').map(|(_, kind)| kind) {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "text/plain; charset=utf-8",
    };
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, FOR_GOOD)], file.data).into_response()
}
