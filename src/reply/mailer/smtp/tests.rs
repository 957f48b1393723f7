//! SMTP against small servers in this process, one for each way that it can go wrong. Real servers are met in `tests/`.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use secrecy::SecretString;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;

/// What the server does when it has read the line with the final dot.
#[derive(Clone, Copy)]
enum AtTheDot {
    Answer(&'static str),
    Close,
    Stall,
}

/// How a server behaves: a reply for each command that is not the usual one.
#[derive(Clone, Copy)]
struct Script {
    offers_starttls: bool,
    on_auth: &'static str,
    on_mail: &'static str,
    on_rcpt: &'static str,
    on_data: &'static str,
    at_the_dot: AtTheDot,
}

/// In place of a reply: none, for ever.
const STALL: &str = "STALL";

/// Accepts everything. The replies name an address, as those of real servers do.
const WILLING: Script = Script {
    offers_starttls: true,
    on_auth: "235 welcome",
    on_mail: "250 sender ok",
    on_rcpt: "250 erika@home.example ok",
    on_data: "354 go on",
    at_the_dot: AtTheDot::Answer("250 2.0.0 queued for erika@home.example"),
};

/// A certificate for `localhost` and its key, made anew by the system's openssl.
fn certificate(folder: &std::path::Path) -> (PathBuf, TlsAcceptor) {
    let (cert, key) = (folder.join("cert.pem"), folder.join("key.pem"));
    let made = std::process::Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"])
        .args(["-subj", "/CN=localhost", "-addext", "basicConstraints=critical,CA:FALSE"])
        .args(["-addext", "subjectAltName=DNS:localhost", "-out"])
        .arg(&cert)
        .arg("-keyout")
        .arg(&key)
        .output()
        .expect("openssl is installed");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let certs = rustls_pki_types::CertificateDer::pem_file_iter(&cert).unwrap().map(Result::unwrap).collect();
    let key = rustls_pki_types::PrivateKeyDer::from_pem_file(&key).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(certs, key)
        .unwrap();
    (cert, TlsAcceptor::from(Arc::new(config)))
}

/// Speaks SMTP until the end of the letter or of the connection; records every line that it reads.
async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    script: Script,
    encrypted: bool,
    heard: &Mutex<Vec<String>>,
) -> Option<S> {
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    loop {
        line.clear();
        if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
            return None;
        }
        heard.lock().unwrap().push(line.trim_end().to_owned());
        let reply = match line.get(..4).unwrap_or_default() {
            "EHLO" if script.offers_starttls && !encrypted => "250-fake\r\n250 STARTTLS",
            "EHLO" => "250-fake\r\n250-8BITMIME\r\n250 AUTH PLAIN LOGIN",
            "STAR" => "220 go on",
            "AUTH" => script.on_auth,
            "MAIL" => script.on_mail,
            "RCPT" => script.on_rcpt,
            "DATA" => script.on_data,
            "QUIT" => "221 bye",
            other => panic!("unexpected command {other:?}"),
        };
        if reply == STALL {
            std::future::pending::<()>().await;
        }
        stream.write_all(format!("{reply}\r\n").as_bytes()).await.unwrap();
        if line.starts_with("STAR") {
            return Some(stream.into_inner());
        }
        if line.starts_with("DATA") && reply.starts_with("354") {
            let dot = async {
                loop {
                    line.clear();
                    stream.read_line(&mut line).await.unwrap();
                    heard.lock().unwrap().push(line.trim_end().to_owned());
                    if line == ".\r\n" {
                        return;
                    }
                }
            };
            dot.await;
            match script.at_the_dot {
                AtTheDot::Answer(reply) => stream.write_all(format!("{reply}\r\n").as_bytes()).await.unwrap(),
                AtTheDot::Close => return None,
                AtTheDot::Stall => std::future::pending::<()>().await,
            }
        }
    }
}

