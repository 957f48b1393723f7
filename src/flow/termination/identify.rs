//! Finds out whose the account is whose service has ended, and what would be erased. Nobody is asked to prove anything: the owner is
//! told, and can stop it.

use crate::breakpoint;
use crate::db::requests::{self, Bindings, Stored};
use crate::db::terminations::Resumed;
use crate::db::{Tx, authorities, jobs, terminations};
use crate::domain::request::{Event, ReviewReason, Warrant};
use crate::domain::{Language, Role, Scope, State, SubjectKind};
use crate::queue::Lease;
use crate::trail::{Actor, Event as Recorded, Fact, Facts};
use crate::verify::{Authority, DirectoryError, EndedRecord, NotEnded};

use super::super::advance::advance;
use super::super::error::FlowError;
use super::super::facts::{Contact, Subject};
use super::super::house::House;
use super::super::open::language_on_file;
use super::super::{erase, identify as asked, note, safe, standing as proven};
use super::standing::{Standing, standing};

/// What the questions came to.
enum Finding {
    /// The directory says it no more.
    Gone(Resumed),
    /// A person must look.
    Review { reason: ReviewReason, contact: Contact, subject: Subject, cause: Option<Box<FlowError>> },
    /// The owner is told.
    Ended { contact: Contact, subject: Subject, digest: [u8; 32], language: Language },
}

/// Identifies a request that an ended service has just opened, or that a person lets go on.
pub(in crate::flow) async fn identify(house: &House, lease: &Lease, stored: &Stored) -> Result<(), FlowError> {
    let id = stored.request.id;
    let mut tx = house.db.read().await?;
    let record = terminations::load(&mut tx, id).await?;
    let record = record.ok_or(FlowError::Missing("the end of service that opened the request"))?;
    record.check(house.keys.gate())?;
    let known = safe::subject(house, &mut tx, &stored.request).await?;
    drop(tx);
    let finding = find(house, stored, &record, known).await?;
    breakpoint!("termination.found");
    let mut tx = house.db.write().await?;
    let mut fresh =
        requests::load(&mut tx, id).await?.ok_or(FlowError::Missing("the request of an identifying job"))?;
    if fresh.request.moves != stored.request.moves || fresh.request.state != State::Received {
        return Err(FlowError::Moved);
    }
    write(house, &mut tx, &mut fresh, &record, finding).await?;
    jobs::complete_in(&mut tx, lease).await?;
    tx.commit().await?;
    breakpoint!("termination.identified");
    Ok(())
}

/// All questions to the outside.
async fn find(house: &House, stored: &Stored, record: &EndedRecord, known: Subject) -> Result<Finding, FlowError> {
    let account = known.account.clone().ok_or(FlowError::Missing("the account whose service has ended"))?;
    // What is sealed is ours; whether it is of this account, the mark says.
    if house.keys.account_mac(&account) != record.account_mac {
        return Err(NotEnded::Forged(record.request).into());
    }
    let (none, subject) =
        (Contact::default(), Subject { account: known.account, agreed: known.agreed, ..Subject::default() });
    let review = |reason, contact, subject| Ok(Finding::Review { reason, contact, subject, cause: None });
    match standing(house, &account, record).await? {
        Standing::Ended => {}
        Standing::Gone(why) => return Ok(Finding::Gone(why)),
        Standing::Unclear => return review(ReviewReason::FactsChanged, none, subject),
    }
    let owner = match house.directory.owner(&account).await {
        Err(DirectoryError::NotOneOwner { .. }) => return review(ReviewReason::UnclearTarget, none, subject),
        owner => owner?,
    };
    let Some((owner, address)) = owner.and_then(|owner| Some((owner.clone(), owner.address_on_file?))) else {
        return review(ReviewReason::NoAddressOnFile, none, subject);
    };
    let owner_language = owner.locale.as_deref().and_then(Language::from_locale);
    let contact = Contact { asker: Some(address.clone()), owner: Some(address), owner_language };
    let subject = Subject {
        asker: Some((Role::Owner, owner.key.clone())),
        approver: Some(owner.key),
        asker_label: Some(owner.label),
        ..subject
    };
    // The same that is asked again before it begins: who is told must be the owner by then.
    if let Some(reason) = proven::asker(house, &subject, &contact).await? {
        return review(reason, contact, subject);
    }
    let Some(target) = house.target(Scope::Account, &SubjectKind::Account, &account, Vec::new()) else {
        return review(ReviewReason::MapDefects, contact, subject);
    };
    let language = language_on_file(owner.locale.as_deref(), stored.request.language);
    let before = subject.clone();
    match asked::offer(house, subject, vec![(Scope::Account, target, None, None)]).await {
        Ok((subject, digests)) => {
            let (_, digest) = *digests.first().ok_or(FlowError::Broken("one scope was planned"))?;
            Ok(Finding::Ended { contact, subject, digest, language })
        }
        Err(error) => match error.cause() {
            Some(reason) => Ok(Finding::Review { reason, contact, subject: before, cause: Some(Box::new(error)) }),
            None => Err(error),
        },
    }
}

