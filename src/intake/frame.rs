//! The frame of a letter: its greeting, and the good-bye with the names under it. What stands between is what it says.
//!
//! Takes away only what is surely frame: a line that could be a sentence stays, and then counts as something said.

use std::cell::OnceCell;

use super::letter::Letter;
use super::lexicon::{Group, Lexicon, Topic};
use super::normal::fold;
use super::phrases::starts;
use super::signals::{Hit, Signals};
use super::tongue::Tongues;

/// Lines of a letter whose frame is looked for. Longer letters are no answers.
const LINES_MAX: usize = 60;
/// Lines under a good-bye: name, role, company, address, telephone.
const SIGNATURE_LINES_MAX: usize = 9;
/// Words of a name under a letter that ends without a good-bye.
const NAME_WORDS_MAX: usize = 3;
const NAMES_MAX: usize = 20;
/// Words that may stand in lower case within a name.
const PARTICLES: [&str; 22] = [
    "de", "da", "do", "dos", "del", "della", "di", "du", "des", "der", "den", "von", "van", "vom", "zu", "la", "le",
    "el", "y", "e", "und", "and",
];
/// What makes a line say more than a name does.
const SAYING: [Group; 17] = [
    Group::No,
    Group::NoAlone,
    Group::Negation,
    Group::Hedge,
    Group::Undo,
    Group::Yes,
    Group::EraseVerb,
    Group::Request,
    Group::How,
    Group::Keep,
    Group::LimitExcept,
    Group::LimitKeep,
    Group::LimitImperative,
    Group::LimitUntil,
    Group::LimitDate,
    Group::Conditional,
    Group::NotMe,
];
/// What may be erased or kept: a line that names it is no title.
const THINGS: [Group; 9] = [
    Group::Noun,
    Group::Data,
    Group::DataMine,
    Group::Account,
    Group::AccountMine,
    Group::Everything,
    Group::EraseNoun,
    Group::CloseVerb,
    Group::Profile,
];
/// Words of a line that tells what somebody is.
const TITLE_WORDS_MAX: usize = 7;
/// Digits of a line that tells how somebody is reached.
const PHONE_DIGITS_MIN: usize = 6;
/// What begins a line that says something behind a name, folded.
const AFTERTHOUGHTS: [&str; 6] = ["ps", "p.s.", "ps.", "nb", "n.b.", "pps"];

/// The names that the sender goes by in the From header, folded: where a letter greets or is signed, a word of them says nothing.
#[derive(Default)]
pub(super) struct Names {
    /// Of the display name and of what stands before the @.
    own: Vec<String>,
    /// Of the domain, which is a firm's or a provider's: "mail" and "post" are words as well.
    domain: Vec<String>,
}

impl Names {
    pub fn of(letter: &Letter) -> Self {
        let addresses = letter.from.iter().map(|address| address.as_str());
        let decoded: Vec<&str> = std::iter::once(letter.shown.as_str()).chain(addresses).collect();
        let shown = match letter.shown.is_empty() {
            true => fold(letter.header("from").unwrap_or_default()),
            false => fold(&decoded.join(" ")),
        };
        let mut names = Self::default();
        for piece in shown.split_whitespace() {
            let (own, domain) = piece.split_once('@').unwrap_or((piece, ""));
            add(&mut names.own, own);
            add(&mut names.domain, domain);
        }
        names
    }

    /// Whether a folded word is one of a name, or of the domain.
    pub fn has(&self, folded: &str) -> bool {
        let bare = bare(folded);
        self.has_own(folded) || self.domain.iter().any(|name| name == bare)
    }

    /// Whether a folded word is one of a name.
    pub fn has_own(&self, folded: &str) -> bool {
        let bare = bare(folded);
        self.own.iter().any(|name| name == bare)
    }
}

/// Adds the words of a folded text to some names.
fn add(names: &mut Vec<String>, folded: &str) {
    let words = folded.split(|c: char| !c.is_alphanumeric()).filter(|word| word.len() > 1);
    names.extend(words.map(str::to_owned));
    names.truncate(NAMES_MAX);
}

fn bare(folded: &str) -> &str {
    folded.trim_matches(|c: char| !c.is_alphanumeric())
}

