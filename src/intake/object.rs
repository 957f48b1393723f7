//! What a verb or noun of erasing acts on: the best object of its sentence, or what its pronoun stands for.
//!
//! To add a rule: a branch of [`Near`], by how sure it is; one that a person has to read ends with [`UNREAD_CONFIDENCE`] and a name
//! that `judge` knows as unread.

use super::lexicon::{Group, Topic};
use super::lists::List;
use super::place::{has_named, is_taken_from, is_where, lies_in_another};
use super::signals::{Hit, Signals};
use super::utterance::{SHORT_WORDS, WINDOW_WORDS, wished};

/// Words that may stand between a verb of closing and the account.
const CLOSE_WORDS: usize = 3;
/// Words between a verb of erasing and the people whom it is about.
const PEOPLE_WORDS: usize = 7;
/// How far behind the word that names it an address stands: "e-mail address: ann@example.org".
const NAMED_WORDS: usize = 2;
/// The rule for several people: nobody of them may be dropped, so that a person reads it.
pub(super) const SEVERAL: &str = "several_people";
/// The rule for an address with no word for whose it is.
pub(super) const BARE_ADDRESS: &str = "bare_address";
/// The rule for what somebody has and no category is known for: a person reads it, so that not the whole of them is offered.
pub(super) const PART_THEIRS: &str = "part_theirs";
/// The rule for data that a word calls theirs or the reader's, in a letter that tells of nobody else.
pub(super) const NOBODYS: &str = "data_of_nobody";
/// The rule for an account or data in a sentence that is about another thing as well.
pub(super) const OTHER_THING: &str = "other_thing";
/// The rule for an account behind named data that it may only have.
pub(super) const HAD: &str = "account_of_named";
/// The rule for an account that is whose it is not said, and stands in another sentence than what takes it.
const BARE: &str = "account_before";
/// A wish to erase somebody or something that was not read in full.
pub(super) const UNREAD_CONFIDENCE: f64 = 0.5;
/// A wish to erase that does not say what.
const BARE_CONFIDENCE: f64 = 0.45;

/// What is to be erased.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Target {
    Specific,
    Generic,
    Theirs,
    Profile,
    Account,
}

/// What is to be erased, how sure that is, and the name of the rule.
type Object = (Target, f64, &'static str);

/// The object of a verb or noun of erasing: the best one in its sentence, or what its pronoun stands for.
pub(super) fn object_of(hit: &Hit, found: &Signals) -> Option<Object> {
    // "The deletion periods of my data": the noun only says which periods.
    let covers = |topic: &Hit| topic.first <= hit.first && hit.last <= topic.last;
    if hit.is(Group::EraseNoun) && found.within(hit, Group::Topic) || found.around(hit, Group::Topic).any(covers) {
        return None;
    }
    let near = Near::of(hit, found);
    if near.any(|other| lies_in_another(other, found)) {
        return Some((Target::Profile, 0.8, "account_in_account"));
    }
    if near.has(Group::AccountMine) {
        // Whether that alone is to be erased, or the account with it, a person has to say.
        let alone = near.any(|other| {
            other.is(Group::AccountMine) && !has_named(hit, other, found) && !is_behind_list(hit, other, found)
        });
        return Some(if alone {
            (Target::Account, 0.9, "account_mine")
        } else {
            (Target::Account, UNREAD_CONFIDENCE, HAD)
        });
    }
    if hit.is(Group::CloseVerb) {
        let account = near.any(|other| other.is(Group::Account) && other.distance(hit) <= CLOSE_WORDS);
        let pronoun = found.around(hit, Group::Pronoun).any(|other| other.distance(hit) <= CLOSE_WORDS);
        if let Some((Target::Account, confidence, name)) =
            (pronoun && near.wished && !account).then(|| antecedent(hit, found)).flatten()
        {
            // Of what was named, nothing but the account is closed.
            return Some(if name == BARE {
                (Target::Account, 0.65, "account")
            } else {
                (Target::Account, confidence, name)
            });
        }
        return (account && near.wished).then_some((Target::Account, 0.65, "account"));
    }
    near.own_object().or_else(|| near.named_object()).or_else(|| near.vague_object())
}

/// Whether what the verb takes is a list, and the account stands in another clause behind it: "remove me from the newsletter, my
/// account stays".
fn is_behind_list(hit: &Hit, account: &Hit, found: &Signals) -> bool {
    let between = |list: &Hit| list.clause == hit.clause && list.first > hit.last && list.last < account.first;
    account.clause != hit.clause && found.around(hit, Group::List).any(between)
}

/// What stands near a verb or noun of erasing, in its sentence and language, and may be its object.
struct Near<'a> {
    hit: &'a Hit,
    found: &'a Signals,
    wished: bool,
    hits: Vec<&'a Hit>,
}

