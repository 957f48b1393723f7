//! What is new in a letter and what is repeated: quotes, forwarded letters, signatures and disclaimers are set apart.
//!
//! Works on lines of plain text (HTML arrives with its quoted blocks marked by `>`). Nothing is lost: every line lands
//! in one of the fields of [`Split`].

use super::lexicon::{Group, Lexicon};
use super::normal::fold;
use super::ours;

/// Lines that an attribution ("On … wrote:") may be broken into.
const ATTRIBUTION_LINES_MAX: usize = 4;
const ATTRIBUTION_BYTES_MAX: usize = 400;
/// Lines within which a quoted header block shows both its sender and its date or subject.
const HEADER_BLOCK_LINES: usize = 6;
/// Lines of a header block in a language that we do not know.
const HEADER_LINES_MIN: usize = 3;

/// A text, taken apart.
#[derive(Default, Debug)]
pub(super) struct Split {
    /// What the writer wrote now.
    pub new: String,
    /// What is repeated.
    pub quoted: String,
    /// What is passed on.
    pub forwarded: String,
    /// Signature and disclaimer.
    pub signature: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Zone {
    New,
    Quoted,
    Forwarded,
    Signature,
}

/// What the headers say of a letter before its text is taken apart.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) struct Kind {
    /// The subject announces a forwarded letter.
    pub is_forward: bool,
    /// It answers another letter.
    pub is_reply: bool,
}

/// Takes a text apart.
pub(super) fn split(text: &str, lexicon: &Lexicon, kind: Kind) -> Split {
    let lines: Vec<&str> = text.lines().collect();
    let folded: Vec<String> = lines.iter().map(|line| fold(line)).collect();
    let ours = ours::begins(&folded, lexicon);
    let mut out = Split::default();
    let mut zone = Zone::New;
    let mut at = 0;
    let mut disclaims = false;
    while at < lines.len() {
        if ours.is_some_and(|ours| at >= ours) {
            zone = Zone::Quoted;
        }
        let (here, taken, next) = step(&lines, &folded, at, zone, lexicon, kind);
        zone = next;
        for (line, folded) in lines[at..at + taken].iter().zip(&folded[at..at + taken]) {
            disclaims |= here == Zone::New && lexicon.starts(Group::Disclaimer, folded);
            put(&mut out, here, line);
        }
        at += taken;
    }
    if disclaims {
        drop_disclaimers(&mut out, lexicon);
    }
    out
}

/// The zone of the next line or lines, how many they are, and the zone that follows.
fn step(
    lines: &[&str],
    folded: &[String],
    at: usize,
    zone: Zone,
    lexicon: &Lexicon,
    kind: Kind,
) -> (Zone, usize, Zone) {
    let line = folded[at].as_str();
    if matches!(zone, Zone::Quoted | Zone::Forwarded) {
        return (zone, 1, zone);
    }
    let repeated = if kind.is_forward { Zone::Forwarded } else { Zone::Quoted };
    if line.starts_with('>') {
        return (repeated, 1, zone);
    }
    if lexicon.has(Group::ForwardSeparator, line) {
        return (Zone::Forwarded, 1, Zone::Forwarded);
    }
    let separated = line.starts_with(['-', '_', '*']) && lexicon.has(Group::Separator, line);
    let headed = header_block(folded, at, lexicon) || (kind.is_reply && any_header_block(folded, at, lexicon));
    if separated || headed {
        return (repeated, 1, repeated);
    }
    if let Some(taken) = attribution(folded, at, lexicon, kind) {
        let marked = folded[at + taken..].iter().find(|l| !l.is_empty()).is_some_and(|l| l.starts_with('>'));
        return (repeated, taken, if marked { zone } else { repeated });
    }
    if lines[at].trim_end() == "--" {
        return (Zone::Signature, 1, Zone::Signature);
    }
    if lexicon.starts(Group::SignatureLine, line) {
        return (Zone::Signature, 1, zone);
    }
    (zone, 1, zone)
}

