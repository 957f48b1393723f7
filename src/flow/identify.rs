//! Finds out who asks and for what: the directory, the authority table, and the plan of each scope that is offered.
//!
//! Nothing is asked of the outside world inside a transaction: first all questions, then one write.

use crate::breakpoint;
use crate::db::requests::{self, Bindings, Stored};
use crate::db::{Tx, challenges, jobs, letters};
use crate::domain::request::{Event, Origin, ReviewReason};
use crate::domain::{Language, LetterKind, RequestId, Role, Scope, State, Timestamp};
use crate::erase::{Target, plan, preview};
use crate::queue::Lease;
use crate::trail::Actor;
use crate::verify::{Membership, Rule};

use super::advance::advance;
use super::error::FlowError;
use super::facts::{Contact, Named, Offered, Opening, Subject};
use super::house::House;
use super::kinds::ASKED_LATELY;
use super::open::language_on_file;
use super::whom::{self, Asker, Wish};
use super::{challenge, erase, safe, several, standing, termination, whose};

/// What the questions came to.
pub(super) enum Finding {
    /// Nobody by the one address that definitely asks for an erasure.
    Stranger,
    /// A person must look; the rule is what the authority table said, where it was asked, and the cause what stood in
    /// the way of an offer.
    Review {
        reason: ReviewReason,
        reachable: bool,
        rule: Option<Rule>,
        contact: Contact,
        subject: Subject,
        cause: Option<Box<FlowError>>,
    },
    /// The owner is told.
    Forward { role: Role, contact: Contact, subject: Subject },
    /// The asker is challenged.
    Challenge { role: Role, approval: bool, contact: Contact, subject: Subject, digests: Vec<(Scope, [u8; 32])> },
}

/// How many periods of "one challenge per address" a request waits for its turn before a person looks at it.
const TURNS_MAX: u32 = 3;

/// Identifies a request that was just opened or put right.
pub(super) async fn identify(house: &House, lease: &Lease) -> Result<(), FlowError> {
    let id = super::request_of(lease)?;
    let mut tx = house.db.read().await?;
    let stored = requests::load(&mut tx, id).await?.ok_or(FlowError::Missing("the request of an identifying job"))?;
    if stored.request.state != State::Received {
        drop(tx);
        return super::complete(house, lease).await;
    }
    if stored.request.origin == Origin::Termination {
        drop(tx);
        return termination::identify(house, lease, &stored).await;
    }
    let opening = safe::opening(house, &mut tx, &stored.request).await?;
    let known = safe::subject(house, &mut tx, &stored.request).await?;
    let moves = stored.request.moves;
    drop(tx);

    let several = several::of(house, &opening, &known).await?;
    let opening = several.as_ref().and_then(|several| several.openings.first()).unwrap_or(&opening);
    let (finding, language) = ask(house, opening, known, stored.request.language).await?;
    breakpoint!("identify.found");
    let mut tx = house.db.write().await?;
    let mut stored =
        requests::load(&mut tx, id).await?.ok_or(FlowError::Missing("the request of an identifying job"))?;
    if stored.request.moves != moves {
        // Perhaps it was paused and let go on meanwhile, and another job asks.
        return Err(FlowError::Moved);
    }
    if let Some(several) = &several {
        several::split(house, &mut tx, &stored, several).await?;
    }
    requests::set_language(&mut tx, &mut stored.request, language).await?;
    match write(house, &mut tx, &stored, finding).await? {
        Some(turn) => {
            jobs::note_reason(&mut tx, lease.held(), ASKED_LATELY).await?;
            jobs::snooze_in(&mut tx, lease, turn).await?;
        }
        None => jobs::complete_in(&mut tx, lease).await?,
    }
    tx.commit().await?;
    breakpoint!("identify.committed");
    Ok(())
}

/// All questions to the outside, and the language of what we write then.
pub(super) async fn ask(
    house: &House,
    opening: &Opening,
    known: Subject,
    language: Language,
) -> Result<(Finding, Language), FlowError> {
    if opening.rest && known.account.is_none() && known.scope_set.is_none() {
        return Ok((nobody_asked(known, ReviewReason::ManyAddresses), language));
    }
    let asker = match asker(house, opening, &known).await? {
        Some(asker) => Some(asker),
        None => owner_set(house, &known).await?,
    };
    let Some(asker) = asker else { return Ok((nobody(opening, known), language)) };
    let language = language_on_file(asker.membership.locale.as_deref(), language);
    Ok((find(house, opening, &known, &asker).await?, language))
}

