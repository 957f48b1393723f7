//! What the support team may do with a request. The command line and the console call these and nothing else.
//!
//! No single operator makes an authority: a request that was put right goes through the challenge like any other, and
//! only two operators with evidence stand in for the answer, one who records it and another who approves it. Every act
//! is in the trail with the actor's pseudonym.

use crate::db::requests::{self, Bindings, Stored};
use crate::db::{Tx, challenges, evidence, sealed};
use crate::domain::request::{Event, Request, Wake, Warrant};
use crate::domain::{Reference, Scope, State};
use crate::erase::plan;
use crate::trail::{Actor, Event as Recorded, Fact, Facts, PrivateFacts};
use crate::vault::{KeyPurpose, Pseudonym};
use crate::verify::{Addressee, Endorsed, EvidenceRecord, Hand, Person, ProofKind, Vouched};

use super::advance::{advance, enqueue, wake_job};
use super::error::FlowError;
pub use super::facts::{ExtensionGround, Refusal};
use super::house::House;
use super::{answer, challenge, completion, note, open, promise, safe, termination};

/// Somebody of the team, by the name that the operating system knows.
pub struct Operator {
    actor: Actor,
    pseudonym: Pseudonym,
    /// Who they are, and may be.
    hand: Hand,
}

impl Operator {
    /// An operator by login name; only the pseudonym is kept.
    #[must_use]
    pub fn named(house: &House, login: &str) -> Self {
        Self::of(house, login, login, &[])
    }

    /// An operator who goes by this name in the trail, and is this user of the system ("root for anna" is root). `claimed` are
    /// the names that the environment has for them besides.
    #[must_use]
    pub fn of(house: &House, name: &str, person: &str, claimed: &[String]) -> Self {
        let pseudonym = house.keys.pseudonym(name);
        Self {
            actor: Actor::operator(pseudonym),
            pseudonym,
            hand: Hand {
                person: house.keys.pseudonym(person),
                claimed: claimed.iter().map(|name| house.keys.pseudonym(name)).collect(),
            },
        }
    }

    /// What is kept of their name.
    pub(super) const fn pseudonym(&self) -> Pseudonym {
        self.pseudonym
    }

    /// How the trail names them.
    #[must_use]
    pub const fn actor(&self) -> Actor {
        self.actor
    }
}

/// The request that people call so.
///
/// # Errors
/// [`FlowError::Missing`] where there is none.
pub async fn find(tx: &mut Tx, reference: &Reference) -> Result<Stored, FlowError> {
    requests::by_reference(tx, reference).await?.ok_or(FlowError::Missing("a request with this reference"))
}

/// Characters of what an operator writes.
const WORDS_MAX: usize = 10_000;

/// What an operator wrote, trimmed.
pub(super) fn words<'a>(given: &'a str, what: &'static str) -> Result<&'a str, FlowError> {
    let given = given.trim();
    if given.is_empty() {
        return Err(FlowError::Blank(what));
    }
    if given.chars().count() > WORDS_MAX {
        return Err(FlowError::Unusable("the text is longer than 10,000 characters: say it shorter"));
    }
    Ok(given)
}

/// The same of what a letter tells in one paragraph, as it is written.
fn letter_words<'a>(given: &'a str, what: &'static str) -> Result<&'a str, FlowError> {
    let given = words(given, what)?;
    if given.chars().any(char::is_control) {
        return Err(FlowError::Unusable(
            "the reason has line breaks, which the letter cannot carry: write it as one paragraph",
        ));
    }
    if given.chars().count() > 1_000 {
        return Err(FlowError::Unusable("the reason is longer than 1,000 characters, too long for the letter"));
    }
    Ok(given)
}

/// What an operator does to a request without more to say than why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Pauses it (a legal hold, a question).
    Hold,
    /// Lets a paused one go on.
    Release,
    /// Withdraws it on the person's behalf.
    Withdraw,
}

