//! Challenge tokens and codes: derived, never stored, so that a resend is the same letter.
//!
//! A token is 130 bits from HMAC(case secret, request, address, round); only its hash is stored. A code is six
//! symbols for one choice of one round; its hash is keyed with the case secret, because thirty bits alone could be
//! guessed from a plain hash.

use std::fmt;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::domain::{RequestId, Scope};
use crate::vault::{ChallengeSecret, base32_lower};

/// What a token or code is derived from, besides the secret.
#[derive(Clone, Copy)]
pub struct MessageKey<'a> {
    /// The request.
    pub request: RequestId,
    /// The address on file that the challenge goes to.
    pub address: &'a str,
    /// The round; a new one makes the earlier tokens and codes worthless.
    pub round: u32,
}

impl MessageKey<'_> {
    fn mac(&self, secret: &ChallengeSecret, label: &str, more: &[&[u8]]) -> [u8; 32] {
        let request = self.request.as_uuid();
        let round = self.round.to_be_bytes();
        let mut parts: Vec<&[u8]> = vec![request.as_bytes(), self.address.as_bytes(), &round];
        parts.extend_from_slice(more);
        secret.mac(label, &parts)
    }
}

impl fmt::Debug for MessageKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MessageKey({}, round {})", self.request, self.round)
    }
}

/// The secret of one challenge letter: 26 lower-case characters of base 32. It never prints.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// The token of this challenge.
    #[must_use]
    pub fn derive(secret: &ChallengeSecret, of: MessageKey<'_>) -> Self {
        Self(base32_lower(&of.mac(secret, "expunged/1/token", &[])))
    }

    /// The token of the page on which this challenge can be answered. It is another one than that of the letter: the path of a page
    /// stands in the histories of browsers and in the logs of proxies, and whoever reads it there must not be able to answer by
    /// mail, where a yes may be enough.
    #[must_use]
    pub fn of_page(secret: &ChallengeSecret, of: MessageKey<'_>) -> Self {
        Self(base32_lower(&of.mac(secret, "expunged/1/page-token", &[])))
    }

    /// The token of what one recipient of a request's data is asked.
    #[must_use]
    pub fn of_recipient(secret: &ChallengeSecret, request: RequestId, store: &str) -> Self {
        let request = request.as_uuid();
        Self(base32_lower(&secret.mac("expunged/1/recipient-token", &[request.as_bytes(), store.as_bytes()])))
    }

    /// A token as a letter carries it; mail systems may have changed its case. `None` for anything that is no token.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let symbol = |b: u8| b.is_ascii_alphabetic() || (b'2'..=b'7').contains(&b);
        (text.len() == 26 && text.bytes().all(symbol)).then(|| Self(text.to_ascii_lowercase()))
    }

    /// The token for the letter, and for nothing else.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What is stored of it. A token has 130 bits, so a plain hash cannot be searched.
    #[must_use]
    pub fn hash(&self) -> TokenHash {
        let mut hash = Sha256::new();
        hash.update(b"expunged/1/token-hash\0");
        hash.update(self.0.as_bytes());
        TokenHash(hash.finalize().into())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// The hash of a token; equality takes the same time for every wrong one.
#[derive(Clone, Copy)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// The bytes that are stored and looked up.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// One read from storage.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Whether this token is the one.
    #[must_use]
    pub fn is_of(&self, token: &Token) -> bool {
        *self == token.hash()
    }
}

impl PartialEq for TokenHash {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for TokenHash {}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash(…)")
    }
}

const SYMBOLS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Six of Crockford's symbols, among them a letter and a digit from 2 to 9: no word of a language and no plain
/// number is one, and 0, O, 1, I and L may be confused without harm. It never prints.
#[derive(Clone, PartialEq, Eq)]
pub struct Code(String);

impl Code {
    /// The code of one choice in this challenge.
    #[must_use]
    pub fn derive(secret: &ChallengeSecret, of: MessageKey<'_>, scope: Scope) -> Self {
        // Seven of ten draws are codes; 256 misses in a row do not happen, and the last draw would still be taken.
        let draw = |n: u8| of.mac(secret, "expunged/1/code", &[scope.as_str().as_bytes(), &[n]]);
        let symbols = |mac: [u8; 32]| mac[..6].iter().map(|b| char::from(SYMBOLS[usize::from(b % 32)])).collect();
        let mut code: String = symbols(draw(0));
        for n in 1..=u8::MAX {
            if looks_like_a_code(&code) {
                break;
            }
            code = symbols(draw(n));
        }
        Self(code)
    }

