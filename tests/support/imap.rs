//! A person's look into a mailbox by plain IMAP: every letter with its flags, and nothing changed by looking.
//!
//! Not the program's own client: it knows LOGIN, EXAMINE and FETCH, and enough of a response to read them.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::Duration;

use super::dovecot::PASSWORD;

/// A letter as it lies in a mailbox.
#[derive(Clone)]
pub struct Found {
    /// Its flags and keywords, without `\Recent`.
    pub flags: Vec<String>,
    /// The letter.
    pub bytes: Vec<u8>,
}

/// All letters of a user's INBOX, oldest first.
pub fn inbox(port: u16, user: &str) -> Vec<Found> {
    folder(port, user, "INBOX")
}

/// All letters of a folder that is there, oldest first.
pub fn folder(port: u16, user: &str, folder: &str) -> Vec<Found> {
    let stream = TcpStream::connect(("127.0.0.1", port)).expect("IMAP listens");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a socket takes a timeout");
    let mut answers = BufReader::new(stream.try_clone().expect("a socket can be cloned"));
    let mut line = Vec::new();
    answers.read_until(b'\n', &mut line).expect("IMAP greets");
    let quoted = PASSWORD.replace('\\', "\\\\").replace('"', "\\\"");
    let login = format!("LOGIN {user} \"{quoted}\"");
    // EXAMINE opens read-only: looking takes no letter's newness away.
    for command in [login, format!("EXAMINE {folder}")] {
        conversation(&stream, &mut answers, &command);
    }
    let found = conversation(&stream, &mut answers, "UID FETCH 1:* (FLAGS BODY.PEEK[])");
    found.into_iter().filter_map(|(text, literal)| letter(&text, literal?)).collect()
}

/// Says a command and collects the untagged answers, each with the literal in it.
fn conversation(mut stream: &TcpStream, answers: &mut impl BufRead, command: &str) -> Vec<(String, Option<Vec<u8>>)> {
    stream.write_all(format!("a {command}\r\n").as_bytes()).expect("IMAP listens");
    let mut found = Vec::new();
    loop {
        let (mut text, mut literal) = (String::new(), None);
        loop {
            let mut line = String::new();
            assert!(answers.read_line(&mut line).expect("IMAP answers") > 0, "IMAP hung up");
            text.push_str(&line);
            let Some(length) = line.trim_end().strip_suffix('}').and_then(|line| line.rsplit_once('{')) else { break };
            let mut bytes = vec![0; length.1.parse().expect("a literal has a length")];
            answers.read_exact(&mut bytes).expect("a literal is whole");
            literal = Some(bytes);
        }
        if let Some(end) = text.strip_prefix("a ") {
            assert!(end.starts_with("OK"), "IMAP: {end}");
            return found;
        }
        found.push((text, literal));
    }
}

fn letter(text: &str, bytes: Vec<u8>) -> Option<Found> {
    let flags = text.split("FLAGS (").nth(1)?.split(')').next()?;
    let flags = flags.split_whitespace().filter(|flag| *flag != "\\Recent").map(ToOwned::to_owned).collect();
    Some(Found { flags, bytes })
}
