//! Writes the trail: which leaf a move or an act leaves, and its public facts.

use crate::db::{Tx, trail as leaves};
use crate::domain::request::{Event, Request, Wake};
use crate::domain::{CaseId, State};
use crate::trail::{Actor, Entry, Event as Recorded, Fact, Facts, PrivateFacts, address_commitment};
use crate::verify::{Addressee, Challenge};

use super::error::FlowError;
use super::house::House;
use super::safe;

/// Records a move of a request.
pub(super) async fn moved(
    house: &House,
    tx: &mut Tx,
    before: &Request,
    event: &Event,
    after: &Request,
    actor: Actor,
) -> Result<(), FlowError> {
    let mut facts = Facts::new()
        .with("move", Fact::Word(event.name().to_owned()))?
        .with("from", Fact::Word(before.state.to_string()))?
        .with("to", Fact::Word(after.state.to_string()))?
        .with("legal_due", Fact::Day(after.deadlines.legal_due))?;
    if let Some(scope) = after.ask.as_ref().and_then(|ask| ask.scope) {
        facts = facts.with("scope", Fact::Word(scope.to_string()))?;
    }
    if let Some(reason) = after.review.filter(|_| after.state == State::NeedsReview) {
        facts = facts.with("reason", Fact::Word(reason.to_string()))?;
    }
    if let Some(at) = after.erase_at.filter(|_| after.state == State::Scheduled) {
        facts = facts.with("erase_at", Fact::Time(at))?;
    }
    append(house, tx, after.case, recorded(event), actor, facts).await
}

/// Records that an address was asked, with a commitment to it: the one of the asker, once per case.
pub(super) async fn asked(
    house: &House,
    tx: &mut Tx,
    request: &Request,
    challenge: &Challenge,
    address: &str,
) -> Result<(), FlowError> {
    let record = safe::record_key(house, tx, request.case).await?;
    let approval = challenge.addressee == Addressee::ApprovingOwner;
    let scopes = challenge.choices.iter().map(|choice| choice.scope.to_string()).collect();
    let facts = Facts::new()
        .with("round", Fact::Count(u64::from(challenge.round)))?
        .with("addressee", Fact::Word(challenge.addressee.to_string()))?
        .with("scopes", Fact::Words(scopes))?
        .with("expires", Fact::Time(challenge.expires_at))?;
    let event = if approval { Recorded::ApprovalAsked } else { Recorded::ChallengeSent };
    let mut entry = Entry::new(event, Actor::PROGRAM).facts(facts);
    if challenge.round == 1 {
        entry = entry.committed_address(address_commitment(&record, address)?);
    }
    leaves::append(tx, &record, &entry, &house.stamps, house.clock.now(), &*house.chance).await?;
    Ok(())
}

/// Records an act on a case that is no move.
pub(super) async fn append(
    house: &House,
    tx: &mut Tx,
    case: CaseId,
    event: Recorded,
    actor: Actor,
    facts: Facts,
) -> Result<(), FlowError> {
    append_private(house, tx, case, event, actor, facts, PrivateFacts::new()).await
}

/// As [`append`], with facts that only the record key opens.
pub(super) async fn append_private(
    house: &House,
    tx: &mut Tx,
    case: CaseId,
    event: Recorded,
    actor: Actor,
    facts: Facts,
    private: PrivateFacts,
) -> Result<(), FlowError> {
    let record = safe::record_key(house, tx, case).await?;
    let entry = Entry::new(event, actor).facts(facts).private(private);
    leaves::append(tx, &record, &entry, &house.stamps, house.clock.now(), &*house.chance).await?;
    Ok(())
}

/// The word of the trail for an event of a life.
const fn recorded(event: &Event) -> Recorded {
    match event {
        Event::Identified { .. } => Recorded::Identified,
        Event::Stranger => Recorded::NotFound,
        Event::ForwardToOwner { .. } => Recorded::Forwarded,
        Event::Unclear { .. } | Event::Stopped { .. } => Recorded::ReviewAsked,
        Event::AnswerUnclear => Recorded::CodeAsked,
        Event::Confirmed { .. } | Event::ConfirmedPendingApproval { .. } => Recorded::Confirmed,
        Event::Approved { .. } => Recorded::Approved,
        Event::ApprovalDenied => Recorded::Denied,
        Event::WithdrawnByPerson | Event::WithdrawnByOperator => Recorded::Withdrawn,
        Event::StopAsked | Event::Held => Recorded::Held,
        Event::ChallengeBounced => Recorded::LetterBounced,
        Event::Woken { wake, .. } => woken(*wake),
        Event::Begun | Event::Continued { .. } => Recorded::Intent,
        Event::Erased { .. } | Event::RecipientsDone => Recorded::Completed,
        Event::StepFailed => Recorded::StepFailed,
        Event::CameBack => Recorded::Reopened,
        Event::PutRight => Recorded::PutRight,
        Event::Released | Event::ReleasedByPerson => Recorded::Released,
        Event::Extended { .. } => Recorded::Extended,
        Event::RefusedByOperator => Recorded::Refused,
    }
}

const fn woken(wake: Wake) -> Recorded {
    match wake {
        Wake::Remind | Wake::DueSoon | Wake::NoticeDue => Recorded::Reminded,
        Wake::Expire => Recorded::Expired,
        Wake::ApprovalLapse | Wake::HoldLapse => Recorded::ReviewAsked,
        Wake::GraceEnd => Recorded::Scheduled,
    }
}
