//! Charges in the format of FOCUS, the FinOps Open Cost and Usage Specification, 1.0 to 1.2.
//!
//! FOCUS has no id of a row. What tells a charge apart here are the columns that say what was charged for, by whom, to whom
//! and for which time ([`IDENTITY`]), its class among them: a correction stands beside the charge that it corrects, and both
//! count. Amounts, quantities, prices, names for people and tags may all be restated: a row that differs in these alone
//! takes the place of the earlier one.

mod charge;
mod columns;
mod csv;
mod identity;
mod import;
mod json;
mod ledger;
mod row;
mod summary;
mod validate;

pub use charge::Charge;
pub use identity::IDENTITY;
pub use import::{Format, FormatError, Reader};
pub use ledger::{Ledger, Total};
pub use row::{MAX_COLUMNS, MAX_ROW, Row};
pub use summary::Summary;
pub use validate::{Problem, Validated, Validator};
