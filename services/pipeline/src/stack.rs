//! Room for what goes down a level for each bracket that somebody wrote.

use std::thread;

/// Bytes; only what is used is taken.
const STACK: usize = 256 << 20;

/// Does it on a thread with a large stack, and waits for it. `None` if there is no such thread, or it panics.
pub(crate) fn large<T: Send>(work: impl FnOnce() -> T + Send) -> Option<T> {
    thread::scope(|scope| {
        let worker =
            thread::Builder::new().name("deep".to_owned()).stack_size(STACK).spawn_scoped(scope, work);
        worker.ok()?.join().ok()
    })
}