/// Whether a letter about a request reaches whoever asked: there is somebody to write to, and an address on file for them.
///
/// # Errors
/// When our database does not answer.
pub async fn is_reachable(house: &House, request: &Request) -> Result<bool, FlowError> {
    let mut tx = house.db.read().await?;
    let contact = unless_forgotten(safe::contact(house, &mut tx, request).await)?;
    Ok(request.reachable && contact.asker.is_some())
}

/// Does it. The reason is sealed like a note, and the trail commits to it.
///
/// # Errors
/// [`FlowError::Illegal`] once erasing has begun, and for a release where it is not paused; a reason of blanks.
pub async fn act(
    house: &House,
    reference: &Reference,
    operator: &Operator,
    act: Act,
    reason: Option<&str>,
) -> Result<Stored, FlowError> {
    let reason = reason.map(|given| words(given, "a reason")).transpose()?;
    let event = match act {
        Act::Hold => Event::Held,
        Act::Release => Event::Released,
        Act::Withdraw => Event::WithdrawnByOperator,
    };
    let mut tx = house.db.write().await?;
    let stored = find(&mut tx, reference).await?;
    if act == Act::Withdraw {
        let mut closing = safe::closing(house, &mut tx, &stored.request).await?;
        closing.withdrawn_by_team = true;
        safe::put_closing(house, &mut tx, &stored.request, &closing).await?;
    }
    let moved = advance(house, &mut tx, &stored, &event, stored.bindings.clone(), operator.actor()).await?;
    if let Some(reason) = reason {
        note_in(house, &mut tx, &stored, operator, reason).await?;
    }
    tx.commit().await?;
    Ok(moved)
}

/// Refuses a request with a ground and the article that permits it (Art. 12(4), 17(3) GDPR), where that is known with the
/// categories of data that stay, and the day on which it is looked at again.
///
/// # Errors
/// [`FlowError::Illegal`] once erasing has begun; blank words, an article of no refusal, a category that no data map has, a day
/// that has passed.
pub async fn refuse(
    house: &House,
    reference: &Reference,
    operator: &Operator,
    refusal: Refusal,
) -> Result<Stored, FlowError> {
    let ground = words(&refusal.ground, "a ground")?.to_owned();
    let articles = &house.config.law.pack.articles;
    let article = articles
        .refusing(words(&refusal.article, "an article")?)
        .ok_or_else(|| FlowError::NoSuchArticle { known: articles.refusals.join(", ") })?;
    let known = house.map.categories();
    if refusal.data.iter().any(|category| !known.contains(&category.as_str())) {
        return Err(no_such_category(&known));
    }
    if refusal.review_on.is_some_and(|day| day <= house.calendar.day(house.clock.now())) {
        return Err(FlowError::Unusable("the day of the review has passed"));
    }
    let mut tx = house.db.write().await?;
    let stored = find(&mut tx, reference).await?;
    let review_on = refusal.review_on;
    let mut closing = safe::closing(house, &mut tx, &stored.request).await?;
    closing.refusal = Some(Refusal { ground, article, ..refusal });
    safe::put_closing(house, &mut tx, &stored.request, &closing).await?;
    let bindings = stored.bindings.clone();
    let moved = advance(house, &mut tx, &stored, &Event::RefusedByOperator, bindings, operator.actor()).await?;
    if let Some(day) = review_on {
        // The letter promises it: the team hears of it when the day begins.
        let begins = house.calendar.end_of(day.saturating_sub(jiff::Span::new().days(1)));
        let wake = wake_job(&moved.request, Wake::ReviewDue, begins);
        enqueue(house, &mut tx, wake, house.clock.now()).await?;
    }
    tx.commit().await?;
    Ok(moved)
}

