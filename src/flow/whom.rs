//! Whom a letter means: the asker, or the one person whom everything that it names comes down to.
//!
//! Fails closed: a name, number or address that leads nowhere, or to somebody else than the others do, is never passed
//! over, because the rest of them may mean the wrong person.

use crate::domain::request::ReviewReason;
use crate::domain::{Role, Scope, SubjectKind};
use crate::intake::Intent;
use crate::verify::{Membership, Person, Target as Whom};

use super::error::FlowError;
use super::facts::{Named, Opening, Subject};
use super::house::House;

/// The membership that asks.
pub(super) struct Asker {
    /// What they are in which account.
    pub(super) membership: Membership,
    /// The address that the directory knew them by; none where an operator set the account.
    pub(super) known_by: Option<String>,
}

/// One thing that the letter may ask for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wish {
    /// How much.
    pub(super) scope: Scope,
    /// About whom, as the authority table has it.
    pub(super) whom: Whom,
    /// Whose row the plan begins with.
    pub(super) kind: SubjectKind,
    /// The key of that row.
    pub(super) key: String,
    /// How the letters call them, where that is not the asker.
    pub(super) label: Option<String>,
    /// By which word the asker meant them, to be looked for again later.
    pub(super) named: Option<Named>,
}

/// What a letter is about, before it is known about whom.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sought {
    Account,
    Profile,
    EndUser,
    Data,
    General,
}

/// What the letter asks for. Two wishes are offered as two codes; none is for a person to read.
pub(super) async fn wishes(
    house: &House,
    opening: &Opening,
    known: &Subject,
    asker: &Asker,
) -> Result<Result<Vec<Wish>, ReviewReason>, FlowError> {
    // An operator who read the letter and set the whole account means it, whomever the letter names.
    if known.scope_set == Some(Scope::Account) {
        return Ok(Ok(vec![own(&asker.membership, Scope::Account)]));
    }
    let Some(sought) = sought(opening, known.scope_set) else { return Ok(Err(ReviewReason::UnclearLetter)) };
    let was_read = known.scope_set.is_some() || known.target_set.is_some();
    if opening.company && !was_read && asker.membership.role != Role::Owner {
        return Ok(of_company(opening, sought, &asker.membership).ok_or(ReviewReason::UnclearTarget));
    }
    let meant = match &known.target_set {
        // Who has read the letter knows whom it means, where its own words name several or nobody.
        Some(identifier) => the_one(who(house, asker, identifier).await?, identifier, asker, sought),
        None => meant(house, opening, asker, sought).await?,
    };
    // "Delete my account, but leave this colleague alone": who is only mentioned is not meant, and the wish for the
    // writer's own must not be lost in another's. An operator who set the scope or the target has read whom it means.
    let meant = match meant {
        Meant::Other(..) if opening.mine && !was_read => Meant::Unclear,
        meant => meant,
    };
    Ok(wished(sought, meant, &asker.membership, !opening.categories.is_empty()).ok_or(ReviewReason::UnclearTarget))
}

/// What somebody who is no owner asks for who names the account or the data of the whole company: nothing smaller than that is
/// offered in its place, and the authority table says whether they may. With named data or another person in it, nobody can tell.
fn of_company(opening: &Opening, sought: Sought, asker: &Membership) -> Option<Vec<Wish>> {
    let names_somebody = !opening.names.is_empty() || !opening.addresses.is_empty() || !opening.identifiers.is_empty();
    let is_whole = match sought {
        Sought::Account | Sought::General => true,
        Sought::Profile | Sought::EndUser => !names_somebody,
        Sought::Data => false,
    };
    is_whole.then(|| vec![own(asker, Scope::Account)])
}

