//! The promise: what our letters tell people to write is what the program understands when they write it.
//!
//! Every letter that asks something is rendered, composed and answered as people answer: one or two words above the
//! quoted letter. The whole way is real: template, bytes of the message, reply, parser, lexicon.

use std::sync::LazyLock;

use expunged::chance::SeededChance;
use expunged::domain::{Language, LetterId, Reference, Scope, Timestamp};
use expunged::intake::{AnswerIntent, Intake, Lexicon, Limits, read};
use expunged::reply::compose::{Envelope, compose, message_id, verp};
use expunged::reply::letters::{
    ApprovalAsked, Challenge, Choice, CodeAsked, Common, Letter, OnHold, Reminder, Rendered, Scheduled,
};
use expunged::reply::templates::Templates;
use jiff::civil::date;

/// Parsed once: its patterns take longer than all the letters.
static LEXICON: LazyLock<Lexicon> = LazyLock::new(Lexicon::embedded);
static TEMPLATES: LazyLock<Templates> = LazyLock::new(|| Templates::embedded().unwrap());

const TOKEN: &str = "mfrggzdfmztwq2lknnwg23tpob";
const CODE: &str = "K7M2QX";

fn common() -> Common {
    Common {
        reference: Reference::new(&SeededChance::new(3)),
        service_name: "Shop".to_owned(),
        support_address: "support@shop.example".to_owned(),
        received_on: date(2026, 3, 2),
        due_on: date(2026, 4, 7),
        extendable: true,
    }
}

/// The page of a question.
const LINK: &str = "https://privacy.shop.example/r/q3qk7ezvxb5hwy4n2mtdlsrguo";

/// The letters that ask something, without a link and with one; all of them print the token.
fn asking() -> Vec<Letter> {
    [None, Some(LINK.to_owned())].into_iter().flat_map(asking_with).collect()
}

/// The same, all with this link or all without one.
fn asking_with(link: Option<String>) -> Vec<Letter> {
    let (token, code, expires_on) = (TOKEN.to_owned(), CODE.to_owned(), date(2026, 3, 15));
    let (code_required, grace_days, subject_label) = (false, 7, None);
    let choice = Choice { scope: Scope::Account, code: code.clone(), subject_label: None, categories: vec![] };
    let choices = vec![choice];
    vec![
        Challenge {
            common: common(),
            choices: choices.clone(),
            code_required,
            expires_on,
            token: token.clone(),
            grace_days,
            link: link.clone(),
        }
        .into(),
        Reminder {
            common: common(),
            choices: choices.clone(),
            code_required,
            expires_on,
            token: token.clone(),
            grace_days,
            answered: false,
            link: link.clone(),
        }
        .into(),
        CodeAsked { common: common(), choices, token: token.clone(), expires_on, tries_left: None, link: link.clone() }
            .into(),
        Scheduled {
            common: common(),
            scope: Scope::Account,
            subject_label: None,
            categories: vec![],
            erase_on: date(2026, 3, 12),
            token: Some(token.clone()),
            link: link.clone(),
        }
        .into(),
        OnHold { common: common(), unasked: false, token: Some(token.clone()) }.into(),
        ApprovalAsked {
            common: common(),
            scope: Scope::User,
            subject_label,
            categories: vec![],
            asked_by_label: "Erika Mustermann".to_owned(),
            code_required,
            code,
            token,
            expires_on,
            grace_days,
            link: link.clone(),
        }
        .into(),
    ]
}

/// The words that the letters of a language ask for: a yes, and a stop.
fn words(language: Language) -> (&'static str, &'static str) {
    match language {
        Language::En => ("yes", "stop"),
        Language::De => ("Ja", "Stopp"),
        Language::Fr => ("oui", "stop"),
        Language::Es => ("sí", "stop"),
    }
}

/// How mail programs introduce the quoted letter.
fn attribution(language: Language) -> &'static str {
    match language {
        Language::En => "On Mon, 2 Mar 2026 at 10:00, Shop <support@shop.example> wrote:",
        Language::De => "Am Mo., 2. März 2026 um 10:00 Uhr schrieb Shop <support@shop.example>:",
        Language::Fr => "Le lun. 2 mars 2026 à 10:00, Shop <support@shop.example> a écrit :",
        Language::Es => "El lun, 2 mar 2026 a las 10:00, Shop (<support@shop.example>) escribió:",
    }
}