/// Extends the period with a reason that the person is told (Art. 12(3) GDPR).
///
/// # Errors
/// [`FlowError::Broken`] with what stands against it: too late, extended before, not in this law.
pub async fn extend(
    house: &House,
    reference: &Reference,
    operator: &Operator,
    (ground, reason): (ExtensionGround, &str),
) -> Result<Stored, FlowError> {
    let reason = letter_words(reason, "the reason that the letter tells the person (--reason)")?;
    let mut tx = house.db.write().await?;
    let stored = find(&mut tx, reference).await?;
    let extended = stored
        .request
        .deadlines
        .extend(house.clock.now(), &house.config.law.pack, &house.calendar)
        .map_err(FlowError::Extension)?;
    let mut closing = safe::closing(house, &mut tx, &stored.request).await?;
    closing.extension_reason = Some(reason.to_owned());
    closing.extension_ground = Some(ground);
    safe::put_closing(house, &mut tx, &stored.request, &closing).await?;
    let event = Event::Extended { deadlines: extended };
    let moved = advance(house, &mut tx, &stored, &event, stored.bindings.clone(), operator.actor()).await?;
    tx.commit().await?;
    Ok(moved)
}

/// What an operator sets of a request in review; at least one of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Correction {
    /// How much is asked for.
    pub scope: Option<Scope>,
    /// In which account, by the directory's id.
    pub account: Option<String>,
    /// About whom, by an address, id, number or name that the directory finds one person of the account by.
    pub target: Option<String>,
    /// Which categories of the data maps are meant; with the scope data. Empty: as the letter says.
    pub categories: Vec<String>,
}

/// Puts a request in review right; it is identified anew and goes through the challenge. For one that ended because nobody
/// by its address was found, for one that only rows call erased, and for one whose saved keys were destroyed, a new request is
/// opened from its letter as long as that is kept: the answer is the new one. What has ended does not open again: what permitted
/// it ended with it, and the steps that rows wrote of it would be taken for done.
///
/// # Errors
/// [`FlowError::Illegal`] where it is not in review; [`FlowError::NotFound`] for an account or a person that the
/// directory does not know; [`FlowError::KeyDestroyed`] where the letter was forgotten.
pub async fn correct(
    house: &House,
    reference: &Reference,
    operator: &Operator,
    correction: Correction,
) -> Result<Stored, FlowError> {
    check_end(house, reference, &correction).await?;
    let Correction { scope, account, target, categories } = correction;
    let account = account.as_deref().map(|given| words(given, "an account")).transpose()?;
    let target = target.as_deref().map(|given| words(given, "a person (--target)")).transpose()?;
    known_categories(house, scope, &categories)?;
    // A slip here would have the request end as one of a stranger, or come back to review.
    if let Some(account) = account
        && house.directory.owner(account).await?.is_none()
    {
        return Err(FlowError::NotFound("account with this id, and an owner, in the directory"));
    }
    if let Some(target) = target {
        if scope == Some(Scope::Account) {
            return Err(FlowError::Unusable("the scope account is the whole account: --target names one person of it"));
        }
        let known = match account {
            Some(account) => Some(account.to_owned()),
            None => known_account(house, reference).await?,
        };
        let known = known.ok_or(FlowError::Unusable(
            "--target is looked for in one account, and the request has none yet: name that too, with --account ID",
        ))?;
        one_person(&house.directory.target(&known, target).await?)?;
    }
    put_right(house, reference, operator, |subject| {
        let other_account = account.is_some_and(|account| subject.account.as_deref() != Some(account));
        // By the same words another account would know somebody else.
        let before = subject.target_set.take().filter(|_| !other_account);
        subject.target_set = target.map(str::to_owned).or(before);
        if scope.is_some() {
            subject.categories_set = categories;
        }
        subject.scope_set = scope.or(subject.scope_set);
        subject.account = account.map(str::to_owned).or(subject.account.take());
    })
    .await
}

