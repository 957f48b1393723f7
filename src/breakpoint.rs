//! Named points between a commit and an outside effect, at which a test kills the process.
//!
//! In a debug build the environment variable `EXPUNGED_KILL_AT` names a point (`name`, or `name:3` for the third time
//! that it is reached) and the process dies there by SIGKILL, as if the power had failed. A release build has none
//! of this. The crash test reads the list of points from the source, so that a new one is tested by being written.

/// Passes a named point: `breakpoint!("judge.before_commit")`.
#[macro_export]
macro_rules! breakpoint {
    ($name:literal) => {
        $crate::breakpoint::pass($name)
    };
}

/// Dies here if a test asked for it; does nothing in a release build.
#[inline]
pub fn pass(name: &str) {
    #[cfg(debug_assertions)]
    armed::pass(name);
    #[cfg(not(debug_assertions))]
    let _ = name;
}

#[cfg(debug_assertions)]
mod armed {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU32, Ordering};

    struct Armed {
        name: String,
        left: AtomicU32,
    }

    static ARMED: OnceLock<Option<Armed>> = OnceLock::new();

    fn armed() -> Option<&'static Armed> {
        ARMED
            .get_or_init(|| {
                let text = std::env::var("EXPUNGED_KILL_AT").ok()?;
                let (name, times) = match text.rsplit_once(':') {
                    Some((name, times)) => (name.to_owned(), times.parse().ok()?),
                    None => (text, 1),
                };
                Some(Armed { name, left: AtomicU32::new(times) })
            })
            .as_ref()
    }

    pub(super) fn pass(name: &str) {
        let Some(armed) = armed().filter(|armed| armed.name == name) else { return };
        if armed.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
        }
    }
}
