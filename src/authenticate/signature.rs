//! The rules of a DKIM-Signature that `mail-auth` does not have (RFC 6376 §3.5, §5.4, §6.1.1; RFC 8301).

use mail_parser::HeaderValue;
use mail_parser::parsers::MessageStream;

use super::fields::{Field, Head};
use super::tags::Tags;

/// Signatures of one letter that are looked at.
pub(super) const SIGNATURES_MAX: usize = 10;
/// Headers that one signature names.
const SIGNED_MAX: usize = 200;
/// How old a signature may be: longer than a mail server tries to deliver a letter.
const AGE_SECONDS_MAX: i64 = 7 * 86_400;
/// How old one may be that does not say to whom the letter went, which anybody could send on to anybody.
const AGE_WITHOUT_RECIPIENT_SECONDS_MAX: i64 = 86_400;
/// How far two clocks may differ.
const SKEW_SECONDS: i64 = 300;
/// Fields whose words count with us, or that lead an answer elsewhere: where they stand they must be signed.
const SIGNED_IF_THERE: [&str; 2] = ["subject", "reply-to"];

/// A signature whose rules are kept; whether it is true is for the verifier to say.
pub(super) struct Sound {
    /// The domain that signs, in lower case.
    pub domain: String,
    /// The name of its key there, in lower case.
    pub selector: String,
    /// How it was signed.
    pub algorithm: Algorithm,
}

/// The algorithms that count.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Algorithm {
    RsaSha256,
    Ed25519Sha256,
}

/// When a letter was received, and what is known of where.
#[derive(Clone, Copy)]
pub(super) struct Received<'a> {
    /// Seconds since 1970 UTC.
    pub at: i64,
    /// The domain that letters to us are written to.
    pub our_domain: Option<&'a str>,
}

/// Holds a signature against the rules.
pub(super) fn sound(value: &[u8], head: &Head<'_>, received: Received<'_>) -> Result<Sound, &'static str> {
    let tags = Tags::parse(value).ok_or("the signature is no list of tags that stand once")?;
    if tags.get("v") != Some("1") {
        return Err("the signature is of no known version");
    }
    if tags.get("l").is_some() {
        return Err("the signature covers only a part of the text (l=)");
    }
    let algorithm = match tags.get("a") {
        Some("rsa-sha256") => Algorithm::RsaSha256,
        Some("ed25519-sha256") => Algorithm::Ed25519Sha256,
        _ => return Err("the signature is by an algorithm that does not count"),
    };
    if tags.get("q").is_some_and(|query| query != "dns/txt") {
        return Err("the signature asks for its key elsewhere than in DNS");
    }
    let name = |tag| tags.get(tag).map(str::to_ascii_lowercase).filter(|name| is_domain(name));
    let domain = name("d").filter(|domain| domain.contains('.')).ok_or("the signature is of no domain")?;
    let selector = name("s").ok_or("the signature names no key")?;
    let signed = tags.list("h").unwrap_or_default();
    if signed.len() > SIGNED_MAX {
        return Err("the signature names more headers than a letter has");
    }
    covers(&signed, head)?;
    is_fresh(&tags, &signed, head, received)?;
    is_to_us(&signed, head, received)?;
    Ok(Sound { domain, selector, algorithm })
}

/// Letters, digits, hyphens and underscores between dots.
fn is_domain(name: &str) -> bool {
    let is_label = |label: &str| {
        let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        (1..=63).contains(&label.len()) && label.bytes().all(fits)
    };
    name.len() <= 253 && name.split('.').all(is_label)
}

/// From must be signed, every instance of whatever is signed, and the fields that we read.
fn covers(signed: &[String], head: &Head<'_>) -> Result<(), &'static str> {
    let times = |name: &str| signed.iter().filter(|other| *other == name).count();
    if times("from") == 0 {
        return Err("the From header is not signed");
    }
    if signed.iter().any(|name| head.count(name) > times(name)) {
        return Err("a header stands in the letter more often than it is signed");
    }
    if SIGNED_IF_THERE.iter().any(|name| head.count(name) > times(name)) {
        return Err("the subject or Reply-To is not signed");
    }
    Ok(())
}

/// Not expired, not of the future, and not so old that it was made for another occasion.
fn is_fresh(tags: &Tags, signed: &[String], head: &Head<'_>, received: Received<'_>) -> Result<(), &'static str> {
    let bad = |()| "the signature has a time that is none";
    let (made, expires) = (tags.number("t").map_err(bad)?, tags.number("x").map_err(bad)?);
    if expires.is_some_and(|expires| expires <= received.at || made.is_some_and(|made| expires <= made)) {
        return Err("the signature has expired");
    }
    let dated = signed.iter().any(|name| name == "date").then(|| date(head)).flatten();
    let made = made.or(dated);
    if made.is_some_and(|made| made > received.at + SKEW_SECONDS) {
        return Err("the signature is of the future");
    }
    let names_recipient = signed.iter().any(|name| name == "to") && head.count("to") > 0;
    let age_max = if names_recipient { AGE_SECONDS_MAX } else { AGE_WITHOUT_RECIPIENT_SECONDS_MAX };
    match made {
        Some(made) if received.at - made > age_max => Err("the signature is old: it may be of another occasion"),
        None if !names_recipient => Err("the signature says neither when nor to whom"),
        _ => Ok(()),
    }
}

