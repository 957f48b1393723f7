//! Finds out who asks and for what: the directory, the authority table, and the plan of each scope that is offered.
//!
//! Nothing is asked of the outside world inside a transaction: first all questions, then one write.

use crate::breakpoint;
use crate::db::requests::{self, Bindings, Stored};
use crate::db::{challenges, jobs};
use crate::domain::request::{Event, ReviewReason};
use crate::domain::{Language, Role, Scope, State};
use crate::erase::{Target, plan, preview};
use crate::intake::Intent;
use crate::queue::Lease;
use crate::trail::Actor;
use crate::verify::{Membership, Person, Rule, Target as Whom};

use super::advance::advance;
use super::error::FlowError;
use super::facts::{Contact, Offered, Opening, Subject};
use super::house::House;
use super::open::language_on_file;
use super::{challenge, safe};

/// What the questions came to.
enum Finding {
    /// Nobody by any claimed address.
    Stranger,
    /// A person must look.
    Review { reason: ReviewReason, reachable: bool, contact: Contact, subject: Subject },
    /// The owner is told.
    Forward { role: Role, contact: Contact, subject: Subject },
    /// The asker is challenged.
    Challenge { role: Role, approval: bool, contact: Contact, subject: Subject, digests: Vec<(Scope, [u8; 32])> },
}

/// Identifies a request that was just opened or put right.
pub(super) async fn identify(house: &House, lease: &Lease) -> Result<(), FlowError> {
    let id = super::request_of(lease)?;
    let mut tx = house.db.read().await?;
    let stored = requests::load(&mut tx, id).await?.ok_or(FlowError::Missing("the request of an identifying job"))?;
    if stored.request.state != State::Received {
        drop(tx);
        return super::complete(house, lease).await;
    }
    let opening = safe::opening(house, &mut tx, &stored.request).await?;
    let known = safe::subject(house, &mut tx, &stored.request).await?;
    drop(tx);

    let asker = asker(house, &opening, &known).await?;
    let (finding, language) = match &asker {
        None => (Finding::Stranger, stored.request.language),
        Some(asker) => (
            find(house, &opening, &known, asker).await?,
            language_on_file(asker.locale.as_deref(), stored.request.language),
        ),
    };
    breakpoint!("identify.found");
    let mut tx = house.db.write().await?;
    let mut stored =
        requests::load(&mut tx, id).await?.ok_or(FlowError::Missing("the request of an identifying job"))?;
    requests::set_language(&mut tx, &mut stored.request, language).await?;
    write(house, &mut tx, &stored, finding).await?;
    jobs::complete_in(&mut tx, lease).await?;
    tx.commit().await?;
    breakpoint!("identify.committed");
    Ok(())
}

/// The membership that asks: of the sender, or else of the first claimed address that the directory knows.
async fn asker(house: &House, opening: &Opening, known: &Subject) -> Result<Option<Membership>, FlowError> {
    let claimed = opening.from.iter().chain(opening.addresses.iter().take(house.intake_limits.addresses_max));
    for address in claimed {
        let mut memberships = house.directory.find(address).await?;
        if let Some(account) = &known.account {
            memberships.retain(|membership| membership.account == *account);
        }
        // The owner's role wins where an address has several; what remains ambiguous goes to a person in `find`.
        memberships.sort_by_key(|membership| membership.role);
        if let Some(first) = memberships.first() {
            let several = memberships.iter().filter(|other| other.account != first.account).count();
            if several > 0 && known.account.is_none() {
                return Ok(Some(Membership { account: String::new(), ..first.clone() }));
            }
            return Ok(Some(first.clone()));
        }
    }
    Ok(None)
}

