//! All SQL of this service.

mod activities;
mod breaches;
mod experiments;
mod exposures;
mod features;
mod figures;
mod funnel;
mod purge;

pub(crate) use activities::{add_activity, lock_unit, sum_of_events};
pub(crate) use breaches::{add_breach, breached, breaches, forget_breach, forget_breaches};
pub(crate) use experiments::{
    add_experiment, change_experiment, conclude, experiment, list_experiments, lock_running, running_with,
};
pub(crate) use exposures::{exposure, figure, put_exposure, put_figure};
pub(crate) use features::{
    FeatureRow, archive_feature, catalog_version, change_catalog, definitions, feature, known_features,
    list_features, put_feature, put_saved_group, saved_groups,
};
pub(crate) use figures::{add_delta, experiments_with_deltas, figures, fold, forget_deltas};
pub(crate) use funnel::{Happened, Place, Sought, happened};
pub(crate) use purge::purge;
