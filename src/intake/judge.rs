//! What a text asks for: groups of the lexicon combined by sentence and distance.
//!
//! A *verb or noun of erasing* with an *object* close by in one sentence is a signal; negations, questions about the
//! way of it, conditions and reports of what others did take its force away. Each language is judged by itself, so
//! that words of two languages never make one request. Judges words only: whether a machine wrote them is judged
//! before, and what is quoted never gets here.

use super::intent::{Intent, Part, Reason, Verdict};
use super::lexicon::{Group, Lexicon, Topic};
use super::signals::{Hit, Signals};
use crate::domain::Language;

/// Words that may stand between a verb of erasing and its object.
const WINDOW_WORDS: usize = 14;
/// Words that may stand between a verb of closing and the account.
const CLOSE_WORDS: usize = 3;
/// Words that may stand between a negation and its verb.
const NEGATION_WORDS: usize = 3;
/// Words of a letter that is little else than the name of the law.
const SHORT_WORDS: usize = 16;
/// From here on a request is opened; below it a person looks.
const OPEN_CONFIDENCE: f64 = 0.6;
/// Up to here a signal is only half said.
const WEAK_CONFIDENCE: f64 = 0.72;
/// Words of a long letter.
const LONG_WORDS: usize = 250;
/// Verbs and nouns of erasing that are weighed, per language and part.
const ERASING_MAX: usize = 200;
/// The rule for "I am not happy, how do I delete my account?": a person looks.
const HOW_AND_LEAVING: &str = "how+leaving";
const REASONS_MAX: usize = 16;

/// What a text of a letter is made of, looked up.
pub(super) struct Texts {
    /// The subject, unless it only repeats ours.
    pub subject: Option<Signals>,
    pub new: Signals,
}

impl Texts {
    pub fn of(subject: Option<&str>, new: &str, lexicon: &Lexicon) -> Self {
        Self { subject: subject.map(|subject| Signals::of(subject, lexicon)), new: Signals::of(new, lexicon) }
    }

    fn parts(&self) -> impl Iterator<Item = (Part, &Signals)> {
        self.subject.iter().map(|subject| (Part::Subject, subject)).chain([(Part::New, &self.new)])
    }

    fn has(&self, language: Language, group: Group) -> bool {
        self.parts().any(|(_, signals)| signals.has(language, group))
    }

    fn has_any(&self, group: Group) -> bool {
        self.parts().any(|(_, signals)| signals.has_any(group))
    }

    /// The language that most words of the lexicon were found in.
    pub fn language(&self) -> Option<Language> {
        let weight = |language: Language| self.parts().map(|(_, signals)| signals.weight(language)).sum::<usize>();
        let best =
            Language::ALL.iter().copied().max_by_key(|language| (weight(*language), std::cmp::Reverse(*language)))?;
        (weight(best) >= 2).then_some(best)
    }
}

/// What is to be erased.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Target {
    Specific,
    Generic,
    Theirs,
    Profile,
    Account,
}

/// One sign that something is to be erased.
#[derive(Clone, Debug)]
struct Signal {
    target: Target,
    confidence: f64,
    rule: String,
    part: Part,
}

/// How an utterance of erasing is meant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Force {
    Wish,
    Negated,
    AskedHow,
    Conditional,
    Reported,
}

/// What the words ask for.
pub(super) fn judge(texts: &Texts) -> Verdict {
    let verdicts = Language::ALL.iter().filter_map(|language| erasure(texts, *language));
    let best = verdicts.max_by(|a, b| a.confidence.total_cmp(&b.confidence));
    let others = others(texts);
    let undo = texts.parts().find_map(|(part, signals)| {
        let hit = signals.hits.iter().find(|hit| hit.is(Group::Undo))?;
        Some(Reason::of(format!("{}.undo", hit.language), part))
    });
    match (undo, best) {
        (Some(reason), _) => Verdict::of(Intent::WithdrawOrCancel, 0.8, reason),
        (None, Some(erasure)) => merge(erasure, others),
        (None, None) => others.unwrap_or_else(|| Verdict::of(Intent::Ordinary, 0.5, Reason::of("none", Part::Whole))),
    }
}

/// An erasure with the other requests of the letter beside it; a probable one is for a person to judge.
fn merge(mut erasure: Verdict, others: Option<Verdict>) -> Verdict {
    let other = others.filter(|other| other.intent != Intent::WithdrawOrCancel || erasure.confidence < OPEN_CONFIDENCE);
    if erasure.intent == Intent::WithdrawOrCancel {
        return other.unwrap_or(erasure);
    }
    if erasure.confidence < OPEN_CONFIDENCE {
        if let Some(other) = other {
            return other;
        }
        erasure.also = vec![erasure.intent];
        erasure.intent = Intent::Unclear;
        return erasure;
    }
    if let Some(other) = other.filter(|other| !matches!(other.intent, Intent::Spam | Intent::Newsletter)) {
        erasure.also.push(other.intent);
        erasure.reasons.extend(other.reasons);
    }
    erasure
}

