//! What the house knows of a case beside the request's facts, each part sealed under the key whose term fits it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::domain::{Language, Role, Scope, stored_enum};
use crate::erase::preview::PreviewRow;
use crate::erase::{Decision, DriftLimits, EraseLimits, Preview, Recognised, Skeleton, Target};
use crate::intake::Intent;
use crate::stores::Order;

use super::agree::AgreedPlan;

/// What the letter said, under the case's `letter` key.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Opening {
    /// The one visible sender, where there is exactly one.
    pub from: Option<String>,
    /// Whether several addresses stand where the one sender would, so that `from` is none.
    #[serde(default)]
    pub several_senders: bool,
    /// The letter's Message-ID, to thread our answers.
    pub message_id: Option<String>,
    /// What it asks for; `None` where a person has yet to say.
    pub intent: Option<Intent>,
    /// Addresses claimed in the text, beside the sender.
    pub addresses: Vec<String>,
    /// Numbers and ids that may mean somebody else than the sender.
    pub identifiers: Vec<String>,
    /// Names of persons, who may be somebody else than the sender.
    pub names: Vec<String>,
    /// Named categories of data.
    pub categories: Vec<String>,
    /// A machine wrote it (a web form, a list): it may be a request, but it is never answered.
    pub machine_written: bool,
    /// It asks for a whole and excepts a part of it.
    #[serde(default)]
    pub limited: bool,
    /// It asks for somebody or something beside what was read of it.
    #[serde(default)]
    pub more: bool,
    /// All of it is an attachment, which nobody has read.
    #[serde(default)]
    pub attached: bool,
    /// It asks for the account or the data of a whole company.
    #[serde(default)]
    pub company: bool,
    /// It asks for something of the writer's own: whoever it names besides is not meant alone.
    #[serde(default)]
    pub mine: bool,
    /// Somebody passed it on: it was not sent to us by who wrote it.
    #[serde(default)]
    pub passed_on: bool,
    /// It asks for a copy of the data too, which must be sent before anything is erased.
    pub asks_for_copy: bool,
    /// The addresses that it names as its writer's own, in their order; the sender's where it is one of them.
    #[serde(default)]
    pub own: Vec<String>,
    /// Whether it names more of them than were kept.
    #[serde(default)]
    pub own_cut: bool,
    /// Whether they stand beside its wish, which is about the sender's address as well then.
    #[serde(default)]
    pub own_beside: bool,
    /// The one of its writer's addresses that this request is about; the others have requests of their own.
    #[serde(default)]
    pub asks_as: Option<String>,
    /// Whether this request is about those of them that are not asked before a person has looked.
    #[serde(default)]
    pub rest: bool,
    /// Whether a spam filter of the house holds the letter for spam: a person looks first, and nobody is written to.
    #[serde(default)]
    pub suspected: bool,
    /// The wish of the letter, by which its further requests are told from each other.
    #[serde(default)]
    pub wish: Option<[u8; 32]>,
}

/// Whom we write to, under the case's `contact` key.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Contact {
    /// The asker's address on file.
    pub asker: Option<String>,
    /// The owner's address on file.
    pub owner: Option<String>,
    /// The owner's language on file, which need not be the asker's.
    #[serde(default)]
    pub owner_language: Option<Language>,
}

/// Who and what it is about, under the case's `record` key.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Subject {
    /// The account's id in the directory.
    pub account: Option<String>,
    /// What the asker is in it, and the key of their row.
    pub asker: Option<(Role, String)>,
    /// The key of the owner's row, who may be asked to approve.
    pub approver: Option<String>,
    /// What the asker is called in letters to the owner.
    pub asker_label: Option<String>,
    /// What each offered scope would erase.
    pub offers: Vec<Offered>,
    /// What an operator set: the scope to identify anew with.
    pub scope_set: Option<Scope>,
    /// What an operator set: by which address, id, number or name the person is found that the letter means.
    #[serde(default)]
    pub target_set: Option<String>,
    /// What an operator set: the categories of the data maps that the letter means.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub categories_set: Vec<String>,
    /// A plan whose rows a person of the team agreed to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreed: Option<AgreedPlan>,
}

/// One offered scope and what it would erase.
#[derive(Clone, Serialize, Deserialize)]
pub struct Offered {
    /// The scope.
    pub scope: Scope,
    /// The root of the plan.
    pub target: Target,
    /// How the owner calls the person that it is about, where that is not the asker.
    pub label: Option<String>,
    /// By which name the asker meant somebody else, and who that was.
    pub named: Option<Named>,
    /// Rows per step when it was offered; the drift is measured against them.
    pub counts: Vec<u64>,
}

/// Somebody else than the asker, as the directory knew them when they were named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// What the letter called them.
    pub identifier: String,
    /// What they were in the account.
    pub role: Role,
    /// The key of their row.
    pub key: String,
}

