//! A letter whose whole content is an attachment: nothing is written in it, or no more than "see attached", and a document hangs
//! on it that nobody here opens.
//!
//! It asks for an erasure where its subject does by the lexicon ("Erasure request", "Löschantrag"), or what it says of the
//! attachment, or where the file's name does ("GDPR_erasure_request.pdf", "article-17.pdf"); then a person opens it, whatever else
//! the subject says: what the paper limits or adds was not read. Otherwise it is what its subject makes of it, an invoice for
//! example. The name of a file is looked at here and kept nowhere.
//!
//! A letter of any length goes to a person, too, that points to an attachment for whom or what it wants erased ("all users in the
//! attached spreadsheet"). One that says so itself, with a proof of who writes or a picture attached, is read as ever.

use super::frame::{Names, without_frame};
use super::intent::{Part, Reason};
use super::letter::Letter;
use super::lexicon::{Group, Lexicon};
use super::normal::fold;
use super::signals::{Hit, Signals};
use super::utterance::{Force, force, undone};

/// The rule that says so.
pub(super) const RULE: &str = "attachment";
/// Words of a text that says no more than where to read.
const POINTING_WORDS: usize = 15;

/// Words around the attachment in which its content is told.
const NEAR_WORDS: usize = 12;
/// The writer's own.
const OWN: [Group; 4] = [Group::AccountMine, Group::DataMine, Group::ContactMine, Group::ForgetMe];
/// Whom or what an attachment may list.
const WHOM: [Group; 8] = [
    Group::SeveralPeople,
    Group::OtherUser,
    Group::EndUser,
    Group::Account,
    Group::Profile,
    Group::Data,
    Group::DataTheirs,
    Group::Everything,
];
/// What says that an attachment has a list of something, folded.
const LISTED: &[&str] = &[
    "list",
    "lists",
    "listed",
    "listing",
    "listings",
    "spreadsheet",
    "table",
    "sheet",
    "csv",
    "excel",
    "xlsx",
    "named",
    "mentioned",
    "specified",
    "described",
    "enumerated",
    "set",
    "names",
    "liste",
    "listen",
    "tabelle",
    "aufgefuhrt",
    "aufgefuhrte",
    "aufgefuhrten",
    "aufgelistet",
    "aufgelistete",
    "aufgelisteten",
    "genannt",
    "genannte",
    "genannten",
    "aufstellung",
    "excel-liste",
    "excel-tabelle",
    "excel-datei",
    "csv-datei",
    "namensliste",
    "listees",
    "listes",
    "listee",
    "tableau",
    "tableur",
    "mentionnes",
    "mentionnees",
    "indiques",
    "indiquees",
    "enumeres",
    "figurant",
    "lista",
    "listado",
    "listados",
    "listadas",
    "tabla",
    "indicados",
    "indicadas",
    "mencionados",
    "mencionadas",
    "elenco",
    "elencati",
    "elencate",
    "tabella",
    "indicati",
    "indicate",
    "foglio",
    "menzionati",
    "lijst",
    "lijstje",
    "tabel",
    "genoemd",
    "genoemde",
    "vermeld",
    "vermelde",
    "spreadsheets",
    "rekenblad",
    "overzicht",
    "ubersicht",
];
/// People and what they have, of whom there may be many, folded.
const PEOPLE: &[&str] = &[
    "users",
    "accounts",
    "people",
    "persons",
    "profiles",
    "customers",
    "clients",
    "members",
    "contacts",
    "employees",
    "colleagues",
    "everyone",
    "everybody",
    "logins",
    "subscribers",
    "konten",
    "nutzer",
    "benutzer",
    "personen",
    "kunden",
    "mitglieder",
    "kontakte",
    "mitarbeiter",
    "profile",
    "comptes",
    "utilisateurs",
    "personnes",
    "clients",
    "profils",
    "contacts",
    "salaries",
    "cuentas",
    "usuarios",
    "personas",
    "clientes",
    "perfiles",
    "contactos",
    "empleados",
    "utenti",
    "persone",
    "clienti",
    "profili",
    "contatti",
    "dipendenti",
    "gebruikers",
    "personen",
    "klanten",
    "profielen",
    "medewerkers",
    "contacten",
    "leden",
];
/// What proves who writes, or is no list, folded.
const PROOFS: &[&str] = &[
    "id",
    "id-card",
    "identify",
    "identifikation",
    "identifizierung",
    "identifizieren",
    "identifier",
    "identificar",
    "identificarme",
    "identificazione",
    "identificarmi",
    "identificeren",
    "identificatie",
    "legitimation",
    "passport",
    "licence",
    "license",
    "proof",
    "identity",
    "identification",
    "signature",
    "attorney",
    "authorisation",
    "authorization",
    "mandate",
    "copy",
    "scan",
    "ausweis",
    "ausweiskopie",
    "personalausweis",
    "personalausweises",
    "reisepass",
    "vollmacht",
    "nachweis",
    "identitat",
    "kopie",
    "unterschrift",
    "identite",
    "passeport",
    "procuration",
    "justificatif",
    "copie",
    "dni",
    "pasaporte",
    "identidad",
    "poder",
    "copia",
    "identita",
    "passaporto",
    "delega",
    "documento",
    "paspoort",
    "legitimatie",
    "identiteitsbewijs",
    "machtiging",
    "rijbewijs",
    "logo",
    "screenshot",
    "invoice",
    "rechnung",
    "facture",
    "factura",
    "fattura",
    "factuur",
];

