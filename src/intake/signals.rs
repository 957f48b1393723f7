//! Where the lexicon's words stand in a text: which word, clause and sentence. Finds, never judges.

use std::cell::OnceCell;
use std::ops::Range;

use super::lexicon::{Group, Lexicon, List, Topic};
use super::normal::fold;
use super::phrases::Found;
use super::present::{Groups, Present};
use super::tables::Tables;
use super::tongue::{Tongue, Tongues, plausible};
use crate::domain::Reference;

/// Hits beyond this many are not looked at; a letter of a person has some dozens.
const HITS_MAX: usize = 4_000;
/// How a reference of ours begins, folded.
const REFERENCE: &str = "exp-";
/// Signs that part no word: "don't", and what stands for a letter of another script.
const INSIDE: [char; 3] = ['\'', '’', '_'];
/// Whose data are somebody else's, folded, beside those of the lexicon.
const THEIRS: [&str; 26] = [
    "his", "her", "their", "seine", "seiner", "seinen", "deren", "dessen", "ihre", "ihren", "ses", "sa", "leurs",
    "leur", "sus", "su", "suoi", "sue", "loro", "zijn", "haar", "hun", "diens", "suyos", "suyo", "hers",
];
/// How far into its line a hit is looked for between quotation marks.
const QUOTED_BYTES_MAX: usize = 2_000;
/// A sentence is cut here, so that what is compared within one stays small whatever the text.
const SENTENCE_WORDS_MAX: usize = 80;

/// One phrase found.
#[derive(Clone, Debug)]
pub(super) struct Hit {
    pub language: Tongue,
    pub topic: Topic,
    /// Index of its first word.
    pub first: usize,
    /// Index of its last word.
    pub last: usize,
    pub clause: usize,
    pub sentence: usize,
    /// Where it stands in the folded text.
    bytes: Range<usize>,
    /// Which of its words the phrase does not say, for they stand in a gap: a bit each, the first word the lowest.
    loose: u64,
}

impl Hit {
    pub fn is(&self, group: Group) -> bool {
        self.topic == Topic::Group(group)
    }

    /// Whether the hit takes in this word.
    pub const fn covers(&self, word: usize) -> bool {
        self.first <= word && word <= self.last
    }

    /// Whether the phrase itself says this word: "my" and "account" of "my … account", and nothing between.
    pub const fn says(&self, word: usize) -> bool {
        self.covers(word) && matches!(self.loose.checked_shr((word - self.first) as u32), Some(bits) if bits & 1 == 0)
    }

    /// Whether the phrase itself says this piece of a word.
    pub const fn says_piece(&self, word: usize, piece: &Range<usize>) -> bool {
        self.says(word) && self.bytes.start < piece.end && piece.start < self.bytes.end
    }

    /// Whether two hits share a word.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }

    /// Words between two hits; 0 when they touch or overlap.
    pub fn distance(&self, other: &Self) -> usize {
        if self.first > other.last {
            self.first - other.last - 1
        } else if other.first > self.last {
            other.first - self.last - 1
        } else {
            0
        }
    }
}

/// A text with the phrases found in it.
pub(super) struct Signals {
    pub hits: Vec<Hit>,
    pub words: usize,
    /// The first word of every sentence that has one.
    openings: Vec<usize>,
    /// The first word at or behind the start of every clause.
    clauses: Vec<usize>,
    /// For every sentence whether it ends with a question mark.
    questions: Vec<bool>,
    /// The text, folded, and where its words begin.
    folded: String,
    starts: Vec<usize>,
    /// What of each language there is.
    present: Present,
    tables: &'static Tables<'static>,
    /// The words that are links, once somebody asked for them.
    links: OnceCell<Vec<usize>>,
}

