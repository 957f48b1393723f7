//! Dovecot for tests: IMAP with TLS and STARTTLS, and LMTP to deliver by; Maildirs below its folder.
//!
//! Any user logs in with [`PASSWORD`] and has a mailbox at once. Nothing of it needs root; as root it runs as `nobody`,
//! because Dovecot refuses logins of root.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::certificate::Certificate;
use super::leash::{Folder, Leash};
use super::{free_port, is_root};

/// Everybody's password. It has the characters that a client must escape; a blank would end it in Dovecot's config.
pub const PASSWORD: &str = "correct-horse\"battery\\staple";

/// A running Dovecot; stopped, and its folder removed, when it is dropped.
#[derive(Debug)]
pub struct Dovecot {
    /// IMAP over TLS on 127.0.0.1.
    pub imaps_port: u16,
    /// IMAP on 127.0.0.1, with STARTTLS.
    pub imap_port: u16,
    /// LMTP on 127.0.0.1.
    pub lmtp_port: u16,
    /// The certificate to trust.
    pub ca_file: PathBuf,
    /// Its folder; the mail of a user lies in `mail/USER` below it.
    pub root: PathBuf,
    leash: Leash,
}

impl Dovecot {
    /// Starts one on free ports. A port can be taken between the choice and the start, so three are tried.
    pub async fn start() -> Self {
        Self::start_with("").await
    }

    /// Starts one with further lines of configuration, for example a shorter list of capabilities.
    pub async fn start_with(config: &str) -> Self {
        let program = program();
        let mut failure = String::new();
        for _ in 0..3 {
            let ports = [free_port(), free_port(), free_port()];
            let (folder, ca_file) = prepare(ports, config);
            let root = folder.path().join("dovecot");
            let file = root.join("dovecot.conf");
            let mut line: Vec<std::ffi::OsString> = Vec::new();
            if is_root() {
                line.extend(["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--"].map(Into::into));
            }
            line.extend([program.clone().into(), "-F".into(), "-c".into(), file.into()]);
            let mut leash = Leash::start(folder, "TERM", &line);
            let [imaps_port, imap_port, lmtp_port] = ports;
            let answers = async || greets(imap_port, "* OK") && greets(lmtp_port, "220 ");
            match leash.until(Duration::from_secs(30), answers).await {
                Ok(()) => return Self { imaps_port, imap_port, lmtp_port, ca_file, root, leash },
                Err(why) => failure = format!("{why}{}", mail_log(&root)),
            }
        }
        panic!("Dovecot does not start: {failure}");
    }

    /// Delivers letters to one user by LMTP (RFC 2033), in this order. Lines may end in LF or CRLF.
    pub fn deliver(&self, user: &str, letters: &[String]) {
        let stream = TcpStream::connect(("127.0.0.1", self.lmtp_port)).expect("LMTP listens");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a socket takes a timeout");
        let mut answers = BufReader::new(stream.try_clone().expect("a socket can be cloned")).lines();
        let mut say = |words: &str, code: &str| {
            (&stream).write_all(words.as_bytes()).expect("LMTP listens");
            loop {
                let line = answers.next().expect("LMTP answers").expect("LMTP answers in text");
                assert!(line.starts_with(code), "LMTP: {line}");
                if line.as_bytes().get(3) != Some(&b'-') {
                    break;
                }
            }
        };
        say("", "220");
        say("LHLO localhost\r\n", "250");
        for letter in letters {
            say("MAIL FROM:<sender@example.org>\r\n", "250");
            say(&format!("RCPT TO:<{user}>\r\n"), "250");
            say("DATA\r\n", "354");
            let lines = letter.lines().map(|line| if line.starts_with('.') { format!(".{line}") } else { line.into() });
            let body: String = lines.map(|line| line + "\r\n").collect();
            say(&format!("{body}.\r\n"), "250");
        }
        say("QUIT\r\n", "221");
    }

    /// The Maildir of a user; there once something was delivered or somebody logged in.
    pub fn maildir(&self, user: &str) -> PathBuf {
        self.root.join("mail").join(user)
    }

    /// What Dovecot wrote of its work, for the message of a failing test.
    pub fn mail_log(&self) -> String {
        format!("{}{}", self.leash.log(), mail_log(&self.root))
    }
}

/// Where Dovecot is, or a clear word: a test that needs it never passes without it.
fn program() -> PathBuf {
    let places = std::env::var_os("PATH").unwrap_or_default();
    let places = std::env::split_paths(&places).chain(["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from));
    let found = places.map(|folder| folder.join("dovecot")).find(|program| program.is_file());
    found.unwrap_or_else(|| panic!("Dovecot is not installed: run tests/run, which installs it"))
}

/// Whether the server speaks, not only listens: its parts start after its port is open.
fn greets(port: u16, greeting: &str) -> bool {
    let Ok(stream) = TcpStream::connect(("127.0.0.1", port)) else { return false };
    let Ok(()) = stream.set_read_timeout(Some(Duration::from_secs(5))) else { return false };
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).is_ok() && line.starts_with(greeting)
}

fn mail_log(root: &Path) -> String {
    fs::read_to_string(root.join("mail.log")).unwrap_or_default()
}

/// Lays out the folder, owned by whom Dovecot will run as.
fn prepare(ports: [u16; 3], config: &str) -> (Folder, PathBuf) {
    let folder = Folder::create();
    let root = folder.path().join("dovecot");
    for name in ["base", "state", "mail"] {
        fs::create_dir_all(root.join(name)).expect("a temporary folder takes a folder");
    }
    let certificate = Certificate::create(&root);
    let text = dovecot_conf(&root, ports, &certificate) + config;
    fs::write(root.join("dovecot.conf"), text).expect("the folder is ours");
    if is_root() {
        let owned = Command::new("chown").args(["-R", "nobody:nogroup"]).arg(&root).status();
        assert!(owned.is_ok_and(|status| status.success()), "the user nobody exists");
    }
    (folder, certificate.cert_file)
}

/// The name that `id` answers for us, or that of nobody.
fn owner(argument: &str) -> String {
    let subject: &[&str] = if is_root() { &["nobody"] } else { &[] };
    let answer = Command::new("id").arg(argument).args(subject).output().expect("id is everywhere");
    String::from_utf8_lossy(&answer.stdout).trim().to_owned()
}

fn dovecot_conf(root: &Path, [imaps_port, imap_port, lmtp_port]: [u16; 3], certificate: &Certificate) -> String {
    let (user, group, uid, gid) = (owner("-un"), owner("-gn"), owner("-u"), owner("-g"));
    let (root, cert, key) = (root.display(), certificate.cert_file.display(), certificate.key_file.display());
    format!(
        r#"protocols = imap lmtp
listen = 127.0.0.1
base_dir = {root}/base
state_dir = {root}/state
log_path = {root}/mail.log
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
first_valid_uid = {uid}
first_valid_gid = {gid}
mail_location = maildir:{root}/mail/%u
mail_fsync = never
disable_plaintext_auth = no
auth_failure_delay = 0
auth_mechanisms = plain login
ssl = yes
ssl_cert = <{cert}
ssl_key = <{key}
passdb {{
  driver = static
  args = password={PASSWORD}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={root}/mail/%u allow_all_users=yes
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {imap_port}
  }}
  inet_listener imaps {{
    port = {imaps_port}
    ssl = yes
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    port = {lmtp_port}
  }}
}}
"#
    )
}