/// The outcome of one letter sent to a server with this script, and what the server heard.
async fn send_with(
    script: Script,
    security: Security,
    change: impl FnOnce(&mut SmtpSettings),
) -> (Result<Accepted, SendError>, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let (ca_file, acceptor) = certificate(folder.path());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut settings = SmtpSettings {
        host: "localhost".to_owned(),
        port: listener.local_addr().unwrap().port(),
        security,
        ca_file: Some(ca_file),
        login: Some(("support".to_owned(), Login::Password(SecretString::from("Wasserfall")))),
        send_timeout: Duration::from_secs(3),
    };
    change(&mut settings);
    let heard = Mutex::new(Vec::new());
    let server = async {
        let (mut tcp, _) = listener.accept().await.unwrap();
        match security {
            Security::StartTls => {
                tcp.write_all(b"220 fake\r\n").await.unwrap();
                let Some(tcp) = converse(tcp, script, false, &heard).await else { return };
                let Ok(tls) = acceptor.accept(tcp).await else { return };
                converse(tls, script, true, &heard).await;
            }
            Security::Tls => {
                let Ok(mut tls) = acceptor.accept(tcp).await else { return };
                tls.write_all(b"220 fake\r\n").await.unwrap();
                tls.flush().await.unwrap();
                converse(tls, script, true, &heard).await;
            }
        }
    };
    let mailer = SmtpMailer::new(settings).unwrap();
    let letter = outgoing();
    let client = mailer.send(&letter);
    tokio::pin!(client);
    // The server may be done first (it closed) or never (it stalls): the client's outcome is what counts.
    let outcome = tokio::select! {
        outcome = &mut client => outcome,
        () = server => client.await,
    };
    (outcome, heard.into_inner().unwrap())
}

async fn send(script: Script) -> Result<Accepted, SendError> {
    let (outcome, _) = send_with(script, Security::StartTls, |_| {}).await;
    if let Err(error) = &outcome {
        let said = format!("{error} {error:?}");
        assert!(!said.contains("erika") && !said.contains("example"), "an error says an address: {said}");
    }
    outcome
}

fn outgoing() -> Outgoing {
    Outgoing {
        message_id: "abc@shop.example".to_owned(),
        envelope_from: "bounces+abc@shop.example".to_owned(),
        to: "erika@home.example".to_owned(),
        bytes: b"Subject: x\r\n\r\nfirst\r\n.dot\r\nErika Mustermann\r\n".to_vec(),
    }
}

#[tokio::test]
async fn an_accepted_letter_is_sent_over_starttls_and_tls() {
    for security in [Security::StartTls, Security::Tls] {
        let (outcome, heard) = send_with(WILLING, security, |_| {}).await;
        assert_eq!(outcome, Ok(Accepted { code: Some(250) }));
        let at =
            |line: &str| heard.iter().position(|heard| heard == line).unwrap_or_else(|| panic!("{line} in {heard:?}"));
        assert!(at("MAIL FROM:<bounces+abc@shop.example>") < at("RCPT TO:<erika@home.example>"));
        assert!(at("..dot") < at("Erika Mustermann"), "a dot at the start of a line is doubled (RFC 5321 §4.5.2)");
        // An identity to act for, which is left to the server, the user and the password, each behind a NUL (RFC 4616 §2).
        let login = at(&format!("AUTH PLAIN {}", data_encoding::BASE64.encode(b"\0support\0Wasserfall")));
        let encrypted = heard.iter().position(|line| line == "STARTTLS").unwrap_or(0);
        assert!(encrypted <= login, "the login came before encryption");
    }
}

#[tokio::test]
async fn a_refusal_of_the_letter_is_final_and_a_delay_is_not() {
    let refused = |reached, code| Err(SendError::Permanent { reached, obstacle: Obstacle::Reply(code) });
    let later = |reached, code| Err(SendError::Transient { reached, obstacle: Obstacle::Reply(code) });
    let at_rcpt = Script { on_rcpt: "550 5.1.1 erika@home.example unknown", ..WILLING };
    assert_eq!(send(at_rcpt).await, refused(Reached::Recipient, 550));
    let greylisted = Script { on_rcpt: "451 4.7.1 erika@home.example come back", ..WILLING };
    assert_eq!(send(greylisted).await, later(Reached::Recipient, 451));
    // The sender is ours: what is refused there is refused of every letter until somebody puts it right.
    let not_ours = Script { on_mail: "553 5.7.1 sender not owned by user", ..WILLING };
    assert_eq!(send(not_ours).await, later(Reached::Sender, 553));
    assert_eq!(send(Script { on_data: "421 closing", ..WILLING }).await, later(Reached::Message, 421));
    let spam = AtTheDot::Answer("554 5.7.1 erika@home.example does not want this");
    assert_eq!(send(Script { at_the_dot: spam, ..WILLING }).await, refused(Reached::Message, 554));
    let full = AtTheDot::Answer("452 4.3.1 disk full");
    assert_eq!(send(Script { at_the_dot: full, ..WILLING }).await, later(Reached::Message, 452));
}

