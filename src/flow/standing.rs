//! What a proof rests on, asked of the directory again: address, role, account and owner may have changed since.
//!
//! Answers with a reason for a person to look, or none. Asks outside of every transaction, and decides nothing.

use crate::domain::request::ReviewReason;
use crate::domain::{Role, Timestamp};
use crate::verify::DirectoryError;

use super::error::FlowError;
use super::facts::{Contact, Offered, Subject};
use super::house::House;

type Changed = Result<Option<ReviewReason>, FlowError>;

/// Whether address or password changed so lately that whoever reads the mailbox now may have taken the account over.
pub(super) fn changed_lately(house: &House, changed_at: Option<Timestamp>) -> bool {
    let freeze = house.config.challenge.freeze;
    !freeze.is_zero() && changed_at.is_some_and(|at| at.plus(freeze) > house.clock.now())
}

/// Whether the asker is still who proved it: the same person, at the same address, in the same role and account.
pub(super) async fn asker(house: &House, subject: &Subject, contact: &Contact) -> Changed {
    let Some(address) = &contact.asker else { return Ok(Some(ReviewReason::NoAddressOnFile)) };
    let (Some(account), Some((role, key))) = (&subject.account, &subject.asker) else {
        return Ok(Some(ReviewReason::FactsChanged));
    };
    member(house, account, address, *role, key).await
}

/// Whether the one who was asked to approve still owns the account.
pub(super) async fn approver(house: &House, subject: &Subject, contact: &Contact) -> Changed {
    let (Some(account), Some(key), Some(address)) = (&subject.account, &subject.approver, &contact.owner) else {
        return Ok(Some(ReviewReason::FactsChanged));
    };
    let owner = match house.directory.owner(account).await {
        // Two owners are not the one who was asked.
        Err(DirectoryError::NotOneOwner { .. }) => None,
        found => found?,
    };
    if !owner.is_some_and(|owner| owner.key == *key && owner.address_on_file.as_ref() == Some(address)) {
        return Ok(Some(ReviewReason::FactsChanged));
    }
    member(house, account, address, Role::Owner, key).await
}

/// Whether somebody else whom the asker named is still meant by that name, in the same role and account.
pub(super) async fn named(house: &House, subject: &Subject, offer: &Offered) -> Changed {
    let Some(named) = &offer.named else { return Ok(None) };
    let Some(account) = &subject.account else { return Ok(Some(ReviewReason::FactsChanged)) };
    let found = house.directory.target(account, &named.identifier).await?;
    let same = found.iter().any(|person| person.role == named.role && person.key == named.key);
    Ok((!same).then_some(ReviewReason::FactsChanged))
}

async fn member(house: &House, account: &str, address: &str, role: Role, key: &str) -> Changed {
    let memberships = house.directory.find(address).await?;
    let same = memberships.iter().find(|membership| {
        membership.account == account
            && membership.address_on_file == address
            && membership.role == role
            && membership.person_key == key
    });
    Ok(match same {
        None => Some(ReviewReason::FactsChanged),
        Some(membership) if changed_lately(house, membership.changed_at) => Some(ReviewReason::ChangedLately),
        Some(_) => None,
    })
}
