//! How names are made: `session:{user}:*`. Pure: names come in as bytes, nothing is looked up.
//!
//! A template is text, places in braces, and `*` after the last place. A place holds one value, and never the bytes that
//! stand before and after it in the template, so that a name is read in one way only. `*` is any rest, also an empty one.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A checked template.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Template {
    pub(super) parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Part {
    /// These bytes.
    Text(String),
    /// A value; it never holds one of the `stops`.
    Place { name: String, stops: Stops },
    /// Any rest of this piece.
    Rest,
}

/// The bytes before and after a place; the same one twice where there is only one.
pub(super) type Stops = Option<[u8; 2]>;

/// Why a text is no template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem}; {help}")]
pub struct BadTemplate {
    /// What is wrong.
    pub problem: &'static str,
    /// What to write instead.
    pub help: &'static str,
}

const fn bad(problem: &'static str, help: &'static str) -> BadTemplate {
    BadTemplate { problem, help }
}

impl FromStr for Template {
    type Err = BadTemplate;

    fn from_str(text: &str) -> Result<Self, BadTemplate> {
        let mut parts = split(text)?;
        if parts.is_empty() {
            return Err(bad("the template is empty", "write how the names are made, such as \"session:{user}:*\""));
        }
        let last_place = parts.iter().rposition(|part| matches!(part, Part::Place { .. }));
        if let Some(rest) = parts.iter().position(|part| *part == Part::Rest)
            && last_place.is_some_and(|place| rest < place)
        {
            return Err(bad(
                "a * stands before a place in braces",
                "put the place first: a name must be read in one way",
            ));
        }
        let mut names = BTreeSet::new();
        for at in 0..parts.len() {
            let before = at.checked_sub(1).and_then(|before| parts.get(before)).cloned();
            let after = parts.get(at + 1).cloned();
            let Some(Part::Place { name, stops }) = parts.get_mut(at) else { continue };
            if !names.insert(name.clone()) {
                return Err(bad("a place stands twice", "give each place a name of its own"));
            }
            let edge = |part: Option<Part>, last: bool| match part {
                Some(Part::Text(text)) if last => Ok(text.bytes().next_back()),
                Some(Part::Text(text)) => Ok(text.bytes().next()),
                None => Ok(None),
                _ => Err(bad("a place meets another one or a *", "put a character between them")),
            };
            let (before, after) = (edge(before, true)?, edge(after, false)?);
            *stops = before.or(after).zip(after.or(before)).map(<[u8; 2]>::from);
        }
        Ok(Self { parts })
    }
}

fn split(text: &str) -> Result<Vec<Part>, BadTemplate> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let (part, length) = match first {
            '{' => {
                let end = rest.find('}').ok_or(bad("a { is not closed", "write a place as {name}"))?;
                let name = rest.get(1..end).unwrap_or_default();
                if !is_name(name) {
                    return Err(bad("a place has no name", "use lower-case letters, digits and _, such as {user}"));
                }
                (Part::Place { name: name.to_owned(), stops: None }, end + 1)
            }
            '}' => return Err(bad("a } stands alone", "write a place as {name}")),
            '*' if parts.last() == Some(&Part::Rest) => return Err(bad("** says no more than *", "write one *")),
            '*' => (Part::Rest, 1),
            _ => {
                let end = rest.find(['{', '}', '*']).unwrap_or(rest.len());
                (Part::Text(rest.get(..end).unwrap_or_default().to_owned()), end)
            }
        };
        parts.push(part);
        rest = rest.get(length..).unwrap_or_default();
    }
    Ok(parts)
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.parts.iter().try_for_each(|part| match part {
            Part::Text(text) => f.write_str(text),
            Part::Place { name, .. } => write!(f, "{{{name}}}"),
            Part::Rest => f.write_str("*"),
        })
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl TryFrom<String> for Template {
    type Error = BadTemplate;

    fn try_from(text: String) -> Result<Self, BadTemplate> {
        text.parse()
    }
}

impl From<Template> for String {
    fn from(template: Template) -> Self {
        template.to_string()
    }
}

