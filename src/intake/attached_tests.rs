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

const SHEET: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// Whatever a file is: a person opens it where the letter asks.
#[test]
fn every_kind_of_file_that_a_person_reads_is_a_document() {
    for (subject, text, kind, name) in [
        ("Löschantrag", "siehe Anhang: Löschantrag", SHEET, "antrag.xlsx"),
        ("Delete accounts", "Please delete the users in the file attached.", "text/csv", "users.csv"),
        ("Deletion of our users", "see attached", "application/vnd.ms-excel", "users.csv"),
        ("Erasure request", "see attached", "application/vnd.oasis.opendocument.spreadsheet", "users.ods"),
        ("Erasure request", "see attached", "application/vnd.oasis.opendocument.text", "letter.odt"),
        ("Erasure request", "see attached", "application/rtf", "letter.rtf"),
        ("Erasure request", "see attached", "text/plain", "letter.txt"),
        ("Erasure request", "see attached", "text/html", "letter.html"),
        ("Erasure request", "see attached", "application/vnd.ms-word.document.macroenabled.12", "letter.docm"),
        ("Erasure request", "see attached", "application/zip", "letter.zip"),
        ("Erasure request", "", "application/pkcs7-mime", "smime.p7m"),
        ("Erasure request", "see attached", "application/octet-stream", "letter.eml"),
        ("Erasure request", "see attached", "application/x-msexcel", "users.xls"),
        ("Hello", "", "application/zip", "erasure request.zip"),
    ] {
        let read = letter(subject, text, kind, name);
        assert!(is_for_a_person(&read), "{subject} / {text} / {kind} / {name}: {:?}", read.verdict);
    }
    for (kind, name) in
        [("text/vcard", "olga.vcf"), ("application/pgp-signature", "signature.asc"), ("text/calendar", "a.ics")]
    {
        let read = letter("Erasure request", "Please see attached.", kind, name);
        assert!(!read.verdict.reasons.iter().any(|reason| reason.rule == "attachment"), "{kind}: {:?}", read.verdict);
    }
}

/// A letter of many words that leaves to a file whom or what it means.
#[test]
fn a_letter_that_points_to_an_attachment_for_whom_it_means_goes_to_a_person() {
    for text in [
        "Hello,\r\n\r\nas agreed in the meeting last week please delete all users in the attached spreadsheet, they have left the company.\r\n\r\nThanks",
        "Please delete the accounts listed in the attached file. They were used for our training in March and are of no use any more to us.",
        "Hello, we have restructured our team over the summer. Please delete the following accounts (see attachment). Thank you for your help with this.",
        "Please delete the users. They are listed in the attached spreadsheet, which our HR department made last week for this purpose only.",
        "Attached you find a list of people who have left our company in the last months. Please delete all of them from your system by Friday.",
        "Please delete my data as listed in the attached file. All other data may stay where they are until further notice from our side.",
        "Bitte löschen Sie alle Benutzer in der angehängten Excel-Liste, da sie im Zuge der Umstrukturierung das Unternehmen verlassen haben.",
        "Bitte löschen Sie die im Anhang aufgeführten Konten. Sie wurden für unsere Schulung im März angelegt und werden nun nicht mehr gebraucht.",
        "Anbei eine Liste der Nutzer, die unser Unternehmen verlassen haben. Bitte löschen Sie diese bis Freitag vollständig aus Ihrem System.",
        "Merci de supprimer tous les utilisateurs figurant dans le tableau ci-joint, car ils ont quitté notre entreprise au cours des derniers mois.",
        "Vous trouverez en pièce jointe la liste des personnes qui ont quitté la société. Merci de supprimer leurs comptes avant la fin de la semaine.",
        "Por favor, eliminen a todos los usuarios de la lista adjunta, ya que han dejado nuestra empresa durante los últimos meses del año pasado.",
        "Vi prego di cancellare tutti gli utenti indicati nel foglio allegato, perché hanno lasciato la nostra azienda negli ultimi mesi dell'anno.",
        "Verwijder alstublieft alle gebruikers in de bijgevoegde lijst, want zij hebben ons bedrijf in de afgelopen maanden verlaten en komen niet terug.",
    ] {
        for kind in [SHEET, PDF, "text/csv"] {
            let read = letter("Our team", text, kind, "team.bin");
            assert!(is_for_a_person(&read), "{text}: {:?}", read.verdict);
        }
    }
}

#[test]
fn a_letter_that_says_all_itself_opens_whatever_is_attached() {
    for (text, kind, name) in [
        (
            "Please delete my account. A copy of my passport is attached so that you can see who I am, as your form asks for it.",
            PDF,
            "passport.pdf",
        ),
        ("Please delete my account, my ID is attached.", "image/jpeg", "id.jpg"),
        (
            "Please delete my account.\r\n\r\nTo identify me I have attached the following:\r\nName: Olga One\r\nIf you do not \
             answer within the period named in the law I shall complain.",
            PDF,
            "letter.pdf",
        ),
        ("Please delete my account and all my data. I have attached a proof of my identity for you.", PDF, "scan.pdf"),
        ("Please delete my account. I do not need it any more.\r\n\r\nBest regards\r\nOlga", "image/png", "logo.png"),
        ("Please delete my account. I do not need it any more.\r\n\r\nBest regards\r\nOlga", "text/vcard", "olga.vcf"),
        (
            "Please delete our user Anna Garrido. She left in March.\r\n\r\nBest regards\r\nOlga",
            "image/png",
            "logo.png",
        ),
        ("Bitte löschen Sie mein Konto. Eine Ausweiskopie finden Sie im Anhang.", PDF, "ausweis.pdf"),
        ("Bitte löschen Sie mein Konto, eine Kopie meines Personalausweises ist beigefügt.", PDF, "ausweis.pdf"),
        ("Merci de supprimer mon compte. Vous trouverez ci-joint une copie de ma carte d'identité.", PDF, "carte.pdf"),
        ("Por favor, eliminen mi cuenta. Adjunto una copia de mi DNI.", PDF, "dni.pdf"),
        ("Vi prego di cancellare il mio account. In allegato una copia della mia carta d'identità.", PDF, "carta.pdf"),
        ("Verwijder alstublieft mijn account. Een kopie van mijn paspoort vindt u in de bijlage.", PDF, "paspoort.pdf"),
    ] {
        let read = letter("Hello", text, kind, name);
        assert!(read.verdict.opens(), "{text}: {:?}", read.verdict);
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
