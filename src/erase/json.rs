//! Removes or changes places of a JSON document by path, and leaves every other byte as it is: numbers, order and blanks
//! are their writers', and what is not named is nobody's to change. Pure.

use std::fmt;
use std::str::FromStr;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

/// What happens at a place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Spot {
    /// It is removed.
    Remove,
    /// It becomes `null`.
    Null,
    /// It becomes this text.
    Constant(String),
}

/// A way into a document: `$.contact.email`, `$.lines[*].name`, `$."odd key"`, `$.rows[0]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Key(String),
    At(usize),
    Each,
}

/// A text that is no path.
#[derive(Debug, thiserror::Error, Clone, Copy, PartialEq, Eq)]
#[error("a path looks like $.contact.email, $.lines[*].name or $.\"odd key\"")]
pub struct BadPath;

/// A text that a path cannot be followed into.
#[derive(Debug, thiserror::Error, Clone, Copy, PartialEq, Eq)]
pub enum Astray {
    /// It is no JSON.
    #[error("not JSON")]
    NotJson,
    /// It is of another shape: a step of the path meets an object where it says a list, a text where it says an object. What it was to
    /// lead to may lie there in another place.
    #[error("another shape than the path says")]
    OtherShape,
}

impl FromStr for Path {
    type Err = BadPath;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut rest = text.strip_prefix('$').ok_or(BadPath)?;
        let mut parts = Vec::new();
        while !rest.is_empty() {
            let part;
            (part, rest) = next_part(rest).ok_or(BadPath)?;
            parts.push(part);
        }
        if parts.is_empty() { Err(BadPath) } else { Ok(Self(parts)) }
    }
}

fn next_part(text: &str) -> Option<(Part, &str)> {
    if let Some(inside) = text.strip_prefix('[') {
        let (number, rest) = inside.split_once(']')?;
        let part = if number == "*" { Part::Each } else { Part::At(number.parse().ok()?) };
        return Some((part, rest));
    }
    let name = text.strip_prefix('.')?;
    if name.starts_with('"') {
        let end = end_of_string(name.as_bytes(), 0)?;
        return Some((Part::Key(serde_json::from_str(name.get(..end)?).ok()?), name.get(end..)?));
    }
    let end = name.find(['.', '[']).unwrap_or(name.len());
    let (key, rest) = name.split_at(end);
    (!key.is_empty()).then(|| (Part::Key(key.to_owned()), rest))
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("$")?;
        self.0.iter().try_for_each(|part| match part {
            Part::Key(key) => write!(f, ".{}", serde_json::Value::from(key.as_str())),
            Part::At(place) => write!(f, "[{place}]"),
            Part::Each => f.write_str("[*]"),
        })
    }
}

impl Path {
    /// Whether removing what it leads to moves what stands behind it, so that a second time would remove more.
    #[must_use]
    pub fn ends_at_a_number(&self) -> bool {
        matches!(self.0.last(), Some(Part::At(_)))
    }

    /// The document with this done wherever the path leads. What is not there, or is `null`, is passed over; so is a text of `ours`, which
    /// another path of the same mask may have put in its way.
    ///
    /// # Errors
    /// [`Astray`].
    pub fn change(&self, document: &str, spot: &Spot, ours: &[&str]) -> Result<String, Astray> {
        serde_json::from_str::<IgnoredAny>(document).map_err(|_| Astray::NotJson)?;
        let start = after_blanks(document.as_bytes(), 0);
        let end = end_of(document.as_bytes(), start).ok_or(Astray::NotJson)?;
        let mut out = document.get(..start).ok_or(Astray::NotJson)?.to_owned();
        write((document, ours), start..end, &self.0, spot, &mut out)?;
        out.push_str(document.get(end..).ok_or(Astray::NotJson)?);
        Ok(out)
    }
}

type Span = std::ops::Range<usize>;

