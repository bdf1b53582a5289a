//! Faults that the tests must catch. They exist only in builds with the feature `planted`; elsewhere the call sites are
//! empty. `SEPTET_PLANTED` names the one that is switched on, and `cargo xtask planted` shows which test each turns red.

#[cfg(all(feature = "planted", not(debug_assertions)))]
compile_error!("the feature `planted` plants faults for tests: build without it, or with debug assertions");

#[cfg(feature = "planted")]
mod switch;
#[cfg(feature = "planted")]
mod wrong;

#[cfg(feature = "planted")]
pub(crate) use switch::{Fault, is_on};
#[cfg(feature = "planted")]
pub(crate) use wrong::*;

/// Where a fault is switched on, `planted!(Fault => statement)` runs the statement and `planted!(Fault: name = value)`
/// gives the variable another value. Everywhere else, and in every other build, it is nothing.
#[cfg(feature = "planted")]
macro_rules! planted {
    ($fault:ident => $wrong:expr) => {
        if crate::planted::is_on(crate::planted::Fault::$fault) {
            $wrong;
        }
    };
    ($fault:ident: $name:ident = $wrong:expr) => {
        let $name = if crate::planted::is_on(crate::planted::Fault::$fault) { $wrong } else { $name };
    };
}

#[cfg(not(feature = "planted"))]
macro_rules! planted {
    ($($fault:tt)*) => {};
}