/// The requests that are no erasure, the weightiest first.
fn others(texts: &Texts) -> Option<Verdict> {
    const KINDS: [(Group, Intent); 7] = [
        (Group::Spam, Intent::Spam),
        (Group::NewsletterFooter, Intent::Newsletter),
        (Group::Access, Intent::Access),
        (Group::Rectify, Intent::Rectification),
        (Group::Object, Intent::ObjectionOptout),
        (Group::List, Intent::ObjectionOptout),
        (Group::CancelContract, Intent::WithdrawOrCancel),
    ];
    let mut found: Option<Verdict> = None;
    for (group, intent) in KINDS {
        for (part, signals) in texts.parts() {
            let Some(hit) = signals.hits.iter().find(|hit| hit.is(group)) else { continue };
            let reason = Reason::of(format!("{}.{group}", hit.language), part);
            match &mut found {
                None => found = Some(Verdict::of(intent, 0.7, reason)),
                Some(verdict) if verdict.intent != intent && !verdict.also.contains(&intent) => {
                    verdict.also.push(intent)
                }
                Some(_) => {}
            }
        }
    }
    found
}

/// What one language's words say of erasing; `WithdrawOrCancel` when all that is said is "do not erase my …".
fn erasure(texts: &Texts, language: Language) -> Option<Verdict> {
    let (mut signals, mut negated, mut asked_how) = (Vec::new(), false, false);
    for (part, found) in texts.parts() {
        let erasing = found.hits.iter().filter(|hit| hit.language == language && is_erasing(hit));
        for hit in erasing.take(ERASING_MAX) {
            let force = force(hit, found);
            asked_how |= force == Force::AskedHow;
            let Some((target, confidence, name)) = object_of(hit, found) else { continue };
            match force {
                Force::Wish => signals.push(signal(hit, found, part, target, confidence, name)),
                Force::Negated => negated |= confidence > 0.8,
                Force::AskedHow if texts.has(language, Group::Leaving) => {
                    let rule = format!("{language}.{HOW_AND_LEAVING}");
                    signals.push(Signal { target, confidence: 0.5, rule, part });
                }
                Force::AskedHow | Force::Conditional | Force::Reported => {}
            }
        }
        signals.extend(whole_phrases(found, language, part));
        signals.extend(by_law(texts, found, language, part));
    }
    weigh(texts, &mut signals, asked_how);
    let Some(confidence) = signals.iter().map(|signal| signal.confidence).max_by(f64::total_cmp) else {
        let reason = Reason::of(format!("{language}.negated"), Part::New);
        return negated.then(|| Verdict::of(Intent::WithdrawOrCancel, 0.55, reason));
    };
    let intent = scope(texts, language, &signals);
    let mut reasons: Vec<Reason> = signals.iter().map(|signal| Reason::of(signal.rule.clone(), signal.part)).collect();
    reasons.dedup();
    reasons.truncate(REASONS_MAX);
    let confidence = if negated { confidence.min(OPEN_CONFIDENCE - 0.1) } else { confidence };
    Some(Verdict { intent, also: Vec::new(), confidence, reasons })
}

/// Takes force from what is only half said: beside a question about the way of it, in what looks like a newsletter, and
/// in texts longer than people write when they ask for something.
fn weigh(texts: &Texts, signals: &mut Vec<Signal>, asked_how: bool) {
    if signals.iter().any(|signal| signal.confidence > WEAK_CONFIDENCE) {
        return;
    }
    if asked_how {
        signals.retain(|signal| signal.rule.ends_with(HOW_AND_LEAVING));
    }
    let to_many = texts.has_any(Group::NewsletterFooter) || texts.has_any(Group::List);
    if to_many || texts.new.words > LONG_WORDS {
        signals.iter_mut().for_each(|signal| signal.confidence -= 0.2);
    }
}

fn is_erasing(hit: &Hit) -> bool {
    hit.is(Group::EraseVerb) || hit.is(Group::EraseNoun) || hit.is(Group::CloseVerb)
}

fn signal(hit: &Hit, found: &Signals, part: Part, target: Target, confidence: f64, name: &str) -> Signal {
    let wished = part == Part::Subject || wished(hit, found);
    let confidence = if wished { confidence + 0.05 } else { confidence };
    let erasing = match &hit.topic {
        Topic::Group(group) => group.as_str(),
        Topic::Specific(_) => "specific",
    };
    Signal { target, confidence, rule: format!("{}.{erasing}+{name}", hit.language), part }
}

