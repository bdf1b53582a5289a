use super::error::{DecodeError, shown};
use super::{JSON, PROTOBUF, STRUCTURED_JSON};

/// What the value of a record is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ContentType {
    Protobuf,
    Json,
    Structured,
}

impl ContentType {
    pub(super) fn parse(text: &str) -> Result<Self, DecodeError> {
        let mut parts = text.split(';').map(str::trim);
        let media_type = parts.next().unwrap_or_default().to_ascii_lowercase();
        let found = match media_type.as_str() {
            PROTOBUF | "application/x-protobuf" => return Ok(Self::Protobuf),
            JSON => Self::Json,
            STRUCTURED_JSON => Self::Structured,
            _ => return Err(DecodeError::UnsupportedContentType(shown(text))),
        };
        let charset = parts.find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches('"'))
        });
        match charset {
            Some(charset) if !charset.eq_ignore_ascii_case("utf-8") => {
                Err(DecodeError::UnsupportedContentType(shown(text)))
            }
            _ => Ok(found),
        }
    }
}