/// Writes what the questions came to.
async fn write(
    house: &House,
    tx: &mut Tx,
    stored: &mut Stored,
    record: &EndedRecord,
    finding: Finding,
) -> Result<(), FlowError> {
    let bindings = Bindings { account_mac: Some(record.account_mac), ..stored.bindings.clone() };
    match finding {
        Finding::Gone(why) => resumed(house, tx, stored, why).await,
        Finding::Review { reason, contact, subject, cause } => {
            put(house, tx, stored, &contact, &subject).await?;
            if let Some(cause) = cause {
                erase::note_failure(house, tx, stored, reason.as_str(), &cause).await?;
            }
            // Nobody waits for an answer; the team hears of it.
            let event = Event::Unclear { reason, reachable: false, quiet: true };
            advance(house, tx, stored, &event, bindings, Actor::PROGRAM).await?;
            Ok(())
        }
        Finding::Ended { contact, subject, digest, language } => {
            requests::set_language(tx, &mut stored.request, language).await?;
            put(house, tx, stored, &contact, &subject).await?;
            let (id, case, now, gate) = (stored.request.id, stored.request.case, house.clock.now(), house.keys.gate());
            let (issued, lives) = (authorities::issued(tx, id).await?, house.terms().authority_lives);
            let authority = Authority::of_ended_service(record, issued, gate, digest, lives, now, &*house.chance)?;
            note::issued(house, tx, case, &authority, Actor::PROGRAM).await?;
            let bindings = Bindings { plan_digest: Some(digest), ..bindings };
            let warrant = Warrant { authority: authority.id(), expires_at: authority.expires_at() };
            advance(house, tx, stored, &Event::ServiceEnded { warrant }, bindings, Actor::PROGRAM).await?;
            Ok(())
        }
    }
}

/// Ends a request because the directory says no more what opened it. The trail says what it says instead; whoever was told hears of
/// it, unless the account is gone.
pub(in crate::flow) async fn resumed(
    house: &House,
    tx: &mut Tx,
    stored: &Stored,
    why: Resumed,
) -> Result<(), FlowError> {
    terminations::set_resumed(tx, stored.request.id, why, house.clock.now()).await?;
    let facts = Facts::new().with("end", Fact::Word(why.to_string()))?;
    note::append(house, tx, stored.request.case, Recorded::Noted, Actor::PROGRAM, facts).await?;
    let event = Event::ServiceResumed { told: why != Resumed::Deleted };
    advance(house, tx, stored, &event, stored.bindings.clone(), Actor::PROGRAM).await?;
    Ok(())
}

async fn put(
    house: &House,
    tx: &mut Tx,
    stored: &Stored,
    contact: &Contact,
    subject: &Subject,
) -> Result<(), FlowError> {
    safe::put_contact(house, tx, &stored.request, contact).await?;
    safe::put_subject(house, tx, &stored.request, subject).await?;
    let Some(address) = &contact.asker else { return Ok(()) };
    let mac = house.keys.lookup_mac(address);
    Ok(requests::set_contact(tx, stored.request.id, &mac, Some(mac)).await?)
}