/// The Date header, in seconds since 1970 UTC.
fn date(head: &Head<'_>) -> Option<i64> {
    let value = head.all("date").next()?.line();
    match MessageStream::new(&value).parse_date() {
        HeaderValue::DateTime(time) if time.is_valid() => Some(time.to_timestamp()),
        _ => None,
    }
}

/// A letter that was signed for somebody else was sent on to us by anybody.
fn is_to_us(signed: &[String], head: &Head<'_>, received: Received<'_>) -> Result<(), &'static str> {
    let Some(ours) = received.our_domain else { return Ok(()) };
    let named: Vec<&str> = ["to", "cc"].into_iter().filter(|name| signed.iter().any(|other| other == name)).collect();
    let values: Vec<Vec<u8>> = named.iter().flat_map(|name| head.all(name)).map(Field::line).collect();
    let is_ours = |address: &str| {
        let domain = address.trim().rsplit_once('@').map(|(_, domain)| domain);
        domain.is_some_and(|domain| domain.eq_ignore_ascii_case(ours))
    };
    let to_us = values.iter().any(|value| match MessageStream::new(value).parse_address() {
        HeaderValue::Address(list) => list.iter().filter_map(|mailbox| mailbox.address.as_deref()).any(is_ours),
        _ => false,
    });
    if values.is_empty() || to_us { Ok(()) } else { Err("the letter was signed for somebody else") }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn said(signature: &str, header: &str) -> Result<(), &'static str> {
        let bytes = format!("{header}\r\n");
        let head = Head::parse(bytes.as_bytes()).unwrap();
        let received = Received { at: NOW, our_domain: Some("shop.example") };
        sound(signature.as_bytes(), &head, received).map(|_| ())
    }

    #[test]
    fn rules_are_kept_one_by_one() {
        let plain = "From: a@b.example\r\nTo: x@shop.example\r\nSubject: s\r\n";
        let good = "v=1; a=rsa-sha256; d=b.example; s=k; h=from:to:subject; bh=x; b=x; t=1799999000";
        assert_eq!(said(good, plain), Ok(()));
        for (from, to) in [
            ("v=1", "v=2"),
            ("v=1; ", ""),
            ("rsa-sha256", "rsa-sha1"),
            ("d=b.example", "d=example"),
            ("d=b.example", "d=b..example"),
            ("h=from:", "h="),
            (":subject", ""),
            ("bh=x", "bh=x; l=0"),
            ("bh=x", "bh=x; x=1799999999"),
            ("bh=x", "bh=x; x=soon"),
            ("bh=x", "bh=x; q=http"),
            ("t=1799999000", "t=1800001000"),
            ("t=1799999000", "t=1799000000"),
            ("from:to:subject; bh=x; b=x; t=1799999000", "from:subject; bh=x; b=x"),
        ] {
            assert!(said(&good.replace(from, to), plain).is_err(), "{from} → {to}");
        }
        for (from, to) in [
            ("x@shop.example", "x@other.example"),
            ("To:", "Received: a\r\nReceived: b\r\nTo:"),
            ("Subject:", "Reply-To: e@evil.example\r\nSubject:"),
        ] {
            let signature = good.replace("h=from", "h=received:from");
            assert!(said(&signature, &plain.replace(from, to)).is_err(), "{from} → {to}");
        }
    }

    #[test]
    fn without_a_time_of_its_own_the_signed_date_counts() {
        let signature = "v=1; a=rsa-sha256; d=b.example; s=k; h=from:to:date; bh=x; b=x";
        let letter = |date: &str| format!("From: a@b.example\r\nTo: x@shop.example\r\nDate: {date}\r\n");
        assert_eq!(said(signature, &letter("Fri, 15 Jan 2027 07:00:00 +0000")), Ok(()));
        assert!(said(signature, &letter("Fri, 1 Jan 2027 07:00:00 +0000")).is_err());
        assert!(said(signature, &letter("Fri, 22 Jan 2027 07:00:00 +0000")).is_err());
    }
}
