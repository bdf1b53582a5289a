//! Who is signed in.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use rand::RngCore;
use sha2::{Digest, Sha256};

use super::code::{self, Nonce};

/// How long a session holds.
pub const LIFETIME: Duration = Duration::from_secs(12 * 60 * 60);
/// Sessions at a time; the oldest ends where there would be more.
const MAX_SESSIONS: usize = 256;

/// The sessions of a process, and the codes that were used to open them.
#[derive(Default)]
pub struct Sessions(Mutex<State>);

#[derive(Default)]
struct State {
    /// When each ends, by the hash of its cookie: a copy of the memory opens no session.
    open: HashMap<[u8; 32], Instant>,
    /// Until when each code would hold.
    used: HashMap<Nonce, Instant>,
}

impl Sessions {
    /// Opens a session with a code that was checked, and gives its cookie; `None` if the code was used before.
    pub fn open(&self, nonce: Nonce, now: Instant) -> Option<String> {
        let mut state = self.state();
        state.used.retain(|_, ends| *ends > now);
        state.open.retain(|_, ends| *ends > now);
        if state.used.insert(nonce, now + Duration::from_secs(code::LIFETIME)).is_some() {
            return None;
        }
        if state.open.len() >= MAX_SESSIONS
            && let Some(oldest) = state.open.iter().min_by_key(|(_, ends)| **ends).map(|(hash, _)| *hash)
        {
            state.open.remove(&oldest);
        }
        let mut random = [0; 32];
        rand::rng().fill_bytes(&mut random);
        let cookie = URL_SAFE_NO_PAD.encode(random);
        state.open.insert(hash(&cookie), now + LIFETIME);
        Some(cookie)
    }

    /// Whether a cookie's session is open.
    pub fn holds(&self, cookie: &str, now: Instant) -> bool {
        self.state().open.get(&hash(cookie)).is_some_and(|ends| *ends > now)
    }

    /// Ends a cookie's session.
    pub fn close(&self, cookie: &str) {
        self.state().open.remove(&hash(cookie));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Each change is whole in itself, so a panic elsewhere has left nothing half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn hash(cookie: &str) -> [u8; 32] {
    Sha256::digest(cookie.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_opens_one_session_and_no_second() {
        let (sessions, now) = (Sessions::default(), Instant::now());
        let cookie = sessions.open([1; 16], now).expect("opened");
        assert!(sessions.holds(&cookie, now));
        assert_eq!(sessions.open([1; 16], now), None);
        let other = sessions.open([2; 16], now).expect("another code");
        sessions.close(&cookie);
        assert!(!sessions.holds(&cookie, now) && sessions.holds(&other, now));
        assert!(!sessions.holds("", now));
    }

    #[test]
    fn sessions_end_by_themselves_and_are_bounded() {
        let (sessions, now) = (Sessions::default(), Instant::now());
        let first = sessions.open([1; 16], now).expect("opened");
        assert!(!sessions.holds(&first, now + LIFETIME));
        for number in 0..MAX_SESSIONS as u128 {
            let later = now + Duration::from_secs(1);
            sessions.open((number + 1_000).to_be_bytes(), later).expect("opened");
        }
        assert!(!sessions.holds(&first, now), "the oldest gave way");
    }
}
