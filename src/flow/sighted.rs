//! Records that a person of the team saw personal data that belong to no case: who wrote to the mailbox, and what the
//! directory has of them.

use crate::db::{keys, trail};
use crate::domain::{CaseId, stored_enum};
use crate::trail::{Entry, Event, Fact, Facts};
use crate::vault::{KeyOwner, KeyPurpose};

use super::error::FlowError;
use super::house::House;
use super::operate::Operator;

stored_enum! {
    /// What was looked at.
    Sight, "sight" {
        /// The mailbox, by `run --observe`.
        Mailbox = "mailbox",
        /// Letters in files beside the directory, by `explain`.
        Letters = "letters",
        /// Whom legal holds are on, by `holds list`.
        Holds = "holds",
    }
}

/// Records it before anything is shown. The leaf is a case of its own, of one leaf without private facts, so that its key
/// is destroyed where it was made.
///
/// # Errors
/// When our database does not answer.
pub async fn record(house: &House, operator: &Operator, sight: Sight) -> Result<(), FlowError> {
    let (now, owner) = (house.clock.now(), KeyOwner::Case(CaseId::new(&*house.chance)));
    let mut tx = house.db.write().await?;
    let record = keys::create(&mut tx, &house.kek, owner, KeyPurpose::Record, now, &*house.chance).await?;
    let facts = Facts::new().with("sight", Fact::Word(sight.to_string()))?;
    let entry = Entry::new(Event::Revealed, operator.actor()).facts(facts);
    trail::append(&mut tx, &record, &entry, &house.stamps, now, &*house.chance).await?;
    keys::destroy_of(&mut tx, owner, KeyPurpose::Record, now).await?;
    Ok(tx.commit().await?)
}