/// The membership that asks: of the one address that the request is about, or of the sender, or else of the first claimed address
/// that the directory knows.
async fn asker(house: &House, opening: &Opening, known: &Subject) -> Result<Option<Asker>, FlowError> {
    let claimed = opening.from.iter().chain(opening.addresses.iter().take(house.intake_limits.addresses_max));
    let claimed: Vec<&str> = match &opening.asks_as {
        Some(address) => vec![address],
        None => claimed.map(String::as_str).collect(),
    };
    let said = whose::Said { account: known.account.as_deref(), scope: known.scope_set };
    let Some(on_file) = whose::address(&*house.directory, &claimed, said).await? else { return Ok(None) };
    // As which of them the letter asks nobody can tell: without an account it goes to a person in `find`.
    let account = if on_file.is_one() { on_file.first.account.clone() } else { String::new() };
    let membership = Membership { account, ..on_file.first };
    Ok(Some(Asker { membership, known_by: Some(on_file.address) }))
}

/// The owner of the account that an operator set, where no claimed address is on file: theirs is, and it is asked.
async fn owner_set(house: &House, known: &Subject) -> Result<Option<Asker>, FlowError> {
    // An account that was found by a user or end-user is theirs to ask about, and not the owner's.
    let by_operator = known.asker.as_ref().is_none_or(|(role, _)| *role == Role::Owner);
    let Some(account) = known.account.as_ref().filter(|_| by_operator) else { return Ok(None) };
    let Some(owner) = house.directory.owner(account).await? else { return Ok(None) };
    Ok(owner.address_on_file.map(|address_on_file| Asker {
        membership: Membership {
            account: owner.account,
            role: owner.role,
            person_key: owner.key,
            address_on_file,
            locale: owner.locale,
            changed_at: None,
        },
        known_by: None,
    }))
}

/// Nobody who asks is on file. Only one who definitely asks, by one address and for themself, is a stranger; whatever
/// was passed on, could not be read, or was in an operator's hand may be somebody's, and a person looks.
fn nobody(opening: &Opening, known: Subject) -> Finding {
    let definite = opening.intent.is_some_and(|intent| intent.is_erasure());
    let touched = known.account.is_some() || known.scope_set.is_some();
    if definite
        && !opening.suspected
        && opening.from.is_some()
        && !touched
        && !opening.machine_written
        && !opening.passed_on
    {
        return Finding::Stranger;
    }
    let reason = match () {
        () if opening.suspected && !touched => ReviewReason::Suspected,
        () if definite || touched => ReviewReason::NoAddressOnFile,
        () if opening.attached => ReviewReason::AttachedOnly,
        () => ReviewReason::UnclearLetter,
    };
    let is_nobodys = reason == ReviewReason::NoAddressOnFile && opening.from.is_none();
    let cause = is_nobodys.then(|| Box::new(FlowError::Unusable(no_sender(opening))));
    Finding::Review { reason, reachable: false, rule: None, contact: Contact::default(), subject: known, cause }
}

/// Why no address of a sender was looked up.
const fn no_sender(opening: &Opening) -> &'static str {
    if opening.several_senders {
        "the letter has several From headers, or several addresses in one: who of them wrote it nobody can tell, and none was looked up; \
         'requests account REF ID' says whose it is"
    } else {
        "the letter has no From header with an address, so that none was looked up; 'requests account REF ID' says whose it is"
    }
}

/// A person looks at what nobody was asked about.
fn nobody_asked(subject: Subject, reason: ReviewReason) -> Finding {
    Finding::Review { reason, reachable: false, rule: None, contact: Contact::default(), subject, cause: None }
}