/// Whether a hit makes a word say more than a name does: "later", "orders", "tomorrow", whoever is called so.
pub(super) fn says(hit: &Hit) -> bool {
    match &hit.topic {
        Topic::Group(group) => SAYING.contains(group) || THINGS.contains(group),
        Topic::Specific(_) => true,
    }
}

/// The text without its greeting and without its good-bye.
pub(super) fn without_frame(text: &str, names: &Names, lexicon: &Lexicon) -> String {
    let mut lines: Vec<&str> =
        text.lines().map(str::trim).filter(|line| !line.is_empty()).take(LINES_MAX + 1).collect();
    if lines.len() > LINES_MAX {
        return text.to_owned();
    }
    take_good_byes(&mut lines, names, lexicon);
    if let Some(at) = signed(&lines, names, lexicon) {
        lines.truncate(at);
        take_good_byes(&mut lines, names, lexicon);
    }
    if let Some(first) = lines.first_mut() {
        *first = behind_greeting(first, names, lexicon);
    }
    lines.join("\n")
}

/// Takes the good-byes away, and what stands below them. "Tak" is thanks in Danish and a yes in Polish: where nothing else is said, it
/// stays.
fn take_good_byes(lines: &mut Vec<&str>, names: &Names, lexicon: &Lexicon) {
    while let Some(at) = good_bye(lines, names, lexicon) {
        let greets = |line: &&str| behind_greeting(line, names, lexicon).is_empty();
        let said = lines[..at].len() < 2 && lines[..at].iter().all(greets) && Line::of(lines[at], lexicon).answers();
        lines.truncate(at + usize::from(said));
        if said {
            return;
        }
    }
}

/// Where a signature with no good-bye begins: a name, and under it what its bearer is, where they work, or how they are reached.
fn signed(lines: &[&str], names: &Names, lexicon: &Lexicon) -> Option<usize> {
    let from = lines.len().saturating_sub(SIGNATURE_LINES_MAX).max(1);
    let mut block = (from..lines.len()).rev();
    let ends = |at: &usize| !is_name(lines[*at], names, lexicon) && !is_titled(lines[*at], names, lexicon);
    let first = block.find(ends).map_or(from, |above| above + 1);
    // Who signs with a title has a name above it that they go by.
    let is_last = first + 1 == lines.len();
    let own = |token: &str| names.has(&fold(token));
    let named = |line: &str| match is_last {
        true => is_name(line, names, lexicon),
        false => line.split_whitespace().any(own),
    };
    lines.get(first).is_some_and(|line| named(line)).then_some(first)
}

/// A line under a name that tells what its bearer is or how they are reached, in few words, and nothing of what may be erased:
/// "Head of Sales", "Acme GmbH", "+49 89 1234567".
fn is_titled(line: &str, names: &Names, lexicon: &Lexicon) -> bool {
    has_title(line, &Looked::at(line, lexicon), names)
}

/// What can be seen of a line without its words: no line that says something in many words is a title.
fn may_be_titled(line: &str) -> bool {
    let words = line.split_whitespace().filter(|token| Signals::is_word(token)).take(TITLE_WORDS_MAX + 1).count();
    (1..=TITLE_WORDS_MAX).contains(&words) && !line.ends_with(['!', '?', '…'])
}

fn has_title(line: &str, looked: &Looked<'_>, names: &Names) -> bool {
    let tells = line.contains(':') && !line.contains(|c: char| c.is_ascii_digit() || matches!(c, '@' | '/'));
    if tells || !may_be_titled(line) {
        return false;
    }
    let digits = line.bytes().filter(u8::is_ascii_digit).count();
    let reached = line.contains('@') || digits >= PHONE_DIGITS_MIN || looked.folded.contains("www.");
    if !reached && !looked.lexicon.has(Group::Title, &looked.folded) {
        return false;
    }
    let parts = looked.line();
    let titles = || parts.signals.hits.iter().filter(|hit| hit.is(Group::Title));
    // "Head of Sales": the "of" of a title is no Dutch "or".
    let within_title = |hit: &Hit| titles().any(|title| title.covers(hit.first) && title.covers(hit.last));
    let titled = titles().next().is_some();
    let fits = |word: usize| parts.is(word, &[Group::Title]) || namelike(parts.tokens[word], names);
    !parts.tokens.is_empty()
        && (titled || reached)
        && !parts.signals.hits.iter().any(|hit| says(hit) && !within_title(hit))
        && (0..parts.tokens.len()).all(fits)
}

