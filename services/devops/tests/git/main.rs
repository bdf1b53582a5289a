//! Reads repositories that the git program made, and holds what we say about them against what git says.

mod diff;
mod fixture;
mod history;
mod limits;
mod location;
mod mirror;
mod scale;
mod untouched;