/// References of ours, as our letters print them, with one sign for all their symbols: "EXP-8B15-NE" says no "ne". Takes and gives
/// folded text, of the same length.
fn mute_references(mut folded: String) -> String {
    let mut from = 0;
    while let Some(found) = folded[from..].find(REFERENCE) {
        let start = from + found;
        let symbols = |b: &u8| b.is_ascii_alphanumeric() || *b == b'-';
        let end = start + folded.as_bytes()[start..].iter().take_while(|b| symbols(b)).count();
        if is_printed_reference(&folded[start..end]) {
            let start = start + REFERENCE.len();
            let muted: String = folded[start..end].chars().map(|c| if c == '-' { c } else { 'z' }).collect();
            folded.replace_range(start..end, &muted);
        }
        from = end;
    }
    folded
}

/// Whether a folded word is a reference of ours as our letters print it. People's spellings may be words ("EXP-CANCEL").
pub(super) fn is_printed_reference(word: &str) -> bool {
    let word = bare(word);
    word.parse::<Reference>().is_ok_and(|reference| reference.to_string().eq_ignore_ascii_case(word))
}

struct Word {
    start: usize,
    clause: usize,
    sentence: usize,
}

impl Signals {
    /// Looks a text up in the lexicon.
    pub fn of(text: &str, lexicon: &Lexicon) -> Self {
        let folded = mute_references(lexicon.put_right(fold(text)));
        let (words, questions) = segment(&folded);
        let mut hits = Vec::new();
        for (language, topic, Found { range, loose, .. }) in lexicon.found(&folded, Tongues::default()) {
            let at = |byte: usize| words.partition_point(|word| word.start <= byte).saturating_sub(1);
            let (first, last) = (at(range.start), at(range.end.saturating_sub(1)));
            if let Some(word) = words.get(first).filter(|_| hits.len() < HITS_MAX) {
                let (clause, sentence) = (word.clause, word.sentence);
                let bits = loose.iter().map(|word| 1_u64.checked_shl((at(word.start) - first) as u32).unwrap_or(0));
                let loose = bits.fold(0, std::ops::BitOr::bitor);
                hits.push(Hit { language, topic: *topic, first, last, clause, sentence, bytes: range, loose });
            }
        }
        let openings =
            (0..words.len()).filter(|at| *at == 0 || words[at - 1].sentence != words[*at].sentence).collect();
        let clauses_count = words.last().map_or(0, |word| word.clause + 1);
        let clauses = (0..clauses_count).map(|clause| words.partition_point(|word| word.clause < clause)).collect();
        disown(&mut hits, &folded, &words);
        depersonalize(&mut hits);
        hold_own(&mut hits);
        hits.sort_by_key(|hit| (hit.sentence, hit.first));
        let present = Present::of(&hits);
        let starts: Vec<usize> = words.iter().map(|word| word.start).collect();
        Self {
            hits,
            words: starts.len(),
            openings,
            clauses,
            questions,
            folded,
            starts,
            present,
            tables: lexicon.tables(),
            links: OnceCell::new(),
        }
    }

    /// Whether a piece of text between two spaces counts as a word.
    pub fn is_word(piece: &str) -> bool {
        piece.bytes().any(|b| b.is_ascii_alphanumeric() || !b.is_ascii())
    }

    /// A word as it is spelled, folded.
    pub fn spelling(&self, word: usize) -> &str {
        let rest = self.starts.get(word).and_then(|start| self.folded.get(*start..)).unwrap_or_default();
        // Folded text has no other white space.
        rest.split([' ', '\n']).next().unwrap_or_default()
    }

    /// What a word consists of where signs stand inside it, as in "yes,later": the letters between them, and where.
    pub fn pieces(&self, word: usize) -> impl Iterator<Item = (Range<usize>, &str)> {
        let (start, spelling) = (self.starts.get(word).copied().unwrap_or_default(), self.spelling(word));
        let parts = |c: char| !c.is_alphanumeric() && !INSIDE.contains(&c);
        let pieces = spelling.split(parts).filter(|piece| piece.contains(char::is_alphanumeric));
        pieces.map(move |piece| {
            let from = start + (piece.as_ptr() as usize - spelling.as_ptr() as usize);
            (from..from + piece.len(), piece)
        })
    }

