//! What a person of the team sees in clear, and that it is in the trail who saw it.

use crate::domain::Reference;
use crate::trail::{Event as Recorded, Facts};

use super::error::FlowError;
use super::facts::Refusal;
use super::house::House;
use super::operate::{Operator, find, unless_forgotten};
use super::{note, safe};

/// What a person of the team sees in clear with `--reveal`.
#[derive(Clone, Default, serde::Serialize)]
pub struct Revealed {
    /// Whom the letter names as its sender; proven by nothing.
    pub sender: Option<String>,
    /// The asker's address on file.
    pub asker: Option<String>,
    /// The owner's address on file.
    pub owner: Option<String>,
    /// The account.
    pub account: Option<String>,
    /// What the asker is called.
    pub asker_label: Option<String>,
    /// Why an operator refused it.
    pub refusal: Option<Refusal>,
    /// Why an operator extended its period.
    pub extension_reason: Option<String>,
    /// The letters that belong to the case: the subject, and what their writers wrote, without quotes.
    pub letters: Vec<String>,
}

/// Characters of a letter that are shown.
const SHOWN_CHARS_MAX: usize = 4_000;

/// The text of a letter for a person who looks at its case.
fn shown(house: &House, bytes: &[u8]) -> String {
    let letter = crate::intake::read(bytes, &house.lexicon, &house.intake_limits);
    let text = format!("{}\n\n{}", letter.subject.trim(), letter.new_text.trim());
    text.chars().take(SHOWN_CHARS_MAX).collect()
}

/// Shows the personal data of a case, and records in the trail who saw it. What was forgotten is `None`.
///
/// # Errors
/// When our database does not answer.
pub async fn reveal(house: &House, reference: &Reference, operator: &Operator) -> Result<Revealed, FlowError> {
    let mut tx = house.db.write().await?;
    let stored = find(&mut tx, reference).await?;
    let opening = unless_forgotten(safe::opening(house, &mut tx, &stored.request).await)?;
    let contact = unless_forgotten(safe::contact(house, &mut tx, &stored.request).await)?;
    let subject = unless_forgotten(safe::subject(house, &mut tx, &stored.request).await)?;
    let closing = unless_forgotten(safe::closing(house, &mut tx, &stored.request).await)?;
    let letters = unless_forgotten(safe::letters(house, &mut tx, &stored.request).await)?;
    let case = stored.request.case;
    note::append(house, &mut tx, case, Recorded::Revealed, operator.actor(), Facts::new()).await?;
    tx.commit().await?;
    Ok(Revealed {
        letters: letters.iter().map(|bytes| shown(house, bytes)).collect(),
        sender: opening.from,
        asker: contact.asker,
        owner: contact.owner,
        account: subject.account,
        asker_label: subject.asker_label,
        refusal: closing.refusal,
        extension_reason: closing.extension_reason,
    })
}
