//! A server for tests, in the same task as its client: every line that is written is answered at once by a script.
//!
//! It exists for the faults that a real server does not show on demand; everything else is tested against Dovecot.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use async_trait::async_trait;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::connect::Dial;
use super::conversation::Conversation;
use crate::mailbox::MailboxError;
use crate::mailbox::settings::ImapSettings;

/// What the server does with one line.
#[derive(Clone, Debug)]
pub(super) enum Act {
    /// It answers; `TAG` stands for the command's tag.
    Say(String),
    /// It answers and closes the connection.
    SayAndClose(String),
    /// It says nothing, ever.
    Silence,
}

/// Answers one line (without CRLF and tag) on the nth connection (from 0); `None` for what a good server does.
pub(super) type Script = dyn Fn(u32, &str) -> Option<Act> + Send + Sync;

/// Connections to a scripted server.
pub(super) struct FakeDial {
    script: Arc<Script>,
    greeting: Act,
    pub(super) dials: Arc<AtomicU32>,
    pub(super) heard: Arc<Mutex<Vec<String>>>,
}

impl FakeDial {
    pub(super) fn new(script: impl Fn(u32, &str) -> Option<Act> + Send + Sync + 'static) -> Self {
        let greeting = Act::Say("* OK ready\r\n".into());
        Self { script: Arc::new(script), greeting, dials: Arc::default(), heard: Arc::default() }
    }

    pub(super) fn greeting(self, greeting: Act) -> Self {
        Self { greeting, ..self }
    }
}

#[async_trait]
impl Dial for FakeDial {
    async fn dial(&self, settings: &ImapSettings) -> Result<Conversation, MailboxError> {
        let mut stream = FakeStream {
            connection: self.dials.fetch_add(1, Ordering::SeqCst),
            script: Arc::clone(&self.script),
            heard: Arc::clone(&self.heard),
            line: Vec::new(),
            out: VecDeque::new(),
            is_closed: false,
            waker: None,
        };
        stream.act(self.greeting.clone(), "");
        let mut conversation = Conversation::over(Box::new(stream), settings.step_timeout);
        conversation.greeting().await?;
        Ok(conversation)
    }
}

/// The letters of the good server: UID, bytes.
pub(super) const LETTERS: [(u32, &str); 3] = [(3, "Subject: three\r\n\r\n3"), (5, "Subject: five\r\n\r\n5"), (6, "6")];

/// What a server does that has nothing to hide.
fn good(line: &str) -> Act {
    let data = match line {
        "CAPABILITY" => "* CAPABILITY IMAP4rev1 UIDPLUS MOVE IDLE\r\n".to_owned(),
        "DONE" => return Act::Say("TAG OK done\r\n".into()),
        "IDLE" => return Act::Say("+ idling\r\n".into()),
        _ if line.starts_with("SELECT") => {
            "* 3 EXISTS\r\n* OK [UIDVALIDITY 77] ok\r\n* OK [UIDNEXT 7] ok\r\n".to_owned()
        }
        _ if line.starts_with("UID SEARCH") => "* SEARCH 3 5 6\r\n".to_owned(),
        _ if line.ends_with("(UID RFC822.SIZE INTERNALDATE)") => facts(&LETTERS),
        _ if line.ends_with("(UID BODY.PEEK[])") => bodies(&LETTERS),
        _ => String::new(),
    };
    Act::Say(data + "TAG OK done\r\n")
}

/// FETCH answers with size and date.
pub(super) fn facts(letters: &[(u32, &str)]) -> String {
    let fact = |(uid, letter): &(u32, &str)| {
        format!(
            "* {uid} FETCH (UID {uid} RFC822.SIZE {} INTERNALDATE \" 5-Mar-2026 10:11:12 +0000\")\r\n",
            letter.len()
        )
    };
    letters.iter().map(fact).collect()
}

/// FETCH answers with bytes.
pub(super) fn bodies(letters: &[(u32, &str)]) -> String {
    let body =
        |(uid, letter): &(u32, &str)| format!("* {uid} FETCH (UID {uid} BODY[] {{{}}}\r\n{letter})\r\n", letter.len());
    letters.iter().map(body).collect()
}

struct FakeStream {
    connection: u32,
    script: Arc<Script>,
    heard: Arc<Mutex<Vec<String>>>,
    line: Vec<u8>,
    out: VecDeque<u8>,
    is_closed: bool,
    waker: Option<Waker>,
}

impl FakeStream {
    fn hear(&mut self) {
        let line = String::from_utf8_lossy(&std::mem::take(&mut self.line)).trim_end().to_owned();
        let (tag, command) = match line.split_once(' ') {
            Some((tag, command)) => (tag.to_owned(), command),
            // DONE has no tag of its own: it ends the IDLE before it.
            None => (self.last_tag(), line.as_str()),
        };
        self.heard.lock().unwrap().push(format!("{tag} {command}"));
        let act = (self.script)(self.connection, command).unwrap_or_else(|| good(command));
        self.act(act, &tag);
    }

    fn last_tag(&self) -> String {
        let heard = self.heard.lock().unwrap();
        heard.last().and_then(|line| line.split(' ').next()).unwrap_or_default().to_owned()
    }

    fn act(&mut self, act: Act, tag: &str) {
        match act {
            Act::Say(words) => self.out.extend(words.replace("TAG", tag).into_bytes()),
            Act::SayAndClose(words) => {
                self.out.extend(words.replace("TAG", tag).into_bytes());
                self.is_closed = true;
            }
            Act::Silence => {}
        }
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

impl AsyncRead for FakeStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.out.is_empty() && !self.is_closed {
            self.waker = Some(cx.waker().clone());
            return Poll::Pending;
        }
        // A few bytes at a time, as a slow network would.
        let count = self.out.len().min(buf.remaining()).min(7);
        let piece: Vec<u8> = self.out.drain(..count).collect();
        buf.put_slice(&piece);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for FakeStream {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        for byte in bytes {
            self.line.push(*byte);
            if *byte == b'\n' {
                self.hear();
            }
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
