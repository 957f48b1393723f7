//! The table of forged letters: each claims to be from [`VICTIM`], an owner on file, and asks to close the account. With
//! them stand honest letters, which must pass, or the table proves nothing.
//!
//! How to add an attack: a line in the table whose name says what is forged. Then `EXPUNGED_WRITE_ATTACKS=1 cargo nextest run
//! kept_letters` writes all of them, but for the bombs, to `tests/mail/attacks` anew, for `expunged explain` and for people to
//! look at; their keys are thrown away.

use std::fmt::Write as _;

use expunged::domain::Timestamp;

use super::signer::{Key, Signing, dns_file, folder, sign};

/// Whose address is forged: an owner on file in the tests' world.
pub const VICTIM: &str = "owner1@team.example";
/// Who forges: the owner of a domain with signatures and a policy of its own.
pub const EVE: &str = "eve@evil.example";
/// The MX whose word counts where it is trusted.
pub const MX: &str = "mx.shop.example";
/// When the letters arrive.
pub const NOW: Timestamp = Timestamp::from_micros(1_799_000_000_000_000);
const NOW_SECONDS: i64 = 1_799_000_000;
/// Larger letters are made, and not kept as files.
const KEPT_BYTES_MAX: usize = 16 * 1024;

/// The letters, and the DNS of their day.
pub struct Suite {
    /// A file of records.
    pub dns: String,
    /// Letters that must pass, each with its address.
    pub honest: Vec<(String, Vec<u8>)>,
    /// Letters that must not.
    pub forged: Vec<(String, Vec<u8>)>,
    /// Letters that must not even where [`MX`] is trusted.
    pub forged_results: Vec<(String, Vec<u8>)>,
    /// Letters of which [`MX`] itself says something, and which pass where it is trusted and says so.
    pub results: Vec<(String, Vec<u8>)>,
}

/// The letters that are kept as files, by path, and their bytes.
pub fn kept(suite: &Suite) -> Vec<(String, &[u8])> {
    let all = [("honest", &suite.honest), ("forged", &suite.forged), ("results", &suite.forged_results)];
    // A file that begins as a mailbox does is read as one, without that line.
    let small = |(_, bytes): &&(String, Vec<u8>)| bytes.len() <= KEPT_BYTES_MAX && !bytes.starts_with(b"From owner");
    let file = |folder: &str, name: &str| {
        let words = name.to_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), " ");
        format!("{folder}/{}.eml", words.split_whitespace().collect::<Vec<_>>().join("-"))
    };
    all.into_iter()
        .flat_map(|(folder, letters)| {
            letters.iter().filter(small).map(move |(name, bytes)| (file(folder, name), bytes.as_slice()))
        })
        .collect()
}

/// Who signs.
struct Keys {
    rsa: Key,
    second: Key,
    ed25519: Key,
    short: Key,
    tiny: Key,
    eve: Key,
}

/// The victim's letter, with one thing changed at a time.
const LETTER: &str = "From: Olga One <owner1@team.example>\r\nTo: Test Shop <privacy@shop.example>\r\n\
    Subject: Please close my account\r\nDate: Sun, 3 Jan 2027 10:00:00 +0000\r\nMessage-ID: <1@team.example>\r\n\
    MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n\
    Hello,\r\n\r\nplease delete my account and all data that  belongs to it.\r\n\r\n\r\n";
const SIGNED: &str = "from:to:subject:date:message-id";

/// The same letter from somebody else's From header.
fn from(value: &str) -> String {
    LETTER.replace("Olga One <owner1@team.example>", value)
}

impl Suite {
    /// Makes keys and signs.
    pub fn new() -> Self {
        let folder = folder();
        let keys = Keys {
            rsa: Key::rsa(&folder, 2048),
            second: Key::rsa(&folder, 2048),
            ed25519: Key::ed25519(&folder),
            short: Key::rsa(&folder, 1024),
            tiny: Key::rsa(&folder, 512),
            eve: Key::rsa(&folder, 2048),
        };
        let mut forged = Vec::new();
        for (of, letters) in [
            ("from", keys.ambiguous_from()),
            ("header", keys.bent_headers()),
            ("signature", keys.bent_signatures()),
            ("key", keys.keys_that_do_not_count()),
            ("replay", keys.replays()),
            ("alignment", keys.other_domains()),
            ("content", keys.contents()),
            ("bomb", keys.bombs()),
        ] {
            forged.extend(letters.into_iter().map(|(name, bytes)| (format!("{of}: {name}"), bytes)));
        }
        let (honest, forged_results, results) = (keys.honest(), keys.forged_results(), keys.results());
        Self { dns: keys.dns(), honest, forged, forged_results, results }
    }
}