impl<'a> Near<'a> {
    fn of(hit: &'a Hit, found: &'a Signals) -> Self {
        let is_near = |other: &&Hit| {
            other.language == hit.language && other.distance(hit) <= WINDOW_WORDS && !tells_who(hit, other, found)
        };
        let hits = found.sentences(hit.sentence, hit.sentence).iter().filter(is_near).collect();
        Self { hit, found, wished: wished(hit, found), hits }
    }

    fn any(&self, wanted: impl Fn(&Hit) -> bool) -> bool {
        self.hits.iter().any(|other| wanted(other) && !set_aside(self.hit, other, self.found))
    }

    fn has(&self, group: Group) -> bool {
        self.any(|other| other.is(group))
    }

    fn has_specific(&self) -> bool {
        self.any(|other| matches!(other.topic, Topic::Specific(_)))
    }

    /// What else is said to be the writer's own.
    fn own_object(&self) -> Option<Object> {
        let Self { hit, found, wished, .. } = *self;
        let profile = self.any(|other| other.is(Group::Profile) && !has_named(hit, other, found));
        if profile && (self.has(Group::Own) || wished) {
            let own = self.any(|other| other.is(Group::Profile) && is_beside_own(other, found));
            return Some((Target::Profile, 0.8, if own { "profile_mine" } else { "profile" }));
        }
        if self.has(Group::DataMine) {
            // "My location data" are not all of the writer's.
            let named = |mine: &Hit| self.any(|named| is_kind_of(named, mine));
            let all = self.any(|mine| mine.is(Group::DataMine) && !named(mine));
            return Some(if all {
                (Target::Generic, 0.9, "data_mine")
            } else {
                (Target::Specific, 0.75, "specific_mine")
            });
        }
        if self.has(Group::ContactMine) && self.has(Group::PlaceYours) && !self.has(Group::List) {
            return Some(match only_contact(hit, found) {
                true => (Target::Specific, 0.75, "contact_mine"),
                false => (Target::Generic, 0.8, "contact_mine+place_yours"),
            });
        }
        None
    }

    /// Named data, or what is somebody else's.
    fn named_object(&self) -> Option<Object> {
        let Self { hit, found, wished, .. } = *self;
        let specific = self.has_specific();
        if (wished || found.opens_clause(hit)) && self.any(|other| is_several(hit, other, found)) {
            return Some((Target::Theirs, UNREAD_CONFIDENCE, SEVERAL));
        }
        if specific && wished && found.has(hit.language, Group::RestStays) {
            return Some((Target::Specific, 0.75, "specific"));
        }
        let of_another = self.has(Group::OtherUser) || found.has(hit.language, Group::EndUser);
        if self.has(Group::DataTheirs) && self.has(Group::Account) && !of_another {
            return Some((Target::Account, 0.7, "account+data_theirs"));
        }
        if self.has(Group::DataTheirs) {
            // One word says "their" and "your" in some languages: "confirm the deletion of your data".
            let known = found.of_group(hit.language, Group::Person).next().is_some()
                || found.has_address()
                || self.has(Group::Own)
                || self.has(Group::Everything);
            return Some(match known || of_another {
                true => (Target::Theirs, 0.7, "data_theirs"),
                false => (Target::Theirs, UNREAD_CONFIDENCE, NOBODYS),
            });
        }
        let of_somebody = self.is_of_somebody();
        if of_somebody && !specific && !self.names_whole() {
            return Some((Target::Theirs, UNREAD_CONFIDENCE, PART_THEIRS));
        }
        if self.has(Group::OtherUser) {
            return Some((Target::Theirs, if wished { 0.7 } else { 0.5 }, "other_user"));
        }
        if wished
            && !specific
            && !self.has(Group::List)
            && !self.has(Group::Topic)
            && self.any(|other| is_end_user(hit, other))
        {
            return Some((Target::Theirs, 0.7, "end_user"));
        }
        if self.has(Group::ContactMine) && wished && !self.has(Group::List) && !self.has(Group::Account) {
            return Some((Target::Specific, if specific { 0.75 } else { 0.5 }, "contact_mine"));
        }
        // "A comment on my page" is not the writer's own.
        let own = self.any(|own| own.is(Group::Own) && !is_in_place(own, found))
            && self.any(|other| is_own_specific(other, found));
        if specific && self.has(Group::List) && self.is_contact_only() {
            return None;
        }
        if specific && (wished || own) {
            let named = |other: &Hit| matches!(other.topic, Topic::Specific(_)) && is_beside_own(other, found);
            let name = if self.any(named) { "specific_mine" } else { "specific" };
            return Some((Target::Specific, if own || of_somebody { 0.75 } else { 0.5 }, name));
        }
        None
    }

