//! Facts of a leaf: public ones, typed so that nothing personal fits, and private ones, which are only committed to.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use serde_json::Value;

use crate::domain::Timestamp;

/// The longest word or name of a fact.
pub const WORD_BYTES_MAX: usize = 64;
/// The most facts of one leaf, and the most items of one list.
const FACTS_MAX: usize = 64;
/// The largest whole number that every JSON reader gets right (RFC 8785 §3.2.2.3, RFC 7493 §2.2).
const COUNT_MAX: u64 = (1 << 53) - 1;

/// The facts that are instants: milliseconds since 1970 UTC, a number like any other to who does not know its name.
const INSTANTS: &[&str] = &["received", "erase_at", "expires"];

/// Whether a public fact of this name is an instant, in milliseconds since 1970 UTC.
#[must_use]
pub fn is_instant(name: &str) -> bool {
    INSTANTS.contains(&name)
}

/// Why a fact is not public.
#[derive(Debug, thiserror::Error, Clone, PartialEq, Eq)]
pub enum NotAFact {
    /// A word of other letters than `a-z 0-9 _ . : -`, too long, empty, or beginning with no letter. It is not shown.
    #[error("the public fact `{name}` is not a word: 1 to 64 of a-z 0-9 _ . : - beginning with a letter")]
    NotAWord {
        /// The fact.
        name: &'static str,
    },
    /// A name that is no word.
    #[error("the name of a public fact is not a word: 1 to 64 of a-z 0-9 _ . : - beginning with a letter")]
    BadName,
    /// More than a number of JSON can hold.
    #[error("the public fact `{name}` is larger than 2^53 - 1")]
    TooLarge {
        /// The fact.
        name: &'static str,
    },
    /// An instant under a name that is not known for one, or something else under one that is.
    #[error("the public fact `{name}` is an instant by its name or by its value, and not by both")]
    NotAnInstant {
        /// The fact.
        name: &'static str,
    },
    /// Named twice.
    #[error("the public fact `{name}` is given twice")]
    Twice {
        /// The fact.
        name: &'static str,
    },
    /// Too many.
    #[error("more than 64 public facts, or items in one")]
    TooMany,
}

/// One public fact. Whether a text is one is checked when it is added.
#[derive(Clone, Debug)]
pub enum Fact {
    /// A word of ours: an enum, a store id, a table.
    Word(String),
    /// A list of such words.
    Words(Vec<String>),
    /// A count.
    Count(u64),
    /// Yes or no.
    Flag(bool),
    /// A day, for example a due date.
    Day(jiff::civil::Date),
    /// An instant, to the millisecond.
    Time(Timestamp),
    /// A digest, or an HMAC under a key.
    Digest([u8; 32]),
}

