//! Whom and what a letter names: addresses, numbers, names, and kinds of data.
//!
//! Everything here is claimed, nothing is believed. Never follows what is quoted, and never takes the sender's own
//! address for a claim about somebody else.

use std::collections::BTreeSet;
use std::fmt;

use super::lexicon::{Group, Lexicon, Topic};
use super::normal::{cut, fold};
use super::{Address, Defect};
use crate::domain::stored_enum;

const IDENTIFIERS_MAX: usize = 10;
const NAMES_MAX: usize = 5;
const VALUE_CHARS_MAX: usize = 100;

stored_enum! {
    /// What kind of name somebody goes by.
    IdentifierKind, "identifier" {
        /// A customer number or the like.
        Number = "number",
        /// A telephone number.
        Phone = "phone",
        /// A user name.
        Name = "name",
        /// Any other id.
        Id = "id",
    }
}

/// A name that somebody goes by, other than an address.
#[derive(Clone, PartialEq, Eq)]
pub struct Identifier {
    /// What kind.
    pub kind: IdentifierKind,
    /// As it was written, at most 100 characters.
    pub value: String,
}

impl fmt::Debug for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identifier({}, …)", self.kind)
    }
}

/// Whom and what a letter names in its new text.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Claims {
    /// Addresses other than the sender's, at most [`super::Limits::addresses_max`].
    pub addresses: Vec<Address>,
    /// Numbers, user names and ids, at most 10.
    pub identifiers: Vec<Identifier>,
    /// Names of persons that the letter introduces as such, at most 5.
    pub names: Vec<String>,
    /// Data-map categories of the data it names, sorted.
    pub categories: Vec<String>,
}

impl fmt::Debug for Claims {
    /// Counts and categories; never a value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claims")
            .field("addresses", &self.addresses.len())
            .field("identifiers", &self.identifiers.len())
            .field("names", &self.names.len())
            .field("categories", &self.categories)
            .finish()
    }
}

/// What the subject and the new text of a letter name.
pub(super) fn claims(
    text: &str,
    own: &[Address],
    lexicon: &Lexicon,
    addresses_max: usize,
    defects: &mut Vec<Defect>,
) -> Claims {
    let mut claims = Claims { categories: categories(text, lexicon), ..Claims::default() };
    for address in addresses_in(text) {
        if own.iter().chain(&claims.addresses).any(|known| known.same_mailbox(&address)) {
            continue;
        }
        if claims.addresses.len() >= addresses_max {
            defects.push(Defect::TooManyAddresses);
            break;
        }
        claims.addresses.push(address);
    }
    for line in text.lines() {
        cued(line, lexicon, &mut claims);
    }
    claims
}

/// Every address of a real domain name in a text.
fn addresses_in(text: &str) -> impl Iterator<Item = Address> {
    const AROUND: [char; 18] =
        ['<', '>', '(', ')', '[', ']', '{', '}', '"', '\'', ',', ';', ':', '!', '?', '«', '»', '|'];
    text.split(|c: char| c.is_whitespace() || AROUND.contains(&c))
        .filter(|word| word.contains('@'))
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()))
        .filter_map(|word| word.parse::<Address>().ok())
        .filter(|address| address.domain.contains('.'))
}

fn categories(text: &str, lexicon: &Lexicon) -> Vec<String> {
    let mut found = BTreeSet::new();
    lexicon.locate(&fold(text), |_, topic, _| {
        if let Topic::Specific(category) = topic {
            found.insert(category.clone());
        }
    });
    found.into_iter().collect()
}

/// What stands behind "my user name is", "phone:", "name:" on a line.
fn cued(line: &str, lexicon: &Lexicon, claims: &mut Claims) {
    let folded = fold(line);
    if !folded.is_ascii() && folded.chars().count() != line.trim().chars().count() {
        return;
    }
    // "Our colleague Jane Roe": a name stands right behind the word for the person.
    for group in [Group::OtherUser, Group::EndUser] {
        for end in lexicon.ends(group, &folded) {
            let chars_before = folded[..end].chars().count();
            let rest: String = line.trim_start().chars().skip(chars_before).collect();
            let fresh = name_of(&rest).filter(|name| claims.names.len() < NAMES_MAX && !claims.names.contains(name));
            claims.names.extend(fresh);
        }
    }
    for (group, is_name) in [(Group::IdCue, false), (Group::PhoneCue, false), (Group::NameCue, true)] {
        let Some(end) = lexicon.ends(group, &folded).next() else { continue };
        let chars_before = folded[..end].chars().count();
        let rest: String = line.trim_start().chars().skip(chars_before).collect();
        let rest = rest.trim_start_matches(|c: char| c.is_whitespace() || ":#=-–\"'«„“".contains(c));
        if is_name {
            if let Some(name) = name_of(rest).filter(|_| claims.names.len() < NAMES_MAX) {
                claims.names.push(name);
            }
        } else if let Some(identifier) =
            identifier_of(rest, group).filter(|_| claims.identifiers.len() < IDENTIFIERS_MAX)
        {
            let known = claims.identifiers.contains(&identifier);
            if !known {
                claims.identifiers.push(identifier);
            }
        }
    }
}

fn identifier_of(rest: &str, group: Group) -> Option<Identifier> {
    if group == Group::PhoneCue {
        let number: String = rest.chars().take_while(|c| c.is_ascii_digit() || "+ -/().".contains(*c)).collect();
        let digits = number.bytes().filter(u8::is_ascii_digit).count();
        let value = cut(number.trim().trim_end_matches(['.', '-']), VALUE_CHARS_MAX).to_owned();
        return (digits >= 5).then_some(Identifier { kind: IdentifierKind::Phone, value });
    }
    let word = rest.split_whitespace().next()?.trim_matches(|c: char| !c.is_alphanumeric());
    if word.is_empty() || word.contains('@') {
        return None;
    }
    let has_digit = word.bytes().any(|b| b.is_ascii_digit());
    let kind = match () {
        () if word.bytes().all(|b| b.is_ascii_digit() || b == b'-') => IdentifierKind::Number,
        () if word.contains('_') || word.contains('.') => IdentifierKind::Name,
        () if has_digit => IdentifierKind::Id,
        () => return None,
    };
    Some(Identifier { kind, value: cut(word, VALUE_CHARS_MAX).to_owned() })
}

/// Two to four capitalised words.
fn name_of(rest: &str) -> Option<String> {
    let mut words = Vec::new();
    for word in rest.split_whitespace().take(4) {
        let core = word.trim_matches(|c: char| !c.is_alphanumeric());
        if core.is_empty() || core.contains('@') || !core.chars().next().is_some_and(char::is_uppercase) {
            break;
        }
        words.push(core);
        if word.ends_with([',', '.', ';', ')']) {
            break;
        }
    }
    (words.len() >= 2).then(|| cut(&words.join(" "), VALUE_CHARS_MAX).to_owned())
}
