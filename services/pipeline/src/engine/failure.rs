use septet_chassis::{CxError, StoreError};

use crate::store::Lost;

/// Why an execution goes no further. The run stays as it was written last, for whoever takes it next.
#[derive(Debug, thiserror::Error)]
pub(super) enum Halt {
    #[error(transparent)]
    Lost(#[from] Lost),
    #[error(transparent)]
    Cx(#[from] CxError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("its lease could not be renewed in time")]
    Expired,
    #[error("the process ends")]
    Stopped,
}