impl Offered {
    /// The preview that was approved: this plan with the counts of then.
    #[must_use]
    pub fn approved(&self, skeleton: Skeleton) -> Preview {
        let rows = skeleton
            .steps
            .iter()
            .zip(&self.counts)
            .map(|(step, rows)| PreviewRow {
                step: step.number,
                store: step.rows.at.store.clone(),
                table: step.rows.at.table.clone(),
                act: step.act.as_str().into(),
                rows: *rows,
                ground: step.keep.as_ref().map(|keep| keep.ground.clone()),
                until: None,
            })
            .collect();
        Preview { skeleton, rows }
    }
}

impl Subject {
    /// How many rows a plan may have: as configured, or as a person of the team agreed to.
    #[must_use]
    pub fn limits(&self, digest: &[u8; 32], limits: EraseLimits, drift: DriftLimits) -> EraseLimits {
        self.agreed.as_ref().map_or(limits, |agreed| agreed.limits(digest, limits, drift))
    }

    /// What was offered for a scope.
    #[must_use]
    pub fn offer(&self, scope: Scope) -> Option<&Offered> {
        self.offers.iter().find(|offer| offer.scope == scope)
    }
}

/// What the last letters tell, under the case's `record` key: an operator's words, and what came of the erasing.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Closing {
    /// Why it was refused.
    pub refusal: Option<Refusal>,
    /// Why it takes longer.
    pub extension_reason: Option<String>,
    /// What kind of reason that is.
    #[serde(default)]
    pub extension_ground: Option<ExtensionGround>,
    /// Whether the team withdrew it, and not the person.
    #[serde(default)]
    pub withdrawn_by_team: bool,
    /// What came of each category.
    pub outcome: Vec<crate::reply::letters::OutcomeLine>,
    /// Records that stay and no longer point to the person.
    pub detached: u64,
    /// The names of the stores that were searched.
    pub searched: Vec<String>,
    /// The names of the stores in which something was found.
    #[serde(default)]
    pub found_in: Vec<String>,
    /// Why work on it stopped, the last time that it did.
    #[serde(default)]
    pub failure: Option<Failure>,
    /// What stays in the stores.
    #[serde(default)]
    pub kept: Vec<KeptRows>,
    /// What a search after the erasing found, the last time that it found something.
    #[serde(default)]
    pub came_back: Option<CameBack>,
    /// Whether the person wants to be told when what is kept is gone; `None` where nobody said so.
    #[serde(default)]
    pub tell_at_end: Option<bool>,
}

stored_enum! {
    /// What kind of reason an answer takes longer for: the two that Art. 12(3) GDPR names, and what other laws know.
    ExtensionGround, "ground of an extension" {
        /// The request is complex.
        Complexity = "complexity",
        /// There are many requests.
        Number = "number",
        /// Another one.
        Other = "other",
    }
}

/// What each recipient is asked, by the name of its map, under the case's `contact` key: it is gone with the last letter.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Orders(pub BTreeMap<String, Order>);

/// Whom a request asks: what each is told, and of whom the plan did not know all that the maps say by now, so that a person
/// must look at them.
#[derive(Clone, Default)]
pub struct Asked {
    /// By the name of the map, or of a part.
    pub orders: Orders,
    /// By the name of the map.
    pub unplanned: BTreeSet<String>,
}

impl Asked {
    /// All who are waited for.
    pub fn all(&self) -> BTreeSet<&String> {
        self.orders.0.keys().chain(&self.unplanned).collect()
    }
}

/// Rows of one table that stay on a ground.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptRows {
    /// The store.
    pub store: String,
    /// The table.
    pub table: String,
    /// Why.
    pub ground: String,
    /// The last day, of the row that stays longest.
    pub until: Option<Date>,
    /// How many.
    pub rows: u64,
}

/// Rows that came back after an erasure, and what becomes of those that no store can tell about.
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
pub struct CameBack {
    /// Rows under other keys that hold an identity of the person.
    pub recognised: u64,
    /// What a person of the team decided of those.
    pub decided: Recognised,
    /// How often a person of the team said so.
    #[serde(default)]
    pub decisions: u32,
}

impl CameBack {
    /// What counts of what a person of the team said.
    #[must_use]
    pub const fn decision(self) -> Decision {
        Decision { recognised: self.decided, number: self.decisions }
    }
}

/// Why work on a request stopped, for the team: names of the data map, and no personal data.
#[derive(Clone, Serialize, Deserialize)]
pub struct Failure {
    /// A code that is fixed in the program.
    pub reason: String,
    /// The store that it is about.
    pub store: Option<String>,
    /// The table.
    pub table: Option<String>,
    /// The column.
    pub column: Option<String>,
    /// The error with its causes.
    pub text: String,
    /// It goes on by itself when a store is back.
    pub waits: bool,
    /// The legal holds that it waits for.
    #[serde(default)]
    pub holds: BTreeSet<Uuid>,
}

/// A refusal in an operator's words.
#[derive(Clone, Serialize, Deserialize)]
pub struct Refusal {
    /// Why.
    pub ground: String,
    /// The article that permits it.
    pub article: String,
    /// The categories of data that stay; empty for all that was asked for.
    #[serde(default)]
    pub data: Vec<String>,
    /// When it is looked at again.
    #[serde(default)]
    pub review_on: Option<Date>,
}
