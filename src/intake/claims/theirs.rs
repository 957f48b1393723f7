//! Whom a letter calls otherwise than by a full name: "Bob", "my wife's account", "das Konto von Herrn Krause", "son compte".
//!
//! What is found leads nowhere or to the one who is meant; either way the account of the writer is not taken for it.

use std::ops::Range;

use super::{Claims, Folded, VALUE_CHARS_MAX, YOURS};
use crate::intake::lexicon::{Group, Lexicon, Topic};
use crate::intake::normal::{cut, fold};
use crate::intake::signals::is_genitive;

/// Words between a thing and the person whose it is: "account of my former partner".
const BETWEEN_MAX: usize = 3;
/// Letters of a first name that is told from an abbreviation.
const NAME_CHARS_MIN: usize = 3;
/// What stands before a family name, shortened or not.
const TITLES: [&str; 12] = ["m", "mr", "mrs", "ms", "dr", "hr", "fr", "sr", "sra", "mme", "herr", "herrn"];
/// Whether a text may hold an English genitive.
pub(super) fn has_genitive(text: &str) -> bool {
    text.split_whitespace().any(|word| word.contains(['\'', '\u{2018}', '\u{2019}', '\u{b4}', '`']))
}

/// What can be somebody's.
const THINGS: [Group; 4] = [Group::Account, Group::Profile, Group::Data, Group::EraseNoun];

/// Claims everybody whom a line names by a first name behind the word for who they are.
pub(super) fn first_names(line: &Folded<'_>, lexicon: &Lexicon, claims: &mut Claims) {
    for group in [Group::OtherUser, Group::EndUser, Group::PersonCue] {
        for found in line.all(group).filter(|found| !line.only_mentions(found)) {
            let name = first_name(line, found, lexicon);
            let known = |name: &String| claims.names.iter().any(|known| known.split(' ').any(|word| word == name));
            let fresh = name.filter(|name| !known(name));
            claims.name(fresh);
        }
    }
}

/// Claims everybody whom a line names by what they are to the writer, or by "his account".
pub(super) fn named(line: &Folded<'_>, lexicon: &Lexicon, claims: &mut Claims) {
    let is_thing = |topic: &Topic| matches!(topic, Topic::Group(group) if THINGS.contains(group));
    let things = || line.found.iter().filter(|(_, topic, _)| is_thing(topic));
    let (mut name_start, mut opens) = (None, true);
    for (word, at) in words(&line.folded) {
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
        // A capital says little of the word that opens a sentence.
        let capital = line.written(&at).starts_with(char::is_uppercase) && !(opens && lexicon.knows(bare));
        name_start = capital.then(|| name_start.unwrap_or(at.start));
        let owns = || things().any(|(_, _, thing)| near(&line.folded, at.end, thing.start));
        if is_genitive(word) && owns() {
            claims.name(called(line, &(name_start.unwrap_or(at.start)..at.end)));
        }
        opens = word.ends_with([',', '.', ';', ':', '!', '?']);
        name_start = name_start.filter(|_| !opens);
    }
    // "Company" is a Catalan colleague, and owns no English account.
    for (language, _, person) in line.found.iter().filter(|(_, topic, _)| **topic == Topic::Group(Group::Person)) {
        let is_mine = |thing: &Range<usize>| {
            line.all(Group::AccountMine).any(|mine| mine.start < thing.end && thing.start < mine.end)
        };
        let mut own = things().filter(|(other, _, _)| other == language).map(|(_, _, thing)| thing);
        if own.any(|thing| near(&line.folded, thing.end, person.start) && !is_mine(thing)) {
            claims.name(called(line, person));
        }
    }
    for theirs in line.all(Group::AccountTheirs) {
        let written = line.written(theirs);
        // "Ihr Konto" is the reader's, "ihr Konto" is hers.
        if !(written.starts_with("Ihr") || written.starts_with("IHR")) {
            claims.name(called(line, theirs));
        }
    }
}

/// The words of a folded line, and where they stand.
fn words(folded: &str) -> impl Iterator<Item = (&str, Range<usize>)> {
    folded.split(' ').scan(0, |at, word| {
        let start = *at;
        *at += word.len() + 1;
        Some((word, start..start + word.len()))
    })
}

/// Whether few words of one clause lie between the end of one phrase and the start of another.
fn near(folded: &str, end: usize, start: usize) -> bool {
    let between = folded.get(end..start).unwrap_or(",");
    !between.contains([',', '.', ';', ':', '!', '?', '(']) && between.split_whitespace().count() <= BETWEEN_MAX
}

fn called(line: &Folded<'_>, range: &Range<usize>) -> Option<String> {
    let written = line.written(range).trim_matches(|c: char| !c.is_alphanumeric());
    let written = written.strip_suffix("'s").or_else(|| written.strip_suffix("\u{2019}s")).unwrap_or(written);
    (!written.is_empty()).then(|| cut(written, VALUE_CHARS_MAX).to_owned())
}

/// The one word with a capital right behind a cue. No word of the cue's own language that the lexicon has is a
/// name, nor is what the cue begins ("customer service").
fn first_name(line: &Folded<'_>, cue: &Range<usize>, lexicon: &Lexicon) -> Option<String> {
    let last = line.folded[..cue.end].rsplit([' ', '\'']).next().unwrap_or_default();
    let rest = line.behind(cue.end);
    let rest = if TITLES.contains(&last) { rest.trim_start_matches('.') } else { rest };
    let word = rest.split_whitespace().next()?;
    let core = word.trim_end_matches(|c: char| !c.is_alphanumeric());
    let core = core.strip_suffix("'s").or_else(|| core.strip_suffix("\u{2019}s")).unwrap_or(core);
    let is_name = core.chars().next().is_some_and(char::is_uppercase)
        && core.chars().all(|c| c.is_alphabetic() || c == '-')
        && core.chars().count() >= NAME_CHARS_MIN;
    let folded = fold(core);
    let spoken = lexicon.languages_of(&line.folded[cue.clone()]);
    let is_word = || lexicon.languages_of(&folded).iter().any(|language| spoken.contains(language));
    let known = || YOURS.contains(&core) || is_word() || lexicon.knows(&format!("{last} {folded}"));
    (is_name && !known()).then(|| cut(core, VALUE_CHARS_MAX).to_owned())
}
