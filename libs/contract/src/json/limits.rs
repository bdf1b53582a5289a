use super::JsonError;

/// What a payload may be at most before anything looks into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the payload.
    pub max_bytes: usize,
    /// Objects and lists inside each other in JSON. Protobuf has a limit of its own, 100.
    pub max_depth: usize,
}

/// 1 MiB and 64 levels.
impl Default for Limits {
    fn default() -> Self {
        Self { max_bytes: 1024 * 1024, max_depth: 64 }
    }
}

impl Limits {
    /// Checks size and depth by looking at each byte once, so that a hostile document is refused before a parser
    /// recurses into it or allocates for it.
    pub(crate) fn check(&self, json: &[u8]) -> Result<(), JsonError> {
        if json.len() > self.max_bytes {
            return Err(JsonError::TooLarge { size: json.len(), limit: self.max_bytes });
        }
        let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
        for byte in json {
            match byte {
                _ if escaped => escaped = false,
                b'\\' if in_text => escaped = true,
                b'"' => in_text = !in_text,
                b'{' | b'[' if !in_text => depth += 1,
                b'}' | b']' if !in_text => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth > self.max_depth {
                return Err(JsonError::TooDeep { limit: self.max_depth });
            }
        }
        Ok(())
    }
}
