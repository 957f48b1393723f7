//! Writes the trail: which leaf a move or an act leaves, and its public facts.

use serde_json::{Value, json};

use crate::db::letters::{LetterRow, LetterState};
use crate::db::{Tx, authorities, trail as leaves};
use crate::domain::request::{Event, Request, Wake};
use crate::domain::{CaseId, DeliveryId, State};
use crate::intake::Intake;
use crate::trail::{Actor, Entry, Event as Recorded, Fact, Facts, PrivateFacts, address_commitment};
use crate::vault::{DataKey, KeyPurpose};
use crate::verify::{Addressee, Authority, Challenge, Intent, Possession};

use super::error::FlowError;
use super::facts::{Closing, Subject};
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
    if matches!(event, Event::PutRight)
        && let Some(scope) = safe::subject(house, tx, after).await?.scope_set
    {
        facts = facts.with("scope_set", Fact::Word(scope.to_string()))?;
    }
    if matches!(event, Event::Extended { .. })
        && let Some(ground) = safe::closing(house, tx, after).await?.extension_ground
    {
        facts = facts.with("ground", Fact::Word(ground.to_string()))?;
    }
    let private = about(house, tx, event, after).await?;
    append_private(house, tx, after.case, recorded(before, event), actor, facts, private).await
}

/// Whom and what a move is about, where that was found out or proven: account, asker, and each target with its label.
/// What an operator said of it too: the words of a refusal or an extension, the account that was set. The leaf commits to
/// it, so that what was erased can be held against what was proven, and what was told against what was decided.
async fn about(house: &House, tx: &mut Tx, event: &Event, after: &Request) -> Result<PrivateFacts, FlowError> {
    let proven = match event {
        Event::Identified { .. } => None,
        Event::Confirmed { .. }
        | Event::ConfirmedPendingApproval { .. }
        | Event::Approved { .. }
        | Event::Vouched { .. }
        | Event::ServiceEnded { .. }
        | Event::VouchedPendingApproval { .. } => after.ask.as_ref().and_then(|ask| ask.scope),
        Event::RefusedByOperator | Event::Extended { .. } => {
            return said(event, safe::closing(house, tx, after).await?);
        }
        Event::PutRight => {
            let subject = safe::subject(house, tx, after).await?;
            return Ok(said_of(&subject));
        }
        _ => return Ok(PrivateFacts::new()),
    };
    let subject = safe::subject(house, tx, after).await?;
    let offers: Vec<Value> = subject
        .offers
        .iter()
        .filter(|offer| proven.is_none_or(|scope| scope == offer.scope))
        .map(|offer| json!({ "scope": offer.scope, "target": offer.target, "label": offer.label }))
        .collect();
    Ok(PrivateFacts::new().with("account", subject.account).with("asker", json!(subject.asker)).with("plans", offers))
}

/// Whom and which account an operator set.
pub(super) fn said_of(subject: &Subject) -> PrivateFacts {
    let facts = PrivateFacts::new().with("account", subject.account.clone());
    match &subject.target_set {
        Some(target) => facts.with("target", target.clone()),
        None => facts,
    }
}

/// What an operator said in words: why it is refused, or why it takes longer.
fn said(event: &Event, closing: Closing) -> Result<PrivateFacts, FlowError> {
    if matches!(event, Event::Extended { .. }) {
        return Ok(PrivateFacts::new().with("reason", closing.extension_reason));
    }
    let refusal = closing.refusal.ok_or(FlowError::Missing("the words of a refusal"))?;
    Ok(PrivateFacts::new()
        .with("ground", refusal.ground)
        .with("article", refusal.article)
        .with("data", json!(refusal.data))
        .with("review_on", json!(refusal.review_on)))
}

/// Writes an authority that was issued, with its leaf.
pub(super) async fn issued(
    house: &House,
    tx: &mut Tx,
    case: CaseId,
    authority: &Authority,
    actor: Actor,
) -> Result<(), FlowError> {
    authorities::insert(tx, &authority.record(house.keys.gate())).await?;
    let facts = Facts::new()
        // A word begins with a letter, an id may not.
        .with("authority", Fact::Word(format!("id:{}", authority.id())))?
        .with("method", Fact::Word(authority.method().to_string()))?
        .with("plan", Fact::Digest(*authority.plan_digest()))?
        .with("expires", Fact::Time(authority.expires_at()))?;
    append(house, tx, case, Recorded::AuthorityIssued, actor, facts).await
}

