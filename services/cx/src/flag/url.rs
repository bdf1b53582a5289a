//! Variations that a page's address asks for.

/// The variation that `?<experiment>=<number>` in an address asks for, if there is such a variation.
pub fn query_override(experiment: &str, address: &str, variations: usize) -> Option<usize> {
    let (_, query) = address.split_once('?')?;
    let query = query.split('#').next().unwrap_or_default();
    let mut asked =
        query.split('&').filter_map(|pair| pair.split_once('=')).filter(|(name, _)| *name == experiment);
    let (_, number) = asked.next()?;
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    number.parse().ok().filter(|index| is_number && *index < variations)
}
