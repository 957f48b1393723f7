//! The customer: separate code that reads only its own mailbox, finds the code as a person would, and replies.

use std::path::Path;

use mail_parser::MessageParser;
use regex::Regex;

use super::shop::{ASKING, OWNER, PARTNER};

/// Whom the letters of a world are between.
#[derive(Clone, Debug)]
pub struct People {
    /// Where customers write to.
    pub support: String,
    /// The one who asks for account 1 to be deleted.
    pub owner: String,
}

impl People {
    /// Of a world that has its mailboxes for itself.
    pub fn alone() -> Self {
        Self { support: "privacy@shop.example".to_owned(), owner: OWNER.to_owned() }
    }

    /// Of one world among others on the same servers.
    pub fn numbered(number: u32) -> Self {
        Self { support: format!("privacy{number}@shop.example"), owner: format!("owner.1.of.{number}@team.example") }
    }

    /// A letter that asks for the account to be deleted.
    pub fn request(&self) -> String {
        letter(
            &self.owner,
            &self.support,
            "Please close my account",
            "1",
            "Hello,\r\n\r\nplease delete my account and all data that belongs to it.\r\n\r\nThank you\r\n",
        )
    }

    /// A letter that asks, from elsewhere, for the accounts of two addresses.
    pub fn request_of_two(&self) -> String {
        let text = format!("Hello,\r\n\r\nplease delete my accounts {OWNER} and {ASKING}.\r\n");
        letter("new@elsewhere.example", &self.support, "My accounts", "1", &text)
    }

    /// A letter that is nobody's business here.
    pub fn question(&self) -> String {
        letter(
            ASKING,
            &self.support,
            "Invoice for March",
            "2",
            "Hello,\r\n\r\ncould you send me the invoice for March again?\r\n",
        )
    }

    /// Where the answer to the challenge goes to, and the answer: its code, above the quoted letter. One challenge lies
    /// there, perhaps twice where the daemon was killed while it was handed over.
    pub fn answer(&self, letters: &[Vec<u8>]) -> (String, String) {
        let mut ids = message_ids(letters);
        ids.dedup();
        assert_eq!(ids.len(), 1, "{} letters instead of the challenge", letters.len());
        let challenge = MessageParser::default().parse(&letters[0]).expect("a letter");
        let text = challenge.body_text(0).expect("a text").into_owned();
        let alone = Regex::new(r"(?m)(?:^|[ :])([A-Z0-9]{6})\r?$").expect("a pattern");
        let mut codes = alone.captures_iter(&text).map(|found| found[1].to_owned());
        let mixed =
            |code: &String| code.bytes().any(|b| b.is_ascii_digit()) && code.bytes().any(|b| b.is_ascii_uppercase());
        let code = codes.find(mixed).expect("a code in the letter");
        let to = challenge.reply_to().and_then(|to| to.first()?.address()).expect("an address to reply to");
        let support = self.support.split('@').next().expect("an address has a name");
        assert!(to.starts_with(&format!("{support}+")), "{to} proves nothing");
        let quoted: String = text.lines().map(|line| format!("> {line}\r\n")).collect();
        (to.to_owned(), letter(&self.owner, to, "Re: Please confirm", "3", &format!("{code}\r\n\r\n{quoted}")))
    }
}

/// What the partner answers who was asked to erase as well, and where to.
pub fn partner_answer(letters: &[Vec<u8>]) -> (String, String) {
    let asked = MessageParser::default().parse(letters.first().expect("the partner was asked")).expect("a letter");
    let to = asked.reply_to().and_then(|to| to.first()?.address()).expect("an address to reply to");
    (to.to_owned(), letter(PARTNER, to, "Re: Please erase", "4", "Done.\r\n"))
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

/// The Message-IDs of letters, sorted.
pub fn message_ids(letters: &[Vec<u8>]) -> Vec<String> {
    let id = |letter: &Vec<u8>| MessageParser::default().parse(letter).unwrap().message_id().unwrap().to_owned();
    let mut ids: Vec<String> = letters.iter().map(id).collect();
    ids.sort();
    ids
}
