//! Lists of tags, as signatures and keys are written (RFC 6376 §3.2). Strict: a tag that stands twice ends it.

/// Tags of one list.
const TAGS_MAX: usize = 50;

/// The tags of a list, without the blanks in their values.
pub(super) struct Tags(Vec<(String, String)>);

impl Tags {
    /// `None` for what is no list of tags: not ASCII, a tag without a name or twice, a name in capitals.
    pub fn parse(value: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(value).ok().filter(|text| text.is_ascii())?;
        let text = text.trim();
        let mut tags: Vec<(String, String)> = Vec::new();
        for tag in text.strip_suffix(';').unwrap_or(text).split(';') {
            let (name, value) = tag.split_once('=')?;
            let name = name.trim();
            let is_name = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
            if name.is_empty() || !is_name || tags.len() == TAGS_MAX || tags.iter().any(|(known, _)| known == name) {
                return None;
            }
            tags.push((name.to_owned(), value.split_ascii_whitespace().collect()));
        }
        Some(Self(tags))
    }

    /// The value of a tag.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The items of a tag that is a list, in lower case.
    pub fn list(&self, name: &str) -> Option<Vec<String>> {
        self.get(name).map(|value| value.split(':').map(str::to_ascii_lowercase).collect())
    }

    /// A tag that is a number; `Err` where it stands there and is none.
    pub fn number(&self, name: &str) -> Result<Option<i64>, ()> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let is_number = (1..=12).contains(&value.len()) && value.bytes().all(|b| b.is_ascii_digit());
        if is_number { value.parse().map(Some).map_err(|_| ()) } else { Err(()) }
    }

    /// The name of the first tag.
    pub fn first(&self) -> Option<&str> {
        self.0.first().map(|(name, _)| name.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_read_once_each() {
        let tags = Tags::parse(b" v=1; h=From : To;\r\n\tb=ab\r\n cd ; t=12;").unwrap();
        assert_eq!((tags.get("b"), tags.first()), (Some("abcd"), Some("v")));
        assert_eq!(tags.list("h").unwrap(), ["from", "to"]);
        assert_eq!((tags.number("t"), tags.number("x")), (Ok(Some(12)), Ok(None)));
        assert_eq!(tags.number("v"), Ok(Some(1)));
        for bad in [&b"v=1; v=1"[..], b"V=1", b"v", b"v=1;;d=x", b"=1", b"v=\xff", b"a b=1"] {
            assert!(Tags::parse(bad).is_none(), "{bad:?}");
        }
        assert!(Tags::parse(b"x=1000000000000000").unwrap().number("x").is_err());
    }
}
