//! Named points between a commit and an outside effect, at which a test kills the process.
//!
//! In a debug build a test may [`arm`] a point, and the process dies there by SIGKILL, as if the power had failed;
//! `EXPUNGED_POINTS_TO` names a file to which the name of each point is added as it is passed. A release build has none
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

/// Has the process die when it passes the point of this name for so many times from now on (1: the next time); with
/// `None` it lives. Does nothing in a release build.
pub fn arm(point: Option<(String, u32)>) {
    #[cfg(debug_assertions)]
    armed::arm(point);
    #[cfg(not(debug_assertions))]
    let _ = point;
}

#[cfg(debug_assertions)]
mod armed {
    use std::fs::{File, OpenOptions};
    use std::io::Write as _;
    use std::sync::{Mutex, OnceLock, PoisonError};

    /// The name of a point, and how many passages are left to it.
    static ARMED: Mutex<Option<(String, u32)>> = Mutex::new(None);

    pub(super) fn arm(point: Option<(String, u32)>) {
        *ARMED.lock().unwrap_or_else(PoisonError::into_inner) = point;
    }

    /// Where the names of passed points are written, one a line.
    fn list() -> Option<&'static File> {
        static LIST: OnceLock<Option<File>> = OnceLock::new();
        let open = || OpenOptions::new().create(true).append(true).open(std::env::var_os("EXPUNGED_POINTS_TO")?).ok();
        LIST.get_or_init(open).as_ref()
    }

    pub(super) fn pass(name: &str) {
        if let Some(mut list) = list() {
            let _ = list.write_all(format!("{name}\n").as_bytes());
        }
        let mut armed = ARMED.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((_, left)) = armed.as_mut().filter(|(armed, _)| armed == name) else { return };
        *left = left.saturating_sub(1);
        if *left == 0 {
            let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
        }
    }
}
