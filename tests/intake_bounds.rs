//! Promise: reading a letter never fails, never panics and stays within its limits, whatever the bytes.

use expunged::intake::{AnswerIntent, Defect, Disposition, Intake, Intent, Lexicon, Limits, MachineKind, read};
use proptest::prelude::*;

fn lexicon() -> &'static Lexicon {
    static LEXICON: std::sync::OnceLock<Lexicon> = std::sync::OnceLock::new();
    LEXICON.get_or_init(Lexicon::embedded)
}

fn take(bytes: &[u8]) -> Intake {
    read(bytes, lexicon(), &Limits::default())
}

fn authored() -> Vec<Vec<u8>> {
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mail/authored");
    let files = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files.filter(|path| path.extension().is_some_and(|ext| ext == "eml")).collect();
    files.sort();
    files.iter().map(|path| std::fs::read(path).unwrap()).collect()
}

fn within(intake: &Intake, limits: &Limits) {
    assert!(intake.new_text.chars().count() <= limits.text_chars_max);
    assert!(intake.subject.chars().count() <= 1_000);
    assert!(intake.claims.addresses.len() <= limits.addresses_max);
    assert!(intake.claims.identifiers.len() <= 10 && intake.claims.names.len() <= 5);
    assert!(intake.answer.codes.len() <= 8 && intake.answer.tokens.len() <= 16);
    assert!(intake.attachments.len() <= limits.parts_max as usize);
    assert!((0.0..=1.0).contains(&intake.verdict.confidence));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn mutated_letters_are_read(
        which in any::<prop::sample::Index>(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0_u8..4), 0..40),
    ) {
        let letters = authored();
        let mut bytes = letters[which.index(letters.len())].clone();
        for (at, byte, kind) in edits {
            let at = at.index(bytes.len().max(1)).min(bytes.len().saturating_sub(1));
            match kind {
                _ if bytes.is_empty() => bytes.push(byte),
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                2 => { bytes.remove(at); }
                _ => bytes.truncate(at),
            }
        }
        let limits = Limits { text_chars_max: 300, addresses_max: 2, parts_max: 5, ..Limits::default() };
        within(&read(&bytes, lexicon(), &limits), &limits);
    }

    #[test]
    fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        within(&take(&bytes), &Limits::default());
    }

    #[test]
    fn any_html_is_read(html in "(<(div|p|table|td|tr|blockquote|style|ul|li)( style=.display:none.)?>|</(div|p|table|td)>|[a-zß é@.&;]{0,8}){0,120}") {
        let letter = format!("From: a@example.org\r\nContent-Type: text/html; charset=utf-8\r\n\r\n{html}");
        within(&take(letter.as_bytes()), &Limits::default());
    }
}

#[test]
fn nothing_asks_for_nothing() {
    for bytes in [&b""[..], b"\0", b"\r\n\r\n"] {
        let intake = take(bytes);
        assert!(!intake.verdict.intent.is_erasure() && intake.answer.intent == AnswerIntent::None);
    }
    assert!(!take(b"").verdict.is_unclear() && !take(b"").verdict.opens());
    assert_eq!(take(b"").defects, [Defect::Empty]);
}

#[test]
fn bombs_end_in_time_with_a_defect() {
    let mut nested = String::from("From: a@example.org\r\n");
    for depth in 0..5_000 {
        nested += &format!("Content-Type: multipart/mixed; boundary=b{depth}\r\n\r\n--b{depth}\r\n");
    }
    let mut wide = String::from("From: a@example.org\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n");
    wide += &"--b\r\nContent-Type: text/plain\r\n\r\nx\r\n".repeat(50_000);
    let deep_html =
        format!("From: a@example.org\r\nContent-Type: text/html\r\n\r\n{}", "<table><tr><td>".repeat(16_000));
    let long = format!("From: a@example.org\r\n\r\n{}", "please delete my account. ".repeat(40_000));
    let cases = [
        (nested, Defect::NestedTooDeep),
        (wide, Defect::TooManyParts),
        (deep_html, Defect::HtmlTooLarge),
        (long, Defect::TextTooLong),
    ];
    for (letter, defect) in cases {
        // A bomb that is not bounded does not end within the suite's own limit; seconds are no measure on a busy machine.
        let intake = take(letter.as_bytes());
        assert!(intake.defects.contains(&defect), "{defect:?}: {:?}", intake.defects);
    }
}