    /// Whether a word is one of a list, in a language.
    pub fn spells(&self, word: usize, list: List, language: Tongue) -> bool {
        self.tables.lists(bare(self.spelling(word)), list, language)
    }

    /// Whether the text names an e-mail address.
    pub fn has_address(&self) -> bool {
        self.folded.contains('@')
    }

    /// The words between the quotation marks around a hit, where its line has them and is not too long to say which are which.
    pub fn quotation(&self, hit: &Hit) -> Option<Range<usize>> {
        const MARK: char = '"';
        let at = &hit.bytes;
        let line = self.folded[..at.start].rfind('\n').map_or(0, |end| end + 1);
        let before = self.folded.get(line..at.start).filter(|before| before.len() <= QUOTED_BYTES_MAX)?;
        let behind = self.folded[at.end..].split('\n').next().unwrap_or_default();
        if before.matches(MARK).count().is_multiple_of(2) {
            return None;
        }
        let (start, end) = (line + before.rfind(MARK)?, at.end + behind.find(MARK)?);
        let word = |byte: usize| self.starts.partition_point(|start| *start < byte);
        Some(word(start)..word(end))
    }

    /// Whether a link stands among these words.
    pub fn has_link(&self, among: Range<usize>) -> bool {
        const STARTS: [&str; 3] = ["http:", "https:", "www."];
        let find = || {
            let places = STARTS.iter().flat_map(|start| self.folded.match_indices(start));
            let word = |(byte, _): (usize, &str)| self.starts.partition_point(|start| *start <= byte).saturating_sub(1);
            let mut words: Vec<usize> = places.map(word).collect();
            words.sort_unstable();
            words
        };
        let links = self.links.get_or_init(find);
        links.get(links.partition_point(|word| *word < among.start)).is_some_and(|word| *word < among.end)
    }

    /// The first words of the sentences that have any.
    pub fn openings(&self) -> &[usize] {
        &self.openings
    }

    /// The words of the sentence that this word is in.
    pub fn sentence_of(&self, word: usize) -> Range<usize> {
        let next = self.openings.partition_point(|first| *first <= word);
        let start = self.openings[..next].last().copied().unwrap_or(0);
        start..self.openings.get(next).copied().unwrap_or(self.words)
    }

    /// The words of a clause.
    pub fn clause_words(&self, clause: usize) -> Range<usize> {
        let at = |clause: usize| self.clauses.get(clause).copied().unwrap_or(self.words);
        at(clause)..at(clause + 1)
    }

    /// Whether a clause begins with this word.
    pub fn begins_clause(&self, word: usize) -> bool {
        self.clauses.binary_search(&word).is_ok()
    }

    /// Whether a sentence is a question.
    pub fn is_question(&self, sentence: usize) -> bool {
        self.questions.get(sentence).copied().unwrap_or(false)
    }

    /// The hits of one group in one language.
    pub fn of_group(&self, language: Tongue, group: Group) -> impl Iterator<Item = &Hit> {
        let hits = if self.has(language, group) { &self.hits[..] } else { &[] };
        hits.iter().filter(move |hit| hit.language == language && hit.is(group))
    }

    /// Whether the group occurs in this language.
    pub fn has(&self, language: Tongue, group: Group) -> bool {
        self.has_one(language, Groups::of(&[group]))
    }

    /// Whether one of the groups occurs in this language.
    pub fn has_one(&self, language: Tongue, groups: Groups) -> bool {
        self.present.groups(language).has(groups)
    }

    /// Whether the group occurs in any language.
    pub const fn has_any(&self, group: Group) -> bool {
        self.present.all().has(Groups::of(&[group]))
    }

