//! Postfix for tests: takes every letter by SMTP (STARTTLS offered) and hands it on by LMTP, whoever it is for.
//!
//! Nothing leaves the machine: every domain is a virtual mailbox domain of the LMTP server, and the default transport
//! is an error.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use super::certificate::Certificate;
use super::leash::{Folder, Leash};
use super::{free_port, is_root};

/// `postfix start-fg` keeps a shell above the master, which would outlive it: so the queue is laid out, and the shell
/// becomes the master. Argument: the configuration folder.
const BECOME_MASTER: &str =
    r#"postfix -c "$1" check && exec "$(postconf -c "$1" -hx daemon_directory)/master" -c "$1" -s"#;

/// A running Postfix.
#[derive(Debug)]
pub struct Postfix {
    /// SMTP on 127.0.0.1, with STARTTLS and without a login.
    pub smtp_port: u16,
    /// The certificate to trust.
    pub ca_file: PathBuf,
    leash: Leash,
}

impl Postfix {
    /// Starts it in front of the LMTP server on this port. `None`, said on stderr, when this is not root: Postfix
    /// changes users for each of its parts, and a test that needs it can only return.
    pub async fn start(lmtp_port: u16) -> Option<Self> {
        Self::start_with(lmtp_port, "").await
    }

    /// Starts it with further lines of `main.cf`, for example a domain that takes no letters; a later line wins.
    #[expect(clippy::print_stderr, reason = "a test that did not run says so where the runner shows it")]
    pub async fn start_with(lmtp_port: u16, config: &str) -> Option<Self> {
        if !is_root() {
            eprintln!("NOT TESTED: Postfix needs root, and this is not root");
            return None;
        }
        let mut failure = String::new();
        for _ in 0..3 {
            let smtp_port = free_port();
            let (folder, ca_file) = prepare(smtp_port, lmtp_port, config);
            let etc = folder.path().join("etc");
            let program = ["sh".as_ref(), "-c".as_ref(), BECOME_MASTER.as_ref(), "postfix".as_ref(), etc.as_os_str()];
            let mut leash = Leash::start(folder, "TERM", &program);
            match leash.until(Duration::from_secs(60), async || greets(smtp_port).await).await {
                Ok(()) => return Some(Self { smtp_port, ca_file, leash }),
                Err(why) => failure = format!("{why}{}", mail_log(leash.folder())),
            }
        }
        panic!("Postfix does not start: {failure}");
    }

    /// What Postfix wrote of its work, for the message of a failing test.
    pub fn mail_log(&self) -> String {
        mail_log(self.leash.folder())
    }
}

fn mail_log(folder: &Path) -> String {
    fs::read_to_string(folder.join("mail.log")).unwrap_or_default()
}

async fn greets(smtp_port: u16) -> bool {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", smtp_port)).await else { return false };
    let mut greeting = [0; 4];
    let read = tokio::time::timeout(Duration::from_secs(5), stream.read_exact(&mut greeting)).await;
    matches!(read, Ok(Ok(_))) && &greeting == b"220 "
}

/// Lays out the folder: configuration, queue, data (the postfix user's own), certificate.
fn prepare(smtp_port: u16, lmtp_port: u16, config: &str) -> (Folder, PathBuf) {
    let folder = Folder::create();
    let root = folder.path();
    for name in ["etc", "queue", "data"] {
        fs::create_dir(root.join(name)).expect("a temporary folder takes a folder");
    }
    let owned = Command::new("chown").arg("postfix:").arg(root.join("data")).status();
    assert!(owned.is_ok_and(|status| status.success()), "the user postfix exists (tests/run installs Postfix)");
    let certificate = Certificate::create(root);
    fs::write(root.join("etc/main.cf"), main_cf(root, lmtp_port, &certificate) + config).expect("the folder is ours");
    fs::write(root.join("etc/master.cf"), master_cf(smtp_port)).expect("the folder is ours");
    (folder, certificate.cert_file)
}

fn main_cf(root: &Path, lmtp_port: u16, certificate: &Certificate) -> String {
    let (root, cert, key) = (root.display(), certificate.cert_file.display(), certificate.key_file.display());
    format!(
        "compatibility_level = 3.6
queue_directory = {root}/queue
data_directory = {root}/data
maillog_file = {root}/mail.log
maillog_file_prefixes = {root}
myhostname = localhost.localdomain
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = loopback-only
inet_protocols = ipv4
alias_maps =
alias_database =
local_recipient_maps =
virtual_mailbox_domains = static:all
virtual_mailbox_maps = static:ok
virtual_transport = lmtp:inet:127.0.0.1:{lmtp_port}
default_transport = error:no-external-mail
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_tls_security_level = may
smtpd_tls_cert_file = {cert}
smtpd_tls_key_file = {key}
message_size_limit = 104857600
mailbox_size_limit = 0
queue_run_delay = 2s
minimal_backoff_time = 2s
maximal_backoff_time = 4s
in_flow_delay = 0
lmtp_destination_recipient_limit = 1
"
    )
}

/// The stock services without chroot, and one smtpd on our port.
fn master_cf(smtp_port: u16) -> String {
    let mut text = format!("127.0.0.1:{smtp_port} inet n - n - - smtpd\n");
    // Name, program, wake-up time, process limit; `-` is Postfix's default.
    let services = [
        ("pickup", "pickup", "60", "1"),
        ("cleanup", "cleanup", "-", "0"),
        ("qmgr", "qmgr", "300", "1"),
        ("tlsmgr", "tlsmgr", "1000?", "1"),
        ("rewrite", "trivial-rewrite", "-", "-"),
        ("bounce", "bounce", "-", "0"),
        ("defer", "bounce", "-", "0"),
        ("trace", "bounce", "-", "0"),
        ("verify", "verify", "-", "1"),
        ("flush", "flush", "1000?", "0"),
        ("proxymap", "proxymap", "-", "-"),
        ("proxywrite", "proxymap", "-", "1"),
        ("smtp", "smtp", "-", "-"),
        ("relay", "smtp", "-", "-"),
        ("showq", "showq", "-", "-"),
        ("error", "error", "-", "-"),
        ("retry", "error", "-", "-"),
        ("discard", "discard", "-", "-"),
        ("lmtp", "lmtp", "-", "-"),
        ("anvil", "anvil", "-", "1"),
        ("scache", "scache", "-", "1"),
    ];
    for (name, program, wake_up, limit) in services {
        // pickup, qmgr, showq and flush are asked by Postfix's own command line tools, so they are public.
        let private = if matches!(name, "pickup" | "qmgr" | "showq" | "flush" | "cleanup") { "n" } else { "-" };
        text.push_str(&format!("{name} unix {private} - n {wake_up} {limit} {program}\n"));
    }
    text.push_str("postlog unix-dgram n - n - 1 postlogd\n");
    text
}