type Letters = Vec<(String, Vec<u8>)>;

fn named<const N: usize>(letters: [(&str, String); N]) -> Letters {
    letters.into_iter().map(|(name, letter)| (name.to_owned(), letter.into_bytes())).collect()
}

/// A fresh time of signing.
fn fresh() -> String {
    format!("t={}", NOW_SECONDS - 60)
}

impl Keys {
    fn dns(&self) -> String {
        let key = |selector: &str, record: String| (format!("{selector}._domainkey.team.example"), record);
        let rsa = &self.rsa.record;
        let mut records = vec![
            key("good", format!("v=DKIM1; {rsa}")),
            key("bare", rsa.clone()),
            key("mail", format!("v=DKIM1; s=email; h=sha256; {rsa}")),
            key("ed", format!("v=DKIM1; {}", self.ed25519.record)),
            key("short", format!("v=DKIM1; {}", self.short.record)),
            key("tiny", format!("v=DKIM1; {}", self.tiny.record)),
            key("test", format!("v=DKIM1; t=y; {rsa}")),
            key("revoked", "v=DKIM1; k=rsa; p=".to_owned()),
            key("web", format!("v=DKIM1; s=web; {rsa}")),
            key("sha1", format!("v=DKIM1; h=sha1; {rsa}")),
            key("later", format!("v=DKIM2; {rsa}")),
            key("kind", format!("v=DKIM1; {}", rsa.replace("k=rsa", "k=ed25519"))),
            key("twice", format!("v=DKIM1; {rsa}; {rsa}")),
            key("noise", "v=DKIM1; k=rsa; p=AAAA".to_owned()),
            key("spf", "v=spf1 -all".to_owned()),
            key("two", format!("v=DKIM1; {rsa}")),
            key("two", format!("v=DKIM1; {}", self.second.record)),
            ("_dmarc.team.example".to_owned(), "v=DMARC1; p=reject; adkim=s".to_owned()),
            ("good._domainkey.mail.team.example".to_owned(), format!("v=DKIM1; {}", self.eve.record)),
            ("k._domainkey.evil.example".to_owned(), format!("v=DKIM1; {}", self.eve.record)),
            ("_dmarc.evil.example".to_owned(), "v=DMARC1; p=none".to_owned()),
            ("k._domainkey.team.example.evil.example".to_owned(), format!("v=DKIM1; {}", self.eve.record)),
            ("k._domainkey.notteam.example".to_owned(), format!("v=DKIM1; {}", self.eve.record)),
            ("k._domainkey.example".to_owned(), format!("v=DKIM1; {}", self.eve.record)),
            ("k._domainkey.xn--tem-8cd.example".to_owned(), format!("v=DKIM1; {}", self.eve.record)),
        ];
        // An organisation whose policy lets its departments sign for it, milder ones, and one that publishes none.
        records.extend([
            ("_dmarc.relaxed.example".to_owned(), "v=DMARC1; p=reject".to_owned()),
            ("k._domainkey.relaxed.example".to_owned(), format!("v=DKIM1; {rsa}")),
            ("_dmarc.careful.example".to_owned(), "v=DMARC1; p=quarantine".to_owned()),
            ("_dmarc.lenient.example".to_owned(), "v=DMARC1; p=none".to_owned()),
            ("k._domainkey.plain.example".to_owned(), format!("v=DKIM1; {rsa}")),
        ]);
        dns_file(&records)
    }

    /// By the victim's own mail server.
    fn own<'a>(&'a self, more: &'a str) -> Signing<'a> {
        let (key, canonical) = (&self.rsa, "relaxed/relaxed");
        Signing { key, domain: "team.example", selector: "good", headers: SIGNED, canonical, more, hash: "sha256" }
    }

    /// By Eve, for her own domain.
    fn eves<'a>(&'a self, more: &'a str) -> Signing<'a> {
        Signing { key: &self.eve, domain: "evil.example", selector: "k", ..self.own(more) }
    }