/// The public facts of a leaf. It can hold only what is public by its type.
#[derive(Clone, Debug, Default)]
pub struct Facts(BTreeMap<&'static str, Value>);

impl Facts {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// With one more.
    ///
    /// # Errors
    /// [`NotAFact`] where name or value is not what a leaf may hold.
    pub fn with(mut self, name: &'static str, fact: Fact) -> Result<Self, NotAFact> {
        if !is_word(name) {
            return Err(NotAFact::BadName);
        }
        if self.0.len() == FACTS_MAX {
            return Err(NotAFact::TooMany);
        }
        if is_instant(name) != matches!(fact, Fact::Time(_)) {
            return Err(NotAFact::NotAnInstant { name });
        }
        let value = as_json(name, fact)?;
        match self.0.insert(name, value) {
            None => Ok(self),
            Some(_) => Err(NotAFact::Twice { name }),
        }
    }

    pub(super) fn as_json(&self) -> BTreeMap<String, Value> {
        self.0.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
    }
}

fn as_json(name: &'static str, fact: Fact) -> Result<Value, NotAFact> {
    let word = |text: String| {
        if is_word(&text) { Ok(Value::String(text)) } else { Err(NotAFact::NotAWord { name }) }
    };
    match fact {
        Fact::Word(text) => word(text),
        Fact::Words(list) if list.len() > FACTS_MAX => Err(NotAFact::TooMany),
        Fact::Words(list) => list.into_iter().map(word).collect::<Result<_, _>>().map(Value::Array),
        Fact::Count(count) if count > COUNT_MAX => Err(NotAFact::TooLarge { name }),
        Fact::Count(count) => Ok(count.into()),
        Fact::Flag(flag) => Ok(flag.into()),
        Fact::Day(day) => Ok(day.to_string().into()),
        Fact::Time(time) => Ok(millis(time).into()),
        Fact::Digest(digest) => Ok(data_encoding::HEXLOWER.encode(&digest).into()),
    }
}

/// Milliseconds since 1970 UTC.
pub(super) const fn millis(time: Timestamp) -> i64 {
    time.as_micros().div_euclid(1000)
}

/// Beginning with a letter keeps out telephone numbers, dates of birth and IP addresses; no `@` and no space keep
/// out addresses and full names.
fn is_word(text: &str) -> bool {
    text.len() <= WORD_BYTES_MAX && text.starts_with(|c: char| c.is_ascii_lowercase()) && text.bytes().all(is_safe)
}

const fn is_safe(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.' | b':' | b'-')
}

/// Whether a value read from a leaf is one that a public fact can be.
pub(super) fn is_public(value: &Value) -> bool {
    match value {
        // Digests and days begin with digits.
        Value::String(text) => !text.is_empty() && text.len() <= WORD_BYTES_MAX && text.bytes().all(is_safe),
        Value::Array(list) => list.len() <= FACTS_MAX && list.iter().all(|item| item.is_string() && is_public(item)),
        Value::Number(number) => number.as_i64().is_some_and(|n| n.unsigned_abs() <= COUNT_MAX),
        Value::Bool(_) => true,
        Value::Null | Value::Object(_) => false,
    }
}

/// The private facts of a leaf: sealed in the vault, committed to in the leaf. They never print.
#[derive(Clone, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct PrivateFacts(BTreeMap<String, Value>);

impl PrivateFacts {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// With one more; the later of one name counts.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The facts by name, for showing them to somebody who may see them.
    #[must_use]
    pub const fn reveal(&self) -> &BTreeMap<String, Value> {
        &self.0
    }

    /// What is sealed and committed to: canonical JSON (RFC 8785).
    ///
    /// # Errors
    /// Numbers that JSON cannot hold.
    pub fn to_canonical(&self) -> serde_json::Result<Vec<u8>> {
        serde_json_canonicalizer::to_vec(self)
    }

    /// Facts that were sealed.
    ///
    /// # Errors
    /// Bytes that are none.
    pub fn from_canonical(bytes: &[u8]) -> serde_json::Result<Self> {
        serde_json::from_slice(bytes).map(Self)
    }
}

impl fmt::Debug for PrivateFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateFacts({} facts)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn word(text: &str) -> Result<Facts, NotAFact> {
        Facts::new().with("what", Fact::Word(text.to_owned()))
    }

    #[test]
    fn what_is_personal_does_not_fit() {
        for text in [
            "ann@example.org",
            "Ann",
            "ann bo",
            "+4312345",
            "004312345",
            "1980-01-01",
            "10.0.0.1",
            "müller",
            "a%40b",
            "",
            &"a".repeat(65),
        ] {
            let error = word(text).unwrap_err();
            assert_eq!(error, NotAFact::NotAWord { name: "what" }, "{text:?}");
            assert!(text.is_empty() || !error.to_string().contains(text));
        }
        for text in ["shop", "art.17", "shop.users", "exp-7k3q-m2", "a:b_c"] {
            word(text).unwrap();
        }
    }

    #[test]
    fn names_are_words_and_given_once() {
        assert_eq!(Facts::new().with("Rows", Fact::Count(1)).unwrap_err(), NotAFact::BadName);
        let twice = Facts::new().with("rows", Fact::Count(1)).unwrap().with("rows", Fact::Count(2));
        assert_eq!(twice.unwrap_err(), NotAFact::Twice { name: "rows" });
    }

    #[test]
    fn an_instant_is_known_by_its_name() {
        let now = Fact::Time(Timestamp::from_micros(0));
        Facts::new().with("expires", now.clone()).unwrap();
        for (name, fact) in [("begins", now), ("expires", Fact::Count(1))] {
            assert_eq!(Facts::new().with(name, fact).unwrap_err(), NotAFact::NotAnInstant { name });
        }
    }

    #[test]
    fn numbers_stay_exact() {
        let fact = |n| Facts::new().with("rows", Fact::Count(n));
        fact((1 << 53) - 1).unwrap();
        assert_eq!(fact(1 << 53).unwrap_err(), NotAFact::TooLarge { name: "rows" });
    }

    #[test]
    fn private_facts_do_not_print() {
        let facts = PrivateFacts::new().with("address", "ann@example.org");
        assert_eq!(format!("{facts:?}"), "PrivateFacts(1 facts)");
        assert_eq!(PrivateFacts::from_canonical(&facts.to_canonical().unwrap()).unwrap(), facts);
    }

    proptest! {
        #[test]
        fn whatever_is_added_reads_as_public(text in "\\PC{0,70}", count: u64, flag: bool, digest: [u8; 32], micros: i64) {
            let time = Timestamp::from_micros(micros / 1000);
            let facts = [Fact::Word(text.clone()), Fact::Words(vec![text]), Fact::Count(count), Fact::Flag(flag),
                Fact::Digest(digest), Fact::Time(time), Fact::Day(time.date())];
            for fact in facts {
                let name = if matches!(fact, Fact::Time(_)) { "expires" } else { "x" };
                if let Ok(facts) = Facts::new().with(name, fact) {
                    prop_assert!(facts.as_json().values().all(is_public));
                }
            }
        }
    }
}
