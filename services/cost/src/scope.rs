//! Which charges a question or a budget is about.

use septet_proto_cost::v1::{CostFilter, Dimension, Grouping};

/// Filters of a question at most.
pub const MAX_FILTERS: usize = 10;
/// Values of a filter at most.
const MAX_VALUES: usize = 100;
/// Bytes of a value at most.
const MAX_VALUE: usize = 4 << 10;
/// Bytes of a tag's key at most.
const MAX_TAG: usize = 256;

/// A dimension of the kept charges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key {
    /// A column of the table of charges.
    Column(&'static str),
    /// A tag.
    Tag(String),
}

/// Only charges that have one of these values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// The dimension.
    pub key: Key,
    /// At least one.
    pub values: Vec<String>,
}

impl Key {
    /// From the contract.
    ///
    /// # Errors
    /// What is wrong with it, to follow on its field's name.
    pub fn of(dimension: Dimension, tag: &str) -> Result<Self, String> {
        let column = match dimension {
            Dimension::Unspecified => return Err("needs a dimension".to_owned()),
            Dimension::Tag if tag.is_empty() || tag.len() > MAX_TAG => {
                return Err(format!("needs a `tag` of 1 to {MAX_TAG} bytes"));
            }
            Dimension::Tag => return Ok(Self::Tag(tag.to_owned())),
            Dimension::Service => "service",
            Dimension::Region => "region",
            Dimension::Account => "account",
            Dimension::ServiceCategory => "service_category",
            Dimension::Provider => "provider",
            Dimension::ChargeCategory => "category",
            Dimension::Resource => "resource",
        };
        if tag.is_empty() { Ok(Self::Column(column)) } else { Err("has a `tag` and is no tag".to_owned()) }
    }

    /// From the contract.
    ///
    /// # Errors
    /// As [`Key::of`].
    pub fn of_grouping(grouping: &Grouping) -> Result<Self, String> {
        Self::of(grouping.dimension(), &grouping.tag)
    }
}

/// Filters from the contract.
///
/// # Errors
/// What is wrong with them, to follow on the name of their field.
pub fn filters(filters: &[CostFilter]) -> Result<Vec<Filter>, String> {
    if filters.len() > MAX_FILTERS {
        return Err(format!("has more than {MAX_FILTERS} filters"));
    }
    filters
        .iter()
        .map(|filter| {
            let key = Key::of(filter.dimension(), &filter.tag)?;
            if filter.values.is_empty() || filter.values.len() > MAX_VALUES {
                return Err(format!("needs 1 to {MAX_VALUES} values for each filter"));
            }
            if filter.values.iter().any(|value| value.len() > MAX_VALUE) {
                return Err(format!("has a value of more than {MAX_VALUE} bytes"));
            }
            Ok(Filter { key, values: filter.values.clone() })
        })
        .collect()
}