/// Writes one value with the change in it.
fn write(
    (document, ours): (&str, &[&str]),
    value: Span,
    path: &[Part],
    spot: &Spot,
    out: &mut String,
) -> Result<(), Astray> {
    let bytes = document.as_bytes();
    let piece = |span: Span| document.get(span).ok_or(Astray::NotJson);
    let Some((part, rest)) = path.split_first() else {
        match spot {
            Spot::Remove | Spot::Null => out.push_str("null"),
            Spot::Constant(text) => out.push_str(&serde_json::Value::from(text.as_str()).to_string()),
        }
        return Ok(());
    };
    match (part, bytes.get(value.start)) {
        (Part::Key(_), Some(b'{')) | (Part::At(_) | Part::Each, Some(b'[')) => {}
        _ if is_nothing(piece(value.clone())?, ours) => {}
        _ => return Err(Astray::OtherShape),
    }
    let inside = inside(bytes, &value).ok_or(Astray::NotJson)?;
    let leads = |place: usize, key: &Option<Span>| match (part, key) {
        (Part::Key(wanted), Some(key)) => {
            document.get(key.clone()).and_then(|key| serde_json::from_str::<String>(key).ok()).as_ref() == Some(wanted)
        }
        (Part::At(wanted), None) => *wanted == place,
        (Part::Each, None) => true,
        _ => false,
    };
    if !inside.iter().enumerate().any(|(place, (key, _))| leads(place, key)) {
        out.push_str(piece(value)?);
        return Ok(());
    }
    let (open, close) = if bytes.get(value.start) == Some(&b'{') { ('{', '}') } else { ('[', ']') };
    out.push(open);
    let mut first = true;
    for (place, (key, member)) in inside.iter().enumerate() {
        let led = leads(place, key);
        if led && rest.is_empty() && *spot == Spot::Remove {
            continue;
        }
        if !std::mem::take(&mut first) {
            out.push(',');
        }
        let begin = key.as_ref().map_or(member.start, |key| key.start);
        out.push_str(piece(begin..member.start)?);
        if led {
            write((document, ours), member.clone(), rest, spot, out)?;
        } else {
            out.push_str(piece(member.clone())?);
        }
    }
    out.push(close);
    Ok(())
}

/// Whether a value on the way holds nothing that the rest of a path could lead to: `null`, or what a mask put there.
fn is_nothing(value: &str, ours: &[&str]) -> bool {
    value == "null" || serde_json::from_str::<String>(value).is_ok_and(|text| ours.contains(&text.as_str()))
}

/// The members of an object with their keys, or those of a list; nothing of any other value.
fn inside(bytes: &[u8], value: &Span) -> Option<Vec<(Option<Span>, Span)>> {
    let mut members = Vec::new();
    let is_object = match bytes.get(value.start)? {
        b'{' => true,
        b'[' => false,
        _ => return Some(members),
    };
    let mut at = after_blanks(bytes, value.start + 1);
    while !matches!(bytes.get(at)?, b'}' | b']') {
        let key = if is_object {
            let end = end_of_string(bytes, at)?;
            let key = at..end;
            at = after_blanks(bytes, after_blanks(bytes, end) + 1);
            Some(key)
        } else {
            None
        };
        let end = end_of(bytes, at)?;
        members.push((key, at..end));
        at = after_blanks(bytes, end);
        if bytes.get(at)? == &b',' {
            at = after_blanks(bytes, at + 1);
        }
    }
    Some(members)
}

fn after_blanks(bytes: &[u8], mut at: usize) -> usize {
    while bytes.get(at).is_some_and(u8::is_ascii_whitespace) {
        at += 1;
    }
    at
}

/// Where the value that begins here ends. Of JSON that is known to be right.
fn end_of(bytes: &[u8], start: usize) -> Option<usize> {
    let mut depth = 0_usize;
    let mut at = start;
    loop {
        match bytes.get(at)? {
            b'"' => at = end_of_string(bytes, at)?,
            b'{' | b'[' => (depth, at) = (depth + 1, at + 1),
            b'}' | b']' => (depth, at) = (depth.checked_sub(1)?, at + 1),
            b',' | b':' | b' ' | b'\t' | b'\n' | b'\r' if depth > 0 => at += 1,
            _ => {
                let ends = |byte: &&u8| matches!(byte, b',' | b'}' | b']' | b' ' | b'\t' | b'\n' | b'\r');
                at += bytes.get(at..)?.iter().position(|byte| ends(&byte)).unwrap_or(bytes.len() - at).max(1);
            }
        }
        if depth == 0 {
            return Some(at);
        }
    }
}

