//! The letters of the test's customers, as their mail programs write them.

use mail_parser::{Address, Message, MessageParser};

use super::stores::Person;
use super::world::SUPPORT;

/// A letter to support; `headers` are whole lines beside the usual ones.
pub fn written(from: &Person, date: &str, subject: &str, text: &str, headers: &str) -> String {
    format!(
        "From: {} <{}>\r\nTo: <{SUPPORT}>\r\nSubject: {}\r\nDate: {date}\r\nMessage-ID: <{}.{}@customers.example>\r\n\
         {headers}MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\
         Content-Transfer-Encoding: 8bit\r\n\r\n{}\r\n",
        from.name,
        from.email,
        encoded(subject),
        from.id,
        subject.len(),
        text.replace('\n', "\r\n"),
    )
}

/// A reply as a mail program makes it: to Reply-To, in the thread, the letter quoted below the new text.
/// Answers where it goes and the letter.
pub fn reply(letter: &Message<'_>, from: &Person, date: &str, text: &str) -> (String, String) {
    let to =
        address(letter.reply_to()).or_else(|| address(letter.from())).expect("a letter has an address to reply to");
    let id = letter.message_id().expect("a letter has a Message-ID");
    let quoted: String = text_of(letter).lines().map(|line| format!("> {line}\r\n")).collect();
    let reply = format!(
        "From: {} <{}>\r\nTo: <{to}>\r\nSubject: {}\r\nDate: {date}\r\nMessage-ID: <re.{}@customers.example>\r\n\
         In-Reply-To: <{id}>\r\nReferences: <{id}>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\
         Content-Transfer-Encoding: 8bit\r\n\r\n{text}\r\n\r\n{quoted}",
        from.name,
        from.email,
        encoded(&format!("Re: {}", letter.subject().unwrap_or_default())),
        from.id,
    );
    (to, reply)
}

/// A letter taken apart.
pub fn parsed(bytes: &[u8]) -> Message<'_> {
    MessageParser::default().parse(bytes).expect("our letters are letters")
}

/// Its text as a reader sees it.
pub fn text_of(letter: &Message<'_>) -> String {
    letter.body_text(0).expect("our letters have a text").into_owned()
}

/// The six symbols that stand alone on a line of a challenge, as a person finds them.
pub fn code(letter: &Message<'_>) -> Option<String> {
    let text = text_of(letter);
    let mut words = text.lines().filter_map(|line| line.trim().rsplit([' ', ':']).next());
    let is_code = |word: &&str| {
        word.len() == 6
            && word.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
            && word.bytes().any(|b| b.is_ascii_digit())
    };
    words.find(is_code).map(ToOwned::to_owned)
}

/// The first address of a header.
pub fn address(header: Option<&Address<'_>>) -> Option<String> {
    Some(header?.first()?.address()?.to_owned())
}

/// A subject with other letters than ASCII as RFC 2047 wants it.
fn encoded(subject: &str) -> String {
    if subject.is_ascii() {
        return subject.to_owned();
    }
    format!("=?utf-8?B?{}?=", data_encoding::BASE64.encode(subject.as_bytes()))
}