/// Whether all of it may be set, where the end of a service opened the request.
async fn check_end(house: &House, reference: &Reference, correction: &Correction) -> Result<(), FlowError> {
    let account = known_account(house, reference).await?;
    let mut tx = house.db.read().await?;
    termination::may_be(&find(&mut tx, reference).await?, account.as_deref(), correction)
}

fn known_categories(house: &House, scope: Option<Scope>, categories: &[String]) -> Result<(), FlowError> {
    if !categories.is_empty() && scope != Some(Scope::Data) {
        return Err(FlowError::Broken("categories go with the scope data: every other scope has all of them"));
    }
    let known = house.map.categories();
    match categories.iter().all(|category| known.contains(&category.as_str())) {
        true => Ok(()),
        false => Err(no_such_category(&known)),
    }
}

fn no_such_category(known: &[&str]) -> FlowError {
    FlowError::NoSuchCategory { known: known.join(", ") }
}

async fn known_account(house: &House, reference: &Reference) -> Result<Option<String>, FlowError> {
    let mut tx = house.db.read().await?;
    let stored = find(&mut tx, reference).await?;
    Ok(safe::subject(house, &mut tx, &stored.request).await?.account)
}

fn one_person(found: &[Person]) -> Result<(), FlowError> {
    let [first, others @ ..] = found else {
        return Err(FlowError::NotFound("person of the account whom the directory finds by --target"));
    };
    if others.iter().any(|other| (other.role, &other.key) != (first.role, &first.key)) {
        return Err(FlowError::Unusable(
            "--target finds several people of the account: name one by their address or id",
        ));
    }
    Ok(())
}

async fn put_right(
    house: &House,
    reference: &Reference,
    operator: &Operator,
    change: impl FnOnce(&mut super::facts::Subject),
) -> Result<Stored, FlowError> {
    let mut tx = house.db.write().await?;
    let stored = find(&mut tx, reference).await?;
    let mut subject = safe::subject(house, &mut tx, &stored.request).await?;
    change(&mut subject);
    let comes_to_nothing = comes_to_nothing(house, &mut tx, &stored).await?;
    if stored.request.state == State::NotFound || comes_to_nothing {
        let anew = open::anew(house, &mut tx, &stored, &subject, operator.actor()).await?;
        if comes_to_nothing {
            let bindings = stored.bindings.clone();
            advance(house, &mut tx, &stored, &Event::Replaced, bindings, operator.actor()).await?;
        }
        tx.commit().await?;
        return Ok(anew);
    }
    safe::put_subject(house, &mut tx, &stored.request, &subject).await?;
    // What was vouched for was another wish.
    evidence::delete(&mut tx, stored.request.id).await?;
    let bindings = Bindings { asker_mac: stored.bindings.asker_mac, ..Bindings::default() };
    let moved = advance(house, &mut tx, &stored, &Event::PutRight, bindings, operator.actor()).await?;
    termination::taken_up(house, &mut tx, &moved.request).await?;
    tx.commit().await?;
    Ok(moved)
}

/// Whether a request can come to no true end: only rows call it erased, or the saved keys of its erasing are gone.
async fn comes_to_nothing(house: &House, tx: &mut Tx, stored: &Stored) -> Result<bool, FlowError> {
    if stored.request.state == State::Erasing {
        return Ok(!safe::has_key(house, tx, stored.request.case, KeyPurpose::Replay).await?);
    }
    match completion::check(house, tx, stored).await {
        Err(FlowError::ForgedCompletion(_)) => Ok(true),
        other => other.map(|()| false),
    }
}

/// What an approval came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Approval {
    /// The evidence is recorded; another operator must approve it.
    Recorded,
    /// A second operator approved: the request is scheduled like any confirmed one.
    Approved,
    /// A second operator approved what stands for the asker's word; the owner is asked like after any confirmation.
    OwnerNext,
}