    fn honest(&self) -> Letters {
        let fresh = fresh();
        let own = self.own(&fresh);
        let ed25519 = Signing { key: &self.ed25519, selector: "ed", ..own };
        let of = |letter: &str, domain: &str| letter.replace("team.example", domain);
        let at = |domain| Signing { domain, selector: "k", ..own };
        named([
            ("rsa relaxed/relaxed", sign(LETTER, &own)),
            ("rsa simple/simple", sign(LETTER, &Signing { canonical: "simple/simple", ..own })),
            ("rsa relaxed/simple", sign(LETTER, &Signing { canonical: "relaxed/simple", ..own })),
            ("rsa simple/relaxed", sign(LETTER, &Signing { canonical: "simple/relaxed", ..own })),
            ("ed25519 relaxed/relaxed", sign(LETTER, &ed25519)),
            ("ed25519 simple/simple", sign(LETTER, &Signing { canonical: "simple/simple", ..ed25519 })),
            ("both algorithms", sign(&sign(LETTER, &own), &ed25519)),
            ("a key without version", sign(LETTER, &Signing { selector: "bare", ..own })),
            ("a key for mail only", sign(LETTER, &Signing { selector: "mail", ..own })),
            ("signed more often than there", sign(LETTER, &Signing { headers: "from:from:to:to:subject:date", ..own })),
            ("an address alone", sign(&from("owner1@team.example"), &own)),
            ("a long display name", sign(&from("\"One, Olga (sales)\"\r\n <owner1@team.example>"), &own)),
            ("an encoded display name", sign(&from("=?utf-8?b?T2xnYSDDlm5l?= <owner1@team.example>"), &own)),
            ("the address as display name", sign(&from("\"owner1@team.example\" <owner1@team.example>"), &own)),
            ("by time of the signed date", sign(LETTER, &self.own(""))),
            ("it expires later", sign(LETTER, &self.own(&format!("{fresh}; x={}", NOW_SECONDS + 60)))),
            ("an identity below the domain", sign(LETTER, &self.own(&format!("{fresh}; i=x@mail.team.example")))),
            ("passed on unchanged", format!("Received: from a\r\nReceived: from b\r\n{}", sign(LETTER, &own))),
            ("a list's signature beside", sign(&sign(LETTER, &own), &self.eves(&fresh))),
            ("line ends of a Maildir", sign(LETTER, &own).replace("\r\n", "\n")),
            ("a department signs, the policy is relaxed", {
                let letter = of(LETTER, "mail.relaxed.example");
                sign(&letter, &at("relaxed.example"))
            }),
            ("sealed by who passed it on", {
                let seal = "ARC-Seal: i=1; a=rsa-sha256; t=1; cv=none; d=list.example; s=k; b=AAAA";
                format!("{seal}\r\n{}", sign(LETTER, &own))
            }),
            ("no policy, the very domain", sign(&of(LETTER, "plain.example"), &at("plain.example"))),
        ])
    }