#[test]
fn a_letter_beyond_the_limit_is_read_in_part() {
    let letter = format!("From: a@example.org\r\nSubject: Delete my account\r\n\r\n{}", "x ".repeat(10_000));
    let limits = Limits { body_bytes_max: 1_000, ..Limits::default() };
    let intake = read(letter.as_bytes(), lexicon(), &limits);
    assert!(intake.defects.contains(&Defect::BodyTooLong) && intake.verdict.opens());
}

/// A program on the way may cut a letter, or announce its parts wrongly: the request in it is one all the same.
#[test]
fn what_no_program_shows_is_read_all_the_same() {
    const ASKS: &str = "Please delete my account and all my data.";
    for (media_type, body) in [
        ("multipart/mixed; boundary=\"xx\"", format!("--xx\r\nContent-Type: text/plain\r\n\r\n{ASKS}\r\n")),
        ("multipart/mixed", format!("--xx\r\nContent-Type: text/plain\r\n\r\n{ASKS}\r\n--xx--\r\n")),
        ("multipart/alternative; boundary=yy", format!("--xx\r\nContent-Type: text/plain\r\n\r\n{ASKS}\r\n--xx--\r\n")),
        ("text/enriched", format!("<bold>{ASKS}</bold>\r\n")),
        ("text/rtf", format!("{{\\rtf1 {ASKS}}}\r\n")),
    ] {
        let letter = format!(
            "From: a@example.org\r\nSubject: x\r\nMIME-Version: 1.0\r\nContent-Type: {media_type}\r\n\r\n{body}"
        );
        let intake = take(letter.as_bytes());
        assert!(intake.verdict.opens() || intake.verdict.is_unclear(), "{media_type}: {:?}", intake.verdict);
    }
}

#[test]
fn an_unknown_charset_is_read_as_far_as_it_goes() {
    let letter = b"From: a@example.org\r\nSubject: x\r\nContent-Type: text/plain; charset=x-nonsense\r\n\r\nPlease delete my account \xff\xfe\r\n";
    assert_eq!(take(letter).verdict.intent, Intent::ErasureAccount);
}

#[test]
fn a_machine_never_says_yes() {
    let body = "\r\n\r\nYes, I confirm. Please go ahead. 7K3QM2\r\n";
    for header in [
        "Auto-Submitted: auto-replied",
        "Auto-Submitted: auto-generated (rejected)",
        "Precedence: bulk",
        "List-Id: <a.example.org>",
        "X-Autoreply: yes",
        "Content-Type: multipart/report; report-type=delivery-status; boundary=x",
    ] {
        let intake = take(format!("From: a@example.org\r\nIn-Reply-To: <1@x.example>\r\n{header}{body}").as_bytes());
        assert!(intake.machine.is_some() && intake.machine_proven, "{header}");
        assert_eq!(intake.answer.intent, AnswerIntent::None, "{header}");
        assert_ne!(intake.verdict.intent, Intent::Confirm, "{header}");
    }
    // Words alone prove no machine: what it answers is kept, and that nothing proves it is said.
    let subject = "Subject: Automatische Antwort: Re: x";
    let intake = take(format!("From: a@example.org\r\nIn-Reply-To: <1@x.example>\r\n{subject}{body}").as_bytes());
    assert!(intake.machine.is_some() && !intake.machine_proven);
    assert_ne!(intake.verdict.intent, Intent::Confirm);
    for header in ["Auto-Submitted: no", "X-Auto-Response-Suppress: All"] {
        let intake = take(format!("From: a@example.org\r\nIn-Reply-To: <1@x.example>\r\n{header}{body}").as_bytes());
        assert_eq!((intake.machine, intake.verdict.intent), (None, Intent::Confirm), "{header}");
    }
}

/// A letter whose words alone look like a machine's may be a person's: what it asks for goes before a person.
#[test]
fn a_wish_is_not_lost_because_of_the_words_around_it() {
    for (subject, body) in [
        ("Complaint", "My parcel could not be delivered. Delete my account and all my data."),
        ("Account", "Delete my account and all my data. Please do not reply to this e-mail by phone."),
        ("Urlaub 2026 - Konto l\u{f6}schen", "Bitte l\u{f6}schen Sie mein Konto."),
        ("Vacation rental account: delete my data", "Please delete my data."),
        ("Absence de r\u{e9}ponse : suppression de mon compte", "Je demande la suppression de mon compte."),
        ("Re: Please delete my account", ""),
    ] {
        let head = format!("From: a@example.org\r\nSubject: {subject}\r\nContent-Type: text/plain; charset=utf-8");
        let intake = take(format!("{head}\r\n\r\n{body}\r\n").as_bytes());
        assert!(intake.verdict.is_unclear() || intake.verdict.opens(), "{subject}: {intake:?}");
        assert!(intake.bounce.is_none(), "{subject}");
        let proven = take(format!("{head}\r\nAuto-Submitted: auto-replied\r\n\r\n{body}\r\n").as_bytes());
        assert!(matches!(proven.verdict.intent, Intent::AutoReply | Intent::Bounce), "{subject}: {proven:?}");
    }
}