/// How many lines an attribution such as "On Monday, X wrote:" takes, if one begins here.
///
/// In an answer, a line with an address and a date that ends in a colon is one in any language.
fn attribution(folded: &[String], at: usize, lexicon: &Lexicon, kind: Kind) -> Option<usize> {
    let mut joined = String::new();
    for taken in 1..=ATTRIBUTION_LINES_MAX.min(folded.len() - at) {
        let line = &folded[at + taken - 1];
        if line.is_empty() || line.starts_with('>') || joined.len() + line.len() > ATTRIBUTION_BYTES_MAX {
            return None;
        }
        if taken > 1 {
            joined.push(' ');
        }
        joined.push_str(line);
        let dated = joined.contains('@') || joined.bytes().any(|b| b.is_ascii_digit());
        if !joined.ends_with(':') {
            continue;
        }
        let opened = joined.contains('@') || lexicon.starts(Group::AttributionStart, &joined);
        let foreign = kind.is_reply && joined.contains('@') && is_dated(&joined);
        if foreign || (dated && opened && lexicon.has(Group::AttributionVerb, &joined)) {
            return Some(taken);
        }
    }
    None
}

/// Whether the headers of a repeated letter begin here: "From:" and, close by, "Sent:" or "Subject:".
///
/// Contact forms write "Name:", "E-mail:", "Subject:", so that a sender label alone, or a subject alone, is none.
fn header_block(folded: &[String], at: usize, lexicon: &Lexicon) -> bool {
    let Some(line) = folded.get(at) else { return false };
    if !lexicon.starts(Group::HeaderFrom, line) {
        return false;
    }
    folded.iter().skip(at + 1).take(HEADER_BLOCK_LINES).any(|l| lexicon.starts(Group::HeaderSent, l))
}

/// Whether lines of the form "Word: value" begin here that repeat a letter's headers in a language that we do not know:
/// at least three in a row, with an address or a date among them. Only an answer is read so, because contact forms
/// look alike.
fn any_header_block(folded: &[String], at: usize, lexicon: &Lexicon) -> bool {
    if !ours::is_header_line(&folded[at], lexicon) {
        return false;
    }
    let below = folded[at..].iter().filter(|line| !line.is_empty()).take(HEADER_BLOCK_LINES);
    let block: Vec<&String> = below.take_while(|line| ours::is_header_line(line, lexicon)).collect();
    block.len() >= HEADER_LINES_MIN && block.iter().any(|line| line.contains('@') || is_dated(line))
}

/// A time of day, or a year.
fn is_dated(line: &str) -> bool {
    line.split(|c: char| !c.is_ascii_digit() && c != ':').any(|word| {
        let year = word.len() == 4 && (word.starts_with("19") || word.starts_with("20"));
        let time = word.split_once(':').is_some_and(|(hour, minute)| !hour.is_empty() && minute.len() >= 2);
        year || time
    })
}

fn put(out: &mut Split, zone: Zone, line: &str) {
    let field = match zone {
        Zone::New => &mut out.new,
        Zone::Quoted => &mut out.quoted,
        Zone::Forwarded => &mut out.forwarded,
        Zone::Signature => &mut out.signature,
    };
    let line = if zone == Zone::New { line } else { line.trim_start_matches(['>', ' ']) };
    field.push_str(line);
    field.push('\n');
}