    /// Whether what the verb takes is of somebody who is named behind it: "the middle name of our customer", and not "our customer".
    fn is_of_somebody(&self) -> bool {
        let Self { hit, found, .. } = *self;
        let is_of = |word: usize| word > hit.last + 1 && found.spells(word, List::Of, hit.language);
        let is_theirs = |other: &Hit| {
            let somebody = other.is(Group::EndUser) || other.is(Group::OtherUser);
            somebody && other.first > hit.last && (other.first.saturating_sub(2)..=other.first).any(is_of)
        };
        self.any(is_theirs)
    }

    /// Whether the named data are no more than ways to reach the writer: beside a list they are to leave that alone.
    fn is_contact_only(&self) -> bool {
        let reaches = |category: &str| ["contact", "phone"].contains(&category);
        self.hits.iter().all(|other| match &other.topic {
            Topic::Specific(category) => reaches(category),
            Topic::Group(group) => !matches!(group, Group::Account | Group::Data | Group::Everything),
        })
    }

    fn topics(&self) -> impl Iterator<Item = &&'a Hit> {
        self.hits.iter().filter(|other| other.is(Group::Topic))
    }

    /// The account or data that the verb itself takes, where another thing stands behind them only: "delete the account and answer
    /// by mail", and not "the process of deleting data". What has a number may be an invoice by the same word.
    fn whole_taken(&self) -> Option<&Hit> {
        let Self { hit, found, .. } = *self;
        let is_numbered = |whole: &Hit| {
            found.spelling(whole.last + 1).trim_start_matches('#').starts_with(|c: char| c.is_ascii_digit())
        };
        let is_taken = |whole: &Hit| {
            let named = [Group::Account, Group::Data, Group::Everything].iter().any(|group| whole.is(*group));
            let near = whole.first > hit.last && whole.distance(hit) <= CLOSE_WORDS && !set_aside(hit, whole, found);
            named && near && !is_numbered(whole) && self.topics().all(|other| other.first > whole.last + 1)
        };
        self.hits.iter().copied().find(|whole| is_taken(whole))
    }

    /// Whether the sentence names what stands for the whole of somebody: "the account of our customer".
    fn names_whole(&self) -> bool {
        const WHOLE: [Group; 5] =
            [Group::Account, Group::AccountTheirs, Group::Data, Group::Everything, Group::SeveralPeople];
        WHOLE.into_iter().any(|group| self.has(group))
    }

    /// What is called by no more than its kind, by a pronoun, or not at all.
    fn vague_object(&self) -> Option<Object> {
        let Self { hit, found, wished, .. } = *self;
        let whole = if wished { self.whole_taken() } else { None };
        let other_thing = match whole {
            Some(whole) => self.topics().any(|other| other.distance(whole) <= CLOSE_WORDS),
            None => self.has(Group::Topic),
        };
        if other_thing && whole.is_some() {
            return Some((Target::Generic, UNREAD_CONFIDENCE, OTHER_THING));
        }
        if self.has(Group::Account) {
            return (!other_thing).then_some((Target::Account, if wished { 0.65 } else { 0.55 }, "account"));
        }
        if self.has(Group::Everything) && !other_thing {
            return Some((Target::Generic, if wished { 0.6 } else { 0.4 }, "everything"));
        }
        let pronoun = found.around(hit, Group::Pronoun).any(|other| other.distance(hit) <= CLOSE_WORDS);
        if let Some(named) = pronoun.then(|| antecedent(hit, found)).flatten() {
            return Some(named);
        }
        if other_thing {
            return None;
        }
        if self.has(Group::Data) {
            return Some((Target::Generic, if wished { 0.55 } else { 0.45 }, "data"));
        }
        if wished && !self.has(Group::List) && names_address(hit, found) {
            return Some((Target::Theirs, UNREAD_CONFIDENCE, BARE_ADDRESS));
        }
        says_only_that(hit, found).then_some((Target::Generic, BARE_CONFIDENCE, "nothing"))
    }
}

/// Whether several people are what the verb itself takes: not "one of our clients", and not who asked for it.
fn is_several(hit: &Hit, other: &Hit, found: &Signals) -> bool {
    let one = found.around(other, Group::EndUser).any(|one| one.first < other.first && one.overlaps(other));
    let near = other.distance(hit) <= PEOPLE_WORDS && (other.first > hit.last || other.clause == hit.clause);
    other.is(Group::SeveralPeople) && near && !one
}

