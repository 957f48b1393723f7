//! Authentication-Results as a forger writes them, in the ways that a filter by pattern misses, and what an MX has made of them.
//!
//! Every field here is one that our own reader would believe, were it the topmost of a letter: a test holds that. What it would
//! not believe anyway is of no use to a forger, and is not tried.
//!
//! # How to add a way
//! A line in [`forgeries`]; the test says whether our reader believes it.

use super::fields::{Head, with_crlf};
use super::results;
use crate::domain::stored_enum;

/// Where in the header forged fields stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Above all that the sender writes.
    Top,
    /// Below a Received field of the sender's.
    BelowReceived,
    /// Below all other fields.
    Bottom,
}

/// One way to forge: the fields, and where they stand.
#[derive(Clone, Debug)]
pub struct Forgery {
    /// What is special about it.
    pub name: &'static str,
    place: Place,
    /// Whole fields, each ended by CRLF.
    fields: Vec<String>,
}

/// The ways to forge results in the name of this MX, for letters from this domain. `marker` is a word that stands in each field
/// and that nobody can guess.
#[must_use]
pub fn forgeries(our_mx: &str, domain: &str, marker: &str) -> Vec<Forgery> {
    let says = format!("dkim=pass header.d={domain} header.b={marker}; dmarc=pass header.from={domain}");
    let upper = our_mx.to_ascii_uppercase();
    let plain = format!("Authentication-Results: {our_mx}; {says}\r\n");
    let one = |name, field: String| Forgery { name, place: Place::Top, fields: vec![field] };
    vec![
        one("plain", plain.clone()),
        one("field name in lower case", format!("authentication-results: {our_mx}; {says}\r\n")),
        one("field name in upper case", format!("AUTHENTICATION-RESULTS: {our_mx}; {says}\r\n")),
        one("server name in upper case", format!("Authentication-Results: {upper}; {says}\r\n")),
        one("comment before the server name", format!("Authentication-Results: (checked) {our_mx}; {says}\r\n")),
        one(
            "comment behind the server name",
            format!("Authentication-Results: {our_mx} (mail.other.example); {says}\r\n"),
        ),
        one("line folded before the server name", format!("Authentication-Results:\r\n\t{our_mx};\r\n\t{says}\r\n")),
        one("blanks around the server name", format!("Authentication-Results: \t {our_mx}\t ; {says}\r\n")),
        one("no blank before the server name", format!("Authentication-Results:{our_mx};{says}\r\n")),
        one("version behind the server name", format!("Authentication-Results: {our_mx} 1; {says}\r\n")),
        Forgery { name: "below a Received field", place: Place::BelowReceived, fields: vec![plain.clone()] },
        Forgery { name: "at the end of the header", place: Place::Bottom, fields: vec![plain.clone()] },
        Forgery { name: "several fields", place: Place::Top, fields: vec![plain.clone(), plain.clone(), plain] },
    ]
}

impl Forgery {
    /// Nothing is forged: by such a letter it shows what the MX does with any other.
    #[must_use]
    pub const fn none(name: &'static str) -> Self {
        Self { name, place: Place::Top, fields: Vec::new() }
    }

    /// Whether something is forged.
    #[must_use]
    pub const fn is_forged(&self) -> bool {
        !self.fields.is_empty()
    }

    /// A letter with these fields: `received` is a Received field of the sender's, `rest` the other fields, and `body` what follows
    /// them. All lines end with CRLF.
    #[must_use]
    pub fn letter(&self, received: &str, rest: &str, body: &str) -> Vec<u8> {
        let fields = self.fields.concat();
        let at = |place| if self.place == place { fields.as_str() } else { "" };
        let (top, below, bottom) = (at(Place::Top), at(Place::BelowReceived), at(Place::Bottom));
        format!("{top}{received}{below}{rest}{bottom}\r\n{body}").into_bytes()
    }
}

stored_enum! {
    /// What an MX made of forged results.
    Forged, "what became of forged results" {
        /// They are gone.
        Stripped = "stripped",
        /// They stand under another name, where no reader of results looks.
        Renamed = "renamed",
        /// They stand there as they were sent, or nearly so.
        LeftInPlace = "left_in_place",
    }
}

/// What was delivered of a letter with forged results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// What became of the forged fields; of a letter that has none, [`Forged::Stripped`].
    pub forged: Forged,
    /// Whether results of this MX, and none of the forger's, stand on top.
    pub own: bool,
}

impl Delivered {
    /// Of two copies of a letter, what is worse in either.
    #[must_use]
    pub fn worse(self, other: Self) -> Self {
        Self { forged: self.forged.max(other.forged), own: self.own && other.own }
    }