    /// All hits of the sentences from one to another.
    pub fn sentences(&self, from: usize, to: usize) -> &[Hit] {
        let start = self.hits.partition_point(|hit| hit.sentence < from);
        let end = self.hits.partition_point(|hit| hit.sentence <= to);
        &self.hits[start..end]
    }

    /// The hits of one group in the hit's sentence and language.
    pub fn around(&self, hit: &Hit, group: Group) -> impl Iterator<Item = &Hit> {
        let language = hit.language;
        let there = self.has(language, group);
        let sentence = if there { self.sentences(hit.sentence, hit.sentence) } else { &[] };
        sentence.iter().filter(move |other| other.language == language && other.is(group))
    }

    /// Whether the group occurs in this language in the hit's sentence.
    pub fn beside(&self, hit: &Hit, group: Group) -> bool {
        self.around(hit, group).next().is_some()
    }

    /// Whether the group occurs in this language in words of the hit.
    pub fn within(&self, hit: &Hit, group: Group) -> bool {
        self.around(hit, group).any(|other| other.overlaps(hit))
    }

    /// Whether the hit opens its sentence, as imperatives do.
    pub fn opens(&self, hit: &Hit) -> bool {
        self.openings.binary_search(&hit.first).is_ok()
    }

    /// Whether the hit opens its clause, or nearly so ("…, so delete it").
    pub fn opens_clause(&self, hit: &Hit) -> bool {
        self.clauses.get(hit.clause).is_some_and(|first| hit.first - first <= 1)
    }

    /// Whether any sentence is a question.
    pub fn asks(&self) -> bool {
        self.questions.iter().any(|question| *question)
    }

    /// How many words of the text the lexicon knows in a language, for guessing which one it is in.
    pub fn weight(&self, language: Tongue) -> usize {
        self.present.weights().find(|(known, _)| *known == language).map_or(0, |(_, words)| words)
    }

    /// The languages that it may be in.
    pub fn spoken(&self) -> Tongues {
        let best = self.present.weights().map(|(_, words)| words).max().unwrap_or(0);
        let mut spoken = Tongues::default();
        let plausible = self.present.weights().filter(|(_, words)| plausible(*words, best));
        plausible.for_each(|(language, _)| spoken.insert(language));
        spoken
    }

    /// The hits that begin at these words.
    pub fn hits_at(&self, words: Range<usize>) -> &[Hit] {
        let place = |word: usize| self.hits.partition_point(|hit| hit.first < word);
        self.hits.get(place(words.start)..place(words.end)).unwrap_or_default()
    }
}

/// Takes from the writer what is only theirs by the first word: "my wife's account", "data about my assistant".
///
/// A word for a person right before the thing is no more than its kind ("my partner account"), unless it is a genitive.
fn disown(hits: &mut [Hit], folded: &str, words: &[Word]) {
    let spelled = |word: usize| {
        let rest = words.get(word).and_then(|word| folded.get(word.start..)).unwrap_or_default();
        rest.split_whitespace().next().unwrap_or_default()
    };
    let others: Vec<(Tongue, usize, usize)> = hits
        .iter()
        .filter(|hit| hit.is(Group::Person) || hit.is(Group::AccountTheirs))
        .map(|hit| (hit.language, hit.first, hit.last))
        .collect();
    for hit in hits.iter_mut() {
        let theirs = match hit.topic {
            Topic::Group(Group::AccountMine) => Group::Account,
            Topic::Group(Group::DataMine) => Group::DataTheirs,
            _ => continue,
        };
        let is_named = |(language, first, last): &(Tongue, usize, usize)| {
            let within = hit.first < *first && *last < hit.last && *last + 1 < hit.last;
            // "My assistant uses his account": the last word is of both phrases.
            let ends = hit.first < *first && *last == hit.last;
            *language == hit.language && (within || ends || *first == hit.last + 1 && is_own(spelled(hit.last)))
        };
        // "Everything you have on her".
        let on = ["on", "about", "of"].contains(&spelled(hit.last + 1));
        let behind = bare(spelled(hit.last + 2));
        let of_another = on && ["her", "him", "them"].contains(&behind);
        let genitive = of_another || (hit.first + 1..hit.last).any(|word| is_genitive(spelled(word)));
        // "The user Bob and all his data from our account": where the data are does not say whose they are.
        let is_theirs = |word: usize| THEIRS.contains(&bare(spelled(word)));
        let placed = bare(spelled(hit.last)) == "account" || bare(spelled(hit.last + 1)) == "cuenta";
        let theirs_before = hit.is(Group::DataMine)
            && (hit.first + 1 < hit.last && is_theirs(hit.last - 1)
                || placed && (hit.first.saturating_sub(2)..hit.first).any(is_theirs));
        if theirs_before || genitive || others.iter().any(is_named) {
            hit.topic = Topic::Group(theirs);
        }
    }
}