/// A line that begins like "This e-mail is confidential …" ends what a paragraph says; the rest asks nothing of us.
fn drop_disclaimers(out: &mut Split, lexicon: &Lexicon) {
    let whole = std::mem::take(&mut out.new);
    let mut in_disclaimer = false;
    for line in whole.lines() {
        let folded = fold(line);
        in_disclaimer = !folded.is_empty() && (in_disclaimer || lexicon.starts(Group::Disclaimer, &folded));
        let field = if in_disclaimer { &mut out.signature } else { &mut out.new };
        field.push_str(line);
        field.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new_of(text: &str) -> String {
        let lexicon = super::super::lexicon::for_tests();
        split(text, lexicon, Kind::default()).new.trim().to_owned()
    }

    fn answer_of(text: &str) -> String {
        let lexicon = super::super::lexicon::for_tests();
        split(text, lexicon, Kind { is_reply: true, is_forward: false }).new.trim().to_owned()
    }

    #[test]
    fn headers_above_a_repeated_letter_are_seen_in_any_language() {
        for above in [
            "Van: Shop <privacy@shop.example>\nVerzonden: maandag 2 maart 2026 10:00\nAan: Anna\nOnderwerp: RE: account",
            "Od: Shop\nWysłano: poniedziałek, 2 marca 2026 10:00\nDo: Anna\nTemat: konto",
            "*Från:* Shop\n*Skickat:* den 2 mars 2026\n*Till:* Anna",
            "Op ma 2 mrt. 2026 om 10:00 schreef Shop <privacy@shop.example>:",
        ] {
            assert_eq!(answer_of(&format!("Ja.\n\n{above}\n\nYour code: 7K3QM2\n")), "Ja.", "{above}");
        }
        assert_eq!(answer_of("Code: 7K3QM2\nThanks\nAnna"), "Code: 7K3QM2\nThanks\nAnna");
    }

    #[test]
    fn a_letter_of_ours_is_quoted_from_its_beginning_whatever_stands_above_it() {
        let ours = "Hello,\n\nOn 2 March 2026 we received a request to erase personal data at Shop. So that nobody else can\n\
            have your data erased, we ask at the address that we have on file.\n\nYour code: 7K3QM2\n";
        for above in ["", "Van: Shop\nVerzonden: maandag\n", "_____\n", "Op maandag 2 maart schreef Shop:\n\n"] {
            assert_eq!(new_of(&format!("Wat is dit?\n\n{above}{ours}")), "Wat is dit?", "{above}");
        }
        let token = "abcdefghijklmnopqrstuvwx23";
        assert_eq!(new_of(&format!("Ja\n\n{token}\n7K3QM2")), "Ja");
        assert_eq!(new_of(&format!("Ja\n\nVan: <privacy+{token}@shop.example>\n7K3QM2")), "Ja");
    }

    #[test]
    fn attributions_in_four_languages_end_the_new_text() {
        for line in [
            "On Mon, 2 Mar 2026 at 10:00, Shop <a@shop.example> wrote:",
            "On Mon, 2 Mar 2026 at 10:00, Shop\n<a@shop.example> wrote:",
            "Am 02.03.2026 um 10:00 schrieb Shop <a@shop.example>:",
            "Le 02/03/2026 à 10:00, Shop <a@shop.example> a écrit :",
            "El 02/03/2026 a las 10:00, Shop <a@shop.example> escribió:",
            "-----Original Message-----",
            "-----Ursprüngliche Nachricht-----",
            "-----Message d'origine-----",
            "Von: Shop\nGesendet: Montag\nAn: Anna\nBetreff: Ihr Konto",
            "De : Shop\nEnvoyé : lundi\nÀ : Anna\nObjet : Compte",
        ] {
            assert_eq!(new_of(&format!("Ja.\n\n{line}\nplease delete my account\n")), "Ja.", "{line}");
        }
    }

    #[test]
    fn an_answer_below_the_quote_is_new() {
        assert_eq!(new_of("On 2 March 2026 Shop wrote:\n> Do you confirm?\n\nYes.\n"), "Yes.");
    }

    /// "But only what I wrote:" above a quote takes half of a yes back.
    #[test]
    fn a_line_without_a_day_is_new_whatever_stands_below() {
        let answer = "Yes\n\nBut only what I wrote:";
        assert_eq!(new_of(&format!("{answer}\n> the photos\n")), answer);
    }

    #[test]
    fn signature_and_disclaimer_are_not_new() {
        assert_eq!(new_of("Hello\n-- \nAnna\ndelete my account"), "Hello");
        assert_eq!(new_of("Hallo\nVon meinem iPhone gesendet"), "Hallo");
        assert_eq!(new_of("Hi\n\nThis e-mail is confidential, please delete all copies.\n"), "Hi");
    }

    #[test]
    fn a_contact_form_is_new() {
        let form = "Name: A\nE-Mail: a@b.example\nBetreff: Konto\nNachricht:\nBitte löschen";
        assert_eq!(new_of(form), form);
    }

    #[test]
    fn forwarded_text_is_kept_apart() {
        let lexicon = super::super::lexicon::for_tests();
        let out = split("FYI\n---------- Forwarded message ---------\nErase me", lexicon, Kind::default());
        assert_eq!(out.new.trim(), "FYI");
        assert!(out.forwarded.contains("Erase me"));
    }
}
