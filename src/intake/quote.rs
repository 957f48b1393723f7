//! What is new in a letter and what is repeated: quotes, forwarded letters, signatures and disclaimers are set apart.
//!
//! Works on lines of plain text (HTML arrives with its quoted blocks marked by `>`). Nothing is lost: every line lands
//! in one of the fields of [`Split`].

use super::lexicon::{Group, Lexicon};
use super::normal::fold;

/// Lines that an attribution ("On … wrote:") may be broken into.
const ATTRIBUTION_LINES_MAX: usize = 4;
const ATTRIBUTION_BYTES_MAX: usize = 400;
/// Lines within which a quoted header block shows both its sender and its date or subject.
const HEADER_BLOCK_LINES: usize = 6;

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

/// Takes a text apart. `is_forward` says that the subject announces a forwarded letter.
pub(super) fn split(text: &str, lexicon: &Lexicon, is_forward: bool) -> Split {
    let lines: Vec<&str> = text.lines().collect();
    let folded: Vec<String> = lines.iter().map(|line| fold(line)).collect();
    let mut out = Split::default();
    let mut zone = Zone::New;
    let mut at = 0;
    while at < lines.len() {
        let (here, taken, next) = step(&lines, &folded, at, zone, lexicon, is_forward);
        zone = next;
        for line in &lines[at..at + taken] {
            put(&mut out, here, line);
        }
        at += taken;
    }
    drop_disclaimers(&mut out, lexicon);
    out
}

/// The zone of the next line or lines, how many they are, and the zone that follows.
fn step(
    lines: &[&str],
    folded: &[String],
    at: usize,
    zone: Zone,
    lexicon: &Lexicon,
    is_forward: bool,
) -> (Zone, usize, Zone) {
    let line = folded[at].as_str();
    if matches!(zone, Zone::Quoted | Zone::Forwarded) {
        return (zone, 1, zone);
    }
    if line.starts_with('>') {
        let here = if is_forward { Zone::Forwarded } else { Zone::Quoted };
        return (here, 1, zone);
    }
    if lexicon.has(Group::ForwardSeparator, line) {
        return (Zone::Forwarded, 1, Zone::Forwarded);
    }
    let repeated = if is_forward { Zone::Forwarded } else { Zone::Quoted };
    if lexicon.has(Group::Separator, line) && line.starts_with(['-', '_', '*']) || header_block(folded, at, lexicon) {
        return (repeated, 1, repeated);
    }
    if let Some(taken) = attribution(folded, at, lexicon) {
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
fn attribution(folded: &[String], at: usize, lexicon: &Lexicon) -> Option<usize> {
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
        let opened = joined.contains('@') || lexicon.starts(Group::AttributionStart, &joined);
        if joined.ends_with(':') && dated && opened && lexicon.has(Group::AttributionVerb, &joined) {
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
    if !lexicon.has(Group::Disclaimer, &fold(&out.new)) {
        return;
    }
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
        split(text, lexicon, false).new.trim().to_owned()
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
        let out = split("FYI\n---------- Forwarded message ---------\nErase me", lexicon, false);
        assert_eq!(out.new.trim(), "FYI");
        assert!(out.forwarded.contains("Erase me"));
    }
}