fn end_of_string(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
    loop {
        match bytes.get(at)? {
            b'\\' => at += 2,
            b'"' => return Some(at + 1),
            _ => at += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(path: &str, spot: &Spot, document: &str) -> String {
        let path: Path = path.parse().unwrap();
        let once = path.change(document, spot, &[]).unwrap();
        assert_eq!(path.change(&once, spot, &[]).unwrap(), once, "a second time changes nothing more");
        assert_eq!(path.to_string().parse::<Path>().unwrap(), path);
        once
    }

    #[test]
    fn only_the_place_is_changed() {
        let document = " {\"a\" : 1.50e3, \"who\": {\"e\\u002dmail\":\"x\", \"n\":[ ]}, \"a2\":[{\"n\":1},{\"m\":2},{\"n\":\"]\"}]}\n";
        for (path, spot, left) in [
            ("$.nothing.here", Spot::Remove, document.to_owned()),
            ("$.a", Spot::Null, document.replace("{\"a\" : 1.50e3, ", "{\"a\" : null,").replace(", \"a2\"", ",\"a2\"")),
            (
                "$.who.\"e-mail\"",
                Spot::Remove,
                " {\"a\" : 1.50e3,\"who\": {\"n\":[ ]},\"a2\":[{\"n\":1},{\"m\":2},{\"n\":\"]\"}]}\n".to_owned(),
            ),
            (
                "$.a2[*].n",
                Spot::Constant("it\"s".to_owned()),
                " {\"a\" : 1.50e3,\"who\": {\"e\\u002dmail\":\"x\", \"n\":[ ]},\"a2\":[{\"n\":\"it\\\"s\"},{\"m\":2},{\"n\":\"it\\\"s\"}]}\n".to_owned(),
            ),
            (
                "$.a2[*]",
                Spot::Remove,
                " {\"a\" : 1.50e3,\"who\": {\"e\\u002dmail\":\"x\", \"n\":[ ]},\"a2\":[]}\n".to_owned(),
            ),
            (
                "$.a2[1].m",
                Spot::Null,
                " {\"a\" : 1.50e3,\"who\": {\"e\\u002dmail\":\"x\", \"n\":[ ]},\"a2\":[{\"n\":1},{\"m\":null},{\"n\":\"]\"}]}\n".to_owned(),
            ),
        ] {
            assert_eq!(changed(path, &spot, document), left, "{path}");
        }
        assert_eq!(changed("$.a", &Spot::Remove, "{\"a\":1,\"b\":2,\"a\":3}"), "{\"b\":2}", "every one of that name");
        for nothing in ["null", "{\"a\":null}", "{\"b\":1}", "{\"a\":{}}"] {
            assert_eq!(changed("$.a.c", &Spot::Remove, nothing), nothing, "what is not there is no other shape");
        }
        assert_eq!(changed("$.a[1].c", &Spot::Remove, "{\"a\":[1]}"), "{\"a\":[1]}", "nor is a list that is shorter");
        assert_eq!(changed("$[*].a", &Spot::Null, "[{\"a\":{\"b\":[1,{}]}}]"), "[{\"a\":null}]");
    }

    /// Passed over, what the path was to lead to would stay and be called done.
    #[test]
    fn another_shape_is_refused() {
        for (path, document) in [
            ("$.a", "\"anna\""),
            ("$.a", "[{\"a\":1}]"),
            ("$.a.b", "{\"a\":\"anna\"}"),
            ("$.a.b", "{\"a\":[{\"b\":1}]}"),
            ("$.a.b", "{\"a\":7}"),
            ("$.a[*].b", "{\"a\":{\"b\":1}}"),
            ("$.a[*].b", "{\"a\":[{\"b\":1},\"anna\"]}"),
            ("$.a[0]", "{\"a\":{\"0\":1}}"),
        ] {
            let path: Path = path.parse().unwrap();
            for spot in [Spot::Remove, Spot::Null, Spot::Constant("x".to_owned())] {
                assert_eq!(path.change(document, &spot, &["x"]), Err(Astray::OtherShape), "{path} {document}");
            }
        }
        let path: Path = "$.a.b".parse().unwrap();
        let ours = "{\"a\":\"x\"}";
        assert_eq!(
            path.change(ours, &Spot::Null, &["x"]).as_deref(),
            Ok(ours),
            "another path of the mask put it there"
        );
        assert_eq!(path.change(ours, &Spot::Null, &[]), Err(Astray::OtherShape));
    }

    #[test]
    fn what_is_no_path_or_no_json_is_refused() {
        for text in ["", "a", "$", "$.", "$.a.", "$[x]", "$[1", "$.\"a", "$a"] {
            assert!(text.parse::<Path>().is_err(), "{text}");
        }
        let path: Path = "$.a".parse().unwrap();
        for text in ["", "{", "{\"a\":}", "{\"a\":1}}", "nope"] {
            assert_eq!(path.change(text, &Spot::Null, &[]), Err(Astray::NotJson), "{text}");
        }
    }
}