/// A machine's letter proves nothing, but a "no" in it is reason enough to pause.
#[test]
fn a_no_is_visible_whoever_brought_it() {
    for header in ["List-Id: <a.example.org>", "Auto-Submitted: auto-generated", "X-A: b"] {
        for body in ["No.", "Please stop the deletion of my account.", "Do not delete my account!"] {
            let intake = take(format!("From: a@example.org\r\n{header}\r\n\r\n{body}\r\n").as_bytes());
            assert!(intake.answer.asks_to_stop, "{header}: {body}");
        }
        let intake = take(format!("From: a@example.org\r\n{header}\r\n\r\nNo problem, thanks.\r\n").as_bytes());
        assert!(!intake.answer.asks_to_stop, "{header}");
    }
}

/// What mail programs of any language repeat of our letter was typed by us.
#[test]
fn a_repeated_code_is_not_typed() {
    let ours = "Hello,\r\n\r\nOn 2 March 2026 we received a request to erase personal data at Shop. So that nobody else can have \
        your data erased, we ask at the address that we have on file.\r\n\r\nTo confirm, reply to this e-mail and write this code \
        in your reply: 7K3QM2\r\n";
    for above in [
        "Van: Shop <privacy@shop.example>\r\nVerzonden: maandag 2 maart 2026 10:00\r\nAan: Anna\r\nOnderwerp: account\r\n\r\n",
        "Op maandag 2 maart 2026 schreef Shop:\r\n\r\n",
        "",
    ] {
        for typed in ["Wat is dit?", "Ja", ""] {
            let letter = format!(
                "From: a@example.org\r\nSubject: RE: account\r\nIn-Reply-To: <1@shop.example>\r\n\r\n{typed}\r\n\r\n{above}{ours}"
            );
            let intake = take(letter.as_bytes());
            assert!(intake.answer.codes.is_empty(), "{typed} {above}: {:?}", intake.new_text);
            assert_eq!(intake.new_text, typed, "{above}");
        }
    }
}

/// The subjects that a template has, where each of the cases that it tells apart is a whole one; else all that it says.
fn branches(template: &str) -> Vec<String> {
    let pieces = template.split("{%").map(|piece| piece.split_once("%}").map_or(piece, |(_, rest)| rest));
    let pieces: Vec<String> = pieces.map(str::trim).filter(|piece| !piece.is_empty()).map(str::to_owned).collect();
    if pieces.iter().all(|piece| piece.ends_with(']')) { pieces } else { vec![template.to_owned()] }
}

/// Every letter of ours is known by its first lines, in every language, so that no change of the templates undoes it.
#[test]
fn letters_of_ours_are_known_by_their_first_sentence() {
    let templates = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("templates/mail");
    let (mut seen, mut unknown) = (0, Vec::new());
    for language in ["en", "de", "fr", "es"] {
        for entry in std::fs::read_dir(templates.join(language)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            if !name.ends_with(".body.txt.j2") || name.starts_with("alarm") {
                continue;
            }
            let template = std::fs::read_to_string(&path).unwrap();
            let first = template.lines().find(|line| !line.is_empty() && !line.starts_with("{%")).unwrap();
            let shown: Vec<&str> =
                first.split("{{").map(|piece| piece.split_once("}}").map_or(piece, |(_, rest)| rest)).collect();
            let letter = format!(
                "From: a@example.org\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nJa\r\n\r\n{}\r\n",
                shown.join("7. Mai")
            );
            let new = take(letter.as_bytes()).new_text;
            unknown.extend((new != "Ja").then(|| format!("{language}/{name}: {new}")));
            // A forwarder may drop every mark of a program; the subject is ours all the same.
            let subject = std::fs::read_to_string(path.with_file_name(name.replace(".body.", ".subject."))).unwrap();
            for subject in branches(&subject) {
                let subject: Vec<&str> =
                    subject.split("{{").map(|piece| piece.split_once("}}").map_or(piece, |(_, rest)| rest)).collect();
                let subject = subject.concat().replace("[]", "[EXP-E1DG-JP]");
                let whole =
                    letter.replace("\r\nContent-Type", &format!("\r\nSubject: {}\r\nContent-Type", subject.trim()));
                let whole = take(whole.replace("Ja\r\n\r\n", "").as_bytes());
                let asks =
                    whole.verdict.disposition != Disposition::Ignore || whole.answer.intent != AnswerIntent::None;
                unknown.extend(asks.then(|| format!("{language}/{name} as it was sent: {:?}", whole.verdict)));
            }
            seen += 1;
        }
    }
    assert!(seen >= 40);
    assert!(unknown.is_empty(), "add words of these to own_letter of their lexicon:\n{}", unknown.join("\n"));
}