async fn find(house: &House, opening: &Opening, known: &Subject, asker: &Membership) -> Result<Finding, FlowError> {
    let contact = Contact { asker: Some(asker.address_on_file.clone()), ..Contact::default() };
    let subject = Subject {
        account: Some(asker.account.clone()).filter(|account| !account.is_empty()),
        asker: Some((asker.role, asker.person_key.clone())),
        scope_set: known.scope_set,
        ..Subject::default()
    };
    // Who wrote by machine is not answered, so there is nobody to reach.
    let reachable = !opening.machine_written;
    let review = |reason, contact, subject| Ok(Finding::Review { reason, reachable, contact, subject });
    let Some(account) = subject.account.clone() else {
        return review(ReviewReason::SeveralAccounts, contact, subject);
    };
    let owner = house.directory.owner(&account).await?;
    let contact = Contact {
        owner: owner.as_ref().and_then(|owner| owner.address_on_file.clone()),
        owner_language: owner.as_ref().and_then(|owner| Language::from_locale(owner.locale.as_deref()?)),
        ..contact
    };
    if known.scope_set.is_none() && opening.machine_written {
        return review(ReviewReason::UnclearLetter, contact, subject);
    }
    if known.scope_set.is_none() && opening.asks_for_copy {
        return review(ReviewReason::OtherRight, contact, subject);
    }
    let Some(wishes) = wishes(opening, known, asker.role) else {
        return review(ReviewReason::UnclearLetter, contact, subject);
    };
    let mut offers = Vec::new();
    let mut rules = Vec::new();
    for wish in &wishes {
        let about = match whom(house, opening, asker, *wish).await? {
            Ok(about) => about,
            Err(reason) => return review(reason, contact, subject),
        };
        rules.push(house.authority.rule(asker.role, wish.scope, about.whom));
        match target(house, opening, asker, *wish, &about) {
            Some(target) => offers.push((wish.scope, target, about.label)),
            None => return review(ReviewReason::UnclearTarget, contact, subject),
        }
    }
    let rule = rules.first().copied().unwrap_or(Rule::Review);
    if rules.iter().any(|other| *other != rule) {
        return review(ReviewReason::Policy, contact, subject);
    }
    let asker_label = label_of(house, asker).await?;
    let subject = Subject { asker_label, ..subject };
    match rule {
        Rule::Review => review(ReviewReason::Policy, contact, subject),
        Rule::ForwardToOwner if contact.owner.is_none() => review(ReviewReason::NoAddressOnFile, contact, subject),
        Rule::ForwardToOwner => Ok(Finding::Forward { role: asker.role, contact, subject }),
        Rule::ChallengeThenOwnerApproval if contact.owner.is_none() => {
            review(ReviewReason::NoAddressOnFile, contact, subject)
        }
        Rule::Challenge | Rule::ChallengeThenOwnerApproval => {
            let approval = rule == Rule::ChallengeThenOwnerApproval;
            offer(house, asker.role, approval, contact, subject, offers).await
        }
    }
}

/// Plans each scope and counts what it would erase.
async fn offer(
    house: &House,
    role: Role,
    approval: bool,
    contact: Contact,
    mut subject: Subject,
    offers: Vec<(Scope, Target, Option<String>)>,
) -> Result<Finding, FlowError> {
    let mut digests = Vec::new();
    for (scope, target, label) in offers {
        let skeleton = plan(&house.map, &target)?;
        digests.push((scope, skeleton.digest));
        let now = house.clock.now();
        let preview = preview(&house.map, &house.stores, skeleton, house.erase_limits, now).await?;
        let counts = preview.rows.iter().map(|row| row.rows).collect();
        subject.offers.push(Offered { scope, target, label, counts });
    }
    Ok(Finding::Challenge { role, approval, contact, subject, digests })
}

/// One thing that the letter may ask for.
#[derive(Clone, Copy)]
struct Wish {
    scope: Scope,
    /// Whether it names somebody else than the asker.
    other: bool,
}

/// What a letter of this intent asks for, from somebody of this role. Two wishes are offered as two codes; none is
/// for a person to read.
fn wishes(opening: &Opening, known: &Subject, role: Role) -> Option<Vec<Wish>> {
    let own = |scope| Wish { scope, other: false };
    let other = |scope| Wish { scope, other: true };
    let names_somebody = !opening.identifiers.is_empty() || !opening.addresses.is_empty();
    if let Some(scope) = known.scope_set {
        let about_other = match scope {
            Scope::EndUser => role != Role::EndUser,
            Scope::User => role == Role::Owner && names_somebody,
            Scope::Account | Scope::Data => false,
        };
        return Some(vec![Wish { scope, other: about_other }]);
    }
    let themself = match role {
        Role::Owner => Scope::Account,
        Role::User => Scope::User,
        Role::EndUser => Scope::EndUser,
    };
    Some(match opening.intent? {
        Intent::ErasureAccount => vec![own(themself)],
        Intent::ErasureProfile if names_somebody => vec![other(Scope::User)],
        Intent::ErasureProfile => vec![own(themself)],
        Intent::ErasureEndUser if role == Role::EndUser => vec![own(Scope::EndUser)],
        Intent::ErasureEndUser => vec![other(Scope::EndUser)],
        Intent::ErasureSpecificData if opening.categories.is_empty() => return None,
        Intent::ErasureSpecificData => vec![own(Scope::Data)],
        Intent::ErasureGeneric if role == Role::Owner => vec![own(Scope::Data), own(Scope::Account)],
        Intent::ErasureGeneric => vec![own(themself)],
        _ => return None,
    })
}

/// Whom a wish is about.
struct About {
    whom: Whom,
    key: String,
    label: Option<String>,
}

