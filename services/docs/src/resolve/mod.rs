//! What the files of a tree mean together: which definitions others can reach, and under which paths.

mod members;
mod paths;
mod python;
mod rust;
mod script;

use std::{collections::BTreeMap, sync::Arc};

use crate::{api::Api, source::Facts};

/// Files of a tree by path, as far as they could be read.
pub type Files = BTreeMap<String, Arc<Facts>>;

/// The API of a tree.
pub fn api(files: &Files) -> Api {
    let mut symbols = rust::symbols(files);
    symbols.extend(python::symbols(files));
    symbols.extend(script::symbols(files));
    Api::new(symbols)
}
