//! Letters in which nothing is written, and letters in which nothing at all is.

use crate::intake::lexicon::for_tests;
use crate::intake::{Defect, Disposition, Intake, Intent, Limits, read};

fn letter(subject: &str, text: &str, kind: &str, name: &str) -> Intake {
    let letter = format!(
        "From: Olga <owner1@team.example>\r\nTo: privacy@shop.example\r\nSubject: {subject}\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n\
         --b\r\nContent-Type: {kind}\r\nContent-Disposition: attachment; filename=\"{name}\"\r\n\
         Content-Transfer-Encoding: base64\r\n\r\nJVBERi0xLjQK\r\n--b--\r\n",
    );
    read(letter.as_bytes(), for_tests(), &Limits::default())
}

fn is_for_a_person(letter: &Intake) -> bool {
    letter.verdict.is_unclear() && letter.verdict.reasons.first().is_some_and(|reason| reason.rule == "attachment")
}

const PDF: &str = "application/pdf";
const WORD: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";

#[test]
fn a_letter_that_is_an_attachment_goes_to_a_person_where_it_asks() {
    for (subject, text, kind, name) in [
        ("Erasure request", "", PDF, "letter.pdf"),
        ("Löschantrag", "", PDF, "scan0001.pdf"),
        ("Löschantrag", "Siehe Anhang.", PDF, "scan0001.pdf"),
        ("Please delete my account", "", PDF, "letter.pdf"),
        (
            "Please delete my account",
            "Hello,\r\n\r\nplease see attached.\r\n\r\nKind regards\r\nOlga",
            PDF,
            "letter.pdf",
        ),
        (
            "Demande d'effacement",
            "Bonjour,\r\n\r\nveuillez trouver ci-joint ma lettre.\r\n\r\nCordialement",
            WORD,
            "lettre.docx",
        ),
        ("Solicitud de supresión de mis datos", "Adjunto mi carta.", PDF, "carta.pdf"),
        ("Verwijdering van mijn gegevens", "Zie bijlage.", "image/jpeg", "IMG_2041.jpg"),
        ("Art. 17 DSGVO", "", "image/png", "scan.png"),
        ("", "", PDF, "loeschantrag.pdf"),
        ("", "", PDF, "Löschantrag.pdf"),
        ("Hello", "", PDF, "GDPR_erasure_request.pdf"),
        ("My letter", "See attached.", PDF, "article-17.pdf"),
        ("Post", "anbei", PDF, "Art17_DSGVO.pdf"),
        ("Letter", "", "application/octet-stream", "delete my account.odt"),
        ("Letter", "Please find attached my erasure request.", PDF, "scan.pdf"),
    ] {
        let read = letter(subject, text, kind, name);
        assert!(is_for_a_person(&read), "{subject} / {text} / {name}: {:?}", read.verdict);
    }
}

#[test]
fn other_attachments_are_ordinary() {
    for (subject, text, kind, name) in [
        ("Invoice 4711", "", PDF, "invoice.pdf"),
        ("Rechnung", "Siehe Anhang.", PDF, "rechnung-4711.pdf"),
        ("My order", "see attached", "image/jpeg", "IMG_1.jpg"),
        ("Removal of invoice 12", "", PDF, "invoice.pdf"),
        ("Hello", "Please remove the attached logo.", "image/png", "logo.png"),
        ("Hello", "", "application/zip", "erasure request.zip"),
        (
            "Hello",
            "Here is my question: when does the parcel arrive? I wait for it since Monday and it is late by now.",
            PDF,
            "loeschantrag.pdf",
        ),
    ] {
        let read = letter(subject, text, kind, name);
        assert_eq!(read.verdict.disposition, Disposition::Ignore, "{subject} / {text} / {name}: {:?}", read.verdict);
    }
    // What says something itself is read as ever.
    let own = letter("Hello", "Please delete my account. My passport is attached.", PDF, "passport.pdf");
    assert!(own.verdict.opens());
}

/// Nothing in it asks, and nobody can be asked: it is recorded as ordinary, without a request whose time runs.
#[test]
fn a_letter_of_no_bytes_asks_for_nothing() {
    for bytes in [&b""[..], b"\r\n", b"\r\n\r\n", b" \n\t"] {
        let read = read(bytes, for_tests(), &Limits::default());
        assert!(read.defects.contains(&Defect::Empty), "{bytes:?}");
        assert_eq!((read.verdict.intent, read.verdict.disposition), (Intent::Ordinary, Disposition::Ignore));
    }
    let subject = b"From: <owner1@team.example>\r\nSubject: Please delete my account\r\n\r\n";
    assert!(read(subject, for_tests(), &Limits::default()).verdict.opens(), "its subject asks");
    let from = b"From: <owner1@team.example>\r\n\r\n";
    assert_eq!(read(from, for_tests(), &Limits::default()).verdict.disposition, Disposition::Ignore);
}
