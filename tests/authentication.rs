//! Promise: no forged letter is authenticated, none makes us write to anybody but the address on file, and honest ones pass.

mod attacks;
mod explained;
mod fuzz;
mod posted;
mod signer;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use expunged::authenticate::{
    Arrived, Authentication, Authenticator, Dns, FileDns, NoAnswer, OurMx, Outcome, Unproven,
};

use attacks::{MX, NOW, Suite};
use regex::Regex;

use crate::support::source::{files_below, read, rust_files};

/// Forged letters that the table must have at least.
const FORGED_MIN: usize = 200;

fn authenticator(dns: impl Dns + 'static) -> Authenticator {
    Authenticator::new(Arc::new(dns), Duration::from_secs(5)).unwrap()
}

fn by_file(dns: &str) -> Authenticator {
    authenticator(FileDns::parse(dns).unwrap())
}

async fn judge(authenticator: &Authenticator, bytes: &[u8], trusted_mx: Option<&str>) -> Authentication {
    let arrived = Arrived { bytes, at: NOW, our_domain: Some("shop.example"), our_mx: OurMx::by_word_of(trusted_mx) };
    authenticator.authenticate(&arrived).await
}

fn reasons(judged: &Authentication) -> String {
    judged.reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// A line of a snapshot: what became of a letter, and by which rules.
fn line(name: &str, judged: &Authentication) -> String {
    format!("{name} | {} | {}", judged.outcome, reasons(judged))
}

#[tokio::test]
async fn honest_letters_pass() {
    let suite = Suite::new();
    let authenticator = by_file(&suite.dns);
    let (mut wrong, mut lines) = (Vec::new(), Vec::new());
    for (name, bytes) in &suite.honest {
        let judged = judge(&authenticator, bytes, None).await;
        lines.push(line(name, &judged));
        let address = judged.address.as_ref().map_or("", |address| address.as_str());
        if !judged.passes() || !address.starts_with("owner1@") {
            wrong.push(format!("{name}: {} {}", judged.outcome, reasons(&judged)));
        }
    }
    assert!(suite.honest.len() >= 20);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    insta::assert_snapshot!("honest", lines.join("\n"));
}

#[tokio::test]
async fn no_forged_letter_is_authenticated() {
    let suite = Suite::new();
    let authenticator = by_file(&suite.dns);
    let (mut wrong, mut lines) = (Vec::new(), Vec::new());
    for (name, bytes) in &suite.forged {
        for trusted_mx in [None, Some(MX)] {
            let judged = judge(&authenticator, bytes, trusted_mx).await;
            if judged.passes() || judged.reasons.is_empty() {
                wrong.push(format!("{name}: {} {}", judged.outcome, reasons(&judged)));
            }
            lines.extend(trusted_mx.is_none().then(|| line(name, &judged)));
        }
    }
    assert!(suite.forged.len() >= FORGED_MIN, "{} letters", suite.forged.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    insta::assert_snapshot!("forged", lines.join("\n"));
}

#[tokio::test]
async fn nobody_else_speaks_for_our_mx() {
    let suite = Suite::new();
    let authenticator = by_file(&suite.dns);
    let (mut wrong, mut lines) = (Vec::new(), Vec::new());
    for (name, bytes) in &suite.forged_results {
        for trusted_mx in [None, Some(MX)] {
            let judged = judge(&authenticator, bytes, trusted_mx).await;
            if judged.passes() {
                wrong.push(format!("{name}, {trusted_mx:?}: {}", reasons(&judged)));
            }
            lines.extend(trusted_mx.map(|_| line(name, &judged)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    insta::assert_snapshot!("forged_results", lines.join("\n"));
}

/// What it refuses does not pass, whatever we see in it ourselves; the word of another MX than the trusted one is nothing.
#[tokio::test]
async fn our_mx_counts_where_it_is_trusted() {
    let suite = Suite::new();
    let authenticator = by_file(&suite.dns);
    let mut lines = Vec::new();
    for (name, bytes) in &suite.results {
        let signed = name.ends_with(", signed");
        for trusted_mx in [None, Some("mx.other.example")] {
            let alone = judge(&authenticator, bytes, trusted_mx).await;
            assert_eq!(alone.outcome, if signed { Outcome::Pass } else { Outcome::None }, "{name}");
        }
        let judged = judge(&authenticator, bytes, Some(MX)).await;
        let expected = match name.split(',').next().unwrap_or_default() {
            "pass" => Outcome::Pass,
            "fail" | "permerror" => Outcome::Fail,
            _ if signed => Outcome::Pass,
            "temperror" => Outcome::TempError,
            _ => Outcome::None,
        };
        assert_eq!(judged.outcome, expected, "{name}");
        lines.push(line(name, &judged));
    }
    insta::assert_snapshot!("results", lines.join("\n"));
}

/// DNS that does not answer for some names, or never answers at all.
struct Silent {
    known: FileDns,
    of: &'static str,
    hangs: bool,
}

#[async_trait]
impl Dns for Silent {
    async fn txt(&self, name: &str) -> Result<Vec<Vec<u8>>, NoAnswer> {
        if !name.contains(self.of) {
            return self.known.txt(name).await;
        }
        if self.hangs {
            std::future::pending::<()>().await;
        }
        Err(NoAnswer)
    }
}

#[tokio::test]
async fn what_dns_does_not_answer_never_passes() {
    let suite = Suite::new();
    let mut lines = Vec::new();
    for (of, hangs) in [("_domainkey", false), ("_dmarc", false), ("_domainkey", true), ("_dmarc", true)] {
        let dns = Silent { known: FileDns::parse(&suite.dns).unwrap(), of, hangs };
        let limit = Duration::from_millis(if hangs { 50 } else { 5_000 });
        let authenticator = Authenticator::new(Arc::new(dns), limit).unwrap();
        for (name, bytes) in &suite.honest {
            let judged = judge(&authenticator, bytes, None).await;
            // The signature of the very domain needs the policy all the same: it may be aligned, and is not known to be.
            assert_eq!(judged.outcome, Outcome::TempError, "{name}, {of}: {}", reasons(&judged));
            lines.push(line(&format!("{of} {}: {name}", if hangs { "hangs" } else { "is away" }), &judged));
        }
    }
    insta::assert_snapshot!("dns", lines.join("\n"));
}

/// Without proof its word is nothing, whatever it says, and each letter says why.
#[tokio::test]
async fn our_mx_does_not_count_where_nothing_is_proven() {
    let suite = Suite::new();
    let authenticator = by_file(&suite.dns);
    let mut lines = Vec::new();
    for (name, bytes) in &suite.results {
        let unnamed = judge(&authenticator, bytes, None).await;
        for why in Unproven::ALL {
            let our_mx = OurMx::Unproven(*why);
            let arrived = Arrived { bytes, at: NOW, our_domain: Some("shop.example"), our_mx };
            let judged = authenticator.authenticate(&arrived).await;
            assert_eq!((judged.outcome, judged.unproven()), (unnamed.outcome, Some(*why)), "{name}");
            assert_eq!(judged.reasons.len(), unnamed.reasons.len() + 1, "{name}: {}", reasons(&judged));
            lines.push(format!("{why} | {}", why.says()));
        }
    }
    lines.sort();
    lines.dedup();
    insta::assert_snapshot!("unproven", lines.join("\n"));
}

/// Reasons that no letter brings about, and why they stand there all the same.
const UNHEARD: [(&str, &str); 2] = [
    ("it cannot be read", "what is said where the library reads nothing, or panics: the fuzz would tell"),
    ("two parsers read the signature in two ways", "tags that our reader takes are read alike by the library of today"),
];

/// A rule without a letter that it stops could go and nobody would see it.
#[test]
fn every_reason_is_heard() {
    let snapshots = files_below("tests/snapshots");
    let heard: String = snapshots.iter().map(|file| read(file)).collect();
    let phrase = Regex::new(r#""([a-z][^"]*(?: [^" ]+){2})""#).expect("a pattern of ours");
    let mut reasons = BTreeSet::new();
    // The names of forgeries, and the fields that are forged, are no reasons.
    let files = rust_files("src/authenticate").into_iter().filter(|(file, _)| !file.ends_with("forgery.rs"));
    for (_, text) in files {
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        let code = code.lines().filter(|line| !line.trim_start().starts_with("//"));
        // The names of errors and of stored words are no reasons.
        let code = code.filter(|line| !line.contains("#[error(") && !line.ends_with("\" {"));
        for line in code {
            reasons.extend(phrase.captures_iter(line).map(|found| found[1].to_owned()));
        }
    }
    assert!(reasons.len() > 60, "{} reasons", reasons.len());
    let silent: Vec<&String> = reasons.iter().filter(|reason| !heard.contains(reason.as_str())).collect();
    assert_eq!(silent, UNHEARD.map(|(reason, _)| reason));
}

#[tokio::test]
async fn reasons_repeat_nothing_of_the_letter() {
    let suite = Suite::new();
    let authenticator = by_file(&suite.dns);
    let all = suite.forged.iter().chain(&suite.honest).chain(&suite.forged_results).chain(&suite.results);
    for (name, bytes) in all {
        let judged = judge(&authenticator, bytes, Some(MX)).await;
        let said = format!("{judged:?} {}", reasons(&judged));
        for word in ["owner1", "team.example", "evil", "Olga"] {
            assert!(!said.contains(word), "{name}: {said}");
        }
    }
}

#[tokio::test]
async fn an_unsigned_letter_asks_dns_nothing() {
    let authenticator = authenticator(Silent { known: FileDns::default(), of: "", hangs: false });
    let letter = b"From: ann@b.example\r\nSubject: x\r\n\r\nx\r\n";
    assert_eq!(judge(&authenticator, letter, None).await.outcome, Outcome::None);
}
