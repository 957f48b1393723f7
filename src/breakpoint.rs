//! Named points between a commit and an outside effect, at which a test kills the process.
//!
//! In a debug build the environment variable `EXPUNGED_KILL_AT` names a point (`name`, or `name:3` for the third time
//! that it is reached) and the process dies there by SIGKILL, as if the power had failed; `EXPUNGED_POINTS_TO` names a
//! file to which the name of each point is added as it is passed. A release build has none of this. The crash test
//! reads the list of points from the source, so that a new one is tested by being written.

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
    use std::fs::{File, OpenOptions};
    use std::io::Write as _;
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
                // A name may hold a colon itself: only a number behind the last one is a count.
                let counted = text.rsplit_once(':').and_then(|(name, times)| Some((name, times.parse().ok()?)));
                let (name, times) = counted.unwrap_or((text.as_str(), 1));
                Some(Armed { name: name.to_owned(), left: AtomicU32::new(times) })
            })
            .as_ref()
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
        let Some(armed) = armed().filter(|armed| armed.name == name) else { return };
        if armed.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
        }
    }
}
