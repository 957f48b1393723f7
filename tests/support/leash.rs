//! Holds a server program so that it ends with us: on drop, and when this test process dies in any way.
//!
//! A small shell stands between: it holds the reading end of a pipe whose writing end is ours. When the pipe closes,
//! because we let go or because the kernel closed it for a dead process, the shell ends the server by its process id
//! and removes the folder. (The parent-death signal of Linux follows the *thread* that started the child, and test
//! threads end long before the process does.)

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The shell between us and the server. Arguments: folder, signal, program and its arguments.
const SHELL: &str = r#"
folder=$1 signal=$2; shift 2
exec 3<&0 </dev/null
"$@" 3<&- & server=$!
(
    read -r _ <&3
    if [ ! -e "$folder/ended" ]; then
        kill -s "$signal" "$server"
        tenths=0
        while [ "$tenths" -lt 50 ] && kill -0 "$server"; do sleep 0.1; tenths=$((tenths + 1)); done
        kill -s KILL "$server"
    fi
    rm -rf -- "$folder"
) 2>/dev/null &
wait "$server"; status=$?
: 2>/dev/null >"$folder/ended"
exit "$status"
"#;

/// A running server and its folder; both are gone after the drop.
#[derive(Debug)]
pub struct Leash {
    shell: Child,
    folder: PathBuf,
}

impl Leash {
    /// Runs a program that stays in the foreground. `folder` is handed over: it is removed with the server.
    /// `signal` (`"TERM"`, `"INT"`) asks the server to end; five seconds later it is killed.
    pub fn start<A: AsRef<OsStr>>(folder: Folder, signal: &str, program: &[A]) -> Self {
        let log = File::create(folder.0.path().join("log")).expect("the server's folder takes a log");
        let errors = log.try_clone().expect("a file handle can be cloned");
        let folder = folder.0.keep();
        let shell = Command::new("sh")
            .args(["-c", SHELL, "leash"])
            .arg(&folder)
            .arg(signal)
            .args(program)
            .stdin(Stdio::piped())
            .stdout(log)
            .stderr(errors)
            .process_group(0)
            .spawn()
            .expect("sh can be started");
        Self { shell, folder }
    }

    /// The server's folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Waits until `answers` says yes; `Err` with the server's log when it ended before or took too long.
    pub async fn until(&mut self, at_most: Duration, mut answers: impl AsyncFnMut() -> bool) -> Result<(), String> {
        let start = Instant::now();
        loop {
            let ended = self.shell.try_wait().expect("the shell is our child");
            if let Some(status) = ended {
                return Err(format!("the server ended ({status}):\n{}", self.log()));
            }
            if answers().await {
                return Ok(());
            }
            if start.elapsed() > at_most {
                return Err(format!("the server did not answer within {at_most:?}:\n{}", self.log()));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Gives the holding end to somebody else: the server ends when the new owner closes it or dies.
    pub fn hand_over(&mut self) -> Stdio {
        self.shell.stdin.take().map_or_else(Stdio::null, Stdio::from)
    }

    /// What the server printed so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }
}

impl Drop for Leash {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        // An error here means that the shell is gone already, which is what was asked for.
        drop(self.shell.wait());
    }
}

/// A temporary folder that other users may pass through (servers drop root), removed unless a [`Leash`] takes it.
#[derive(Debug)]
pub struct Folder(tempfile::TempDir);

impl Folder {
    /// An empty one, with mode 0711.
    pub fn create() -> Self {
        let folder = tempfile::Builder::new().prefix("expunged-").tempdir().expect("a temporary folder can be made");
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o711)).expect("the folder is ours");
        Self(folder)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.0.path()
    }
}