/// Whether the sentence is put as a wish: words of asking, thanks, or a verb that opens it.
fn wished(hit: &Hit, found: &Signals) -> bool {
    found.beside(hit, Group::Request)
        || found.beside(hit, Group::Courtesy)
        || (found.opens(hit) && !hit.is(Group::EraseNoun))
}

/// The object of a verb or noun of erasing: the best one in its sentence, or what its pronoun stands for.
fn object_of(hit: &Hit, found: &Signals) -> Option<(Target, f64, &'static str)> {
    let near = |other: &&Hit| {
        other.language == hit.language
            && other.sentence == hit.sentence
            && other.distance(hit) <= WINDOW_WORDS
            && !set_aside(hit, other, found)
    };
    let wished = wished(hit, found);
    let sentence = found.sentences(hit.sentence, hit.sentence);
    let has = |group: Group| sentence.iter().any(|other| other.is(group) && near(&other));
    if has(Group::AccountMine) {
        return Some((Target::Account, 0.9, "account_mine"));
    }
    if hit.is(Group::CloseVerb) {
        let account = found
            .around(hit, Group::Account)
            .any(|other| other.sentence == hit.sentence && other.distance(hit) <= CLOSE_WORDS);
        return (account && wished).then_some((Target::Account, 0.65, "account"));
    }
    if has(Group::Profile) && (has(Group::Own) || wished) {
        return Some((Target::Profile, 0.8, "profile"));
    }
    if has(Group::DataMine) {
        return Some((Target::Generic, 0.9, "data_mine"));
    }
    let specific = sentence.iter().any(|other| matches!(other.topic, Topic::Specific(_)) && near(&other));
    if specific && wished && found.has(hit.language, Group::RestStays) {
        return Some((Target::Specific, 0.75, "specific"));
    }
    let of_another = has(Group::OtherUser) || found.has(hit.language, Group::EndUser);
    if has(Group::DataTheirs) && has(Group::Account) && !of_another {
        return Some((Target::Account, 0.7, "account+data_theirs"));
    }
    if has(Group::DataTheirs) {
        return Some((Target::Theirs, 0.7, "data_theirs"));
    }
    if has(Group::OtherUser) {
        return Some((Target::Theirs, if wished { 0.7 } else { 0.5 }, "other_user"));
    }
    if specific && (wished || has(Group::Own)) {
        return Some((Target::Specific, if has(Group::Own) { 0.75 } else { 0.55 }, "specific"));
    }
    if has(Group::Account) {
        let blocked = has(Group::Topic);
        return (!blocked).then_some((Target::Account, if wished { 0.65 } else { 0.55 }, "account"));
    }
    if has(Group::Everything) && !has(Group::Topic) {
        return Some((Target::Generic, if wished { 0.6 } else { 0.4 }, "everything"));
    }
    let pronoun = found
        .around(hit, Group::Pronoun)
        .any(|other| other.sentence == hit.sentence && other.distance(hit) <= CLOSE_WORDS);
    if let Some(named) = pronoun.then(|| antecedent(hit, found)).flatten() {
        return Some(named);
    }
    (has(Group::Data) && !has(Group::Topic)).then_some((Target::Generic, if wished { 0.55 } else { 0.45 }, "data"))
}

/// Whether an object is only mentioned: as what shall stay ("keep my account"), or as the place where something else is
/// to be removed ("the charge on my account"). A noun of erasing takes the account itself ("la suppression de mon compte").
fn set_aside(hit: &Hit, object: &Hit, found: &Signals) -> bool {
    let within = |group: Group| found.around(object, group).any(|other| other.overlaps(object));
    let is_place = hit.is(Group::EraseVerb) && (object.is(Group::AccountMine) || object.is(Group::Account));
    within(Group::RestStays) || (is_place && within(Group::AccountPlace))
}

/// What "it" or "them" stands for: an object of the writer's own in the same sentence or the two before.
fn antecedent(hit: &Hit, found: &Signals) -> Option<(Target, f64, &'static str)> {
    let close =
        |other: &&Hit| other.language == hit.language && other.first < hit.first && hit.sentence - other.sentence <= 2;
    let mut named = None;
    for other in found.sentences(hit.sentence.saturating_sub(2), hit.sentence).iter().filter(close) {
        let target = match &other.topic {
            Topic::Group(Group::AccountMine) => Target::Account,
            Topic::Group(Group::DataMine) => Target::Generic,
            Topic::Group(Group::Profile) if found.beside(other, Group::Own) => Target::Profile,
            Topic::Group(Group::EndUser | Group::OtherUser | Group::DataTheirs) => Target::Theirs,
            Topic::Specific(_) if found.beside(other, Group::Own) => Target::Specific,
            _ => continue,
        };
        named = named.max(Some(target));
    }
    named.map(|target| (target, 0.65, "pronoun"))
}

