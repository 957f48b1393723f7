//! A preview on paper: what a person reads, agrees to and hands back. It names no key and no value of a person; the
//! digest stands for them, and nothing is carried out by the paper alone.

use serde::{Deserialize, Serialize};

use super::plan::hex;
use super::preview::{Preview, PreviewRow};
use crate::domain::Scope;

/// The form of the paper that this program writes, and the only one that it reads.
const VERSION: u32 = 1;

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
    pub subject: Scope,
    /// The named categories; only with the scope `data`.
    pub categories: Vec<String>,
    /// Rows that would be changed or kept, each counted once.
    pub rows_total: u64,
    /// The steps in order, each with its rows.
    pub steps: Vec<PreviewRow>,
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
}

impl PlanPaper {
    /// Writes a preview down.
    #[must_use]
    pub fn of(preview: &Preview) -> Self {
        let target = &preview.skeleton.target;
        Self {
            version: VERSION,
            digest: preview.skeleton.digest,
            scope: target.scope,
            subject: target.subject_kind,
            categories: target.categories.clone(),
            rows_total: preview.rows_total(),
            steps: preview.rows.clone(),
        }
    }

    /// Reads one.
    ///
    /// # Errors
    /// [`PaperError`].
    pub fn read(bytes: &[u8]) -> Result<Self, PaperError> {
        let paper: Self = serde_json::from_slice(bytes)?;
        if paper.version == VERSION { Ok(paper) } else { Err(PaperError::OtherForm(paper.version)) }
    }

    /// The digest as people read it.
    #[must_use]
    pub fn digest_hex(&self) -> String {
        data_encoding::HEXLOWER.encode(&self.digest)
    }

    /// The steps as a picture in Mermaid: in order, with their rows, a frame around each store.
    #[must_use]
    pub fn draw(&self) -> String {
        super::map::draw::steps(&self.steps)
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
        let (scope, subject) = (Scope::Account, Scope::Account);
        PlanPaper { version: VERSION, digest: [7; 32], scope, subject, categories: vec![], rows_total: 5, steps }
    }

    #[test]
    fn what_was_written_is_read_and_nothing_else() {
        let text = serde_json::to_string(&paper()).unwrap();
        assert_eq!(PlanPaper::read(text.as_bytes()).unwrap(), paper());
        let other = text.replace("\"version\":1", "\"version\":2");
        assert!(matches!(PlanPaper::read(other.as_bytes()), Err(PaperError::OtherForm(2))));
        let more = text.replace("\"version\":1", "\"version\":1,\"approved\":true");
        for wrong in [more.as_str(), "", "[]", &text.replace("0707", "zz07"), &text[..40]] {
            assert!(matches!(PlanPaper::read(wrong.as_bytes()), Err(PaperError::NotAPlan(_))), "{wrong}");
        }
    }

    #[test]
    fn the_picture_has_every_step_in_its_store_and_in_order() {
        insta::assert_snapshot!(paper().draw(), @r##"
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
}
