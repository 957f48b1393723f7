//! The customers of the demo: separate code that reads only its own Maildir and answers by letter.
//!
//! It knows nothing of the engine: it finds the code in the text as a person would, and replies to Reply-To.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use mail_parser::{Message, MessageParser, MimeHeaders};

use super::letters::Habit;
use super::shop::Person;

/// A letter that a customer writes back.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The whole letter.
    pub bytes: Vec<u8>,
}

/// One customer with their mailbox.
pub struct Customer {
    person: Person,
    habit: Habit,
    folder: PathBuf,
    read: BTreeSet<PathBuf>,
    answered: u32,
}

impl Customer {
    /// A customer whose letters lie in this Maildir.
    pub fn new(person: Person, habit: Habit, folder: PathBuf) -> Self {
        Self { person, habit, folder, read: BTreeSet::new(), answered: 0 }
    }

    /// Reads what is new and answers it, each letter once.
    pub fn answer(&mut self, date: &str) -> Vec<Answer> {
        let mut answers = Vec::new();
        for file in files(&self.folder.join("new")) {
            if !self.read.insert(file.clone()) {
                continue;
            }
            let Ok(bytes) = std::fs::read(&file) else { continue };
            let Some(letter) = MessageParser::default().parse(&bytes) else { continue };
            if let Some(text) = self.reply_text(&letter) {
                self.answered += 1;
                answers.push(Answer { bytes: self.write(&letter, &text, date) });
            }
        }
        answers
    }

    fn reply_text(&self, letter: &Message<'_>) -> Option<String> {
        let text = letter.body_text(0)?;
        if self.habit == Habit::ChangesMind && self.answered == 1 {
            return Some("Cancelen mi solicitud de eliminación, por favor.".to_owned());
        }
        let codes = codes(&text);
        if codes.is_empty() && !asks(&text) {
            return None;
        }
        match self.habit {
            Habit::Code | Habit::ChangesMind if self.answered == 0 => Some(codes.first()?.clone()),
            Habit::AccountCode if self.answered == 0 => Some(codes.last()?.clone()),
            Habit::Yes if self.answered == 0 => Some(yes(letter).to_owned()),
            Habit::NotMe if self.answered == 0 => {
                Some("No, I did not ask for this. Do not delete anything.".to_owned())
            }
            Habit::Away if self.answered == 0 => {
                Some("I am out of the office until the end of the month. Yes, I will read your letter then.".to_owned())
            }
            _ => None,
        }
    }

    fn write(&self, letter: &Message<'_>, text: &str, date: &str) -> Vec<u8> {
        let to = address(letter.reply_to()).or_else(|| address(letter.from())).unwrap_or_default();
        let id = letter.message_id().unwrap_or_default();
        let quoted: String =
            letter.body_text(0).unwrap_or_default().lines().map(|line| format!("> {line}\r\n")).collect();
        let automatic = if self.habit == Habit::Away { "Auto-Submitted: auto-replied\r\n" } else { "" };
        format!(
            "From: {} <{}>\r\nTo: <{to}>\r\nSubject: Re: {}\r\nDate: {date}\r\nMessage-ID: <{}.{}@customers.example>\r\n\
             In-Reply-To: <{id}>\r\nReferences: <{id}>\r\n{automatic}MIME-Version: 1.0\r\n\
             Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{text}\r\n\r\n{quoted}",
            self.person.name,
            self.person.email,
            letter.subject().unwrap_or_default(),
            self.answered,
            self.person.id,
        )
        .into_bytes()
    }
}

/// How many letters of a Maildir say in this language that a request is completed, with these words in the text.
pub fn confirmations(folder: &Path, language: &str, words: &str) -> usize {
    let done = ["is completed", "ist erledigt", "a été traitée", "se ha completado"];
    let confirms = |letter: &Message<'_>| {
        let subject = letter.subject().unwrap_or_default();
        let text = letter.body_text(0).unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
        letter.content_language().as_text() == Some(language)
            && done.iter().any(|done| subject.contains(done))
            && text.replace('\u{a0}', " ").contains(words)
    };
    let letters = files(&folder.join("new")).into_iter().filter_map(|file| std::fs::read(file).ok());
    letters.filter(|bytes| MessageParser::default().parse(bytes).is_some_and(|letter| confirms(&letter))).count()
}

/// The files of a folder, oldest name first.
fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.sort();
    files
}

fn address(from: Option<&mail_parser::Address<'_>>) -> Option<String> {
    Some(from?.first()?.address()?.to_owned())
}

/// Six symbols that stand alone on a line, as our letters print their codes.
fn codes(text: &str) -> Vec<String> {
    text.lines()
        .map(str::trim)
        .filter_map(|line| line.rsplit([' ', ':']).next())
        .filter(|word| {
            word.len() == 6
                && word.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
                && word.chars().any(|c| c.is_ascii_digit())
        })
        .map(ToOwned::to_owned)
        .collect()
}

/// Whether the letter asks for a yes.
fn asks(text: &str) -> bool {
    let text = text.to_lowercase();
    ["confirm", "bestätig", "confirme", "approve"].iter().any(|word| text.contains(word))
}

fn yes(letter: &Message<'_>) -> &'static str {
    match letter.content_language().as_text() {
        Some("de") => "Ja, bitte.",
        Some("fr") => "Oui, je confirme.",
        Some("es") => "Sí, adelante.",
        _ => "Yes, please go ahead.",
    }
}
