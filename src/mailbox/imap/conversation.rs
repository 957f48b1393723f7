//! A conversation with an IMAP server: a command goes out, responses are read until its own tag comes back.
//!
//! NO, BAD, BYE, an end of the connection and silence are errors, always; never does a call wait without an end.

use std::io;
use std::time::Duration;

use async_imap::imap_proto::{self, MailboxDatum, Outcome, Response};
use data_encoding::BASE64;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, timeout_at};
use zeroize::{Zeroize as _, Zeroizing};

use super::command::Command;
use super::frame::{Extent, Frame, Framer};
use crate::mailbox::{MailboxError, Refusal, Status};

/// What a conversation runs over: TLS in production.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Sync + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> Stream for T {}

/// A slower transfer than this, in bytes a second, is taken for a stall.
const BYTES_PER_SECOND_MIN: u64 = 8 << 10;
/// Written or read at once; each piece must go through within the step's time.
const PIECE_BYTES: usize = 64 << 10;

/// How an IDLE ended well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Idled {
    /// Something arrived, or the time was over.
    Ended,
    /// The server does not want it, whatever it advertised.
    Refused,
}

/// How long a step may take.
#[derive(Clone, Copy)]
struct Patience {
    /// The step began here.
    since: Instant,
    /// Silence of this length is the end.
    silence: Duration,
    /// And so is this instant, however busy the server is.
    until: Instant,
}

/// One connection. After an error it is out of step with the server and must be dropped.
pub(super) struct Conversation {
    stream: Box<dyn Stream>,
    buffer: Vec<u8>,
    step_timeout: Duration,
    last_tag: u64,
    /// Letters in the selected folder, as far as the server told.
    letters: u32,
    arrived: bool,
}

impl Conversation {
    /// A conversation over a connection on which nothing was said yet.
    pub(super) fn over(stream: Box<dyn Stream>, step_timeout: Duration) -> Self {
        Self { stream, buffer: Vec::new(), step_timeout, last_tag: 0, letters: 0, arrived: false }
    }

    /// Reads the greeting, which must be OK.
    pub(super) async fn greeting(&mut self) -> Result<(), MailboxError> {
        const GREETING: &str = "the greeting";
        let frame = self.frame(GREETING, 0, self.patience(0)).await?;
        match frame.parse() {
            Some(Response::Data { status: imap_proto::Status::Ok, .. }) => Ok(()),
            Some(Response::Data { status: imap_proto::Status::Bye, .. }) => {
                Err(MailboxError::Bye { command: GREETING })
            }
            _ => Err(MailboxError::Garbled { command: GREETING, what: "it is not an OK of IMAP" }),
        }
    }

    /// The naked connection, for STARTTLS. What came after the OK and before TLS was not said by the server that the
    /// certificate names, so it is an error.
    pub(super) fn into_stream(self) -> Result<Box<dyn Stream>, MailboxError> {
        if self.buffer.is_empty() {
            return Ok(self.stream);
        }
        Err(MailboxError::Garbled { command: "STARTTLS", what: "words in the clear after the OK" })
    }