/// The line that says good-bye, where nothing but names and addresses stands below it.
fn good_bye(lines: &[&str], names: &Names, lexicon: &Lexicon) -> Option<usize> {
    let from = lines.len().saturating_sub(SIGNATURE_LINES_MAX);
    let mut says = false;
    for at in (from..lines.len()).rev() {
        let looked = Looked::at(lines[at], lexicon);
        if looked.may_begin(&[Group::Closing, Group::Courtesy]) && says_good_bye(looked.line(), names) {
            return (!says || looked.line().is(0, &[Group::Closing])).then_some(at);
        }
        if !is_signature(lines[at], names, lexicon) && !has_title(lines[at], &looked, names) {
            // "Kind regards, Will": below thanks it may be a word.
            says = lines[at].split_whitespace().all(|token| names.has_own(&fold(token)));
            if !says {
                return None;
            }
        }
    }
    None
}

/// "Kind regards", "Thanks and best wishes, Anna".
fn says_good_bye(line: &Line<'_>, names: &Names) -> bool {
    line.is(0, &[Group::Closing, Group::Courtesy])
        && (0..line.tokens.len()).all(|word| {
            line.is(word, &[Group::Closing, Group::Courtesy, Group::AnswerWord]) || line.is_name(word, names)
        })
}

/// A line of a signature: every word a name, a number, an address, or written with a capital.
pub(super) fn is_signature(line: &str, names: &Names, lexicon: &Lexicon) -> bool {
    let folded = fold(line);
    let first = folded.split([' ', ':']).next().unwrap_or_default();
    // "Anna / Ausnahme: Rechnungen".
    let tells = line.contains(':') && !line.contains(|c: char| c.is_ascii_digit() || matches!(c, '@' | '/'));
    let ends_sentence = line.ends_with(['!', '?', '…']) || tells || AFTERTHOUGHTS.contains(&first);
    let says = || {
        let mut found = lexicon.locate(&folded, Tongues::default());
        found.any(|(_, topic, _)| matches!(topic, Topic::Group(group) if SAYING.contains(group)))
    };
    !ends_sentence && line.split_whitespace().all(|token| namelike(token, names)) && !says()
}

/// A name alone under a letter: in few words, and not cried out.
fn is_name(line: &str, names: &Names, lexicon: &Lexicon) -> bool {
    let tokens: Vec<&str> = line.split_whitespace().collect();
    if tokens.len() > NAME_WORDS_MAX {
        return false;
    }
    // Where every sign is a word, a name has several.
    let is_own = |token: &&str| fold(token).split_whitespace().all(|word| names.has_own(word));
    if tokens.iter().all(&is_own) {
        // "Yes / Later" may be no yes, whoever is called so, unless they sign with the whole of their name.
        return tokens.len() > 1 || !Signals::of(line, lexicon).hits.iter().any(says);
    }
    // "Yes / Friday" is no yes: whoever signs without a good-bye signs with a name that they go by.
    if !names.own.is_empty() && !tokens.iter().any(is_own) {
        return false;
    }
    let letters_only = tokens.iter().all(|token| token.chars().all(|c| c.is_alphabetic() || "-.,'’".contains(c)));
    let cried = line.chars().filter(|c| c.is_alphabetic()).all(char::is_uppercase);
    letters_only && !cried && is_signature(line, names, lexicon) && !known(line, lexicon)
}

/// Whether any word of the line is one of the lexicon's.
fn known(line: &str, lexicon: &Lexicon) -> bool {
    !Signals::of(line, lexicon).hits.is_empty()
}

fn namelike(token: &str, names: &Names) -> bool {
    let bare = token.trim_matches(|c: char| !c.is_alphanumeric() && c != '@');
    bare.is_empty()
        || bare.chars().next().is_some_and(char::is_uppercase)
        || bare.chars().any(|c| c.is_ascii_digit() || matches!(c, '@' | '.' | '/'))
        || PARTICLES.contains(&fold(bare).as_str())
        || names.has(&fold(bare))
}

