//! Faults under load, on real servers: whatever is killed, stopped, cut off or malformed, each promise is kept. Small sizes
//! by default; `cargo xtask chaos --full` runs the whole ones.

mod kills;
mod links;
mod outages;
mod poison;
mod rolling;
mod support;
