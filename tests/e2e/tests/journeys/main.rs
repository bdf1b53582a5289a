//! The main job and the operator's commands, through the binary.

mod dead_letters;
mod errors;
mod history;
mod server;
