//! The post of a test's world: letters go in by SMTP through Postfix and lie in Dovecot's mailboxes, where they are
//! read by IMAP. Where this is not root, Postfix cannot run, and Dovecot's LMTP takes its place.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use expunged::reply::compose::Outgoing;
use expunged::reply::mailer::{Accepted, Mailer, SendError};
use lettre::address::Envelope;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};

use super::dovecot::Dovecot;
use super::imap::{self, Found};
use super::postfix::Postfix;

/// How long a letter may be on its way, and whatever else a test waits for.
const WAIT_MAX: Duration = Duration::from_secs(90);

/// Mailboxes and, as root, the mail server before them.
pub struct Post {
    /// Everybody's mailboxes.
    pub dovecot: Arc<Dovecot>,
    /// What takes letters; none where this is not root.
    pub postfix: Option<Postfix>,
}

impl Post {
    /// Starts both; `config` is added to Postfix's `main.cf`.
    pub async fn start(config: &str) -> Self {
        Self::start_with("", config).await
    }

    /// Starts both with further lines of configuration.
    pub async fn start_with(dovecot: &str, config: &str) -> Self {
        let dovecot = Arc::new(Dovecot::start_with(dovecot).await);
        let postfix = Postfix::start_with(dovecot.lmtp_port, config).await;
        Self { dovecot, postfix }
    }

    /// A customer hands a letter to their mail server.
    pub async fn send(&self, from: &str, to: &str, letter: &[u8]) {
        let Some(postfix) = &self.postfix else {
            return by_lmtp(&self.dovecot, to, letter).await;
        };
        let authority = std::fs::read(&postfix.ca_file).expect("the certificate is there");
        let authority = Certificate::from_pem(&authority).expect("it is PEM");
        let tls = TlsParameters::builder("localhost".to_owned()).add_root_certificate(authority).build().expect("TLS");
        let mailer = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous("127.0.0.1")
            .port(postfix.smtp_port)
            .tls(Tls::Required(tls))
            .build();
        let address = |text: &str| text.parse().expect("an address");
        let envelope = Envelope::new(Some(address(from)), vec![address(to)]).expect("one recipient");
        mailer.send_raw(&envelope, letter).await.expect("Postfix takes the letter");
    }

    /// Another way out than the configured one, where there is no Postfix.
    pub fn replacement(&self) -> Option<Arc<dyn Mailer>> {
        let lmtp = || Arc::new(Lmtp(Arc::clone(&self.dovecot))) as Arc<dyn Mailer>;
        self.postfix.is_none().then(lmtp)
    }

    /// The letters of a mailbox as they lie there now.
    pub fn inbox(&self, user: &str) -> Vec<Found> {
        imap::inbox(self.dovecot.imap_port, user)
    }

    /// The first letter of a mailbox whose subject has these words, as soon as it is there.
    pub async fn letter(&self, user: &str, subject: &str) -> Found {
        let look = async || {
            let mut letters = self.inbox(user).into_iter();
            letters.find(|letter| subject_of(&letter.bytes).contains(subject))
        };
        until(&format!("a letter {subject:?} for {user}"), look, || self.log()).await
    }

    /// For a test that is nothing without Postfix.
    #[expect(clippy::print_stderr, reason = "a test that did not run says so where the runner shows it")]
    pub fn says_that_postfix_is_missing() {
        eprintln!("NOT TESTED: Postfix needs root, and this is not root");
    }

    /// What the servers wrote, for the message of a failing test.
    pub fn log(&self) -> String {
        self.postfix.as_ref().map(Postfix::mail_log).unwrap_or_default()
    }
}

/// The decoded subject of a letter.
pub fn subject_of(letter: &[u8]) -> String {
    let parsed = mail_parser::MessageParser::default().parse_headers(letter);
    parsed.as_ref().and_then(|letter| letter.subject()).unwrap_or_default().to_owned()
}

/// Looks until there is something to see.
pub async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>, log: impl Fn() -> String) -> T {
    let start = tokio::time::Instant::now();
    loop {
        if let Some(seen) = look().await {
            return seen;
        }
        assert!(start.elapsed() < WAIT_MAX, "waited in vain for {what}\n{}", log());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn by_lmtp(dovecot: &Arc<Dovecot>, to: &str, letter: &[u8]) {
    let (dovecot, to) = (Arc::clone(dovecot), to.to_owned());
    let letter = String::from_utf8(letter.to_vec()).expect("the letters of these tests are text");
    tokio::task::spawn_blocking(move || dovecot.deliver(&to, &[letter])).await.expect("LMTP takes the letter");
}

/// Hands letters to Dovecot directly.
struct Lmtp(Arc<Dovecot>);

#[async_trait]
impl Mailer for Lmtp {
    async fn send(&self, outgoing: &Outgoing) -> Result<Accepted, SendError> {
        by_lmtp(&self.0, &outgoing.to, &outgoing.bytes).await;
        Ok(Accepted { code: Some(250) })
    }
}
