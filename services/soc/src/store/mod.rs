//! All SQL of this service.

mod alerts;
mod assessments;

pub(crate) use alerts::{
    AlertsFilter, alert, alert_to_close, close, last_movement, list_alerts, moved_after, raise,
};
pub(crate) use assessments::{assess, assessment};