    /// A code as people type it: any case, with spaces or dashes, O for 0, I or L for 1. `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > 32 {
            return None;
        }
        let typed: String =
            text.chars().filter(|c| !c.is_whitespace() && *c != '-').map(|c| c.to_ascii_uppercase()).collect();
        let code: String = typed
            .chars()
            .map(|c| match c {
                'O' => '0',
                'I' | 'L' => '1',
                other => other,
            })
            .collect();
        let known = |b: u8| SYMBOLS.contains(&b);
        (code.len() == 6 && code.bytes().all(known) && looks_like_a_code(&typed)).then_some(Self(code))
    }

    /// The code for the letter, and for nothing else.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What is stored of it.
    #[must_use]
    pub fn hash(&self, secret: &ChallengeSecret, request: RequestId, round: u32) -> CodeHash {
        let request = request.as_uuid();
        let parts: [&[u8]; 3] = [request.as_bytes(), &round.to_be_bytes(), self.0.as_bytes()];
        CodeHash(secret.mac("expunged/1/code-hash", &parts))
    }
}

fn looks_like_a_code(text: &str) -> bool {
    text.bytes().any(|b| b.is_ascii_alphabetic()) && text.bytes().any(|b| (b'2'..=b'9').contains(&b))
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code(…)")
    }
}

/// The keyed hash of a code; equality takes the same time for every wrong one.
#[derive(Clone, Copy)]
pub struct CodeHash([u8; 32]);

impl CodeHash {
    /// The bytes that are stored.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// One read from storage.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl PartialEq for CodeHash {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for CodeHash {}

impl fmt::Debug for CodeHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CodeHash(…)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::chance::SeededChance;
    use crate::domain::{CaseId, Timestamp};
    use crate::vault::{DataKey, KeyOwner, KeyPurpose};

    const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);

    fn secret(seed: u64) -> ChallengeSecret {
        let chance = SeededChance::new(seed);
        DataKey::new(KeyOwner::Case(CaseId::new(&chance)), KeyPurpose::Contact, NOW, &chance).challenge_secret()
    }

    fn of(address: &str, round: u32) -> MessageKey<'_> {
        MessageKey { request: RequestId::new(NOW, &SeededChance::new(3)), address, round }
    }

    #[test]
    fn a_resend_has_the_same_token_and_anything_else_another() {
        let token = Token::derive(&secret(1), of("a@example.org", 1));
        assert_eq!(token, Token::derive(&secret(1), of("a@example.org", 1)));
        assert_ne!(token, Token::derive(&secret(1), of("a@example.org", 2)));
        assert_ne!(token, Token::derive(&secret(1), of("b@example.org", 1)));
        assert_ne!(token, Token::derive(&secret(2), of("a@example.org", 1)));
        assert!(token.hash().is_of(&token));
        let page = Token::of_page(&secret(1), of("a@example.org", 1));
        assert_eq!(Token::parse(page.as_str()), Some(page.clone()));
        assert_ne!(page, token, "what stands in a path does not answer a letter");
        assert_ne!(page, Token::of_page(&secret(1), of("a@example.org", 2)));
    }

    #[test]
    fn what_is_no_token_is_refused() {
        let token = Token::derive(&secret(1), of("a@example.org", 1));
        assert_eq!(Token::parse(&token.as_str().to_ascii_uppercase()).unwrap(), token);
        for text in
            ["", " ", "abc", &token.as_str()[1..], &format!("{}a", token.as_str()), "aaaaaaaaaaaaaaaaaaaaaaaaa1"]
        {
            assert!(Token::parse(text).is_none(), "{text:?}");
        }
    }

    #[test]
    fn words_and_numbers_are_no_codes() {
        for text in ["please", "delete", "DELETE", "123456", "200101", "", "K7Q2M", "K7Q2MDD", "K7Q2MU", "löschen"] {
            assert!(Code::parse(text).is_none(), "{text:?}");
        }
        for text in ["k7q-2md", " K7Q2MD ", "K7 Q2 MD"] {
            assert_eq!(Code::parse(text).unwrap().as_str(), "K7Q2MD");
        }
        assert_eq!(Code::parse("oil2xx").unwrap().as_str(), "0112XX");
    }

    #[test]
    fn nothing_prints() {
        let token = Token::derive(&secret(1), of("a@example.org", 1));
        let code = Code::derive(&secret(1), of("a@example.org", 1), Scope::Data);
        let shown = format!("{token:?} {code:?} {:?} {:?}", token.hash(), of("a@example.org", 1));
        assert!(!shown.contains(token.as_str()) && !shown.contains(code.as_str()) && !shown.contains("example"));
    }

    proptest! {
        #[test]
        fn every_token_and_code_reads_back(seed in 0_u64..1000, round in 1_u32..1000) {
            let secret = secret(seed);
            let of = of("a@example.org", round);
            let token = Token::derive(&secret, of);
            prop_assert_eq!(Token::parse(token.as_str()), Some(token.clone()));
            for scope in Scope::ALL {
                let code = Code::derive(&secret, of, *scope);
                prop_assert_eq!(Code::parse(code.as_str()), Some(code.clone()));
                let typed = code.as_str().replace('0', "o").replace('1', "l").to_ascii_lowercase();
                prop_assert_eq!(Code::parse(&typed), Some(code));
            }
        }
    }
}