impl Template {
    /// The places in order.
    pub fn places(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Place { name, .. } => Some(name.as_str()),
            _ => None,
        })
    }

    /// Whether a value can stand at this place, and be read back as it is.
    #[must_use]
    pub fn holds(&self, place: &str, value: &[u8]) -> bool {
        !value.is_empty()
            && self.parts.iter().any(|part| {
                matches!(part, Part::Place { name, stops } if name == place && !stops.iter().flatten().any(|stop| value.contains(stop)))
            })
    }

    /// What a name holds at each place, in order; `None` where it is not made by this template.
    #[must_use]
    pub fn read<'n>(&self, name: &'n [u8]) -> Option<Vec<&'n [u8]>> {
        let mut values = Vec::new();
        let mut rest = name;
        for (at, part) in self.parts.iter().enumerate() {
            match part {
                Part::Text(text) => rest = rest.strip_prefix(text.as_bytes())?,
                Part::Place { stops, .. } => {
                    let is_stop = |byte: &u8| stops.is_some_and(|stops| stops.contains(byte));
                    let end = rest.iter().position(is_stop).unwrap_or(rest.len());
                    if end == 0 {
                        return None;
                    }
                    let (value, after) = rest.split_at(end);
                    values.push(value);
                    rest = after;
                }
                // No place follows: what is left is texts and rests.
                Part::Rest => return tail(self.parts.get(at..)?, rest).then_some(values),
            }
        }
        rest.is_empty().then_some(values)
    }

    /// The beginning that all names have whose places hold these values (as far as the first place without one), and
    /// whether it is the whole name.
    #[must_use]
    pub fn begin(&self, value: impl Fn(&str) -> Option<Vec<u8>>) -> (Vec<u8>, bool) {
        let mut name = Vec::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => name.extend_from_slice(text.as_bytes()),
                Part::Place { name: place, .. } => match value(place) {
                    Some(value) => name.extend(value),
                    None => return (name, false),
                },
                Part::Rest => return (name, false),
            }
        }
        (name, true)
    }
}

/// Texts and rests against the end of a name: each text is found as early as it can be, the last one at the end.
fn tail(parts: &[Part], mut rest: &[u8]) -> bool {
    let texts: Vec<&[u8]> = parts
        .iter()
        .filter_map(|part| if let Part::Text(text) = part { Some(text.as_bytes()) } else { None })
        .collect();
    let open_end = parts.last() == Some(&Part::Rest);
    for (at, text) in texts.iter().enumerate() {
        if at + 1 == texts.len() && !open_end {
            return rest.ends_with(text);
        }
        match rest.windows(text.len()).position(|window| window == *text) {
            Some(found) => rest = rest.get(found + text.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(text: &str) -> Template {
        text.parse().unwrap()
    }

    #[test]
    fn a_name_is_read_in_one_way() {
        for (made_by, name, values) in [
            ("session:{user}:*", "session:7:abc", Some(vec!["7"])),
            ("session:{user}:*", "session:7:", Some(vec!["7"])),
            ("session:{user}:*", "session:7", None),
            ("session:{user}:*", "session::abc", None),
            ("user:{user}", "user:7", Some(vec!["7"])),
            ("user:{user}", "user:7:cart", None),
            ("{account}/avatars/{user}.png", "3/avatars/7.png", Some(vec!["3", "7"])),
            ("{account}/avatars/{user}.png", "3/avatars/7.b.png", None),
            ("avatars/{user}.png", "avatars/7/old.png", None),
            ("{user}", "a:b", Some(vec!["a:b"])),
            ("log:*:end", "log:a:end:b:end", Some(vec![])),
            ("log:*:end", "log::end:b", None),
            ("log:*:mid:*", "log:x:mid:", Some(vec![])),
            ("plain", "plain", Some(vec![])),
            ("plain", "plainer", None),
        ] {
            let read = template(made_by).read(name.as_bytes());
            let wanted = values.map(|values| values.into_iter().map(str::as_bytes).collect::<Vec<_>>());
            assert_eq!(read, wanted, "{made_by} {name}");
        }
        assert!(!template("session:{user}:*").holds("user", b"a:b"), "nobody could tell a from a:b");
        assert!(!template("user:{user}").holds("user", b"a:b") && template("user:{user}").holds("user", b"a b"));
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        for (text, says) in [
            ("", "empty"),
            ("{a}{b}", "meets"),
            ("{a}*", "meets"),
            ("x:*:{a}", "before a place"),
            ("x:**", "**"),
            ("x:{A}", "no name"),
            ("x:{a", "not closed"),
            ("x}", "alone"),
            ("{a}:{a}", "twice"),
        ] {
            let error = text.parse::<Template>().unwrap_err();
            assert!(error.to_string().contains(says), "{text}: {error}");
        }
        let text = "a:{b}:c:*";
        assert_eq!(template(text).to_string(), text);
    }

    #[test]
    fn templates_meet_where_one_name_is_made_by_both() {
        for (one, other, meet) in [
            ("user:{user}", "user:{user}:cart", false),
            ("user:{user}:*", "user:{user}:cart", true),
            ("user:{user}", "account:{account}", false),
            ("user:{user}", "user:all", true),
            ("user:*", "user:{user}:cart", true),
            ("a/{x}.png", "a/{x}/*", false),
            ("{x}.png", "a/{x}/*", true),
            ("a/{x}/b", "a/{x}/c", false),
        ] {
            assert_eq!(template(one).meets(&template(other)), meet, "{one} {other}");
            assert_eq!(template(other).meets(&template(one)), meet, "{other} {one}");
        }
    }
}