    /// Reads the header as it lies in the mailbox.
    #[must_use]
    pub fn read(header: &[u8], our_mx: &str, marker: &str) -> Self {
        let has_marker = |bytes: &[u8]| contains(bytes, marker.as_bytes());
        // What cannot be read field by field cannot be told to be harmless.
        let unclear =
            Self { forged: if has_marker(header) { Forged::LeftInPlace } else { Forged::Stripped }, own: false };
        let Ok(bytes) = with_crlf(header) else { return unclear };
        let Ok(head) = Head::parse(&bytes) else { return unclear };
        let (left, others): (Vec<_>, Vec<_>) = head.all(results::FIELD).partition(|field| has_marker(field.value));
        let names_us = |value: &[u8]| contains(&value.to_ascii_lowercase(), our_mx.to_ascii_lowercase().as_bytes());
        let forged = match (left.iter().any(|field| names_us(field.value)), has_marker(&bytes)) {
            (true, _) => Forged::LeftInPlace,
            (false, true) => Forged::Renamed,
            (false, false) => Forged::Stripped,
        };
        let is_ours = |name: String| name.eq_ignore_ascii_case(our_mx);
        let own = others.first().is_some_and(|field| results::whose(field.value).is_some_and(is_ours));
        Self { forged, own }
    }
}

fn contains(bytes: &[u8], word: &[u8]) -> bool {
    bytes.windows(word.len()).any(|window| window == word)
}

#[cfg(test)]
mod tests {
    use super::super::results::{Said, said};
    use super::*;

    const MX: &str = "mx.shop.example";
    const MARKER: &str = "k3v9x";
    const RECEIVED: &str = "Received: from a by b; Mon, 4 Jan 2027 10:00:00 +0000\r\n";
    const REST: &str = "From: <ann@b.example>\r\nSubject: x\r\n";

    fn whole(forgery: &Forgery) -> Vec<u8> {
        forgery.letter(RECEIVED, REST, "Hello.\r\n")
    }

    #[test]
    fn each_would_be_believed_if_it_were_left_in_place() {
        let all = forgeries(MX, "b.example", MARKER);
        assert!(all.len() > 10);
        for forgery in &all {
            for field in &forgery.fields {
                let alone = Forgery { fields: vec![field.clone()], ..forgery.clone() };
                let bytes = whole(&alone);
                let head = Head::parse(&bytes).unwrap();
                assert_eq!(said(&head, MX, "b.example"), Ok(Said::Pass), "{}", forgery.name);
            }
            let delivered = Delivered::read(&whole(forgery), MX, MARKER);
            assert_eq!(delivered, Delivered { forged: Forged::LeftInPlace, own: false }, "{}", forgery.name);
        }
        let mut names: Vec<&str> = all.iter().map(|forgery| forgery.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all.len(), "each is of another kind");
    }

    #[test]
    fn what_an_mx_made_of_them_is_read() {
        let forged = format!("Authentication-Results: {MX}; dmarc=pass header.from=b.example header.b={MARKER}\r\n");
        let own = "Authentication-Results: mx.shop.example; dmarc=none\r\n";
        let read = |fields: &str| {
            let Delivered { forged, own } = Delivered::read(format!("{fields}{REST}\r\n").as_bytes(), MX, MARKER);
            (forged, own)
        };
        assert_eq!(read(""), (Forged::Stripped, false));
        assert_eq!(read(own), (Forged::Stripped, true));
        assert_eq!(read(&own.replace(MX, "MX.Shop.Example")), (Forged::Stripped, true));
        assert_eq!(read(&own.replace(MX, "mx.other.example")), (Forged::Stripped, false));
        assert_eq!(read(&format!("{own}{forged}")), (Forged::LeftInPlace, true));
        assert_eq!(read(&forged), (Forged::LeftInPlace, false));
        assert_eq!(read(&format!("{own}X-Old-{forged}")), (Forged::Renamed, true));
        assert_eq!(read(&format!("{own}{}", forged.replace(MX, "removed"))), (Forged::Renamed, true));
        // What is not read as a header is not called stripped while the marker stands there.
        assert_eq!(read(&format!("no field\r\n{forged}")), (Forged::LeftInPlace, false));
        // A mailbox of files keeps LF only.
        let lines = format!("{own}{REST}\r\n").replace("\r\n", "\n");
        assert_eq!(Delivered::read(lines.as_bytes(), MX, MARKER), Delivered { forged: Forged::Stripped, own: true });
    }
}