    /// Every way in which two parsers read two addresses; each is signed by Eve for her own domain, and by the victim's server.
    fn ambiguous_from(&self) -> Letters {
        let fresh = fresh();
        let values = [
            ("two addresses", "owner1@team.example, eve@evil.example"),
            ("two addresses, hers first", "eve@evil.example, owner1@team.example"),
            ("two addresses without a comma", "owner1@team.example eve@evil.example"),
            ("two in brackets", "<owner1@team.example> <eve@evil.example>"),
            ("two in brackets, joined", "<owner1@team.example><eve@evil.example>"),
            ("one before the brackets", "owner1@team.example <eve@evil.example>"),
            ("one behind the brackets", "<eve@evil.example> owner1@team.example"),
            ("one in a comment", "eve@evil.example (owner1@team.example)"),
            ("a comment before", "(owner1@team.example) eve@evil.example"),
            ("a comment within", "owner1@team.example(<eve@evil.example>"),
            ("nested comments", "Olga (x (y <owner1@team.example>) z) <eve@evil.example>"),
            ("a comment that ends early", "eve@evil.example (\\) <owner1@team.example>"),
            ("a quoted local part", "\"owner1@team.example\"@evil.example"),
            ("a quoted local part of hers", "\"eve@evil.example>\"@team.example"),
            ("an escaped quote", "\"Olga\\\" <owner1@team.example>, \\\"\" <eve@evil.example>"),
            ("a quote that does not end", "\"Olga <owner1@team.example> <eve@evil.example>"),
            ("a group", "Friends: owner1@team.example, eve@evil.example;"),
            ("a group of one", "owner1@team.example: eve@evil.example;"),
            ("an empty group before", "x:; owner1@team.example"),
            ("a route", "<@evil.example:owner1@team.example>"),
            ("a route of several", "<@evil.example,@b.example:owner1@team.example>"),
            ("two at signs", "<eve@evil.example@team.example>"),
            ("two at signs, turned", "<owner1@team.example@evil.example>"),
            ("no closing bracket", "<owner1@team.example"),
            ("no opening bracket", "owner1@team.example> <eve@evil.example>"),
            ("nested brackets", "<<owner1@team.example>eve@evil.example>"),
            ("folded within", "owner1@team.exa\r\n mple <eve@evil.example>"),
            ("folded between two", "<owner1@team.example>\r\n <eve@evil.example>"),
            ("a semicolon", "owner1@team.example; eve@evil.example"),
            ("an encoded address", "=?utf-8?q?owner1=40team=2Eexample?= <eve@evil.example>"),
            ("an encoded address in brackets", "=?utf-8?q?=3Cowner1=40team=2Eexample=3E?= <eve@evil.example>"),
            ("an encoded address alone", "=?utf-8?q?owner1=40team=2Eexample?="),
            ("an encoded word within brackets", "<=?utf-8?q?owner1?=@team.example>"),
            ("an encoded line end", "=?utf-8?q?x=0D=0AFrom:_owner1=40team=2Eexample?= <eve@evil.example>"),
            ("an encoded zero", "=?utf-8?q?owner1=40team=2Eexample=00?= <eve@evil.example>"),
            ("a display name that is an address", "\"owner1@team.example\" <eve@evil.example>"),
            ("a display name with a full-width at", "=?utf-8?b?b3duZXIx77ygdGVhbS5leGFtcGxl?= <eve@evil.example>"),
            ("a display name that turns around", "=?utf-8?b?4oCub2xnYQ==?= <owner1@team.example>"),
            ("an address literal", "<owner1@[192.0.2.1]>"),
            ("a backslash", "owner1\\@team.example <eve@evil.example>"),
            ("no address", "Olga One"),
            ("nothing", ""),
        ];
        let mut letters: Letters = Vec::new();
        for (name, value) in values {
            letters.push((name.to_owned(), sign(&from(value), &self.eves(&fresh)).into_bytes()));
            // His server signs what any of its users writes: nothing but the reading of the header stands in the way.
            letters.push((format!("{name}, signed by his server"), sign(&from(value), &self.own(&fresh)).into_bytes()));
        }
        for (name, value) in [
            ("a zero byte", "owner1@team.example\0 <eve@evil.example>"),
            ("a zero byte in the address", "<owner1\0@team.example>"),
            ("a Cyrillic letter", "<owner1@te\u{430}m.example>"),
            ("a full-width at", "<owner1\u{ff20}team.example>"),
            ("a soft hyphen", "<owner1@te\u{ad}am.example>"),
        ] {
            letters.push((name.to_owned(), sign(&from(value), &self.own(&fresh)).into_bytes()));
        }
        // Bytes that are no text cannot be signed here.
        let letter = sign(LETTER, &self.own(&fresh));
        let (before, after) = letter.split_once("Olga One <owner1@team.example>").unwrap();
        letters
            .push(("Latin-1".to_owned(), [before.as_bytes(), b"<owner1@te\xe4m.example>", after.as_bytes()].concat()));
        letters
    }

    /// Headers that one parser sees and another does not.
    fn bent_headers(&self) -> Letters {
        let fresh = fresh();
        let good = sign(LETTER, &self.own(&fresh));
        let eves = sign(&from(EVE), &self.eves(&fresh));
        let before = |line: &str, letter: &str| format!("{line}{letter}");
        let instead = |old: &str, new: &str| good.replace(old, new);
        named([
            ("a second From on top", before("From: eve@evil.example\r\n", &good)),
            ("a second From of his on hers", before("From: owner1@team.example\r\n", &eves)),
            ("the same From twice", before("From: owner1@team.example\r\n", &good)),
            ("From with a blank before the colon", before("From : eve@evil.example\r\n", &good)),
            ("From with a blank within", before("Fr om: eve@evil.example\r\n", &good)),
            ("From with a tab before the colon", instead("From: Olga", "From\t: Olga")),
            ("a line without a colon before From", before("garbage\r\n", &good)),
            ("a folded line first", before(" folded\r\n", &good)),
            ("a line of blanks ends the header", instead("Subject:", "X-A: b\r\n \r\nSubject:")),
            ("a bare line feed", instead("Subject:", "X-A: b\nFrom: eve@evil.example\r\nSubject:")),
            ("a bare carriage return", instead("Subject:", "X-A: b\rFrom: eve@evil.example\r\nSubject:")),
            ("a zero byte in a header", instead("Subject: ", "Subject: \0")),
            ("a form feed in a header", instead("Subject: ", "Subject: \u{c}")),
            ("a line without a name", before(": x\r\n", &good)),
            ("a name that is no name", before("X\u{e4}: x\r\n", &good)),
            ("a mailbox's separator first", before("From owner1@team.example Mon Jan  4 10:00:00 2027\r\n", &good)),
            ("no From at all", LETTER.replace("From: ", "X-From: ")),
            ("only Sender", LETTER.replace("From: ", "Sender: ")),
            ("only Resent-From", sign(&LETTER.replace("From: ", "Resent-From: "), &self.own(&fresh))),
            ("a second subject on top", before("Subject: Delete everything\r\n", &good)),
            ("a second date", before("Date: Mon, 4 Jan 2027 11:00:00 +0000\r\n", &good)),
            ("a second To", before("To: eve@evil.example\r\n", &good)),
            ("Reply-To is added", before("Reply-To: eve@evil.example\r\n", &good)),
            (
                "header injection in the subject",
                instead("my account\r\n", "my account\r\nReply-To: eve@evil.example\r\n"),
            ),
            ("another of a header that is signed once", {
                let ticket = LETTER.replace("Subject:", "X-Ticket: 1\r\nSubject:");
                let signed = sign(&ticket, &Signing { headers: &format!("{SIGNED}:x-ticket"), ..self.own(&fresh) });
                before("X-Ticket: 2\r\n", &signed)
            }),
            ("not signed at all", LETTER.to_owned()),
            ("not signed, with hidden brackets", from("\"<owner1@team.example>\" <eve@evil.example>")),
        ])
    }

