//! Finds planted words in any bytes, however a program may have written them.

use std::collections::BTreeSet;

use aho_corasick::AhoCorasick;

/// What is looked for.
pub struct Net {
    words: Vec<String>,
    /// Words that are too short to be looked for in sealed bytes.
    in_logs: Vec<String>,
    any_case: AhoCorasick,
    exact: AhoCorasick,
}

impl Net {
    pub fn new(words: &[&str]) -> Self {
        Self::of(words.iter().map(|word| (*word).to_owned()).collect(), Vec::new())
    }

    fn of(words: Vec<String>, in_logs: Vec<String>) -> Self {
        let any_case: BTreeSet<Vec<u8>> = words.iter().flat_map(|word| spellings(word)).collect();
        let exact: BTreeSet<String> = words.iter().flat_map(|word| base64(word)).collect();
        Self {
            any_case: AhoCorasick::builder().ascii_case_insensitive(true).build(any_case).unwrap(),
            exact: AhoCorasick::new(exact).unwrap(),
            words,
            in_logs,
        }
    }

    /// One more word.
    pub fn add(&mut self, word: &str) {
        self.words.push(word.to_owned());
        *self = Self::of(std::mem::take(&mut self.words), std::mem::take(&mut self.in_logs));
    }

    /// A word of six letters, which sealed bytes may spell by chance.
    pub fn add_in_logs(&mut self, word: &str) {
        self.in_logs.push(word.to_owned());
    }

    pub fn without(&self, word: &str) -> Self {
        Self::of(self.words.iter().filter(|other| *other != word).cloned().collect(), self.in_logs.clone())
    }

    /// Where a planted word stands, with what is around it.
    pub fn find(&self, bytes: &[u8]) -> Option<String> {
        let found = self.any_case.find(bytes).or_else(|| self.exact.find(bytes))?;
        let around = found.start().saturating_sub(200)..(found.end() + 200).min(bytes.len());
        Some(String::from_utf8_lossy(&bytes[around]).into_owned())
    }

    /// As [`Self::find`], with the words that are looked for in logs only, as they are.
    pub fn find_in_log(&self, bytes: &[u8]) -> Option<String> {
        self.find(bytes).or_else(|| {
            let text = String::from_utf8_lossy(bytes);
            let word = self.in_logs.iter().find(|word| text.contains(word.as_str()))?;
            text.lines().find(|line| line.contains(word.as_str())).map(ToOwned::to_owned)
        })
    }

    pub fn check(&self, bytes: &[u8], place: &str) {
        if let Some(around) = self.find(bytes) {
            panic!("personal data in {place}:\n{around}");
        }
    }
}

/// The ways to write a word in which the case of letters does not matter.
fn spellings(word: &str) -> Vec<Vec<u8>> {
    let numbers: Vec<String> = word.bytes().map(|byte| byte.to_string()).collect();
    let escaped = |mark: &str| -> String {
        word.chars()
            .map(|c| {
                if c.is_alphanumeric() || ".-".contains(c) {
                    c.to_string()
                } else {
                    format!("{mark}{:02X}", u32::from(c))
                }
            })
            .collect()
    };
    let all = |mark: &str| -> String { word.bytes().map(|byte| format!("{mark}{byte:02x}")).collect() };
    vec![
        word.as_bytes().to_vec(),
        data_encoding::HEXLOWER.encode(word.as_bytes()).into_bytes(),
        escaped("=").into_bytes(),
        escaped("%").into_bytes(),
        all("=").into_bytes(),
        all("%").into_bytes(),
        all("\\x").into_bytes(),
        numbers.join(", ").into_bytes(),
        numbers.join(",").into_bytes(),
        word.encode_utf16().flat_map(u16::to_le_bytes).collect(),
    ]
}

/// What of a word's base64 is the same whatever stands before and after it, for the three places it can begin at.
fn base64(word: &str) -> Vec<String> {
    let mut found = Vec::new();
    for shift in 0..3 {
        let mut bytes = vec![0; shift];
        bytes.extend_from_slice(word.as_bytes());
        for encoding in [&data_encoding::BASE64_NOPAD, &data_encoding::BASE64URL_NOPAD] {
            let text = encoding.encode(&bytes);
            let first = (shift * 8).div_ceil(6);
            let last = bytes.len() * 8 / 6;
            found.push(text[first..last].to_owned());
        }
    }
    found
}