async fn find(house: &House, opening: &Opening, known: &Subject, asker: &Asker) -> Result<Finding, FlowError> {
    let membership = &asker.membership;
    let role = membership.role;
    let contact = Contact { asker: Some(membership.address_on_file.clone()), ..Contact::default() };
    let subject = Subject {
        account: Some(membership.account.clone()).filter(|account| !account.is_empty()),
        asker: Some((role, membership.person_key.clone())),
        scope_set: known.scope_set,
        target_set: known.target_set.clone(),
        categories_set: known.categories_set.clone(),
        agreed: known.agreed.clone(),
        ..Subject::default()
    };
    // Who wrote by machine is not answered, and an owner whom an operator found has not written: nobody to reach.
    let suspected = known.scope_set.is_none() && opening.suspected;
    let reachable = !opening.machine_written && !suspected && asker.known_by.is_some();
    let by_rule =
        |rule, reason, contact, subject| Ok(Finding::Review { reason, reachable, rule, contact, subject, cause: None });
    let review = |reason, contact, subject| by_rule(None, reason, contact, subject);
    let Some(account) = subject.account.clone() else {
        // What an operator set of it already stays set.
        let subject = Subject { account: known.account.clone(), ..subject };
        return review(ReviewReason::SeveralAccounts, contact, subject);
    };
    let owner = house.directory.owner(&account).await?;
    let contact = Contact {
        owner: owner.as_ref().and_then(|owner| owner.address_on_file.clone()),
        owner_language: owner.as_ref().and_then(|owner| Language::from_locale(owner.locale.as_deref()?)),
        ..contact
    };
    let subject = Subject { approver: owner.map(|owner| owner.key), ..subject };
    if suspected {
        return review(ReviewReason::Suspected, contact, subject);
    }
    if known.scope_set.is_none() && opening.machine_written {
        return review(ReviewReason::UnclearLetter, contact, subject);
    }
    if known.scope_set.is_none() && opening.attached {
        return review(ReviewReason::AttachedOnly, contact, subject);
    }
    if known.scope_set.is_none() && opening.asks_for_copy {
        return review(ReviewReason::OtherRight, contact, subject);
    }
    if known.scope_set.is_none() && opening.limited {
        return review(ReviewReason::Limited, contact, subject);
    }
    // Whoever is joined to the one who was read would be told that all was done. Who has read the letter knows.
    if known.scope_set.is_none() && known.target_set.is_none() && opening.more {
        return review(ReviewReason::UnclearTarget, contact, subject);
    }
    let mut wishes = match whom::wishes(house, opening, known, asker).await? {
        Ok(wishes) => wishes,
        Err(reason) => return review(reason, contact, subject),
    };
    // A map whose categories are all needed while the account lives has no "my data" beside it.
    if wishes.len() > 1 && opening.categories.is_empty() && house.general_categories().is_empty() {
        wishes.retain(|wish| wish.scope != Scope::Data);
    }
    let mut offers = Vec::new();
    for wish in &wishes {
        match target(house, opening, known, wish) {
            Some(target) => offers.push((wish.scope, target, wish.label.clone(), wish.named.clone())),
            None => return review(ReviewReason::UnclearTarget, contact, subject),
        }
    }
    let reviewed = known.scope_set.is_some();
    let mut rules = wishes.iter().map(|wish| match reviewed {
        true => house.authority.rule_once_reviewed(role, wish.scope, wish.whom),
        false => house.authority.rule(role, wish.scope, wish.whom),
    });
    let rule = rules.next().unwrap_or(Rule::Review);
    if rules.any(|other| other != rule) {
        return review(ReviewReason::Policy, contact, subject);
    }
    let subject = Subject { asker_label: Some(label_of(house, membership).await?), ..subject };
    match rule {
        Rule::Review => by_rule(Some(rule), ReviewReason::Policy, contact, subject),
        Rule::ForwardToOwner | Rule::ChallengeThenOwnerApproval if contact.owner.is_none() => {
            by_rule(Some(rule), ReviewReason::NoAddressOnFile, contact, subject)
        }
        Rule::ForwardToOwner => Ok(Finding::Forward { role, contact, subject }),
        Rule::Challenge | Rule::ChallengeThenOwnerApproval
            if standing::changed_lately(house, membership.changed_at) =>
        {
            by_rule(Some(rule), ReviewReason::ChangedLately, contact, subject)
        }
        Rule::Challenge | Rule::ChallengeThenOwnerApproval => {
            let approval = rule == Rule::ChallengeThenOwnerApproval;
            let (rule, before) = (Some(rule), subject.clone());
            match offer(house, subject, offers).await {
                Ok((subject, digests)) => Ok(Finding::Challenge { role, approval, contact, subject, digests }),
                // What is wrong is no fault of who asks: they hear that a person looks at it.
                Err(error) => match error.cause() {
                    Some(reason) => {
                        let cause = Some(Box::new(error));
                        Ok(Finding::Review { reason, reachable, rule, contact, subject: before, cause })
                    }
                    None => Err(error),
                },
            }
        }
    }
}

