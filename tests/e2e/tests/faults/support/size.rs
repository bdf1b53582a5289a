/// How large a run is: small in CI, whole by `cargo xtask chaos --full`.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Events of the load.
    pub events: u64,
    /// Kills or outages in the course of it.
    pub faults: u64,
}

impl Size {
    /// What `SEPTET_CHAOS_EVENTS` and `SEPTET_CHAOS_FAULTS` say, else the smoke size.
    ///
    /// # Panics
    /// If one of them is set and is no number.
    pub fn or_smoke(events: u64, faults: u64) -> Self {
        let size = Self {
            events: number("SEPTET_CHAOS_EVENTS", events),
            faults: number("SEPTET_CHAOS_FAULTS", faults),
        };
        assert!(size.events > 0 && size.faults > 0, "a run without events or faults shows nothing: {size:?}");
        size
    }
}

fn number(variable: &str, otherwise: u64) -> u64 {
    match std::env::var(variable) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{variable} is no number: {text}")),
        Err(_) => otherwise,
    }
}

/// Whether `cargo xtask chaos --full` asks for the whole size, where that is no number of events or faults.
pub fn is_full() -> bool {
    std::env::var_os("SEPTET_CHAOS_FULL").is_some()
}
