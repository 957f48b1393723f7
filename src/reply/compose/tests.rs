use mail_parser::MessageParser;

use super::*;
use crate::chance::SeededChance;
use crate::domain::Language;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000)
}

fn letter() -> LetterId {
    LetterId::new(at(1_772_700_000), &SeededChance::new(7))
}

fn envelope() -> Envelope {
    Envelope {
        from: "support@shop.example".to_owned(),
        from_name: "Café Größe Support".to_owned(),
        envelope_from: verp("bounces@shop.example", letter()),
        to: "erika@home.example".to_owned(),
        reply_to: Some("support+abcdefghijklmnopqrstuvwxyz@shop.example".to_owned()),
        message_id: message_id(&[7; 32], letter(), "shop.example"),
        in_reply_to: Some("<their.letter@home.example>".to_owned()),
        references: vec!["<first@home.example>".to_owned(), "their.letter@home.example".to_owned()],
        date: at(1_772_700_000),
    }
}

fn rendered() -> Rendered {
    Rendered {
        language: Language::De,
        subject: "Bitte bestätigen Sie: Löschung [EXP-7K3Q-M2]".to_owned(),
        text: format!("Grüße – „Ja“\n.\nFrom here\n{}\n", "lang ".repeat(400)),
        html: "<p lang=\"de\">Grüße – „Ja“</p>\n".to_owned(),
    }
}

#[test]
fn a_resend_is_the_same_message_byte_by_byte() {
    assert_eq!(compose(&envelope(), &rendered()).unwrap(), compose(&envelope(), &rendered()).unwrap());
}

#[test]
fn another_parser_reads_what_was_written() {
    let outgoing = compose(&envelope(), &rendered()).unwrap();
    assert!(outgoing.bytes.is_ascii());
    assert!(outgoing.bytes.split(|b| *b == b'\n').all(|line| line.len() <= 998), "RFC 5322 §2.1.1");
    let parsed = MessageParser::default().parse(&outgoing.bytes).unwrap();
    assert_eq!(parsed.subject(), Some(rendered().subject.as_str()));
    let from = parsed.from().and_then(|from| from.first()).unwrap();
    assert_eq!((from.name(), from.address()), (Some("Café Größe Support"), Some("support@shop.example")));
    assert_eq!(parsed.message_id(), Some(outgoing.message_id.as_str()));
    assert_eq!(parsed.in_reply_to().as_text(), Some("their.letter@home.example"));
    let references = parsed.references().as_text_list().unwrap();
    assert_eq!(references, ["first@home.example", "their.letter@home.example"]);
    assert_eq!(parsed.date().unwrap().to_timestamp(), 1_772_700_000);
    assert_eq!(parsed.header_raw("Auto-Submitted").unwrap().trim(), "auto-replied");
    assert_eq!(parsed.header_raw("X-Auto-Response-Suppress").unwrap().trim(), "All");
    assert_eq!(parsed.body_text(0).unwrap().replace("\r\n", "\n"), rendered().text);
    assert_eq!(parsed.body_html(0).unwrap().replace("\r\n", "\n"), rendered().html);
}

#[test]
fn no_value_can_start_a_header() {
    let hostile = "Support\r\nBcc: thief@evil.example\r\n\r\n<b>";
    let mut envelope = envelope();
    envelope.from_name = hostile.to_owned();
    envelope.in_reply_to = Some("<a@b>\r\nBcc: thief@evil.example".to_owned());
    envelope.references = vec!["<x@y\r\nBcc: thief@evil.example>".to_owned(), "no id".to_owned()];
    let rendered = Rendered { subject: hostile.to_owned(), ..rendered() };
    let outgoing = compose(&envelope, &rendered).unwrap();
    let text = String::from_utf8(outgoing.bytes.clone()).unwrap();
    assert!(!text.to_lowercase().contains("\nbcc:"), "{text}");
    let parsed = MessageParser::default().parse(&outgoing.bytes).unwrap();
    assert!(parsed.bcc().is_none());
    assert!(parsed.header_raw("In-Reply-To").is_none() && parsed.header_raw("References").is_none());
    for bad in ["a@b.example\r\nBcc: c@d.example", "two@a.example, three@b.example", "", "nobody"] {
        let refused = compose(&Envelope { to: bad.to_owned(), ..envelope.clone() }, &rendered);
        assert!(matches!(refused, Err(ReplyError::Unusable("recipient"))), "{bad:?}");
    }
}

#[test]
fn a_long_thread_keeps_its_first_and_last_ids() {
    let ids: Vec<_> = (0..100).map(|number| format!("<m{number}@a.example>")).collect();
    let kept = references(&ids);
    assert_eq!(kept.split(' ').count(), REFERENCES_COUNT_MAX);
    assert!(kept.starts_with("<m0@a.example> <m81@a.example>") && kept.ends_with("<m99@a.example>"), "{kept}");
    assert_eq!(references(&ids[..2]), "<m0@a.example> <m1@a.example>");
}

#[test]
fn verp_reads_back_whatever_the_case_and_nothing_else() {
    let address = verp("bounces@shop.example", letter());
    let (local, _) = address.split_once('@').unwrap();
    assert!(local.len() <= 64, "RFC 5321 §4.5.3.1.1");
    assert_eq!(parse_verp("bounces@shop.example", &address.to_uppercase()), Some(letter()));
    for other in ["bounces@shop.example", "bounces+zz@shop.example", "other+aaaa@shop.example", "", "@"] {
        assert_eq!(parse_verp("bounces@shop.example", other), None, "{other}");
    }
    assert_eq!(parse_verp("bounces@shop.example", &address.replace("shop", "evil")), None);
}

#[test]
fn a_message_id_depends_on_key_and_letter_alone() {
    let id = message_id(&[7; 32], letter(), "shop.example");
    assert_eq!(id, message_id(&[7; 32], letter(), "shop.example"));
    assert_ne!(id, message_id(&[8; 32], letter(), "shop.example"));
    assert_eq!(id.split_once('@').unwrap().0.len(), 32);
    assert_eq!(id, id.to_lowercase());
}

#[test]
fn debug_says_nothing_of_the_person() {
    let outgoing = compose(&envelope(), &rendered()).unwrap();
    assert_eq!(format!("{outgoing:?}"), format!("Outgoing({} bytes)", outgoing.bytes.len()));
    assert!(!format!("{:?}", rendered()).contains("Gr"));
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(200))]

    /// Whatever names, subjects, threads and bodies hold: no panic, no second header, and the body comes back.
    #[test]
    fn any_text_can_be_composed(from_name: String, subject: String, text in "(\\PC|\n){0,300}", thread: Vec<String>) {
        let envelope = Envelope { from_name, in_reply_to: thread.first().cloned(), references: thread, ..envelope() };
        let outgoing = compose(&envelope, &Rendered { subject, text: text.clone(), ..rendered() }).unwrap();
        let parsed = MessageParser::default().parse(&outgoing.bytes).unwrap();
        proptest::prop_assert!(parsed.bcc().is_none() && parsed.cc().is_none());
        proptest::prop_assert_eq!(parsed.to().unwrap().first().unwrap().address(), Some("erika@home.example"));
        proptest::prop_assert_eq!(parsed.body_text(0).unwrap().replace("\r\n", "\n"), text);
    }
}