/// Takes away people who are only the first half of a thing ("our customer reviews page", "the user guide"), and what the
/// thing would say by itself.
fn depersonalize(hits: &mut Vec<Hit>) {
    const PEOPLE: [Group; 3] = [Group::EndUser, Group::OtherUser, Group::SeveralPeople];
    if !hits.iter().any(|hit| hit.is(Group::Thing)) {
        return;
    }
    let thing_at = |person: &Hit, word: usize| {
        let mut things = hits.iter().filter(|hit| hit.is(Group::Thing) && hit.language == person.language);
        things.find(|thing| thing.first == word && thing.clause == person.clause).map(|thing| thing.last)
    };
    let mut things: Vec<(Tongue, usize, usize)> = Vec::new();
    for person in hits.iter().filter(|hit| PEOPLE.iter().any(|group| hit.is(*group))) {
        let mut last = person.last;
        while let Some(end) = thing_at(person, last + 1) {
            last = end;
        }
        if last > person.last {
            things.push((person.language, person.first, last));
        }
    }
    hits.retain(|hit| {
        let person = PEOPLE.iter().any(|group| hit.is(*group)) || hit.is(Group::Person) || hit.is(Group::Profile);
        let speaks = person || matches!(hit.topic, Topic::Specific(_));
        !speaks
            || !things
                .iter()
                .any(|(language, first, last)| *language == hit.language && *first <= hit.first && hit.last <= *last)
    });
}

/// Takes away people who are only the kind of what is the writer's own: "my customer profile".
fn hold_own(hits: &mut Vec<Hit>) {
    let own = hits.iter().filter(|hit| hit.is(Group::AccountMine) && hit.loose == 0);
    let own: Vec<(Tongue, usize, usize)> = own.map(|hit| (hit.language, hit.first, hit.last)).collect();
    hits.retain(|hit| {
        let kind = |(language, first, last): &(Tongue, usize, usize)| {
            *language == hit.language && *first <= hit.first && hit.last < *last
        };
        !hit.is(Group::EndUser) || !own.iter().any(kind)
    });
}

fn bare(word: &str) -> &str {
    word.trim_matches(|c: char| !c.is_alphanumeric())
}

/// Whether a phrase ends in a word that makes the next one the writer's: "data linked to my".
fn is_own(word: &str) -> bool {
    ["my", "our"].contains(&word)
}

/// Whether a folded word is the English genitive of somebody. What a firm has is its owner's, and a verb is none.
pub(super) fn is_genitive(word: &str) -> bool {
    const NOBODY: [&str; 32] = [
        "it",
        "that",
        "this",
        "there",
        "here",
        "what",
        "who",
        "where",
        "when",
        "how",
        "let",
        "he",
        "she",
        "everything",
        "company",
        "business",
        "firm",
        "organisation",
        "organization",
        "shop",
        "store",
        "team",
        "today",
        "yesterday",
        "year",
        "month",
        "week",
        "account",
        "website",
        "site",
        "app",
        "nothing",
    ];
    let word = word.trim_matches(|c: char| !c.is_alphanumeric() && c != '\'');
    let stem = word.strip_suffix("'s").or_else(|| word.strip_suffix("s'"));
    stem.is_some_and(|stem| !stem.is_empty() && !NOBODY.contains(&stem) && !stem.contains(['@', '\'']))
}