fn sought(opening: &Opening, scope_set: Option<Scope>) -> Option<Sought> {
    if let Some(scope) = scope_set {
        return Some(match scope {
            Scope::Account => Sought::Account,
            Scope::User => Sought::Profile,
            Scope::EndUser => Sought::EndUser,
            Scope::Data => Sought::Data,
        });
    }
    match opening.intent? {
        Intent::ErasureAccount => Some(Sought::Account),
        Intent::ErasureProfile => Some(Sought::Profile),
        Intent::ErasureEndUser => Some(Sought::EndUser),
        Intent::ErasureSpecificData if opening.categories.is_empty() => None,
        Intent::ErasureSpecificData => Some(Sought::Data),
        Intent::ErasureGeneric => Some(Sought::General),
        _ => None,
    }
}

/// What is wished, once it is known who is meant; `None` where that does not fit together.
fn wished(sought: Sought, meant: Meant, asker: &Membership, names_data: bool) -> Option<Vec<Wish>> {
    let named = match meant {
        Meant::Unclear => return None,
        Meant::Other(person, claim) if sought == Sought::Data => {
            return Some(vec![about(&person, &claim, Scope::Data)]);
        }
        Meant::Other(person, claim) => {
            let all = about(&person, &claim, profile_of(person.role));
            // "The phone number of our user": whether that or the whole person is meant, the asker says.
            let named = (names_data && sought != Sought::Account).then(|| about(&person, &claim, Scope::Data));
            return Some(named.into_iter().chain([all]).collect());
        }
        Meant::Asker { named } => named,
    };
    let themself = if asker.role == Role::Owner { Scope::Account } else { profile_of(asker.role) };
    match sought {
        Sought::Account => Some(vec![own(asker, themself)]),
        // "The profile of", and then nobody who was found: that the owner means the whole account is never guessed.
        Sought::Profile if asker.role == Role::Owner => named.then(|| vec![own(asker, Scope::User)]),
        Sought::Profile => Some(vec![own(asker, themself)]),
        Sought::EndUser => (asker.role == Role::EndUser).then(|| vec![own(asker, Scope::EndUser)]),
        Sought::Data => Some(vec![own(asker, Scope::Data)]),
        Sought::General if asker.role == Role::Owner => Some(vec![own(asker, Scope::Data), own(asker, Scope::Account)]),
        Sought::General => Some(vec![own(asker, themself)]),
    }
}

/// All of a person of this role, the account aside.
const fn profile_of(role: Role) -> Scope {
    match role {
        Role::Owner | Role::User => Scope::User,
        Role::EndUser => Scope::EndUser,
    }
}

/// The kind of row that a person of this role is.
const fn kind_of(role: Role) -> SubjectKind {
    match role {
        Role::Owner => SubjectKind::Owner,
        Role::User => SubjectKind::User,
        Role::EndUser => SubjectKind::EndUser,
    }
}

fn own(asker: &Membership, scope: Scope) -> Wish {
    if scope == Scope::Account {
        let key = asker.account.clone();
        return Wish { scope, whom: Whom::Account, kind: SubjectKind::Account, key, label: None, named: None };
    }
    let (kind, key) = (kind_of(asker.role), asker.person_key.clone());
    Wish { scope, whom: Whom::Oneself, kind, key, label: None, named: None }
}

fn about(person: &Person, claim: &str, scope: Scope) -> Wish {
    let whom = match person.role {
        Role::Owner => Whom::Owner,
        Role::User => Whom::User,
        Role::EndUser => Whom::EndUser,
    };
    let label = Some(label(person));
    let named = Some(Named { identifier: claim.to_owned(), role: person.role, key: person.key.clone() });
    Wish { scope, whom, kind: kind_of(person.role), key: person.key.clone(), label, named }
}

/// Name and address together: who reads one of two people of the same name sees which.
pub(super) fn label(person: &Person) -> String {
    match person.address_on_file.as_deref() {
        Some(address) if !person.label.eq_ignore_ascii_case(address) => format!("{} <{address}>", person.label),
        _ => person.label.clone(),
    }
}