/// Why a person has to open what is attached; `None` where the letter says something itself, or nothing asks.
pub(super) fn attached(letter: &Letter, said: &[&str], subject: Option<&str>, lexicon: &Lexicon) -> Option<Reason> {
    let names = Names::of(letter);
    let points = |text: &&str| {
        let body = without_frame(text, &names, lexicon);
        body.trim().is_empty()
            || body.split_whitespace().count() <= POINTING_WORDS && lexicon.has(Group::Attached, &fold(&body))
    };
    let reason = || Reason::of(RULE, Part::Whole);
    let has_list = !letter.documents.is_empty() || !letter.enclosed.is_empty();
    if has_list && said.iter().any(|text| lists_elsewhere(text, subject, lexicon)) {
        return Some(reason());
    }
    if letter.documents.is_empty() || !said.iter().all(points) {
        return None;
    }
    let subject = subject.is_some_and(|subject| names_erasure(subject, true, lexicon));
    // "Please remove the attached logo" asks for no erasure, "my erasure request is attached" does.
    let told = || said.iter().any(|text| names_erasure(text, false, lexicon));
    let named = || letter.documents.iter().any(|name| names_erasure(&in_words(name), true, lexicon));
    (subject || told() || named()).then(reason)
}

/// Whether a text points to what is attached for whom or what it wants erased.
fn lists_elsewhere(text: &str, subject: Option<&str>, lexicon: &Lexicon) -> bool {
    if !lexicon.has(Group::Attached, &fold(text)) {
        return false;
    }
    let found = Signals::of(text, lexicon);
    let wish = |hit: &Hit| {
        let erases = hit.is(Group::EraseVerb) || hit.is(Group::EraseNoun) || hit.is(Group::CloseVerb);
        erases && matches!(force(hit, &found), Force::Wish | Force::Doubtful) && !undone(hit, &found)
    };
    let asks = || found.hits.iter().any(wish) || subject.is_some_and(|subject| names_erasure(subject, true, lexicon));
    found.hits.iter().filter(|hit| hit.is(Group::Attached)).any(|attached| {
        let sentence = found.sentences(attached.sentence, attached.sentence);
        let within = |groups: &[Group]| sentence.iter().any(|hit| groups.iter().any(|group| hit.is(*group)));
        let around = found.sentence_of(attached.first);
        let says = |words: &[&str]| {
            let near =
                around.start.max(attached.first.saturating_sub(NEAR_WORDS))..around.end.min(attached.last + NEAR_WORDS);
            let mut all = near.map(|word| found.spelling(word));
            all.any(|word| words.contains(&word.trim_matches(|c: char| !c.is_alphanumeric())))
        };
        let listed = says(LISTED);
        let whom = listed || says(PEOPLE) || within(&WHOM);
        let own = within(&OWN);
        match () {
            () if says(PROOFS) => false,
            // "My data as listed in the attached file", and not "my account, see the attached copy".
            () if own => listed && asks(),
            () if sentence.iter().any(wish) => whom,
            () => (listed || within(&[Group::SeveralPeople]) || says(PEOPLE)) && asks(),
        }
    })
}

/// Whether a few words name an erasure, rather than that of an order or a file.
fn names_erasure(text: &str, by_verb: bool, lexicon: &Lexicon) -> bool {
    const ABOUT: [Group; 6] =
        [Group::AccountMine, Group::Account, Group::DataMine, Group::Data, Group::LawErasure, Group::ForgetMe];
    let found = Signals::of(text, lexicon);
    let erases = |hit: &Hit| match () {
        () if hit.is(Group::LawErasure) || hit.is(Group::ForgetMe) || hit.is(Group::EraseNoun) => true,
        () if hit.is(Group::CloseVerb) => by_verb && found.beside(hit, Group::AccountMine),
        () => by_verb && hit.is(Group::EraseVerb),
    };
    let meant = |hit: &Hit| matches!(force(hit, &found), Force::Wish | Force::Doubtful) && !undone(hit, &found);
    let of_thing = found.has_any(Group::Topic) && !ABOUT.iter().any(|group| found.has_any(*group));
    !of_thing && found.hits.iter().any(|hit| erases(hit) && meant(hit))
}

/// Whether an attachment is something that a person reads.
pub(super) fn is_document(media_type: &str, name: &str) -> bool {
    const TYPES: &[&str] = &[
        "image/",
        "application/pdf",
        "application/x-pdf",
        "application/msword",
        "application/vnd.ms-word",
        "application/vnd.ms-excel",
        "application/rtf",
        "application/csv",
        "application/zip",
        "application/x-zip",
        "application/pkcs7-mime",
        "application/x-pkcs7-mime",
        "application/vnd.openxmlformats-officedocument.",
        "application/vnd.oasis.opendocument.",
        "text/rtf",
        "text/csv",
        "text/tab-separated-values",
        "text/plain",
        "text/html",
        "message/",
    ];
    const ENDINGS: &[&str] = &[
        "pdf", "doc", "docx", "docm", "dot", "odt", "rtf", "pages", "jpg", "jpeg", "png", "tif", "tiff", "heic", "xls",
        "xlsx", "xlsm", "xlsb", "ods", "csv", "tsv", "txt", "htm", "html", "zip", "7z", "p7m", "eml", "msg", "numbers",
    ];
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase()).unwrap_or_default();
    // A mail program that does not know a file calls it bytes, or what it likes.
    TYPES.iter().any(|known| media_type.starts_with(known))
        || media_type.starts_with("application/") && ENDINGS.contains(&ending.as_str())
}

/// A file's name as words: "GDPR_erasure-request.pdf".
fn in_words(name: &str) -> String {
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let apart: String = stem.chars().map(|c| if c.is_alphanumeric() { c } else { ' ' }).collect();
    apart.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
#[path = "attached_tests.rs"]
mod tests;