/// Plans each scope and counts what it would erase: what is offered, with the digests.
pub(super) async fn offer(
    house: &House,
    mut subject: Subject,
    offers: Vec<(Scope, Target, Option<String>, Option<Named>)>,
) -> Result<(Subject, Vec<(Scope, [u8; 32])>), FlowError> {
    let mut digests = Vec::new();
    for (scope, target, label, named) in offers {
        let skeleton = plan(&house.map, &target)?;
        digests.push((scope, skeleton.digest));
        let now = house.clock.now();
        let limits = subject.limits(&skeleton.digest, house.erase_limits, house.drift_limits());
        let preview = preview(&house.map, &house.stores, skeleton, limits, now).await?;
        let counts = preview.rows.iter().map(|row| row.rows).collect();
        subject.offers.push(Offered { scope, target, label, named, counts });
    }
    Ok((subject, digests))
}

/// The root of the plan for a wish; `None` where the map has no such subject.
fn target(house: &House, opening: &Opening, known: &Subject, wish: &Wish) -> Option<Target> {
    let categories = match wish.scope {
        Scope::Data if !known.categories_set.is_empty() => known.categories_set.clone(),
        Scope::Data if opening.categories.is_empty() => house.general_categories(),
        Scope::Data => opening.categories.clone(),
        _ => Vec::new(),
    };
    house.target(wish.scope, &wish.kind, &wish.key, categories)
}

/// How the letters to the owner call the asker.
async fn label_of(house: &House, asker: &Membership) -> Result<String, FlowError> {
    let found = house.directory.target(&asker.account, &asker.address_on_file).await?;
    let person = found.into_iter().find(|person| person.role == asker.role && person.key == asker.person_key);
    Ok(person.map_or_else(|| asker.address_on_file.clone(), |person| whom::label(&person)))
}

/// Writes what the questions came to; answers when to ask again, where it is not this letter's turn yet.
async fn write(house: &House, tx: &mut Tx, stored: &Stored, finding: Finding) -> Result<Option<Timestamp>, FlowError> {
    queue_up(house, tx, stored, &finding).await?;
    let finding = match turn(house, tx, stored.request.id, stored.request.deadlines.received_at, finding).await? {
        Turn::Waits(until) => return Ok(Some(until)),
        Turn::Now(finding) => *finding,
    };
    let Some((contact, subject)) = finding.about() else {
        let event = event_of(house, tx, &finding).await?;
        advance(house, tx, stored, &event, stored.bindings.clone(), Actor::PROGRAM).await?;
        return Ok(None);
    };
    safe::put_contact(house, tx, &stored.request, contact).await?;
    safe::put_subject(house, tx, &stored.request, subject).await?;
    let account_mac = subject.account.as_deref().map(|account| house.keys.account_mac(account));
    let bindings = Bindings { account_mac, ..stored.bindings.clone() };
    if let Finding::Review { reason, cause: Some(cause), .. } = &finding {
        erase::note_failure(house, tx, stored, reason.as_str(), cause).await?;
    }
    let event = event_of(house, tx, &finding).await?;
    let moved = advance(house, tx, stored, &event, bindings, Actor::PROGRAM).await?;
    if let (Finding::Challenge { digests, .. }, Some(address)) = (&finding, &contact.asker) {
        challenge::ask_asker(house, tx, &moved.request, subject, digests, address, moved.updated_at).await?;
    }
    Ok(None)
}

impl Finding {
    /// The address whose turn it must be, and for which letter.
    pub(super) fn asks(&self) -> Option<(&str, LetterKind)> {
        match self {
            Self::Forward { contact, .. } => Some((contact.asker.as_deref()?, LetterKind::Forwarded)),
            Self::Challenge { contact, .. } => Some((contact.asker.as_deref()?, LetterKind::Challenge)),
            Self::Stranger | Self::Review { .. } => None,
        }
    }

    /// What the authority table said of it, where it was asked.
    pub(super) const fn rule(&self) -> Option<Rule> {
        match self {
            Self::Stranger => None,
            Self::Review { rule, .. } => *rule,
            Self::Forward { .. } => Some(Rule::ForwardToOwner),
            Self::Challenge { approval: true, .. } => Some(Rule::ChallengeThenOwnerApproval),
            Self::Challenge { approval: false, .. } => Some(Rule::Challenge),
        }
    }

