//! What the fault tests share: load that writes down what it intends and is told, and the reading of what came of it.

pub mod calls;
pub mod database;
pub mod events;
pub mod histories;
pub mod load;
pub mod operation;
pub mod published;
pub mod report;
pub mod size;
pub mod topic;
pub mod verdict;