/// Composes the letter and has it answered by these words above the quoted letter; what the program reads.
fn answered(rendered: &Rendered, language: Language, words: &str) -> Intake {
    let letter = LetterId::new(Timestamp::from_micros(1_772_700_000_000_000), &SeededChance::new(7));
    let envelope = Envelope {
        from: "support@shop.example".to_owned(),
        from_name: "Shop".to_owned(),
        envelope_from: verp("bounces@shop.example", letter),
        to: "erika@home.example".to_owned(),
        reply_to: None,
        message_id: message_id(&[7; 32], letter, "shop.example"),
        in_reply_to: None,
        references: vec![],
        date: Timestamp::from_micros(1_772_700_000_000_000),
    };
    let outgoing = compose(&envelope, rendered).unwrap();
    let parsed = mail_parser::MessageParser::default().parse(&outgoing.bytes).unwrap();
    let body = parsed.body_text(0).unwrap().replace("\r\n", "\n");
    let quoted: String = body.lines().map(|line| format!("> {line}\r\n")).collect();
    let reply = format!(
        "From: Erika <erika@home.example>\r\nTo: support@shop.example\r\nSubject: Re: x\r\nMessage-ID: <a@home.example>\r\n\
         In-Reply-To: <{}>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\
         Content-Transfer-Encoding: 8bit\r\n\r\n{words}\r\n\r\n{}\r\n{quoted}",
        outgoing.message_id,
        attribution(language),
    );
    read(reply.as_bytes(), &LEXICON, &Limits::default())
}

/// Asserts what the program reads in the answer to every asking letter in every language.
fn check(say: impl Fn(Language) -> String, expect: impl Fn(&Intake) -> bool) {
    for language in Language::ALL {
        for letter in asking() {
            let rendered = letter.render(&TEMPLATES, *language).unwrap();
            let intake = answered(&rendered, *language, &say(*language));
            let place = format!("{} in {language}: {:?}", letter.kind(), intake.answer);
            assert!(intake.machine.is_none(), "{place} was taken for a machine's");
            assert!(intake.answer.tokens.iter().any(|token| token == TOKEN), "{place} lost the token");
            assert!(expect(&intake), "{place}");
        }
    }
}

#[test]
fn a_yes_is_a_yes() {
    check(|language| words(language).0.to_owned(), |intake| intake.answer.intent == AnswerIntent::Yes);
}

#[test]
fn a_stop_stops() {
    let stops = |intake: &Intake| matches!(intake.answer.intent, AnswerIntent::No | AnswerIntent::Withdraw);
    check(|language| words(language).1.to_owned(), stops);
}

#[test]
fn a_code_is_found_and_only_the_one_that_was_written() {
    check(|_| CODE.to_lowercase(), |intake| intake.answer.codes == [CODE]);
    check(|language| words(language).0.to_owned(), |intake| !intake.answer.codes.iter().any(|code| code == CODE));
}

#[test]
fn a_letter_that_is_sent_back_with_nothing_new_answers_nothing() {
    check(|_| String::new(), |intake| intake.answer.intent == AnswerIntent::None && intake.answer.codes.is_empty());
}

#[test]
fn the_letters_name_the_words_that_they_ask_for() {
    for language in Language::ALL {
        let (yes, stop) = words(*language);
        for letter in asking() {
            let text = letter.render(&TEMPLATES, *language).unwrap().text;
            let names = |word: &str| {
                let quotes = [('“', '”'), ('„', '“'), ('«', '»')];
                let text = text.replace('\u{a0}', "");
                quotes.iter().any(|(open, close)| text.contains(&format!("{open}{word}{close}")))
            };
            assert!(names(stop), "{} in {language} does not name {stop:?}", letter.kind());
            let asks_yes = !matches!(letter, Letter::Scheduled(_) | Letter::CodeAsked(_));
            assert!(!asks_yes || names(yes), "{} in {language}: {yes:?}", letter.kind());
        }
    }
}