/// Records that a person was verified by other means where evidence is given (it replaces what was recorded before),
/// and approves what another operator recorded where none is.
///
/// # Errors
/// [`FlowError::Evidence`] where the same operator does both; [`FlowError::Missing`] where nothing was offered yet, or
/// recorded.
pub async fn approve(
    house: &House,
    reference: &Reference,
    operator: &Operator,
    evidence_given: Option<(ProofKind, &str)>,
) -> Result<Approval, FlowError> {
    let mut tx = house.db.write().await?;
    let stored = find(&mut tx, reference).await?;
    if !stored.request.takes_evidence() {
        return Err(FlowError::Broken(
            "evidence stands for an answer to our question: have it identified first, with 'requests scope' or 'requests account'",
        ));
    }
    let done = match evidence_given {
        Some(given) => record_evidence(house, &mut tx, &stored, operator, given).await?,
        None => {
            let missing = || FlowError::Missing("evidence (--proof and --evidence: how the person was verified)");
            let record = evidence::load(&mut tx, stored.request.id).await?.ok_or_else(missing)?;
            approve_evidence(house, &mut tx, &stored, operator, &record).await?
        }
    };
    tx.commit().await?;
    Ok(done)
}

/// Whose word the request waits for now, and its round.
fn step_of(stored: &Stored) -> (Addressee, u32) {
    let request = &stored.request;
    let approval = request.ask.as_ref().is_some_and(|ask| ask.approval);
    let addressee = match approval {
        _ if request.waits_for_owner() => Addressee::ApprovingOwner,
        true => Addressee::AskerBeforeOwner,
        false => Addressee::Asker,
    };
    (addressee, request.round)
}

async fn record_evidence(
    house: &House,
    tx: &mut Tx,
    stored: &Stored,
    operator: &Operator,
    (proof, seen): (ProofKind, &str),
) -> Result<Approval, FlowError> {
    let seen = words(seen, "what was seen or heard")?;
    let request = &stored.request;
    let subject = safe::subject(house, tx, request).await?;
    let confirmed = request.ask.as_ref().and_then(|ask| ask.scope);
    let offer = match (confirmed, subject.offers.as_slice()) {
        (Some(scope), _) => subject.offer(scope),
        (None, [only]) => Some(only),
        (None, _) => None,
    };
    let offer = offer.ok_or(FlowError::Missing("the one scope that the person means; see 'requests scope'"))?;
    let (addressee, round) = step_of(stored);
    let vouched = Vouched {
        request: request.id,
        account_mac: stored.bindings.account_mac.ok_or(FlowError::Missing("the account of the request"))?,
        plan_digest: plan(&house.map, &offer.target)?.digest,
        addressee,
        round,
        proof,
        note_digest: house.keys.digest(seen.as_bytes()),
    };
    let now = house.clock.now();
    let record = EvidenceRecord::new(vouched, operator.hand.clone(), now, house.keys.gate())?;
    let key = safe::record_key(house, tx, request.case).await?;
    let blob = sealed::put(tx, &key, "evidence", seen.as_bytes(), now, &*house.chance).await?;
    evidence::insert(tx, &record, blob).await?;
    let facts = Facts::new().with("scope", Fact::Word(offer.scope.to_string()))?;
    let private = PrivateFacts::new().with("evidence", seen);
    note::append_private(house, tx, request.case, Recorded::EvidenceRecorded, operator.actor(), facts, private).await?;
    Ok(Approval::Recorded)
}