    fn bent_signatures(&self) -> Letters {
        let fresh = fresh();
        let own = self.own(&fresh);
        let good = sign(LETTER, &own);
        let instead = |old: &str, new: &str| {
            assert!(good.contains(old), "{old}");
            good.replacen(old, new, 1)
        };
        let headers = |headers| Signing { headers, ..own };
        let unsigned_from = sign(&from(EVE), &headers("to:subject:date"));
        named([
            ("From is not signed", sign(LETTER, &headers("to:subject:date"))),
            ("From is not signed and was rewritten", unsigned_from.replace(EVE, VICTIM)),
            ("the subject is not signed", sign(LETTER, &headers("from:to:date"))),
            ("only From is signed", sign(LETTER, &headers("from"))),
            (
                "more headers are signed than a letter has",
                sign(LETTER, &headers(&format!("{SIGNED}{}", ":x-a".repeat(200)))),
            ),
            ("eleven signatures", good.replacen(LETTER, "", 1).repeat(11) + LETTER),
            ("another text", instead("delete my account", "erase my account")),
            ("another subject", instead("close my account", "erase my account")),
            ("more text below", format!("{good}And tell eve@evil.example.\r\n")),
            ("another display name", instead("Olga One", "Olga Two")),
            ("l= of the whole text", sign(LETTER, &self.own(&format!("{fresh}; l=69")))),
            ("l= with text below", format!("{}Erase all.\r\n", sign(LETTER, &self.own(&format!("{fresh}; l=69"))))),
            ("l= of nothing", sign(LETTER, &self.own(&format!("{fresh}; l=0")))),
            ("two domains", sign(LETTER, &self.eves(&format!("{fresh}; d=team.example")))),
            ("two domains in capitals", sign(LETTER, &self.eves(&format!("{fresh}; D=team.example")))),
            ("two selectors", sign(LETTER, &self.own(&format!("{fresh}; s=ed")))),
            ("two lists of headers", sign(LETTER, &self.own(&format!("{fresh}; h=from")))),
            ("no version", instead("v=1; a=", "a=")),
            ("another version", instead("v=1; a=", "v=2; a=")),
            ("an unknown algorithm", instead("a=rsa-sha256", "a=rsa-sha512")),
            ("SHA-1", sign(LETTER, &Signing { hash: "sha1", ..own })),
            ("a key from elsewhere", sign(LETTER, &self.own(&format!("{fresh}; q=https/json")))),
            ("an identity of another domain", sign(LETTER, &self.own(&format!("{fresh}; i=x@evil.example")))),
            ("an empty signature", {
                let (head, rest) = good.split_once("\tb=").unwrap();
                format!("{head}\tb=\r\n{}", rest.split_once("\r\n").unwrap().1)
            }),
            ("a signature of noise", instead("\tb=", "\tb=AAAA")),
            ("no tags", format!("DKIM-Signature: x\r\n{LETTER}")),
            ("by a key that is not his", sign(LETTER, &Signing { key: &self.eve, ..own })),
            ("in a header of another name", good.replace("DKIM-Signature:", "X-DKIM-Signature:")),
            ("in capitals and then changed", good.replace("DKIM-Signature: v=1", "DKIM-SIGNATURE: V=1")),
        ])
    }