/// The words of a folded text with their clauses and sentences, and which sentences are questions.
fn segment(folded: &str) -> (Vec<Word>, Vec<bool>) {
    let (mut words, mut questions) = (Vec::new(), vec![false]);
    let (mut clause, mut sentence, mut at, mut since) = (0, 0, 0, 0);
    for line in folded.split_inclusive('\n') {
        let mut tokens = line.split_inclusive(' ').peekable();
        while let Some(token) = tokens.next() {
            let word = token.trim_end();
            if Signals::is_word(word) {
                since = if words.last().is_some_and(|last: &Word| last.sentence == sentence) { since + 1 } else { 0 };
                if since >= SENTENCE_WORDS_MAX {
                    (clause, sentence, since) = (clause + 1, sentence + 1, 0);
                    questions.push(false);
                }
                words.push(Word { start: at, clause, sentence });
            }
            match word_end(word, tokens.peek().copied().unwrap_or_default()) {
                End::None => {}
                End::Clause => clause += 1,
                End::Sentence { question } => {
                    questions[sentence] |= question;
                    (clause, sentence) = (clause + 1, sentence + 1);
                    questions.push(false);
                }
            }
            at += token.len();
        }
        (clause, sentence) = (clause + 1, sentence + 1);
        questions.push(false);
    }
    (words, questions)
}

enum End {
    None,
    Clause,
    Sentence { question: bool },
}

/// Whether a folded word is a single letter, in ASCII or of another alphabet.
fn is_letter(word: &str) -> bool {
    word.chars().count() <= 1 || (word.len() == 3 && word.starts_with('_'))
}

/// What ends behind a word. Abbreviations and ordinal numbers keep their sentence open.
fn word_end(word: &str, next: &str) -> End {
    const SHORT: [&str; 21] = [
        "art", "arts", "abs", "nr", "cal", "civ", "dr", "mr", "mrs", "ms", "sr", "sra", "st", "bzw", "ggf", "usw",
        "ziff", "lit", "num", "tel", "inc",
    ];
    let bare = word.trim_end_matches(['"', '\'', ')', ']', '>', '*', '_']);
    let stem = bare.trim_end_matches(['.', '!', '?', '…']);
    let tail = &bare[stem.len()..];
    if tail.contains('?') {
        return End::Sentence { question: true };
    }
    if tail == "." {
        let core = stem.trim_start_matches(['(', '"', '\'']);
        // A word of its own, unless a number follows.
        let number = core == "no" && next.starts_with(|c: char| c.is_ascii_digit());
        let short = SHORT.contains(&core) || is_letter(core) || number;
        let ordinal = core.len() <= 2 && core.bytes().all(|b| b.is_ascii_digit());
        return if short || ordinal { End::None } else { End::Sentence { question: false } };
    }
    if !tail.is_empty() {
        return End::Sentence { question: false };
    }
    if bare.ends_with(';') {
        return End::Sentence { question: false };
    }
    if word.ends_with([',', ':', ')']) || word == "-" { End::Clause } else { End::None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_and_clauses() {
        let (words, questions) = segment("under art. 17 gdpr, on 5. may, erase it. why?\nnew one");
        let sentences: Vec<usize> = words.iter().map(|word| word.sentence).collect();
        assert_eq!(sentences, [0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 3, 3]);
        assert!(questions[1] && !questions[0]);
        assert_eq!(segment("no. 5 is it").0.last().unwrap().sentence, 0);
        assert_eq!(segment("no. delete it").0.last().unwrap().sentence, 1);
    }
}
