//! A preview on paper: what a person reads, agrees to and hands back. It names no key and no value of a person; the
//! digest stands for them, and nothing is carried out by the paper alone.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::plan::hex;
use super::preview::{Preview, PreviewRow};
use crate::domain::{Scope, SubjectKind};

/// The form of the paper that this program writes, and the only one that it reads.
const VERSION: u32 = 2;

/// A plan as it is written for people and for other programs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanPaper {
    /// The form.
    version: u32,
    /// The plan's digest.
    #[serde(with = "hex")]
    pub digest: [u8; 32],
    /// How much is erased.
    pub scope: Scope,
    /// What the root row is.
    pub subject: SubjectKind,
    /// The named categories; only with the scope `data`.
    pub categories: Vec<String>,
    /// Rows that would be changed or kept, each counted once.
    pub rows_total: u64,
    /// The steps in order, each with its rows.
    pub steps: Vec<PreviewRow>,
    /// SHA-256 of all the rest as RFC 8785 JSON: a slip of an editor is told from rows that moved. It keeps nobody from
    /// writing another paper, and none of them permits anything.
    #[serde(with = "hex")]
    checksum: [u8; 32],
}

/// What tells the form of a paper, whatever else stands in it.
#[derive(Deserialize)]
struct Head {
    version: u32,
}

/// Why something is no paper of ours.
#[derive(Debug, thiserror::Error)]
pub enum PaperError {
    /// It is not the JSON of a plan.
    #[error("this is not a plan that 'expunged plan --out' wrote")]
    NotAPlan(#[from] serde_json::Error),
    /// Another program wrote it.
    #[error(
        "the plan has the form {0}, and this program reads form {VERSION}: make it again with 'expunged plan --out'"
    )]
    OtherForm(u32),
    /// What stands in it is not what was written.
    #[error("this file was changed after 'expunged plan' wrote it: make it again with 'expunged plan --out'")]
    Changed,
}

impl PlanPaper {
    /// Writes a preview down.
    ///
    /// # Errors
    /// None that is known: every part of it is JSON.
    pub fn of(preview: &Preview) -> Result<Self, serde_json::Error> {
        let target = &preview.skeleton.target;
        let paper = Self {
            version: VERSION,
            digest: preview.skeleton.digest,
            scope: target.scope,
            subject: target.subject_kind.clone(),
            categories: target.categories.clone(),
            rows_total: preview.rows_total(),
            steps: preview.rows.clone(),
            checksum: [0; 32],
        };
        paper.summed()
    }

    fn summed(self) -> Result<Self, serde_json::Error> {
        let mut rest = serde_json::to_value(&self)?;
        rest.as_object_mut().and_then(|rest| rest.remove("checksum"));
        Ok(Self { checksum: Sha256::digest(serde_json_canonicalizer::to_vec(&rest)?).into(), ..self })
    }

    /// Reads one.
    ///
    /// # Errors
    /// [`PaperError`].
    pub fn read(bytes: &[u8]) -> Result<Self, PaperError> {
        let Head { version } = serde_json::from_slice(bytes)?;
        if version != VERSION {
            return Err(PaperError::OtherForm(version));
        }
        let paper: Self = serde_json::from_slice(bytes)?;
        if paper.clone().summed()? == paper { Ok(paper) } else { Err(PaperError::Changed) }
    }

    /// The digest as people read it.
    #[must_use]
    pub fn digest_hex(&self) -> String {
        data_encoding::HEXLOWER.encode(&self.digest)
    }

    /// The steps as a picture in Mermaid: in order, with their rows, a frame around each store; those that wait for a legal
    /// hold are marked, and whoever else is asked comes after them: a name and what they are asked.
    #[must_use]
    pub fn draw(&self, waiting: &BTreeSet<u16>, asked: &[(String, String)]) -> String {
        super::map::draw::steps(&self.steps, waiting, asked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stores::StoreName;

    fn paper() -> PlanPaper {
        let row = |step, store: &str, table: &str, act: &str, rows| PreviewRow {
            step,
            store: StoreName::new(store).unwrap(),
            table: table.to_owned(),
            act: act.to_owned().into(),
            rows,
            ground: (act == "keep").then(|| "tax <law>".to_owned()),
            until: None,
        };
        let steps = vec![
            row(0, "shop", "orders", "keep", 3),
            row(1, "crm", "notes", "delete", 1),
            row(2, "shop", "users", "delete", 1),
        ];
        let (scope, subject) = (Scope::Account, SubjectKind::Account);
        let (version, digest, checksum) = (VERSION, [7; 32], [0; 32]);
        PlanPaper { version, digest, scope, subject, categories: vec![], rows_total: 5, steps, checksum }
            .summed()
            .unwrap()
    }

    #[test]
    fn what_was_written_is_read_and_nothing_else() {
        let text = serde_json::to_string(&paper()).unwrap();
        assert_eq!(PlanPaper::read(text.as_bytes()).unwrap(), paper());
        for other in [text.replace("\"version\":2", "\"version\":1"), "{\"version\":1}".to_owned()] {
            assert!(matches!(PlanPaper::read(other.as_bytes()), Err(PaperError::OtherForm(1))), "{other}");
        }
        for (was, is) in [
            ("\"rows_total\":5", "\"rows_total\":4"),
            ("\"rows\":3", "\"rows\":30"),
            ("0707", "0807"),
            ("\"table\":\"users\"", "\"table\":\"staff\""),
        ] {
            let changed = text.replacen(was, is, 1);
            assert_ne!(changed, text);
            assert!(matches!(PlanPaper::read(changed.as_bytes()), Err(PaperError::Changed)), "{changed}");
        }
        let more = text.replace("\"version\":2", "\"version\":2,\"approved\":true");
        for wrong in [more.as_str(), "", "[]", &text.replace("0707", "zz07"), &text[..40]] {
            assert!(matches!(PlanPaper::read(wrong.as_bytes()), Err(PaperError::NotAPlan(_))), "{wrong}");
        }
    }

    #[test]
    fn the_picture_has_every_step_in_its_store_and_in_order() {
        insta::assert_snapshot!(paper().draw(&BTreeSet::new(), &[]), @r##"
        flowchart TD
            subgraph s0["crm"]
                p1["<b>notes</b><br>delete: 1"]:::delete
            end
            subgraph s1["shop"]
                p0["<b>orders</b><br>keep: 3<br>tax #60;law#62;"]:::keep
                p2["<b>users</b><br>delete: 1"]:::delete
            end
            p0 --> p1
            p1 --> p2
            classDef delete fill:#fdd,stroke:#900,color:#000
            classDef mask fill:#ffd,stroke:#960,color:#000
            classDef keep fill:#dfd,stroke:#060,color:#000
        "##);
    }

    #[test]
    fn the_picture_has_what_waits_for_a_hold_and_who_else_is_asked() {
        let asked = [("Parcel <Co>".to_owned(), "mail: contact".to_owned())];
        let drawn = paper().draw(&BTreeSet::from([2]), &asked);
        let lines: Vec<&str> = drawn.lines().map(str::trim).collect();
        for line in [
            r##"p2["<b>users</b><br>delete: 1<br>waits for a legal hold"]:::held"##,
            r##"r0[/"<b>Parcel #60;Co#62;</b><br>mail: contact"/]:::asked"##,
            "p2 --> r0",
        ] {
            assert!(lines.contains(&line), "{line} in {drawn}");
        }
        assert!(drawn.contains("classDef held") && drawn.contains("classDef asked"), "{drawn}");
    }
}
