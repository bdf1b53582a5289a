//! The rules, through the public modules.

mod bench;
mod breaking;
mod deep;
mod griffe;
mod pages;
mod public;
