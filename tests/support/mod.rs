//! Real servers for the tests, on free ports and in temporary folders; never a mock where the real thing runs.
//!
//! `tests/run` starts PostgreSQL, MariaDB, Redis and an S3 once for everybody and names them in the environment; a test process
//! that was started by hand finds nothing there and starts its own. Every server hangs on a [`leash::Leash`], so that
//! it ends with the test process, however that one ends.
//!
//! How to add a server: a file here with `start()`, a [`leash::Leash`] around the program, a wait until it *answers*
//! (not until its port is open), and a test in `tests/servers.rs` that fails when it does not.

pub mod certificate;
pub mod dice;
pub mod dovecot;
pub mod http;
pub mod imap;
pub mod leash;
pub mod mariadb;
pub mod post;
pub mod postfix;
pub mod postgres;
pub mod provider;
pub mod recipe;
pub mod redis;
pub mod s3;
pub mod slapd;
pub mod source;
pub mod world;

use std::net::{Ipv4Addr, TcpListener};
use std::process::{Command, Stdio};

/// The same tests on both databases: `$sqlite` and `$postgres` make a world there and hand it to the test.
macro_rules! on_both_of {
    (
        $world_kind:ty, $sqlite:path, $postgres:path;
        $($(#[$doc:meta])* async fn $name:ident($world:ident) $body:block)+
    ) => {$(
        $(#[$doc])*
        mod $name {
            #[allow(unused_imports, reason = "every test has the same words at hand")]
            use super::*;

            async fn test($world: $world_kind) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn sqlite() {
                $sqlite(test).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn postgres() {
                $postgres(test).await;
            }
        }
    )+};
}

pub(crate) use on_both_of;

/// A TCP port on the loopback that nobody listened on a moment ago.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("the loopback has a free port");
    listener.local_addr().expect("a bound socket has an address").port()
}

/// Whether this is the long run (`tests/run --long`), in which random tests try more and crash tests kill more often.
pub fn long_run() -> bool {
    std::env::var_os("EXPUNGED_TEST_LONG").is_some()
}

/// Whether this test runs as root, which some servers need and others refuse.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// The program, in an environment that says nothing of its own, and with nothing to read.
pub fn expunged() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_expunged"));
    for name in ["EXPUNGED_CONFIG", "NO_COLOR", "CLICOLOR_FORCE", "CLICOLOR", "SUDO_USER", "CREDENTIALS_DIRECTORY"] {
        command.env_remove(name);
    }
    command.stdin(Stdio::null());
    command
}

/// A word that no other test process on this machine uses now: the process id and a running number.
pub fn unique_word() -> String {
    use std::sync::atomic::{AtomicU32, Ordering};
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}