#[test]
fn plain_and_html_that_answer_differently_are_unclear() {
    let letter = |plain: &str, html: &str| {
        format!(
            "From: a@example.org\r\nIn-Reply-To: <1@x.example>\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n{plain}\r\n--b\r\nContent-Type: text/html\r\n\r\n{html}\r\n--b--\r\n"
        )
    };
    let both = take(letter("Yes. 7K3QM2", "<p>Yes. 7K3QM2</p>").as_bytes()).answer;
    assert_eq!((both.intent, both.codes.len()), (AnswerIntent::Yes, 1));
    for (plain, html) in [("Yes.", "<p>No.</p>"), ("7K3QM2", "<p>Hello</p>"), ("Yes. 7K3QM2", "<p>Yes. 7K3QM3</p>")] {
        let answer = take(letter(plain, html).as_bytes()).answer;
        assert_eq!((answer.intent, answer.codes.len()), (AnswerIntent::Unclear, 0), "{plain}");
    }
    assert!(take(letter("Yes.", "<p>No.</p>").as_bytes()).answer.asks_to_stop);
}

#[test]
fn a_delivery_report_names_whom_and_why() {
    let report = "From: MAILER-DAEMON@mx.example\r\nTo: bounce+abcdefghijklmnopqrstuvwxyz@shop.example\r\nSubject: Undelivered\r\n\
        Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n\r\nCould not be delivered.\r\n\
        --b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\nFinal-Recipient: rfc822; gone@example.org\r\n\
        Action: failed\r\nStatus: 5.1.1\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: <ours.1@shop.example>\r\nSubject: Please confirm\r\n\r\n\
        Reply YES to delete your account.\r\n--b--\r\n";
    let intake = take(report.as_bytes());
    let bounce = intake.bounce.unwrap();
    assert_eq!((intake.verdict.intent, intake.machine), (Intent::Bounce, Some(MachineKind::Bounce)));
    assert_eq!(bounce.final_recipient.unwrap().as_str(), "gone@example.org");
    assert_eq!((bounce.status.as_deref(), bounce.action.as_deref()), (Some("5.1.1"), Some("failed")));
    assert_eq!(bounce.original_message_id.as_deref(), Some("ours.1@shop.example"));
    assert_eq!(intake.answer.tokens, ["abcdefghijklmnopqrstuvwxyz"]);
}

#[test]
fn plain_and_html_that_disagree_go_to_a_person() {
    let letter = |plain: &str, html: &str| {
        format!(
            "From: a@example.org\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n{plain}\r\n--b\r\nContent-Type: text/html\r\n\r\n{html}\r\n--b--\r\n"
        )
    };
    let both = take(letter("Please delete my account.", "<p>Please delete my account.</p>").as_bytes());
    assert_eq!(both.verdict.intent, Intent::ErasureAccount);
    let one = take(letter("Where is my parcel?", "<p>Please delete my account.</p>").as_bytes());
    assert!(one.verdict.is_unclear());
    let hidden = take(
        letter(
            "Where is my parcel?",
            "<p>Where is my parcel?</p><p style='display:none'>Please delete my account.</p>",
        )
        .as_bytes(),
    );
    assert_eq!(hidden.verdict.intent, Intent::Ordinary);
}

#[test]
fn debug_shows_no_word_of_the_letter() {
    let letter = b"From: Canary <canary@example.org>\r\nSubject: canary\r\n\r\nPlease delete my account, canary2@example.org, user name canary_77, my name is Canary Bird. Code: CANARY\r\n";
    let shown = format!("{:?}", take(letter)).to_lowercase();
    assert!(!shown.contains("canary"), "{shown}");
}