/// Records what happens to a letter of ours: its kind, whom it goes to, and how far it has come.
pub(super) async fn letter(
    house: &House,
    tx: &mut Tx,
    case: CaseId,
    event: Recorded,
    letter: &LetterRow,
    state: LetterState,
) -> Result<(), FlowError> {
    append(house, tx, case, event, Actor::PROGRAM, of_letter(letter, state)?).await
}

/// Records that a letter of ours is about to be sent. The first to an address commits to it, so that whom we wrote to
/// can be held against what the directory knew, whatever the letter was.
pub(super) async fn sending(
    house: &House,
    tx: &mut Tx,
    case: CaseId,
    letter: &LetterRow,
    address: Option<&str>,
) -> Result<(), FlowError> {
    let record = safe::record_key(house, tx, case).await?;
    let entry = Entry::new(Recorded::LetterSending, Actor::PROGRAM).facts(of_letter(letter, LetterState::Sending)?);
    let entry = match address {
        Some(address) => committed(tx, case, &record, entry, address).await?,
        None => entry,
    };
    leaves::append(tx, &record, &entry, &house.stamps, house.clock.now(), &*house.chance).await?;
    Ok(())
}

fn of_letter(letter: &LetterRow, state: LetterState) -> Result<Facts, FlowError> {
    let facts = Facts::new()
        .with("letter", Fact::Word(letter.kind.to_string()))?
        .with("to", Fact::Word(letter.audience.to_string()))?
        .with("state", Fact::Word(state.to_string()))?;
    let obstacle = letter.obstacle.clone().filter(|_| state != LetterState::Sending);
    Ok(match obstacle {
        Some(obstacle) => facts.with("obstacle", Fact::Word(obstacle))?,
        None => facts,
    })
}

/// The entry, with a commitment to the address unless a leaf of the case has it already.
async fn committed(
    tx: &mut Tx,
    case: CaseId,
    record: &DataKey,
    entry: Entry,
    address: &str,
) -> Result<Entry, FlowError> {
    let commitment = address_commitment(record, address)?;
    let known = leaves::has_address(tx, case, &commitment).await?;
    Ok(if known { entry } else { entry.committed_address(commitment) })
}

/// Records that an address was asked, with a commitment to it unless a leaf of the case has one.
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
    let event = if approval { Recorded::ApprovalAsked } else { Recorded::ChallengeMade };
    let entry = Entry::new(event, Actor::PROGRAM).facts(facts);
    let entry = committed(tx, request.case, &record, entry, address).await?;
    leaves::append(tx, &record, &entry, &house.stamps, house.clock.now(), &*house.chance).await?;
    Ok(())
}

/// What a letter to a case says and shows: `possession` of one of our letters, where it shows any.
pub(super) fn answer(
    letter: &Intake,
    delivery: DeliveryId,
    possession: Option<Possession>,
) -> Result<Facts, FlowError> {
    let facts = Facts::new()
        // A word begins with a letter, an id may not.
        .with(LETTER, Fact::Word(format!("{ID}{delivery}")))?
        .with("possession", Fact::Word(possession.map_or("none", Possession::as_str).to_owned()))?
        .with("says", Fact::Word(letter.answer.intent.to_string()))?
        .with("codes", Fact::Count(letter.answer.codes.len() as u64))?
        .with("machine", Fact::Flag(letter.machine.is_some()))?;
    Ok(facts)
}

/// What was said on a page of ours.
pub(super) fn answer_on_page(says: Intent, codes: u64) -> Result<Facts, FlowError> {
    let facts = Facts::new()
        .with("by", Fact::Word("page".to_owned()))?
        .with("possession", Fact::Word(Possession::PageMatched.to_string()))?
        .with("says", Fact::Word(says.to_string()))?
        .with("codes", Fact::Count(codes))?
        .with("machine", Fact::Flag(false))?;
    Ok(facts)
}