/// Whether "our customer" is what the verb itself takes: right behind it, or in its clause before it.
fn is_end_user(hit: &Hit, other: &Hit) -> bool {
    let near = match other.first > hit.last {
        true => other.distance(hit) <= CLOSE_WORDS,
        false => other.clause == hit.clause && other.distance(hit) <= PEOPLE_WORDS,
    };
    other.is(Group::EndUser) && near
}

/// Whether an address stands right beside a verb of erasing: "please delete rosa@example.org".
fn names_address(hit: &Hit, found: &Signals) -> bool {
    let sentence = found.sentence_of(hit.first);
    let from = sentence.start.max(hit.first.saturating_sub(CLOSE_WORDS));
    let to = sentence.end.min(hit.last + 1 + CLOSE_WORDS);
    !hit.is(Group::CloseVerb) && (from..to).any(|word| found.spelling(word).contains('@'))
}

/// Whether a word stands right before an address, and so names it: "the e-mail address ann@example.org".
pub(super) fn names_it(word: &Hit, found: &Signals) -> bool {
    let named = match &word.topic {
        Topic::Group(group) => matches!(group, Group::Topic | Group::ContactMine),
        Topic::Specific(category) => matches!(&**category, "contact" | "address"),
    };
    let end = found.sentence_of(word.first).end.min(word.last + 1 + NAMED_WORDS);
    named && (word.last + 1..end).any(|next| found.spelling(next).contains('@'))
}

/// Whether a word only says by which address somebody is known here, and is not itself what the verb takes: another object
/// stands before it, as in "the account with the e-mail address ann@example.org".
fn tells_who(hit: &Hit, word: &Hit, found: &Signals) -> bool {
    const KNOWN_BY: [Group; 10] = [
        Group::AccountMine,
        Group::Account,
        Group::Profile,
        Group::DataMine,
        Group::Data,
        Group::DataTheirs,
        Group::Everything,
        Group::EndUser,
        Group::OtherUser,
        Group::SeveralPeople,
    ];
    let before = |object: &&Hit| object.language == hit.language && object.last < word.first;
    let mut objects = found.sentences(hit.sentence, hit.sentence).iter().filter(before);
    names_it(word, found)
        && objects.any(|object| KNOWN_BY.iter().any(|group| object.is(*group)) && !set_aside(hit, object, found))
}

/// Whether the sentence names one way to reach the writer and nothing besides, and not the one that they are known by here:
/// "my telephone number", and not "my e-mail address".
fn only_contact(hit: &Hit, found: &Signals) -> bool {
    let contacts = found.around(hit, Group::ContactMine).count();
    let mut named = found.sentences(hit.sentence, hit.sentence).iter().filter(|other| other.language == hit.language);
    contacts == 1 && named.any(|other| matches!(&other.topic, Topic::Specific(category) if **category != *"contact"))
}

/// Whether a polite clause names no object at all: "I ask for deletion", "Please delete." A person asks what is meant.
fn says_only_that(hit: &Hit, found: &Signals) -> bool {
    if hit.is(Group::CloseVerb) || !found.beside(hit, Group::Request) || found.words > SHORT_WORDS {
        return false;
    }
    const SAID: [Group; 9] = [
        Group::EraseVerb,
        Group::EraseNoun,
        Group::Request,
        Group::Courtesy,
        Group::Own,
        Group::Pronoun,
        Group::AnswerWord,
        Group::AnswerLink,
        Group::Yes,
    ];
    let known = |word: usize| {
        let mut hits =
            found.sentences(hit.sentence, hit.sentence).iter().filter(|other| other.language == hit.language);
        hits.any(|other| other.covers(word) && SAID.iter().any(|group| other.is(*group)))
    };
    found.clause_words(hit.clause).all(known)
}