async fn approve_evidence(
    house: &House,
    tx: &mut Tx,
    stored: &Stored,
    operator: &Operator,
    record: &EvidenceRecord,
) -> Result<Approval, FlowError> {
    let lives = house.terms_with(promise::grace(house, tx, stored.request.id).await?).authority_lives;
    let (gate, now) = (house.keys.gate(), house.clock.now());
    let endorsed = record.approve(&operator.hand, step_of(stored), lives, gate, now, &*house.chance)?;
    let scope = scope_of(house, tx, stored, &record.vouched.plan_digest).await?;
    note::append(house, tx, stored.request.case, Recorded::EvidenceApproved, operator.actor(), Facts::new()).await?;
    evidence::delete(tx, stored.request.id).await?;
    let authority = match endorsed {
        Endorsed::Permitted(authority) => authority,
        Endorsed::OwnerNext => {
            ask_owner(house, tx, stored, operator, scope, record.vouched.plan_digest).await?;
            return Ok(Approval::OwnerNext);
        }
    };
    note::issued(house, tx, stored.request.case, &authority, operator.actor()).await?;
    let bindings = answer::bound_to(&authority, &stored.bindings);
    let warrant = Warrant { authority: authority.id(), expires_at: authority.expires_at() };
    let event = match stored.request.state {
        State::NeedsReview => Event::Vouched { scope, warrant },
        State::AwaitingApproval => Event::Approved { warrant },
        _ => Event::Confirmed { scope, warrant },
    };
    advance(house, tx, stored, &event, bindings, operator.actor()).await?;
    Ok(Approval::Approved)
}

/// The asker is verified, and the owner is asked as after any confirmation.
async fn ask_owner(
    house: &House,
    tx: &mut Tx,
    stored: &Stored,
    operator: &Operator,
    scope: Scope,
    plan_digest: [u8; 32],
) -> Result<(), FlowError> {
    let asked = challenges::load(tx, stored.request.id, stored.request.round).await?;
    let asked = asked.ok_or(FlowError::Missing("the challenge of the request"))?;
    asked.challenge.check(house.keys.gate(), &asked.hmac)?;
    let bindings = Bindings { plan_digest: Some(plan_digest), ..stored.bindings.clone() };
    let event = match stored.request.state {
        State::NeedsReview => Event::VouchedPendingApproval { scope },
        _ => Event::ConfirmedPendingApproval { scope },
    };
    let moved = advance(house, tx, stored, &event, bindings, operator.actor()).await?;
    if moved.request.state != State::AwaitingApproval {
        return Err(FlowError::Broken(
            "no time is left to ask the owner before the due date: see 'requests show' for what was asked, then refuse or withdraw it",
        ));
    }
    challenge::ask_owner(house, tx, &moved.request, &asked, scope, moved.updated_at).await
}

/// Which of the offered scopes has this plan.
async fn scope_of(house: &House, tx: &mut Tx, stored: &Stored, digest: &[u8; 32]) -> Result<Scope, FlowError> {
    for offer in safe::subject(house, tx, &stored.request).await?.offers {
        if plan(&house.map, &offer.target)?.digest == *digest {
            return Ok(offer.scope);
        }
    }
    Err(FlowError::Broken("the plan changed since the evidence was recorded: record it again"))
}

/// Writes a note to a case: sealed, and in the trail as a commitment.
///
/// # Errors
/// When our database does not answer.
pub async fn add_note(house: &House, reference: &Reference, operator: &Operator, note: &str) -> Result<(), FlowError> {
    let note = words(note, "a note")?;
    let mut tx = house.db.write().await?;
    let stored = find(&mut tx, reference).await?;
    note_in(house, &mut tx, &stored, operator, note).await?;
    tx.commit().await?;
    Ok(())
}

async fn note_in(
    house: &House,
    tx: &mut Tx,
    stored: &Stored,
    operator: &Operator,
    note: &str,
) -> Result<(), FlowError> {
    let private = PrivateFacts::new().with("note", note);
    let (case, actor) = (stored.request.case, operator.actor());
    note::append_private(house, tx, case, Recorded::Noted, actor, Facts::new(), private).await
}

/// What a destroyed key sealed is empty, which is no error to somebody who only looks.
pub fn unless_forgotten<T: Default>(found: Result<T, FlowError>) -> Result<T, FlowError> {
    match found {
        Err(FlowError::KeyDestroyed(_)) => Ok(T::default()),
        other => other,
    }
}