/// Finds the person that a wish is about; none or many is a reason to ask a person.
async fn whom(
    house: &House,
    opening: &Opening,
    asker: &Membership,
    wish: Wish,
) -> Result<Result<About, ReviewReason>, FlowError> {
    if !wish.other {
        let whom = if wish.scope == Scope::Account { Whom::Account } else { Whom::Oneself };
        return Ok(Ok(About { whom, key: asker.person_key.clone(), label: None }));
    }
    let role = if wish.scope == Scope::EndUser { Role::EndUser } else { Role::User };
    let mut found: Vec<Person> = Vec::new();
    for identifier in opening.addresses.iter().chain(&opening.identifiers) {
        for person in house.directory.target(&asker.account, identifier).await? {
            if person.role == role && !found.iter().any(|other| other.key == person.key) {
                found.push(person);
            }
        }
    }
    Ok(match found.as_slice() {
        [one] => {
            let whom = if role == Role::User { Whom::User } else { Whom::EndUser };
            Ok(About { whom, key: one.key.clone(), label: Some(one.label.clone()) })
        }
        _ => Err(ReviewReason::UnclearTarget),
    })
}

/// The root of the plan for a wish; `None` where the map has no such subject.
fn target(house: &House, opening: &Opening, asker: &Membership, wish: Wish, about: &About) -> Option<Target> {
    let (kind, key) = match wish.scope {
        Scope::Account => (Scope::Account, asker.account.as_str()),
        Scope::User => (Scope::User, about.key.as_str()),
        Scope::EndUser => (Scope::EndUser, about.key.as_str()),
        Scope::Data if asker.role == Role::EndUser => (Scope::EndUser, about.key.as_str()),
        Scope::Data => (Scope::User, about.key.as_str()),
    };
    let categories = match wish.scope {
        Scope::Data if opening.categories.is_empty() => house.general_categories(),
        Scope::Data => opening.categories.clone(),
        _ => Vec::new(),
    };
    house.target(wish.scope, kind, key, categories)
}

async fn label_of(house: &House, asker: &Membership) -> Result<Option<String>, FlowError> {
    let found = house.directory.target(&asker.account, &asker.address_on_file).await?;
    Ok(found.into_iter().find(|person| person.key == asker.person_key).map(|person| person.label))
}

async fn write(house: &House, tx: &mut crate::db::Tx, stored: &Stored, finding: Finding) -> Result<(), FlowError> {
    let bindings = |subject: &Subject| Bindings {
        account_mac: subject.account.as_deref().map(|account| house.keys.account_mac(account)),
        ..stored.bindings.clone()
    };
    match finding {
        Finding::Stranger => {
            let bindings = stored.bindings.clone();
            advance(house, tx, stored, &Event::Stranger, bindings, Actor::PROGRAM).await?;
        }
        Finding::Review { reason, reachable, contact, subject } => {
            save(house, tx, stored, &contact, &subject).await?;
            let event = Event::Unclear { reason, reachable: reachable && contact.asker.is_some() };
            advance(house, tx, stored, &event, bindings(&subject), Actor::PROGRAM).await?;
        }
        Finding::Forward { role, contact, subject } => {
            save(house, tx, stored, &contact, &subject).await?;
            let event = Event::ForwardToOwner { role };
            advance(house, tx, stored, &event, bindings(&subject), Actor::PROGRAM).await?;
        }
        Finding::Challenge { role, approval, contact, subject, digests } => {
            save(house, tx, stored, &contact, &subject).await?;
            let address = contact.asker.as_deref().ok_or(FlowError::Missing("the address of an identified asker"))?;
            if asked_lately(house, tx, stored, address).await? {
                let event = Event::Unclear { reason: ReviewReason::Policy, reachable: false };
                advance(house, tx, stored, &event, bindings(&subject), Actor::PROGRAM).await?;
                return Ok(());
            }
            let offered = digests.iter().map(|(scope, _)| *scope).collect();
            let event = Event::Identified { role, offered, approval };
            let moved = advance(house, tx, stored, &event, bindings(&subject), Actor::PROGRAM).await?;
            challenge::ask_asker(house, tx, &moved.request, &subject, &digests, address).await?;
        }
    }
    Ok(())
}

/// One challenge per address in 24 hours: who writes in somebody's name cannot flood them.
async fn asked_lately(
    house: &House,
    tx: &mut crate::db::Tx,
    stored: &Stored,
    address: &str,
) -> Result<bool, FlowError> {
    let last = challenges::last_of_address(tx, &house.keys.lookup_mac(address), stored.request.id).await?;
    Ok(last.is_some_and(|last| last.plus(house.config.challenge.per_address) > house.clock.now()))
}

async fn save(
    house: &House,
    tx: &mut crate::db::Tx,
    stored: &Stored,
    contact: &Contact,
    subject: &Subject,
) -> Result<(), FlowError> {
    safe::put_contact(house, tx, &stored.request, contact).await?;
    safe::put_subject(house, tx, &stored.request, subject).await
}