/// The fact that says which letter a leaf is about, and what stands before its id.
pub(super) const LETTER: &str = "letter_id";
pub(super) const ID: &str = "id:";

/// The fact that says by which other request a person sees what a leaf is about, in small letters.
pub(super) const SEE: &str = "see";

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

/// Records several acts on a case that are no moves, in their order.
pub(super) async fn append_all(
    house: &House,
    tx: &mut Tx,
    case: CaseId,
    event: Recorded,
    acts: Vec<Facts>,
) -> Result<(), FlowError> {
    if acts.is_empty() {
        return Ok(());
    }
    let record = safe::record_key(house, tx, case).await?;
    let entries: Vec<Entry> = acts.into_iter().map(|facts| Entry::new(event, Actor::PROGRAM).facts(facts)).collect();
    leaves::append_all(tx, &record, &entries, &house.stamps, house.clock.now(), &*house.chance).await?;
    Ok(())
}

/// Records that a key is about to be destroyed: the record key signs for its own end too.
pub(super) async fn key_destroyed(
    house: &House,
    tx: &mut Tx,
    case: CaseId,
    purpose: KeyPurpose,
) -> Result<(), FlowError> {
    let facts = Facts::new().with("key", Fact::Word(purpose.to_string()))?;
    append(house, tx, case, Recorded::KeyDestroyed, Actor::PROGRAM, facts).await
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

/// The word of the trail for an event of a life: what two operators vouch for stands in the place of a word.
fn recorded(before: &Request, event: &Event) -> Recorded {
    match event {
        Event::Identified { .. } => Recorded::Identified,
        Event::Stranger => Recorded::NotFound,
        Event::ForwardToOwner { .. } => Recorded::Forwarded,
        Event::Unclear { .. } | Event::Stopped { .. } | Event::Unsearchable => Recorded::ReviewAsked,
        Event::AnswerUnclear | Event::CodeWrong => Recorded::CodeAsked,
        Event::Vouched { .. } if before.waits_for_owner() => Recorded::Approved,
        Event::Confirmed { .. }
        | Event::ConfirmedPendingApproval { .. }
        | Event::Vouched { .. }
        | Event::VouchedPendingApproval { .. } => Recorded::Confirmed,
        Event::Approved { .. } => Recorded::Approved,
        Event::ApprovalDenied => Recorded::Denied,
        Event::ServiceEnded { .. } => Recorded::Scheduled,
        Event::WithdrawnByPerson | Event::WithdrawnByOperator | Event::ServiceResumed { .. } => Recorded::Withdrawn,
        Event::StopAsked | Event::Held | Event::Doubted => Recorded::Held,
        Event::ChallengeBounced => Recorded::LetterBounced,
        Event::Woken { wake, .. } => woken(*wake),
        Event::Begun | Event::Continued { .. } | Event::KeepingEnded { .. } => Recorded::Intent,
        Event::Erased { waiting: true, .. } => Recorded::Awaited,
        // What came back while it waited for others is erased, or stays; it waits on.
        Event::ErasedAgain | Event::LeftAlone if before.waits => Recorded::Awaited,
        Event::Erased { .. } | Event::RecipientsDone | Event::ErasedAgain | Event::LeftAlone => Recorded::Completed,
        Event::RecipientStuck => Recorded::ReviewAsked,
        Event::StepFailed => Recorded::StepFailed,
        Event::CameBack => Recorded::Reopened,
        Event::PutRight | Event::Replaced => Recorded::PutRight,
        Event::Released | Event::ReleasedByPerson => Recorded::Released,
        Event::Extended { .. } => Recorded::Extended,
        Event::RefusedByOperator => Recorded::Refused,
    }
}

const fn woken(wake: Wake) -> Recorded {
    match wake {
        Wake::Remind | Wake::DueSoon | Wake::NoticeDue | Wake::ReviewDue => Recorded::Reminded,
        Wake::Expire => Recorded::Expired,
        Wake::ApprovalLapse | Wake::HoldLapse => Recorded::ReviewAsked,
        Wake::GraceEnd => Recorded::Scheduled,
    }
}