#[tokio::test]
async fn a_cut_or_silence_after_the_dot_is_ambiguous() {
    let cut = send(Script { at_the_dot: AtTheDot::Close, ..WILLING }).await;
    assert!(matches!(cut, Err(SendError::Ambiguous { .. })), "{cut:?}");
    let silence = send(Script { at_the_dot: AtTheDot::Stall, ..WILLING }).await;
    assert_eq!(silence, Err(SendError::Ambiguous { obstacle: Obstacle::Timeout }));
    let before_it = send(Script { on_rcpt: STALL, ..WILLING }).await;
    assert_eq!(before_it, Err(SendError::Transient { reached: Reached::Recipient, obstacle: Obstacle::Timeout }));
}

#[tokio::test]
async fn a_wrong_password_says_nothing_about_the_letter() {
    let outcome = send(Script { on_auth: "535 no support@shop.example", ..WILLING }).await;
    assert_eq!(outcome, Err(SendError::Transient { reached: Reached::Server, obstacle: Obstacle::Reply(535) }));
    let shown = outcome.unwrap_err();
    assert_eq!(shown.to_string(), "not sent, before any letter: the server answered 535");
}

#[tokio::test]
async fn without_encryption_nothing_is_said() {
    let (outcome, heard) = send_with(Script { offers_starttls: false, ..WILLING }, Security::StartTls, |_| {}).await;
    assert_eq!(outcome, Err(SendError::Transient { reached: Reached::Server, obstacle: Obstacle::Encryption }));
    assert!(heard.iter().all(|line| line.starts_with("EHLO")), "{heard:?}");
}

#[tokio::test]
async fn a_certificate_of_another_authority_is_not_trusted() {
    for security in [Security::StartTls, Security::Tls] {
        let other = tempfile::tempdir().unwrap();
        let (authority, _) = certificate(other.path());
        let (outcome, heard) = send_with(WILLING, security, |settings| settings.ca_file = Some(authority)).await;
        let untrusted = SendError::Transient { reached: Reached::Server, obstacle: Obstacle::Encryption };
        assert_eq!(outcome, Err(untrusted), "not only that the connection failed");
        assert!(!heard.iter().any(|line| line.starts_with("AUTH") || line.starts_with("MAIL")), "{heard:?}");
    }
}

#[tokio::test]
async fn silence_and_a_closed_port_are_worth_another_try() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let settings = |port| SmtpSettings {
        host: "localhost".to_owned(),
        port,
        security: Security::StartTls,
        ca_file: None,
        login: None,
        send_timeout: Duration::from_millis(300),
    };
    // Nobody accepts: the kernel takes the connection and no greeting comes.
    let port = listener.local_addr().unwrap().port();
    let silent = SmtpMailer::new(settings(port)).unwrap().send(&outgoing()).await;
    assert_eq!(silent, Err(SendError::Transient { reached: Reached::Server, obstacle: Obstacle::Timeout }));
    drop(listener);
    let closed = SmtpMailer::new(settings(port)).unwrap().send(&outgoing()).await;
    assert_eq!(closed, Err(SendError::Transient { reached: Reached::Server, obstacle: Obstacle::Connection }));
}

#[test]
fn a_bad_authority_is_a_clear_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    let settings = |path: &std::path::Path| SmtpSettings {
        host: "localhost".to_owned(),
        port: 25,
        security: Security::Tls,
        ca_file: Some(path.to_owned()),
        login: None,
        send_timeout: Duration::from_secs(1),
    };
    assert!(matches!(SmtpMailer::new(settings(&path)).err(), Some(SetupError::ReadCa { .. })));
    std::fs::write(&path, "-----BEGIN CERTIFICATE-----\nno\n-----END CERTIFICATE-----\n").unwrap();
    assert!(matches!(SmtpMailer::new(settings(&path)).err(), Some(SetupError::Tls { .. })));
    std::fs::write(&path, "no certificate at all\n").unwrap();
    assert!(matches!(SmtpMailer::new(settings(&path)).err(), Some(SetupError::NoCertificate { .. })));
}

/// A log that keeps everything, down to trace.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn the_conversation_is_not_logged_even_at_trace() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber =
        tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(move || writer.clone()).finish();
    let sending = async {
        tracing::trace!("the log works");
        send(WILLING).await
    };
    assert!(sending.with_subscriber(subscriber).await.is_ok());
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(text.contains("the log works"));
    for canary in ["erika", "Mustermann", "Wasserfall", "bounces+", "V2Fzc2VyZmFsbA"] {
        assert!(!text.contains(canary), "the log has {canary}: {text}");
    }
}