/// Whether an object is only mentioned: as what shall stay ("keep my account"), or as the place where something else is
/// to be removed ("the charge on my account"). A noun of erasing takes the account itself ("la suppression de mon compte").
fn set_aside(hit: &Hit, object: &Hit, found: &Signals) -> bool {
    let within = |group: Group| found.within(object, group);
    let places = [Group::AccountMine, Group::Account, Group::Profile];
    // "Close my account" has no place, and "close the ticket about my account" has one.
    // The closing is of it in languages where one word says both: "cierre definitivo de mi cuenta".
    let apart = |place: &Hit| {
        let words = 1 + usize::from(found.spells(place.first, List::Of, hit.language));
        place.overlaps(object) && place.first > hit.last + words
    };
    let closes = hit.is(Group::CloseVerb) && !found.around(object, Group::AccountPlace).any(apart);
    let is_place = !closes && places.iter().any(|group| object.is(*group));
    // "My telephone number in your records": the records are ours.
    let ends_in = |place: &Hit| place.first > object.first && place.last >= object.last && place.first <= object.last;
    let in_ours = object.is(Group::DataMine)
        && within(Group::ContactMine)
        && found.around(object, Group::PlaceYours).any(ends_in);
    // "My registration for the webinar" is no account.
    let begins = |contract: &Hit| {
        let mut mine = found.around(contract, Group::AccountMine);
        contract.first == object.first || (contract.overlaps(object) && mine.any(|mine| mine.first == contract.first))
    };
    let of_contract = found.around(object, Group::CancelContract).any(begins);
    // "The photos, but not my account": the negation is the object's own.
    let joins = |no: &Hit| {
        let mut links = found.around(no, Group::Conjunction);
        object.clause != hit.clause || links.any(|link| link.first > hit.last && link.last <= no.first)
    };
    let is_own = |no: &Hit| no.first > hit.last && no.last < object.first && object.first - no.last <= 2 && joins(no);
    let negated = found.around(object, Group::Negation).any(is_own);
    let is_place = is_place && is_where(hit, object, found);
    within(Group::RestStays) || negated || in_ours || of_contract || is_place || is_taken_from(hit, object, found)
}

/// Whether a word for data of the writer's own says which by a named kind inside it: "my location data".
fn is_kind_of(named: &Hit, mine: &Hit) -> bool {
    matches!(named.topic, Topic::Specific(_)) && named.overlaps(mine) && named.last >= mine.last
}

/// Whether named data are the writer's own. What people publish (reviews, comments) is so only where they say so right
/// beside it: "all my reviews", "reviews I wrote", and not "a review about my shop".
fn is_own_specific(named: &Hit, found: &Signals) -> bool {
    let Topic::Specific(category) = &named.topic else { return false };
    let beside = |own: &Hit| match own.first > named.last {
        true => own.first - named.last == 1,
        false => own.last + 2 >= named.first,
    };
    **category != *"content" || found.around(named, Group::Own).any(beside)
}

/// Whether a word of the writer's own stands right before the hit, or in it: "my photos", and not "the photos of our user".
fn is_beside_own(hit: &Hit, found: &Signals) -> bool {
    found.around(hit, Group::Own).any(|own| own.overlaps(hit) || own.last + 1 == hit.first)
}

/// Whether a word is of a phrase that only says where something is: "on my page".
pub(super) fn is_in_place(word: &Hit, found: &Signals) -> bool {
    found.within(word, Group::AccountPlace)
}

/// What "it" or "them" stands for: an object of the writer's own in the same sentence or the two before.
fn antecedent(hit: &Hit, found: &Signals) -> Option<Object> {
    let close =
        |other: &&Hit| other.language == hit.language && other.first < hit.first && hit.sentence - other.sentence <= 2;
    let (mut named, mut placed, mut account) = (None, true, false);
    for other in found.sentences(hit.sentence.saturating_sub(2), hit.sentence).iter().filter(close) {
        let target = match &other.topic {
            Topic::Group(Group::AccountMine) => Target::Account,
            Topic::Group(Group::DataMine) => Target::Generic,
            Topic::Group(Group::Profile) if found.beside(other, Group::Own) => Target::Profile,
            Topic::Group(Group::EndUser | Group::OtherUser | Group::DataTheirs) => Target::Theirs,
            Topic::Specific(_) if found.beside(other, Group::Own) => Target::Specific,
            // "We no longer need the account. Please close it."
            Topic::Group(Group::Account) => {
                account |= !is_in_place(other, found);
                continue;
            }
            _ => continue,
        };
        named = named.max(Some(target));
        let erased = |noun: &Hit| noun.is(Group::EraseNoun) && noun.last < other.first && noun.distance(other) <= 1;
        placed &= is_in_place(other, found) && !found.hits.iter().any(erased);
    }
    // "There is a mistake in my account, please delete it."
    let else_named = || [Group::Data, Group::Everything, Group::Topic].iter().any(|group| found.beside(hit, *group));
    if named.is_none() && account && !else_named() {
        return Some((Target::Account, UNREAD_CONFIDENCE, BARE));
    }
    if placed && named.is_some() {
        return Some((Target::Account, UNREAD_CONFIDENCE, HAD));
    }
    named.map(|target| (target, 0.65, if target == Target::Theirs { "pronoun" } else { "pronoun_mine" }))
}