    fn keys_that_do_not_count(&self) -> Letters {
        let fresh = fresh();
        let own = self.own(&fresh);
        let by = |selector| Signing { selector, ..own };
        named([
            ("512 bits", sign(LETTER, &Signing { key: &self.tiny, selector: "tiny", ..own })),
            ("1024 bits", sign(LETTER, &Signing { key: &self.short, selector: "short", ..own })),
            ("a test", sign(LETTER, &by("test"))),
            ("revoked", sign(LETTER, &by("revoked"))),
            ("for the web", sign(LETTER, &by("web"))),
            ("for SHA-1 only", sign(LETTER, &by("sha1"))),
            ("of another version", sign(LETTER, &by("later"))),
            ("of another kind", sign(LETTER, &by("kind"))),
            ("with its tags twice", sign(LETTER, &by("twice"))),
            ("of noise", sign(LETTER, &by("noise"))),
            ("another record in its place", sign(LETTER, &by("spf"))),
            ("two under one name", sign(LETTER, &by("two"))),
            ("two under one name, by the second", sign(LETTER, &Signing { key: &self.second, ..by("two") })),
            ("not published", sign(LETTER, &by("nothing"))),
            ("a path for a name", sign(LETTER, &by("../good"))),
        ])
    }

    /// Letters that he did write: on another day, or to somebody else.
    fn replays(&self) -> Letters {
        let (day, old) = (86_400, LETTER.replace("Sun, 3 Jan 2027", "Mon, 7 Dec 2026"));
        let made = |seconds: i64| format!("t={}", NOW_SECONDS - seconds);
        let to = LETTER.replace("privacy@shop.example", "support@elsewhere.example");
        let without_to = |more: &str| sign(LETTER, &Signing { headers: "from:subject", ..self.own(more) });
        let (month, hour, days) = (made(30 * day), made(3_600), made(2 * day));
        let expired = format!("{}; x={}", made(2 * day), NOW_SECONDS - day);
        let turned = format!("{hour}; x={}", NOW_SECONDS - 3_700);
        named([
            ("a month old", sign(LETTER, &self.own(&month))),
            ("a month old by its date", sign(&old, &self.own(""))),
            ("expired", sign(LETTER, &self.own(&expired))),
            ("expired before it was made", sign(LETTER, &self.own(&turned))),
            ("of the future", sign(LETTER, &self.own(&made(-3_600)))),
            ("a time that is none", sign(LETTER, &self.own("t=soon"))),
            ("a time beyond all", sign(LETTER, &self.own("t=99999999999999999999"))),
            ("to somebody else", sign(&to, &self.own(&hour))),
            ("to somebody else, and to us on top", {
                format!("To: privacy@shop.example\r\n{}", sign(&to, &self.own(&hour)))
            }),
            ("to nobody, two days old", without_to(&days)),
            ("to nobody, at no time", without_to("")),
        ])
    }

    /// True signatures of somebody else.
    fn other_domains(&self) -> Letters {
        let fresh = fresh();
        let by = |domain| Signing { domain, ..self.eves(&fresh) };
        let homoglyph = LETTER.replace("owner1@team.example", "owner1@xn--tem-8cd.example");
        let of = |domain: &str| sign(&LETTER.replace("team.example", domain), &by("evil.example"));
        named([
            ("by Eve's domain", sign(LETTER, &by("evil.example"))),
            ("by a domain that begins like his", sign(LETTER, &by("team.example.evil.example"))),
            ("by a domain that ends like his", sign(LETTER, &by("notteam.example"))),
            ("by the domain above", sign(LETTER, &by("example"))),
            ("by a domain below, the policy is strict", {
                sign(LETTER, &Signing { selector: "good", ..by("mail.team.example") })
            }),
            ("by Eve's domain for his with a dot", sign(&from("<owner1@team.example.>"), &by("evil.example"))),
            ("by Eve's domain, his has no policy", of("plain.example")),
            ("by Eve's domain, his policy is to quarantine", of("careful.example")),
            ("by Eve's domain, his policy asks for nothing", of("lenient.example")),
            ("by a domain that looks like his", sign(&homoglyph, &by("xn--tem-8cd.example"))),
            ("by Eve's domain in his name below", sign(&from("<owner1@x.team.example>"), &by("evil.example"))),
            ("a third party's leave", sign(LETTER, &self.eves(&format!("{fresh}; atps=team.example; atpsh=none")))),
        ])
    }

