//! A file in the place of DNS, so that a kept letter can be judged again as on its day. What is not in it does not exist.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde::Deserialize;

use super::{Dns, NoAnswer};

/// The records of a file.
#[derive(Clone, Debug, Default)]
pub struct FileDns(BTreeMap<String, Vec<Vec<u8>>>);

/// A text that is no file of records.
#[derive(Debug, thiserror::Error)]
#[error("not a file of DNS records: it has [[txt]] tables, each with a name and a value")]
pub struct NotADnsFile(#[from] toml::de::Error);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    #[serde(default)]
    txt: Vec<RawTxt>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTxt {
    name: String,
    value: String,
}

impl FileDns {
    /// Reads the text of a file.
    ///
    /// # Errors
    /// [`NotADnsFile`] with what is wrong and where.
    pub fn parse(text: &str) -> Result<Self, NotADnsFile> {
        let raw: Raw = toml::from_str(text)?;
        let mut records: BTreeMap<String, Vec<Vec<u8>>> = BTreeMap::new();
        for RawTxt { name, value } in raw.txt {
            let name = name.trim().trim_end_matches('.').to_ascii_lowercase();
            records.entry(name).or_default().push(value.into_bytes());
        }
        Ok(Self(records))
    }
}

#[async_trait]
impl Dns for FileDns {
    async fn txt(&self, name: &str) -> Result<Vec<Vec<u8>>, NoAnswer> {
        Ok(self.0.get(name).cloned().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn names_are_found_whatever_their_case() {
        let text =
            "[[txt]]\nname = \"K._domainkey.B.example.\"\nvalue = \"p=1\"\n[[txt]]\nname = \"x\"\nvalue = \"2\"\n";
        let dns = FileDns::parse(text).unwrap();
        assert_eq!(dns.txt("k._domainkey.b.example").await.unwrap(), [b"p=1"]);
        assert!(dns.txt("nobody.example").await.unwrap().is_empty());
        assert!(FileDns::parse("[[txt]]\nname = \"x\"\n").is_err());
        assert!(FileDns::parse("[[mx]]\nname = \"x\"\n").is_err());
    }
}