/// Whom the names, numbers and addresses of a letter mean.
enum Meant {
    /// The asker: they name themself, or nobody.
    Asker { named: bool },
    /// Exactly one other person, and a word that led to them.
    Other(Person, String),
    /// Nobody, several, or not the same one.
    Unclear,
}

/// Everybody whom the letter names must be the same one: a name that leads elsewhere, or nowhere, is a second person or a
/// doubt about the first. Only a part of the name of whom an address leads to ("Una" for Una Miller) says nothing more.
async fn meant(house: &House, opening: &Opening, asker: &Asker, sought: Sought) -> Result<Meant, FlowError> {
    let (mut named, mut others, mut word) = (false, Vec::new(), None);
    let strong = opening.addresses.iter().chain(&opening.identifiers).map(|claim| (claim, false));
    for (claim, is_name) in strong.chain(opening.names.iter().map(|name| (name, true))) {
        match who(house, asker, claim).await? {
            Found::Asker => named = true,
            Found::People(people) if is_name && people.is_empty() && is_called(&others, claim) => {}
            Found::People(people) => {
                others.push(people);
                word.get_or_insert(claim);
            }
        }
    }
    match word {
        Some(word) => Ok(the_same_one(others, word, asker, sought)),
        None => Ok(Meant::Asker { named }),
    }
}

/// Whether a name is part of the name of somebody who was found.
fn is_called(found: &[Vec<Person>], name: &str) -> bool {
    let is_word_of = |label: &str, word: &str| label.split_whitespace().any(|own| own.eq_ignore_ascii_case(word));
    found.iter().flatten().any(|person| name.split_whitespace().all(|word| is_word_of(&person.label, word)))
}

enum Found {
    Asker,
    People(Vec<Person>),
}

async fn who(house: &House, asker: &Asker, claim: &str) -> Result<Found, FlowError> {
    let membership = &asker.membership;
    let same = |known: &str| known.trim().eq_ignore_ascii_case(claim.trim());
    let is_own_account = membership.role == Role::Owner && membership.account == claim;
    if same(&membership.address_on_file) || asker.known_by.as_deref().is_some_and(same) || is_own_account {
        return Ok(Found::Asker);
    }
    let people = house.directory.target(&membership.account, claim).await?;
    match people.as_slice() {
        [one] if is_asker(one, membership) => Ok(Found::Asker),
        _ => Ok(Found::People(people)),
    }
}

fn is_asker(person: &Person, asker: &Membership) -> bool {
    person.role == asker.role && person.key == asker.person_key
}

/// The one person whom a single claim means.
fn the_one(found: Found, claim: &str, asker: &Asker, sought: Sought) -> Meant {
    match found {
        Found::Asker => Meant::Asker { named: true },
        Found::People(people) => the_same_one(vec![people], claim, asker, sought),
    }
}

/// The one person whom each of these claims may mean.
fn the_same_one(claims: Vec<Vec<Person>>, word: &str, asker: &Asker, sought: Sought) -> Meant {
    let fits = |person: &Person| match sought {
        Sought::Profile => person.role != Role::EndUser,
        Sought::EndUser => person.role == Role::EndUser,
        Sought::Account | Sought::Data | Sought::General => true,
    };
    let same = |one: &Person, other: &Person| one.role == other.role && one.key == other.key;
    let mut meant: Vec<Person> = Vec::new();
    for person in claims.first().into_iter().flatten().filter(|person| fits(person)) {
        let everywhere = claims.iter().all(|people| people.iter().any(|other| same(person, other)));
        if everywhere && !meant.iter().any(|other| same(person, other)) {
            meant.push(person.clone());
        }
    }
    match meant.as_slice() {
        [one] if is_asker(one, &asker.membership) => Meant::Asker { named: true },
        [one] => Meant::Other(one.clone(), word.to_owned()),
        _ => Meant::Unclear,
    }
}
