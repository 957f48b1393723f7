//! The one address of a letter's From header, as every parser reads it, or why there is none.
//!
//! Of the grammar of RFC 5322 only two forms are taken: `local@domain`, and a display name before `<local@domain>`.
//! Comments, groups, routes, quoted local parts and several addresses are what parsers differ about, and nobody's mail
//! program writes them.

use mail_parser::parsers::MessageStream;
use mail_parser::{Address as Mailboxes, HeaderValue};

use super::fields::{Field, Head};
use crate::domain::is_unseen;
use crate::intake::Address;

/// The one sender, or why a person has to look.
pub(super) fn one(head: &Head<'_>) -> Result<Address, &'static str> {
    let mut fields = head.all("from");
    let from = fields.next().ok_or("there is no From header")?;
    if fields.next().is_some() {
        return Err("there are several From headers");
    }
    let text = from.unfolded().ok_or("the From header is not ASCII")?;
    let address = strict(address_of(&text)?)?;
    agreed(from, &address)?;
    Ok(address)
}

/// The text of the address, where there is one and nothing else could be taken for another.
fn address_of(text: &str) -> Result<&str, &'static str> {
    let text = text.trim_matches(' ');
    let (mut quoted, mut escaped, mut opens) = (false, false, None);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' if opens.is_none() => quoted = !quoted,
            _ if quoted => {}
            '<' if opens.is_none() => opens = Some(at),
            '<' | '"' => return Err("the From header has more than one address, or a quoted one"),
            '(' | ')' => return Err("the From header has a comment"),
            ',' | ';' | ':' => return Err("the From header is a list, a group or a route"),
            '[' | ']' | '\\' => return Err("the From header has an address that is none of a domain"),
            _ => {}
        }
    }
    if quoted || escaped {
        return Err("the From header has a quote that does not end");
    }
    let Some(opens) = opens else {
        return if text.contains('"') { Err("the From header has a quoted address") } else { Ok(text) };
    };
    let (shown, rest) = text.split_at(opens);
    let address = rest[1..].strip_suffix('>').ok_or("the From header goes on behind its address")?;
    if outside_quotes(shown).contains('@') || shown.contains('>') && outside_quotes(shown).contains('>') {
        return Err("the From header has an address beside the one in brackets");
    }
    Ok(address)
}

/// What of a display name is not quoted.
fn outside_quotes(shown: &str) -> String {
    let (mut quoted, mut escaped) = (false, false);
    let mut out = String::new();
    for c in shown.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if quoted => {}
            _ => out.push(c),
        }
    }
    out
}

/// A strict addr-spec of an ASCII domain with a dot, and nothing around it.
fn strict(text: &str) -> Result<Address, &'static str> {
    let address: Address = text.parse().map_err(|_| "the From header has no strict address")?;
    let same = text.len() == address.as_str().len() && text.eq_ignore_ascii_case(address.as_str());
    if !same || text.contains('>') || !address.domain.contains('.') {
        return Err("the From header has no strict address");
    }
    if address.domain.split('.').any(|label| label.starts_with("xn--")) {
        return Err("the domain is of another script: a person has to see whether it only looks like one");
    }
    Ok(address)
}

/// Whether the other parser reads the same one address, and the display name shows no other.
fn agreed(from: &Field<'_>, address: &Address) -> Result<(), &'static str> {
    let value = from.line();
    let HeaderValue::Address(Mailboxes::List(list)) = MessageStream::new(&value).parse_address() else {
        return Err("two parsers read the From header in two ways");
    };
    let [only] = list.as_slice() else { return Err("two parsers read the From header in two ways") };
    if only.address.as_deref().is_none_or(|other| !other.eq_ignore_ascii_case(address.as_str())) {
        return Err("two parsers read the From header in two ways");
    }
    let shown = only.name.as_deref().unwrap_or_default();
    if shown.chars().any(|c| (c.is_control() && c != '\t') || is_unseen(c)) {
        return Err("the display name has characters that are not seen");
    }
    let is_the_address = shown.trim_matches([' ', '\'', '"', '<', '>']).eq_ignore_ascii_case(address.as_str());
    if shown.contains(['@', '\u{ff20}', '\u{fe6b}']) && !is_the_address {
        return Err("the display name shows another address");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(from: &str) -> Result<String, &'static str> {
        let letter = format!("From: {from}\r\n\r\n");
        one(&Head::parse(letter.as_bytes())?).map(|address| address.as_str().to_owned())
    }

    #[test]
    fn the_forms_of_mail_programs_are_read() {
        for from in [
            "ann@shop.example",
            "<ann@shop.example>",
            "Ann <ann@shop.example>",
            "\"Ann, of the shop (sales)\" <ann@shop.example>",
            "\"ann@shop.example\" <ann@shop.example>",
            "Ann O. Example\r\n <ann@shop.example>",
            "=?utf-8?q?Ann_M=C3=BCller?= <ann@shop.example>",
            "Ann \"The \\\"Cat\\\"\" Example <ann@SHOP.example>",
        ] {
            assert_eq!(read(from).as_deref(), Ok("ann@shop.example"), "{from}");
        }
    }

    #[test]
    fn whatever_two_parsers_may_read_differently_is_refused() {
        for from in [
            "",
            "Ann",
            "ann@shop.example, eve@evil.example",
            "ann@shop.example eve@evil.example",
            "<ann@shop.example> <eve@evil.example>",
            "ann@shop.example <eve@evil.example>",
            "ann@shop.example (eve@evil.example)",
            "(ann@shop.example) eve@evil.example",
            "\"ann\"@shop.example",
            "Friends: ann@shop.example;",
            "<@evil.example:ann@shop.example>",
            "<ann@evil.example@shop.example>",
            "ann@shop.example>",
            "<ann@shop.example",
            "<ann@shop.example> x",
            "<ann@shop. example>",
            "< ann@shop.example>",
            "ann@sh\r\n op.example",
            "\"ann@shop.example\" <eve@evil.example>",
            "=?utf-8?q?ann=40shop=2Eexample?= <eve@evil.example>",
            "ann@[192.0.2.1]",
            "ann@localhost",
            "ann@xn--shp-0na.example",
            "\"x <ann@shop.example>\" eve@evil.example",
            "ann\\@shop.example <eve@evil.example>",
            "\u{430}nn@shop.example",
            "=?utf-8?q?Ann=E2=80=AEpohS?= <ann@shop.example>",
            "=?utf-8?q?A=C2=ADnn?= <ann@shop.example>",
            "=?utf-8?q?Ann=F3=A0=81=81?= <ann@shop.example>",
        ] {
            assert!(read(from).is_err(), "{from}: {:?}", read(from));
        }
    }
}
