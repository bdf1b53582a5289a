use std::str::FromStr;

use septet_chassis::contract::Timestamp;
use septet_proto_devops::v1::register_repository_request;

/// Where to begin in a repository's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Since {
    All,
    Time(Timestamp),
    Commit(String),
}

impl FromStr for Since {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "all" {
            return Ok(Self::All);
        }
        let midnight = format!("{text}T00:00:00Z");
        if let Some(time) = Timestamp::parse_rfc3339(text).or_else(|| Timestamp::parse_rfc3339(&midnight)) {
            return Ok(Self::Time(time));
        }
        if (7..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Ok(Self::Commit(text.to_ascii_lowercase()));
        }
        Err("write `all`, a date such as 2026-01-31, a time in RFC 3339, or a commit's hash (7 digits at least)".to_owned())
    }
}

impl From<&Since> for register_repository_request::Since {
    fn from(since: &Since) -> Self {
        match since {
            Since::All => Self::All(true),
            Since::Time(time) => Self::Time((*time).into()),
            Since::Commit(commit) => Self::Commit(commit.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_help_names() {
        assert_eq!("all".parse(), Ok(Since::All));
        assert_eq!("2026-01-31".parse::<Since>(), "2026-01-31T00:00:00Z".parse());
        assert_eq!("ABCDEF1".parse(), Ok(Since::Commit("abcdef1".to_owned())));
        for wrong in ["", "yesterday", "abc", "2026-13-01", "HEAD~3"] {
            assert!(wrong.parse::<Since>().is_err(), "{wrong}");
        }
    }
}