    /// Says a command and hands every untagged response to `take`, until the server says OK to it.
    pub(super) async fn run(
        &mut self,
        command: Command,
        mut take: impl FnMut(&Response<'_>) + Send,
    ) -> Result<(), MailboxError> {
        let sent_bytes: usize = command.parts.iter().map(Vec::len).sum();
        let patience = self.patience(command.answer_bytes.saturating_add(sent_bytes as u64));
        let (name, literal_bytes_max) = (command.name, command.literal_bytes_max);
        let tag = self.next_tag();
        let mut line = format!("{tag} ").into_bytes();
        let last = command.parts.len() - 1;
        for (index, part) in command.parts.into_iter().enumerate() {
            line.extend_from_slice(&part);
            line.extend_from_slice(b"\r\n");
            self.write(name, &line, patience).await?;
            line.clear();
            let expected = if index < last { Answer::Continue } else { Answer::Done };
            if self.hear(name, &tag, literal_bytes_max, patience, &mut take).await? != expected {
                return Err(MailboxError::Garbled { command: name, what: "it came too early or too late" });
            }
        }
        Ok(())
    }

    /// AUTHENTICATE (RFC 9051 §6.2.2) by a mechanism in which we speak once. What a server says in place of an OK is answered by
    /// an empty line, after which it says NO.
    pub(super) async fn authenticate(&mut self, mechanism: &str, said: &[u8]) -> Result<(), MailboxError> {
        const AUTHENTICATE: &str = "AUTHENTICATE";
        let (tag, patience) = (self.next_tag(), self.patience(0));
        let mut line = format!("{tag} AUTHENTICATE {mechanism}\r\n").into_bytes();
        // What is asked for, then our words, then an empty line where there is an error to acknowledge.
        for next in [Zeroizing::new(BASE64.encode(said) + "\r\n"), Zeroizing::new("\r\n".to_owned())] {
            self.write(AUTHENTICATE, &line, patience).await?;
            if self.hear(AUTHENTICATE, &tag, 0, patience, &mut |_| {}).await? == Answer::Done {
                return Ok(());
            }
            line.zeroize();
            line = next.as_bytes().to_vec();
        }
        self.write(AUTHENTICATE, &line, patience).await?;
        match self.hear(AUTHENTICATE, &tag, 0, patience, &mut |_| {}).await? {
            Answer::Done => Ok(()),
            Answer::Continue => Err(MailboxError::Garbled { command: AUTHENTICATE, what: "no end of it" }),
        }
    }

    /// IDLE (RFC 2177) until something arrives, at most this long.
    pub(super) async fn idle(&mut self, at_most: Duration) -> Result<Idled, MailboxError> {
        const IDLE: &str = "IDLE";
        let tag = self.next_tag();
        self.write(IDLE, format!("{tag} IDLE\r\n").as_bytes(), self.patience(0)).await?;
        match self.hear(IDLE, &tag, 0, self.patience(0), &mut |_| {}).await {
            Ok(Answer::Continue) => {}
            Ok(Answer::Done) | Err(MailboxError::Refused { .. }) => return Ok(Idled::Refused),
            Err(error) => return Err(error),
        }
        let until = Instant::now() + at_most;
        let idle = Patience { since: Instant::now(), silence: at_most, until };
        while !self.arrived && Instant::now() < until {
            match self.frame(IDLE, 0, idle).await {
                Err(MailboxError::TimedOut { .. }) => break,
                Err(error) => return Err(error),
                Ok(frame) => {
                    if self.sort(IDLE, &tag, &frame, &mut |_| {})?.is_some() {
                        return Err(MailboxError::Garbled { command: IDLE, what: "it ended by itself" });
                    }
                }
            }
        }
        self.write(IDLE, b"DONE\r\n", self.patience(0)).await?;
        match self.hear(IDLE, &tag, 0, self.patience(0), &mut |_| {}).await? {
            Answer::Done => Ok(Idled::Ended),
            Answer::Continue => Err(MailboxError::Garbled { command: IDLE, what: "no end of it" }),
        }
    }

    /// Whether the server has told of new letters since [`Self::forget_arrivals`].
    pub(super) const fn has_arrivals(&self) -> bool {
        self.arrived
    }

    /// From here on, only what comes later counts as new.
    pub(super) const fn forget_arrivals(&mut self) {
        self.arrived = false;
    }

    /// A folder was selected: counts start again.
    pub(super) const fn start_folder(&mut self) {
        self.letters = 0;
    }

    fn next_tag(&mut self) -> String {
        self.last_tag += 1;
        format!("E{}", self.last_tag)
    }

    fn patience(&self, bytes: u64) -> Patience {
        let transfer = Duration::from_secs(bytes / BYTES_PER_SECOND_MIN);
        let since = Instant::now();
        Patience { since, silence: self.step_timeout, until: since + self.step_timeout + transfer }
    }

    async fn write(&mut self, command: &'static str, octets: &[u8], patience: Patience) -> Result<(), MailboxError> {
        for piece in octets.chunks(PIECE_BYTES) {
            let sent = async {
                self.stream.write_all(piece).await?;
                self.stream.flush().await
            };
            within(command, patience, sent).await?;
        }
        Ok(())
    }

    /// Reads until the server has something to say to *this* command.
    async fn hear(
        &mut self,
        command: &'static str,
        tag: &str,
        literal_bytes_max: u64,
        patience: Patience,
        take: &mut (dyn FnMut(&Response<'_>) + Send),
    ) -> Result<Answer, MailboxError> {
        loop {
            let frame = self.frame(command, literal_bytes_max, patience).await?;
            if let Some(answer) = self.sort(command, tag, &frame, take)? {
                return Ok(answer);
            }
        }
    }

    /// What one response means for this command; `None` for news and data.
    fn sort(
        &mut self,
        command: &'static str,
        tag: &str,
        frame: &Frame,
        take: &mut (dyn FnMut(&Response<'_>) + Send),
    ) -> Result<Option<Answer>, MailboxError> {
        let garbled = |what| Err(MailboxError::Garbled { command, what });
        let Some(response) = frame.parse() else { return garbled("it is not IMAP") };
        match &response {
            Response::Continue(_) => return Ok(Some(Answer::Continue)),
            Response::Done { tag: found, .. } if found.0 != tag => return garbled("an answer to another command"),
            Response::Done { status, outcome, .. } => {
                return match status {
                    imap_proto::Status::Ok => Ok(Some(Answer::Done)),
                    imap_proto::Status::No => Err(refused(command, Status::No, outcome)),
                    imap_proto::Status::Bad => Err(refused(command, Status::Bad, outcome)),
                    imap_proto::Status::Bye | imap_proto::Status::PreAuth => garbled("a tag where none can be"),
                };
            }
            Response::Data { status: imap_proto::Status::Bye, .. } => return Err(MailboxError::Bye { command }),
            Response::Data { status: imap_proto::Status::Bad, outcome } => {
                return Err(refused(command, Status::Bad, outcome));
            }
            Response::MailboxData(MailboxDatum::Exists(count)) => {
                self.arrived |= *count > self.letters;
                self.letters = *count;
            }
            Response::Expunge(_) => self.letters = self.letters.saturating_sub(1),
            _ => {}
        }
        take(&response);
        Ok(None)
    }

    /// The next whole response. Dropping the future loses nothing: what was read stays in the buffer.
    async fn frame(
        &mut self,
        command: &'static str,
        literal_bytes_max: u64,
        patience: Patience,
    ) -> Result<Frame, MailboxError> {
        let mut framer = Framer::default();
        loop {
            match framer.advance(&self.buffer, literal_bytes_max) {
                Extent::Complete(end) => {
                    let rest = self.buffer.split_off(end);
                    return Ok(Frame::new(std::mem::replace(&mut self.buffer, rest)));
                }
                Extent::TooLarge(bytes) => {
                    return Err(MailboxError::TooLarge { command, bytes, bytes_max: literal_bytes_max });
                }
                Extent::Partial(needed) => {
                    self.buffer.reserve((needed - self.buffer.len()).clamp(PIECE_BYTES / 16, PIECE_BYTES));
                }
            }
            if within(command, patience, self.stream.read_buf(&mut self.buffer)).await? == 0 {
                let source = io::Error::from(io::ErrorKind::UnexpectedEof);
                return Err(MailboxError::Ended { command, source });
            }
        }
    }
}

/// What the server says to a command itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    /// It waits for more of the command.
    Continue,
    /// The command is done.
    Done,
}

async fn within<T>(
    command: &'static str,
    patience: Patience,
    step: impl Future<Output = io::Result<T>>,
) -> Result<T, MailboxError> {
    let (now, until) = (Instant::now(), patience.until);
    let timed_out = || MailboxError::TimedOut { command, after: patience.since.elapsed() };
    // A step that is always ready at once never sees a timer: a server that only talks would be listened to for ever.
    if now >= until {
        return Err(timed_out());
    }
    match timeout_at(until.min(now + patience.silence), step).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(source)) => Err(MailboxError::Ended { command, source }),
        Err(_) => Err(timed_out()),
    }
}

/// Keeps the response code and throws the server's words away.
fn refused(command: &'static str, status: Status, outcome: &Outcome<'_>) -> MailboxError {
    let code = match &outcome.code {
        Some(imap_proto::ResponseCode::TryCreate) => Some(Refusal::TryCreate),
        Some(_) => None,
        None => outcome.information.as_deref().and_then(Refusal::from_text),
    };
    MailboxError::Refused { command, status, code }
}