/// What follows "Dear Ms Miller," on the first line.
fn behind_greeting<'a>(line: &'a str, names: &Names, lexicon: &Lexicon) -> &'a str {
    let looked = Looked::at(line, lexicon);
    if !looked.may_begin(&[Group::Greeting]) || !looked.line().is(0, &[Group::Greeting]) {
        return line;
    }
    let parts = looked.line();
    for word in 0..parts.tokens.len() {
        let token = parts.tokens[word];
        if !parts.is(word, &[Group::Greeting]) && !parts.is_name(word, names) {
            return &line[parts.start(line, word)..];
        }
        if token.ends_with([',', '!', ':', '.', ';']) && !parts.is(word + 1, &[Group::Greeting]) {
            let end = parts.start(line, word) + token.len();
            return line[end..].trim_start();
        }
    }
    ""
}

/// A line of which the words are looked up once that is worth it.
struct Looked<'a> {
    written: &'a str,
    /// As it is looked up.
    folded: String,
    lexicon: &'a Lexicon,
    line: OnceCell<Line<'a>>,
}

impl<'a> Looked<'a> {
    fn at(written: &'a str, lexicon: &'a Lexicon) -> Self {
        Self { written, folded: lexicon.put_right(fold(written)), lexicon, line: OnceCell::new() }
    }

    fn line(&self) -> &Line<'a> {
        self.line.get_or_init(|| Line::of(self.written, self.lexicon))
    }

    /// Whether a phrase of these groups, in any language, may hold its first word.
    fn may_begin(&self, groups: &[Group]) -> bool {
        let mut at = 0;
        let words = self.folded.split_inclusive([' ', '\n']).filter_map(|token| {
            at += token.len();
            Signals::is_word(token).then_some(at - token.len())
        });
        let second = words.into_iter().nth(1).unwrap_or(self.folded.len());
        let mut starts = starts(&self.folded).take_while(|at| *at < second);
        starts.any(|at| groups.iter().any(|group| self.lexicon.begins_at(*group, &self.folded, at)))
    }
}

/// A line with what the lexicon knows of its words.
struct Line<'a> {
    tokens: Vec<&'a str>,
    signals: Signals,
}

impl<'a> Line<'a> {
    fn of(line: &'a str, lexicon: &Lexicon) -> Self {
        let signals = Signals::of(line, lexicon);
        let tokens: Vec<&str> = line.split_whitespace().filter(|token| Signals::is_word(token)).collect();
        // Folding may split a word; then nothing is known of which is which.
        let matches = tokens.len() == signals.words;
        Self { tokens: if matches { tokens } else { Vec::new() }, signals }
    }

    fn is(&self, word: usize, groups: &[Group]) -> bool {
        let known = |group: &Group| self.signals.hits.iter().any(|hit| hit.covers(word) && hit.is(*group));
        word < self.tokens.len() && groups.iter().any(known)
    }

    /// Whether it begins with a yes or a no of a language that has no good-bye in these words.
    fn answers(&self) -> bool {
        const ANSWERS: [Group; 3] = [Group::Yes, Group::No, Group::NoAlone];
        const FRAME: [Group; 2] = [Group::Closing, Group::Courtesy];
        let opens = |hit: &&Hit| hit.first == 0;
        let frames = |answer: &Hit| {
            let mut frame =
                self.signals.hits.iter().filter(opens).filter(|hit| FRAME.iter().any(|group| hit.is(*group)));
            frame.any(|hit| hit.language == answer.language && hit.last >= answer.last)
        };
        let mut answers =
            self.signals.hits.iter().filter(opens).filter(|hit| ANSWERS.iter().any(|group| hit.is(*group)));
        answers.any(|answer| !frames(answer))
    }

    /// A word of a name: the sender's, or with a capital and unknown to the lexicon.
    fn is_name(&self, word: usize, names: &Names) -> bool {
        let Some(token) = self.tokens.get(word) else { return false };
        let mut hits = self.signals.hits.iter().filter(|hit| hit.covers(word));
        let known = hits.clone().next().is_some();
        names.has_own(&fold(token)) && !hits.any(says) || (!known && namelike(token, names))
    }

    /// Where a word begins. The tokens are slices of the line.
    fn start(&self, line: &str, word: usize) -> usize {
        self.tokens[word].as_ptr() as usize - line.as_ptr() as usize
    }
}
