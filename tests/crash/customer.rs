//! The customer: separate code that reads only its own Maildir, finds the code as a person would, and replies.

use std::path::Path;

use mail_parser::MessageParser;
use regex::Regex;

use super::shop::{ASKING, OWNER};

/// A letter that asks for the account to be deleted.
pub fn request() -> String {
    letter(
        OWNER,
        "privacy@shop.example",
        "Please close my account",
        "1",
        "Hello,\r\n\r\nplease delete my account and all data that belongs to it.\r\n\r\nThank you\r\n",
    )
}

/// A letter that is nobody's business here.
pub fn question() -> String {
    letter(
        ASKING,
        "privacy@shop.example",
        "Invoice for March",
        "2",
        "Hello,\r\n\r\ncould you send me the invoice for March again?\r\n",
    )
}

/// The answer to the challenge that lies in this Maildir: its code, above the quoted letter.
pub fn answer(maildir: &Path) -> String {
    let letters = letters(maildir);
    let [challenge] = letters.as_slice() else { panic!("{} letters instead of the challenge", letters.len()) };
    let challenge = MessageParser::default().parse(challenge).expect("a letter");
    let text = challenge.body_text(0).expect("a text").into_owned();
    let alone = Regex::new(r"(?m)(?:^|[ :])([A-Z0-9]{6})\r?$").expect("a pattern");
    let mut codes = alone.captures_iter(&text).map(|found| found[1].to_owned());
    let mixed =
        |code: &String| code.bytes().any(|b| b.is_ascii_digit()) && code.bytes().any(|b| b.is_ascii_uppercase());
    let code = codes.find(mixed).expect("a code in the letter");
    let to = challenge.reply_to().and_then(|to| to.first()?.address()).expect("an address to reply to");
    assert!(to.starts_with("privacy+"), "{to} proves nothing");
    let quoted: String = text.lines().map(|line| format!("> {line}\r\n")).collect();
    letter(OWNER, to, "Re: Please confirm", "3", &format!("{code}\r\n\r\n{quoted}"))
}

fn letter(from: &str, to: &str, subject: &str, id: &str, text: &str) -> String {
    format!(
        "From: Customer <{from}>\r\nTo: <{to}>\r\nSubject: {subject}\r\nDate: Mon, 02 Mar 2026 09:00:00 +0000\r\n\
         Message-ID: <{id}@customers.example>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\
         Content-Transfer-Encoding: 8bit\r\n\r\n{text}"
    )
}

/// The unread letters of a Maildir.
pub fn letters(maildir: &Path) -> Vec<Vec<u8>> {
    let Ok(entries) = std::fs::read_dir(maildir.join("new")) else { return Vec::new() };
    entries.map(|entry| std::fs::read(entry.unwrap().path()).unwrap()).collect()
}