/// How the utterance is meant.
fn force(hit: &Hit, found: &Signals) -> Force {
    let before = |group: Group, words: usize| {
        found.around(hit, group).any(|other| {
            other.sentence == hit.sentence && other.last < hit.first && hit.first - other.last - 1 <= words
        })
    };
    let negated = found
        .around(hit, Group::Negation)
        .any(|other| other.clause == hit.clause && !other.overlaps(hit) && other.distance(hit) <= NEGATION_WORDS);
    if negated {
        return Force::Negated;
    }
    if conditional(hit, found) {
        return Force::Conditional;
    }
    if before(Group::How, WINDOW_WORDS) && !found.beside(hit, Group::Request) {
        return Force::AskedHow;
    }
    let reported = found.around(hit, Group::Done).any(|done| done.overlaps(hit));
    if reported && !before(Group::Request, usize::MAX) {
        return Force::Reported;
    }
    Force::Wish
}

/// Whether a condition governs the hit: one before it in its sentence with no word of asking in between ("if you agree,
/// please delete" asks). A verb that opens the clause behind the condition is an imperative, and asks too.
fn conditional(hit: &Hit, found: &Signals) -> bool {
    let last = |group: Group| {
        let before = found.around(hit, group).filter(|other| other.sentence == hit.sentence && other.last < hit.first);
        before.max_by_key(|other| other.last)
    };
    let Some(condition) = last(Group::Conditional).filter(|condition| hit.first - condition.last <= WINDOW_WORDS)
    else {
        return false;
    };
    let asked = last(Group::Request).is_some_and(|request| request.last > condition.last);
    let imperative = hit.is(Group::EraseVerb) && condition.clause != hit.clause && found.opens_clause(hit);
    !asked && !imperative
}

/// Phrases that ask to be forgotten by themselves.
fn whole_phrases(found: &Signals, language: Language, part: Part) -> impl Iterator<Item = Signal> {
    let by_law = move |hit: &Hit| found.around(hit, Group::LawErasure).any(|law| law.overlaps(hit));
    let wish = move |hit: &&Hit| force(hit, found) == Force::Wish && !found.beside(hit, Group::List) && !by_law(hit);
    found.of_group(language, Group::ForgetMe).take(ERASING_MAX).filter(wish).map(move |hit| Signal {
        target: Target::Generic,
        confidence: if found.beside(hit, Group::Topic) { 0.4 } else { 0.8 },
        rule: format!("{language}.forget_me"),
        part,
    })
}

/// The law named together with a wish, an object or a reminder, or in a letter that says little else.
fn by_law(texts: &Texts, found: &Signals, language: Language, part: Part) -> Option<Signal> {
    let hit =
        found.of_group(language, Group::LawErasure).take(ERASING_MAX).find(|hit| force(hit, found) == Force::Wish)?;
    if texts.has_any(Group::Topic) || texts.has_any(Group::NewsletterFooter) || texts.has_any(Group::Spam) {
        return None;
    }
    let near = |group: Group| {
        found
            .of_group(language, group)
            .any(|other| other.sentence == hit.sentence && other.distance(hit) <= 2 * WINDOW_WORDS)
    };
    let (confidence, name) = if texts.has(language, Group::Reminder) {
        (0.65, "reminder")
    } else if near(Group::Request) || near(Group::DataMine) {
        (0.75, "request")
    } else if texts.new.words <= SHORT_WORDS && part == Part::New {
        (0.65, "short")
    } else {
        (0.45, "named")
    };
    Some(Signal { target: Target::Generic, confidence, rule: format!("{language}.law+{name}"), part })
}

/// Which of the five erasures the signals amount to.
fn scope(texts: &Texts, language: Language, signals: &[Signal]) -> Intent {
    let has = |target: Target| signals.iter().any(|signal| signal.target == target);
    let said = |group: Group| texts.has(language, group);
    if said(Group::EndUser) || said(Group::NoAccount) {
        return Intent::ErasureEndUser;
    }
    if said(Group::RestStays) && has(Target::Specific) {
        return Intent::ErasureSpecificData;
    }
    if said(Group::OtherUser) && has(Target::Theirs) && !has(Target::Generic) {
        return Intent::ErasureProfile;
    }
    if has(Target::Account) {
        return Intent::ErasureAccount;
    }
    if has(Target::Profile) {
        return Intent::ErasureProfile;
    }
    if has(Target::Generic) {
        return Intent::ErasureGeneric;
    }
    if has(Target::Theirs) { Intent::ErasureEndUser } else { Intent::ErasureSpecificData }
}

#[cfg(test)]
#[path = "judge_tests.rs"]
mod tests;
