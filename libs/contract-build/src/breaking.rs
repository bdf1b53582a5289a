use crate::ContractError;

/// placeholder
pub fn breaking(_baseline: &[u8], _current: &[u8]) -> Result<Vec<String>, ContractError> {
    Ok(Vec::new())
}
