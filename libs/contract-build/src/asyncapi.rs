use std::path::Path;

use crate::ContractError;

/// placeholder
pub fn asyncapi(_proto_root: &Path) -> Result<String, ContractError> {
    Ok(String::new())
}
