//! Who asks, and whether a form is our own. Pure: headers in, a verdict out.

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, header};

use crate::domain::Language;

/// Whether a form was sent from a page of ours, as far as a browser says. The token in the path is the proof of possession; this keeps
/// other sites from having somebody send it unknowingly.
///
/// Browsers say by `Sec-Fetch-Site` where a form stood; `none` is somebody who sends it once more by hand. Older ones say it by
/// `Origin`, which is `null` wherever a page forbids referrers, as ours do: from a browser that says nothing else that is too
/// little. Who says neither is no browser, or one that is so old that it could be led by no page of today.
pub(super) fn is_own_form(headers: &HeaderMap, public_url: &str) -> bool {
    let word = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let origin = word(header::ORIGIN.as_str());
    match (word("sec-fetch-site"), origin) {
        (Some("same-origin" | "none"), None | Some("null")) => true,
        (Some("same-origin" | "none") | None, Some(origin)) => origin.eq_ignore_ascii_case(public_url),
        (Some(_), _) => false,
        (None, None) => true,
    }
}

/// Who asks, and whether that is known: behind a proxy, what its header says last, because it puts what it sees behind what it was
/// told. A proxy on this machine that says nothing speaks for everybody, and so for nobody.
pub(super) fn client(headers: &HeaderMap, trusted: Option<&str>, from: SocketAddr) -> Option<IpAddr> {
    let Some(name) = trusted else { return Some(from.ip()).filter(|ip| !ip.to_canonical().is_loopback()) };
    let told = headers.get_all(name).iter().next_back().and_then(|value| value.to_str().ok());
    let last = told.and_then(|told| told.rsplit(',').next()).map(str::trim);
    let read = |text: &str| text.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()));
    Some(last.and_then(read).unwrap_or_else(|| from.ip()))
}

/// The first language of ours that a browser asks for.
pub(super) fn language(headers: &HeaderMap) -> Option<Language> {
    let asked = headers.get(header::ACCEPT_LANGUAGE)?.to_str().ok()?;
    asked.split(',').take(20).find_map(|part| Language::from_locale(part.split(';').next()?.trim()))
}

/// Whether a body is what a form of ours sends.
pub(super) fn is_form(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    const OURS: &str = "https://privacy.shop.example";

    fn headers(fields: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn only_forms_of_our_own_pages_are_taken() {
        for (fields, own) in [
            (&[][..], true),
            (&[("origin", OURS)], true),
            (&[("origin", "https://evil.example")], false),
            (&[("origin", "http://privacy.shop.example")], false),
            (&[("origin", "null")], false),
            (&[("sec-fetch-site", "same-origin")], true),
            (&[("sec-fetch-site", "none")], true),
            (&[("sec-fetch-site", "same-site")], false),
            (&[("sec-fetch-site", "cross-site")], false),
            (&[("sec-fetch-site", "same-origin"), ("origin", "null")], true),
            (&[("sec-fetch-site", "same-origin"), ("origin", OURS)], true),
            (&[("sec-fetch-site", "cross-site"), ("origin", OURS)], false),
            (&[("sec-fetch-site", "cross-site"), ("origin", "null")], false),
            (&[("sec-fetch-site", "same-origin"), ("origin", "https://evil.example")], false),
        ] {
            assert_eq!(is_own_form(&headers(fields), OURS), own, "{fields:?}");
        }
    }

    #[test]
    fn who_asks_is_who_connects_or_what_our_proxy_says_last() {
        let far: SocketAddr = "192.0.2.9:4000".parse().unwrap();
        let near: SocketAddr = "127.0.0.1:4000".parse().unwrap();
        let told =
            headers(&[("x-forwarded-for", "203.0.113.1, 203.0.113.2"), ("x-forwarded-for", "9.9.9.9, 198.51.100.7")]);
        let ip = |text: &str| Some(text.parse::<IpAddr>().unwrap());
        assert_eq!(client(&told, None, far), ip("192.0.2.9"), "a header that nobody trusts says nothing");
        assert_eq!(client(&told, None, near), None);
        assert_eq!(client(&told, Some("x-forwarded-for"), near), ip("198.51.100.7"));
        assert_eq!(client(&headers(&[("x-forwarded-for", "junk")]), Some("x-forwarded-for"), far), ip("192.0.2.9"));
        assert_eq!(client(&headers(&[("x-real-ip", "[2001:db8::1]:443")]), Some("x-real-ip"), near), ip("2001:db8::1"));
    }

    #[test]
    fn the_language_is_the_first_of_ours() {
        assert_eq!(language(&headers(&[("accept-language", "nl, de-AT;q=0.9, en;q=0.8")])), Some(Language::De));
        assert_eq!(language(&headers(&[("accept-language", "nl, *;q=0.1")])), None);
        assert_eq!(language(&headers(&[])), None);
    }
}