    /// Whom it is about; nobody where the directory knows none of the addresses.
    pub(super) const fn about(&self) -> Option<(&Contact, &Subject)> {
        match self {
            Self::Stranger => None,
            Self::Review { contact, subject, .. }
            | Self::Forward { contact, subject, .. }
            | Self::Challenge { contact, subject, .. } => Some((contact, subject)),
        }
    }

    /// The same for a person, because the address had its letters too often lately.
    fn too_often(self) -> Self {
        let rule = self.rule();
        match self {
            Self::Forward { contact, subject, .. } | Self::Challenge { contact, subject, .. } => {
                let reason = ReviewReason::AskedOften;
                Self::Review { reason, reachable: true, rule, contact, subject, cause: None }
            }
            other => other,
        }
    }
}

/// The event that a finding moves its request by.
pub(super) async fn event_of(house: &House, tx: &mut Tx, finding: &Finding) -> Result<Event, FlowError> {
    Ok(match finding {
        Finding::Stranger => Event::Stranger,
        Finding::Review { reason, reachable, contact, .. } => {
            let told = told_until(house, tx, contact, LetterKind::InReview).await?.is_some();
            Event::Unclear { reason: *reason, reachable: *reachable && contact.asker.is_some(), quiet: told }
        }
        Finding::Forward { role, .. } => Event::ForwardToOwner { role: *role },
        Finding::Challenge { role, approval, digests, .. } => {
            let offered = digests.iter().map(|(scope, _)| *scope).collect();
            Event::Identified { role: *role, offered, approval: *approval }
        }
    })
}

/// Stands in line for the address that would get a letter: whoever looks at its turn next sees this request.
async fn queue_up(house: &House, tx: &mut Tx, stored: &Stored, finding: &Finding) -> Result<(), FlowError> {
    let Some((contact, _)) = finding.about() else { return Ok(()) };
    let Some(address) = &contact.asker else { return Ok(()) };
    let mac = house.keys.lookup_mac(address);
    challenges::take_turn(tx, &mac).await?;
    let owner = contact.owner.as_deref().map(|owner| house.keys.lookup_mac(owner));
    Ok(requests::set_contact(tx, stored.request.id, &mac, owner).await?)
}

/// Whether it is a request's turn.
pub(super) enum Turn {
    /// It is; what is written then.
    Now(Box<Finding>),
    /// It waits.
    Waits(Timestamp),
}

/// One challenge per address and period, and one word to the owner: who writes in somebody's name cannot flood them,
/// and cannot shut them out either, because what is not its turn waits for it.
pub(super) async fn turn(
    house: &House,
    tx: &mut Tx,
    request: RequestId,
    received_at: Timestamp,
    finding: Finding,
) -> Result<Turn, FlowError> {
    let until = match &finding {
        Finding::Forward { contact, .. } => told_until(house, tx, contact, LetterKind::Forwarded).await?,
        Finding::Challenge { contact: Contact { asker: Some(address), .. }, .. } => {
            let last = challenges::last_of_address(tx, &house.keys.lookup_mac(address), request).await?;
            still_closed(house, last)
        }
        _ => None,
    };
    Ok(match until {
        Some(until) if in_time(house, received_at, until) => Turn::Waits(until),
        Some(_) => Turn::Now(Box::new(finding.too_often())),
        None => Turn::Now(Box::new(finding)),
    })
}

/// Until when no further letter of this kind is written because of this address.
async fn told_until(
    house: &House,
    tx: &mut Tx,
    contact: &Contact,
    kind: LetterKind,
) -> Result<Option<Timestamp>, FlowError> {
    let Some(address) = &contact.asker else { return Ok(None) };
    let last = letters::last_of_contact(tx, &house.keys.lookup_mac(address), kind).await?;
    Ok(still_closed(house, last))
}

fn still_closed(house: &House, last: Option<Timestamp>) -> Option<Timestamp> {
    last.map(|last| last.plus(house.config.challenge.per_address)).filter(|turn| *turn > house.clock.now())
}

/// Whether a request that waits for this turn leaves time to answer.
fn in_time(house: &House, received_at: Timestamp, turn: Timestamp) -> bool {
    turn <= received_at.plus(house.config.challenge.per_address * TURNS_MAX)
}
