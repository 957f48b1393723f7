//! Promise: sentences that people write are taken for what they ask, in every language that there is a lexicon of.
//!
//! How whole letters fare is measured in `classify`.

use std::collections::BTreeMap;
use std::path::Path;

use expunged::intake::{AnswerIntent, Lexicon, Limits, Measured, Tongue, read};

/// One line of `tests/mail/sentences`: what the letter must be taken for, its subject and its text.
fn sentence(line: &str) -> Option<(char, String)> {
    let (kind, letter) = line.split_once('|').filter(|(kind, _)| kind.len() == 1)?;
    let (subject, text) = letter.split_once(" § ").unwrap_or(("Hello", letter));
    let head = format!("From: anna@example.org\r\nTo: support@shop.example\r\nSubject: {subject}\r\n");
    let body = text.replace("\\n", "\r\n");
    Some((kind.chars().next()?, format!("{head}Content-Type: text/plain; charset=utf-8\r\n\r\n{body}\r\n")))
}

#[test]
fn sentences_are_understood() {
    let lexicon = Lexicon::embedded();
    let measured: BTreeMap<Tongue, Measured> = lexicon.measured().collect();
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mail/sentences");
    let mut wrong = Vec::new();
    for tongue in Tongue::ALL {
        // What a language finds that was not measured goes to a person.
        let said = measured.get(tongue);
        let opens = said.is_some();
        let text =
            std::fs::read_to_string(dir.join(format!("{tongue}.txt"))).unwrap_or_else(|e| panic!("{tongue}: {e}"));
        let (mut asking, mut others, missed) = (0, 0, wrong.len());
        let mut found = Measured { erasure_letters: 0, opened: 0, reviewed: 0 };
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let (kind, letter) = sentence(line).unwrap_or_else(|| panic!("{tongue}.txt: {line}"));
            let read = read(letter.as_bytes(), &lexicon, &Limits::default());
            // A language that was not measured may have no words for limits yet.
            if opens && kind != 'O' && read.limited != (kind == 'L') {
                wrong.push(format!("{tongue}.txt: {line}: limited {}", read.limited));
            }
            let verdict = read.verdict;
            let right = match kind {
                'E' if opens => verdict.opens(),
                'E' | 'U' | 'L' => verdict.opens() || verdict.is_unclear(),
                _ => !verdict.opens() && !verdict.is_unclear(),
            };
            if matches!(kind, 'E' | 'U') {
                found.erasure_letters += 1;
                found.opened += u32::from(verdict.opens());
                found.reviewed += u32::from(verdict.is_unclear());
            }
            asking += u32::from(kind != 'O');
            others += u32::from(kind == 'O');
            if !right {
                wrong.push(format!("{tongue}.txt: {line}: {verdict:?}"));
            }
        }
        println!("{tongue}: {asking} ask for an erasure, {others} do not, {} taken wrongly", wrong.len() - missed);
        assert!(asking >= 10 && others >= 10, "{tongue}.txt has too few letters");
        // What a lexicon says of itself is true of the letters beside it.
        if let Some(said) = said.filter(|said| **said != found) {
            wrong.push(format!("config/lexicon/{tongue}.toml says {said:?} under [measured], and it is {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// A "yes" to our challenge is heard in every language that letters are understood in, and so is a "no".
#[test]
fn answers_are_understood() {
    let lexicon = Lexicon::embedded();
    let text = include_str!("mail/answers.txt");
    let mut wrong = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let parts: Vec<&str> = line.splitn(3, '|').collect();
        let [_, kind, said] = parts[..] else { panic!("{line}") };
        let head = "From: anna@example.org\r\nTo: privacy@shop.example\r\nSubject: Re: Shop\r\nIn-Reply-To: <1@shop.example>\r\n";
        let body = said.replace("\\n", "\r\n");
        let letter = format!("{head}Content-Type: text/plain; charset=utf-8\r\n\r\n{body}\r\n");
        let answer = read(letter.as_bytes(), &lexicon, &Limits::default()).answer.intent;
        let right = match kind {
            "Y" => answer == AnswerIntent::Yes,
            "?" => matches!(answer, AnswerIntent::None | AnswerIntent::Unclear),
            _ => matches!(answer, AnswerIntent::No | AnswerIntent::Withdraw),
        };
        if !right {
            wrong.push(format!("{line}: {answer}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