    /// Letters that show something else than they say, in his name and unsigned or signed by Eve.
    fn contents(&self) -> Letters {
        let fresh = fresh();
        let head = LETTER.split_once("MIME-Version").unwrap().0;
        let html = |body: &str| format!("{head}Content-Type: text/html; charset=utf-8\r\n\r\n{body}\r\n");
        let eves = |letter: &str| sign(letter, &self.eves(&fresh));
        let multipart = |kind: &str, parts: &str| {
            format!("{head}MIME-Version: 1.0\r\nContent-Type: multipart/{kind}; boundary=b\r\n\r\n{parts}\r\n--b--\r\n")
        };
        let own = sign(LETTER, &self.own(&fresh));
        let inner = format!("--b\r\nContent-Type: message/rfc822\r\n\r\n{own}");
        named([
            ("hidden text", eves(&html("<p>Hi</p><p style='display:none'>Please delete my account.</p>"))),
            ("text in white", html("<font color=white>Please delete my account</font><p>Hello</p>")),
            (
                "text of no size",
                html("<span style='font-size:0'>Please delete my account, my address is eve@evil.example</span>"),
            ),
            ("a hidden address", html("Delete my account <a href='mailto:owner1@team.example'>eve@evil.example</a>")),
            ("a comment in HTML", html("<!-- From: owner1@team.example -->Please delete my account.")),
            ("his letter within hers", eves(&multipart("mixed", &inner))),
            ("his letter within one in his name", multipart("mixed", &inner)),
            ("two content types", format!("Content-Type: text/html\r\n{own}")),
            ("two encodings", format!("Content-Transfer-Encoding: base64\r\nContent-Transfer-Encoding: 8bit\r\n{own}")),
            ("two versions of MIME", format!("MIME-Version: 1.0\r\n{own}")),
            (
                "a From header in the text",
                eves(&from(EVE).replace("Hello,", "From: owner1@team.example\r\n\r\nHello,"))
                    .replace("From: eve@evil.example", "From: owner1@team.example"),
            ),
            (
                "plain and HTML disagree",
                multipart(
                    "alternative",
                    "--b\r\nContent-Type: text/plain\r\n\r\nHello\r\n--b\r\nContent-Type: text/html\r\n\r\nPlease delete my account.",
                ),
            ),
            ("words before the first part", multipart("mixed", "Please delete my account.\r\n--b\r\n\r\nHello")),
            (
                "a boundary within a boundary",
                multipart(
                    "mixed",
                    "--b\r\nContent-Type: multipart/mixed; boundary=bb\r\n\r\n--bb\r\n\r\nPlease delete my account.\r\n--b\r\n\r\nHello",
                ),
            ),
            ("answers go to Eve", LETTER.replace("To: ", "Reply-To: eve@evil.example\r\nTo: ")),
            ("answers go to Eve, she signs", eves(&LETTER.replace("To: ", "Reply-To: eve@evil.example\r\nTo: "))),
            ("errors go to Eve", format!("Return-Path: <eve@evil.example>\r\nErrors-To: eve@evil.example\r\n{LETTER}")),
            ("receipts go to Eve", format!("Disposition-Notification-To: eve@evil.example\r\n{LETTER}")),
            ("resent by Eve", format!("Resent-From: eve@evil.example\r\nResent-To: privacy@shop.example\r\n{LETTER}")),
            (
                "the text names Eve",
                LETTER.replace("belongs to it.", "belongs to it. Write to me at eve@evil.example only."),
            ),
        ])
    }

    fn bombs(&self) -> Letters {
        let fresh = fresh();
        let own = sign(LETTER, &self.own(&fresh));
        let many = |count: usize, line: &str| line.repeat(count);
        let addresses = (0..5_000).fold(String::new(), |mut all, at| {
            let _ = write!(all, "a{at}@evil.example, ");
            all
        });
        let mut nested = LETTER.split_once("MIME-Version").unwrap().0.to_owned();
        for depth in 0..2_000 {
            let _ = write!(nested, "Content-Type: multipart/mixed; boundary=b{depth}\r\n\r\n--b{depth}\r\n");
        }
        let signature = own.split_once("From: ").unwrap().0.to_owned();
        named([
            ("20,000 headers", format!("{}{own}", many(20_000, "X-A: b\r\n"))),
            ("20,000 recipients' headers", format!("{}{own}", many(20_000, "To: privacy@shop.example\r\n"))),
            ("a header of a megabyte", format!("X-A: {}\r\n{own}", "b".repeat(1_000_000))),
            ("a header of many folds", format!("X-A: b\r\n{}{own}", many(100_000, " b\r\n"))),
            ("5,000 senders", from(&format!("{addresses}owner1@team.example"))),
            ("nested comments", from(&format!("{}{} <owner1@team.example>", many(5_000, "("), many(5_000, ")")))),
            ("a quote of a megabyte", from(&format!("\"{} <owner1@team.example>", "\\".repeat(200_000)))),
            ("500 signatures", format!("{}{LETTER}", many(500, &signature.replace("\tb=", "\tb=A")))),
            ("a signature of many tags", own.replace("v=1;", &format!("v=1; {}", many(5_000, "x=1; ")))),
            ("a signature of many headers", own.replace("h=from", &format!("h={}from", many(20_000, "x:")))),
            ("parts in parts", nested),
            (
                "60,000 parts",
                format!(
                    "{}Content-Type: multipart/mixed; boundary=b\r\n\r\n{}",
                    LETTER.split_once("MIME-Version").unwrap().0,
                    many(60_000, "--b\r\n\r\nx\r\n")
                ),
            ),
        ])
    }

