use septet_chassis::Cx;
use septet_proto_cost::v1::ChargesImported;

use crate::{
    Cost,
    error::{Error, wrong},
    focus::{Charge, Reader, Summary},
    spending, store,
};

/// Longest name of a source, in bytes.
const MAX_SOURCE: usize = 256;
/// Columns that a source may add to the identity of its rows.
const MAX_IDENTITY: usize = 20;
/// Problems that travel with an event.
const TOLD: usize = 100;

/// Checks what every import says of itself.
pub(crate) fn check(source: &str, identity_columns: &[String]) -> Result<(), Error> {
    if source.is_empty() || source.len() > MAX_SOURCE {
        return Err(wrong("source", format!("must have 1 to {MAX_SOURCE} bytes")));
    }
    if identity_columns.len() > MAX_IDENTITY
        || identity_columns.iter().any(|name| name.is_empty() || name.len() > MAX_SOURCE)
    {
        return Err(wrong("identity_columns", format!("must be at most {MAX_IDENTITY} names of columns")));
    }
    Ok(())
}

impl Cost {
    /// Keeps charges, and tells of the budgets that they exceed.
    pub(crate) async fn keep(
        &self,
        cx: &mut Cx,
        source: &str,
        charges: Vec<Charge>,
        summary: &mut Summary,
    ) -> Result<(), Error> {
        if charges.is_empty() {
            return Ok(());
        }
        let now = cx.now();
        let kept = store::keep(cx.tx().await?, source, charges, now).await?;
        spending::watch(cx, kept.months).await?;
        summary.accepted += kept.accepted;
        summary.replaced += kept.replaced;
        summary.duplicates += kept.duplicates;
        Ok(())
    }

    /// Keeps what a reader has read so far, in a transaction of its own.
    pub(crate) async fn keep_read(&self, source: &str, reader: &mut Reader) -> Result<(), Error> {
        let charges = reader.charges();
        let mut cx = self.units.begin(Default::default());
        // Not entered before it is durable.
        let mut summary = reader.summary.clone();
        self.keep(&mut cx, source, charges, &mut summary).await?;
        cx.commit().await?;
        reader.summary = summary;
        Ok(())
    }
}

/// The fact that others hear of.
pub(crate) fn imported(source: &str, summary: &Summary) -> ChargesImported {
    ChargesImported { source: source.to_owned(), summary: Some(summary.message(TOLD)) }
}
