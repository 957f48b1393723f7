//! Signs letters as a mail server does, by RFC 6376 and openssl, so that the verifier is not held against itself.
//!
//! The keys are made for each run and kept nowhere.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use data_encoding::BASE64;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

/// A private key in a file.
pub struct Key {
    file: PathBuf,
    /// What the record of its public half says: `k=…; p=…`.
    pub record: String,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Rsa,
    Ed25519,
}

fn openssl(arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut run = Command::new("openssl")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("openssl is installed (tests/run installs it)");
    run.stdin.take().unwrap().write_all(input).unwrap();
    let answer = run.wait_with_output().unwrap();
    assert!(answer.status.success(), "openssl {arguments:?}: {}", String::from_utf8_lossy(&answer.stderr));
    answer.stdout
}

impl Key {
    pub fn rsa(folder: &TempDir, bits: u32) -> Self {
        let file = folder.path().join(format!("rsa{bits}-{}.pem", crate::support::unique_word()));
        let path = file.to_str().unwrap();
        openssl(&["genrsa", "-out", path, &bits.to_string()], b"");
        let public = openssl(&["rsa", "-in", path, "-pubout", "-outform", "DER"], b"");
        Self { record: format!("k=rsa; p={}", BASE64.encode(&public)), file, kind: Kind::Rsa }
    }

    pub fn ed25519(folder: &TempDir) -> Self {
        let file = folder.path().join("ed25519.pem");
        let path = file.to_str().unwrap();
        openssl(&["genpkey", "-algorithm", "ed25519", "-out", path], b"");
        let public = openssl(&["pkey", "-in", path, "-pubout", "-outform", "DER"], b"");
        let bare = &public[public.len() - 32..];
        Self { record: format!("k=ed25519; p={}", BASE64.encode(bare)), file, kind: Kind::Ed25519 }
    }

    fn sign(&self, text: &[u8], hash: &str) -> Vec<u8> {
        let path = self.file.to_str().unwrap();
        match self.kind {
            Kind::Rsa => openssl(&["dgst", &format!("-{hash}"), "-sign", path], text),
            Kind::Ed25519 => {
                let digest = self.file.with_extension("digest");
                std::fs::write(&digest, Sha256::digest(text)).unwrap();
                let digest = digest.to_str().unwrap();
                openssl(&["pkeyutl", "-sign", "-inkey", path, "-rawin", "-in", digest], b"")
            }
        }
    }
}

/// How a letter is signed.
#[derive(Clone, Copy)]
pub struct Signing<'a> {
    pub key: &'a Key,
    /// `d=`.
    pub domain: &'a str,
    /// `s=`.
    pub selector: &'a str,
    /// `h=`.
    pub headers: &'a str,
    /// `c=`.
    pub canonical: &'a str,
    /// Tags beside these, such as `t=1; x=2`; what stands here twice stands twice.
    pub more: &'a str,
    /// `sha256` or `sha1`.
    pub hash: &'a str,
}

/// The letter with a signature on top. Its lines end in CRLF.
pub fn sign(letter: &str, by: &Signing<'_>) -> String {
    let (header, body) = letter.split_once("\r\n\r\n").unwrap_or((letter, ""));
    let (of_header, of_body) = by.canonical.split_once('/').unwrap();
    let body = canonical_body(body, of_body);
    let body = match by.more.split("; ").find_map(|tag| tag.strip_prefix("l=")) {
        Some(length) => body[..length.parse::<usize>().unwrap()].to_owned(),
        None => body,
    };
    let body_hash = match by.hash {
        "sha1" => BASE64.encode(&openssl(&["dgst", "-sha1", "-binary"], body.as_bytes())),
        _ => BASE64.encode(&Sha256::digest(&body)),
    };
    let kind = if by.key.kind == Kind::Rsa { "rsa" } else { "ed25519" };
    let Signing { domain, selector, headers, canonical, more, hash, .. } = by;
    let bare = format!(
        "v=1; a={kind}-{hash}; c={canonical}; d={domain}; s={selector};\r\n\th={headers};\r\n\tbh={body_hash};{}{more};\r\n\tb=",
        if more.is_empty() { "" } else { " " },
    )
    .replace(";;", ";");
    let fields = fields(header);
    let mut used = vec![false; fields.len()];
    let mut text = String::new();
    for name in headers.split(':') {
        let found = (0..fields.len()).rev().find(|at| !used[*at] && fields[*at].0.eq_ignore_ascii_case(name));
        if let Some(at) = found {
            used[at] = true;
            text += &canonical_field(fields[at].0, fields[at].1, of_header);
            text += "\r\n";
        }
    }
    text += &canonical_field("DKIM-Signature", &format!(" {bare}"), of_header);
    let signature = BASE64.encode(&by.key.sign(text.as_bytes(), by.hash));
    format!("DKIM-Signature: {bare}{signature}\r\n{letter}")
}

/// Names and values, the values with their folds and without the line end.
fn fields(header: &str) -> Vec<(&str, &str)> {
    let mut all = Vec::new();
    let mut rest = header;
    while !rest.is_empty() {
        let mut end = 0;
        loop {
            end = rest[end..].find("\r\n").map_or(rest.len(), |at| end + at);
            match rest.as_bytes().get(end + 2) {
                Some(b' ' | b'\t') => end += 2,
                _ => break,
            }
        }
        all.extend(rest[..end].split_once(':'));
        rest = rest.get(end + 2..).unwrap_or_default();
    }
    all
}

fn canonical_field(name: &str, value: &str, how: &str) -> String {
    if how == "simple" {
        return format!("{name}:{value}");
    }
    let words: Vec<&str> = value.split([' ', '\t', '\r', '\n']).filter(|word| !word.is_empty()).collect();
    format!("{}:{}", name.trim_end().to_lowercase(), words.join(" "))
}

fn canonical_body(body: &str, how: &str) -> String {
    let lines = body.split("\r\n").map(|line| {
        if how == "simple" {
            return line.to_owned();
        }
        let mut out = String::new();
        for c in line.chars() {
            match c {
                ' ' | '\t' if out.ends_with(' ') => {}
                ' ' | '\t' => out.push(' '),
                c => out.push(c),
            }
        }
        out.trim_end_matches(' ').to_owned()
    });
    let mut all: Vec<String> = lines.collect();
    while all.last().is_some_and(String::is_empty) {
        all.pop();
    }
    match (all.is_empty(), how) {
        (true, "simple") => "\r\n".to_owned(),
        (true, _) => String::new(),
        (false, _) => all.join("\r\n") + "\r\n",
    }
}

/// A file of DNS records.
pub fn dns_file(records: &[(String, String)]) -> String {
    let quote = |text: &str| toml::Value::String(text.to_owned()).to_string();
    records
        .iter()
        .map(|(name, value)| format!("[[txt]]\nname = {}\nvalue = {}\n\n", quote(name), quote(value)))
        .collect()
}

/// Where the keys of this run are.
pub fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// Writes letters where a command can read them.
pub fn write(folder: &Path, name: &str, bytes: &[u8]) {
    std::fs::write(folder.join(format!("{name}.eml")), bytes).expect("a letter is written");
}