    /// Letters that bring the word of our MX themselves.
    fn forged_results(&self) -> Letters {
        let says = |text: &str| format!("Authentication-Results: {text}\r\n");
        let pass = "dmarc=pass header.from=team.example";
        let on_top = |text: &str| format!("{}{LETTER}", says(text));
        let real = says(&format!("{MX}; dkim=none; dmarc=fail header.from=team.example"));
        named([
            ("of another server", on_top(&format!("mx.evil.example; {pass}"))),
            ("of a server that begins like ours", on_top(&format!("{MX}.evil.example; {pass}"))),
            ("of ours, below the real one", format!("{real}{}", on_top(&format!("{MX}; {pass}")))),
            ("of ours, above the real one", format!("{}{real}{LETTER}", says(&format!("{MX}; {pass}")))),
            ("of another address", on_top(&format!("{MX}; dmarc=pass header.from=evil.example"))),
            ("of no address", on_top(&format!("{MX}; dmarc=pass"))),
            ("only SPF", on_top(&format!("{MX}; spf=pass smtp.mailfrom=team.example"))),
            ("only DKIM", on_top(&format!("{MX}; dkim=pass header.d=team.example"))),
            ("a pass in a comment", on_top(&format!("{MX}; x=y (; {pass})"))),
            ("a pass in a quote", on_top(&format!("{MX}; dmarc=fail reason=\"; {pass}\" header.from=team.example"))),
            ("both at once", on_top(&format!("{MX}; dmarc=fail header.from=team.example; {pass}"))),
            ("a name in a comment", on_top(&format!("mx.evil.example ({MX}); {pass}"))),
            ("broken", on_top(&format!("{MX}; {pass} (open"))),
            ("a quote that does not end", on_top(&format!("{MX}; dmarc=pass header.from=\"team.example"))),
            ("a bracket that closes nothing", on_top(&format!("{MX}; {pass})"))),
            ("not of the grammar", on_top(&format!("{MX}; {pass} and=more"))),
            ("of nobody", on_top(&format!("; {pass}"))),
            ("of ours, and no result", on_top(MX)),
            ("with a letter that is not ASCII", on_top(&format!("{MX}; {pass} (\u{e4})"))),
            ("a word that nobody knows", on_top(&format!("{MX}; dmarc=bestguesspass header.from=team.example"))),
            ("with From twice", format!("{}From: eve@evil.example\r\n{LETTER}", says(&format!("{MX}; {pass}")))),
            ("none at all", LETTER.to_owned()),
        ])
    }

    /// Letters of which our MX itself says something.
    fn results(&self) -> Letters {
        let signed = sign(LETTER, &self.own(&fresh()));
        let says = |text: &str, letter: &str| format!("Authentication-Results: {MX}; {text}\r\n{letter}");
        let of = |result: &str| format!("spf=pass smtp.mailfrom=team.example; dmarc={result} header.from=team.example");
        named([
            ("pass, not signed", says(&of("pass (p=reject)"), LETTER)),
            ("pass, signed", says(&of("pass"), &signed)),
            ("fail, not signed", says(&of("fail"), LETTER)),
            ("fail, signed", says(&of("fail"), &signed)),
            ("permerror, signed", says(&of("permerror"), &signed)),
            ("temperror, not signed", says(&of("temperror"), LETTER)),
            ("temperror, signed", says(&of("temperror"), &signed)),
            ("none, not signed", says(&of("none"), LETTER)),
            ("none, signed", says(&of("none"), &signed)),
            ("nothing, signed", says("none", &signed)),
        ])
    }
}
