//! What a text asks for: groups of the lexicon combined by sentence and distance.
//!
//! A *verb or noun of erasing* with an *object* close by in one sentence is a signal; negations, questions about the
//! way of it, conditions and reports of what others did take its force away. Each language is judged by itself, so
//! that words of two languages never make one request. Judges words only: whether a machine wrote them is judged
//! before, and what is quoted never gets here.

use std::rc::Rc;

use super::hearsay::names_right;
use super::intent::{Disposition, Intent, Part, Reason, Verdict};
use super::lexicon::{Group, Lexicon, Topic};
use super::negation::is_unwanted;
use super::object::{
    BARE_ADDRESS, HAD, NOBODYS, OTHER_THING, PART_THEIRS, SEVERAL, Target, UNREAD_CONFIDENCE, object_of,
};
use super::offered::is_offered;
use super::place::{has_only, is_of_state, is_out_of_another, is_placed, names_account};
use super::present::Groups;
use super::pressing::presses;
use super::refusal::refusal;
use super::signals::{Hit, Signals};
use super::tongue::{Tongue, Tongues, plausible};
use super::unread;
use super::utterance::{
    Force, SHORT_WORDS, WINDOW_WORDS, force, is_doubtful, is_erasing, is_suspect, is_told, undone, wished,
};

/// From here on a request is opened; below it a person looks.
const OPEN_CONFIDENCE: f64 = 0.6;
/// Up to here a signal is only half said.
const WEAK_CONFIDENCE: f64 = 0.72;
/// A wish that is worth a person's look though the letter asks for something else as well.
const PROBABLE_CONFIDENCE: f64 = 0.45;
/// A wish to erase something that is not named.
const SUSPECT_CONFIDENCE: f64 = 0.3;
/// A wish that may be a question.
const DOUBTFUL_CONFIDENCE: f64 = 0.5;
/// Words of a long letter.
const LONG_WORDS: usize = 250;
/// Verbs and nouns of erasing that are weighed, per language and part.
const ERASING_MAX: usize = 200;
/// The rule for "I am not happy, how do I delete my account?", and for "how do I delete it? Do it for me": a person looks.
const HOW_AND_LEAVING: &str = "how+leaving";
/// The rule for named data with something beside it that no rule reads.
const MORE: &str = "specific_and_more";
/// The rule for what may ask to be forgotten, or be about some data or some place only.
const FORGET_PERHAPS: &str = "forget_perhaps";
/// The rules of what was not read in full.
const UNREAD: [&str; 8] = [MORE, SEVERAL, BARE_ADDRESS, HAD, NOBODYS, OTHER_THING, PART_THEIRS, FORGET_PERHAPS];
const REASONS_MAX: usize = 16;
/// Without any of them, what a language says is of no erasing.
const SPEAKING: Groups = Groups::of(&[
    Group::EraseVerb,
    Group::EraseNoun,
    Group::CloseVerb,
    Group::ForgetMe,
    Group::ForgetPerhaps,
    Group::LawErasure,
    Group::Still,
]);
/// Languages that people mix into any other, and whose words were tried on letters in all of them. Of others the one that the text
/// is in knows better than its neighbour.
const HEARD: [Tongue; 6] = [Tongue::En, Tongue::De, Tongue::Fr, Tongue::Es, Tongue::It, Tongue::Nl];
/// How the rule ends that sends a request to a person because its language was not measured.
const UNMEASURED: &str = ".unmeasured";

/// What a text of a letter is made of, looked up.
pub(super) struct Texts {
    /// The subject, unless it only repeats ours.
    pub subject: Option<Rc<Signals>>,
    pub new: Rc<Signals>,
    /// The languages that open requests by themselves.
    measured: Tongues,
    /// The language that most words of the lexicon were found in.
    language: Option<Tongue>,
}

impl Texts {
    pub fn of(subject: Option<&str>, new: &str, lexicon: &Lexicon) -> Self {
        let subject = subject.map(|subject| Rc::new(Signals::of(subject, lexicon)));
        Self::read(subject, Rc::new(Signals::of(new, lexicon)), lexicon)
    }

    /// Of texts that were looked up before.
    pub fn read(subject: Option<Rc<Signals>>, new: Rc<Signals>, lexicon: &Lexicon) -> Self {
        let mut texts = Self { subject, new, measured: lexicon.opening(), language: None };
        let key = |language: &Tongue| (texts.weight(*language), std::cmp::Reverse(*language));
        let best = Tongue::ALL.iter().copied().max_by_key(key);
        texts.language = best.filter(|best| texts.weight(*best) >= 2);
        texts
    }

    fn parts(&self) -> impl Iterator<Item = (Part, &Signals)> {
        self.subject.iter().map(|subject| (Part::Subject, &**subject)).chain([(Part::New, &*self.new)])
    }

    /// The subject and the new text.
    pub fn all(&self) -> Vec<&Signals> {
        self.parts().map(|(_, signals)| signals).collect()
    }

    fn has(&self, language: Tongue, group: Group) -> bool {
        self.parts().any(|(_, signals)| signals.has(language, group))
    }

    fn has_any(&self, group: Group) -> bool {
        self.parts().any(|(_, signals)| signals.has_any(group))
    }

    /// Whether the texts may be in this language; some are heard in every text.
    fn speaks(&self, language: Tongue) -> bool {
        let most = self.language.map_or(0, |most| self.weight(most));
        HEARD.contains(&language) || plausible(self.weight(language), most)
    }

    /// The language that most words of the lexicon were found in.
    pub const fn language(&self) -> Option<Tongue> {
        self.language
    }

    /// How many words of the texts the lexicon knows in a language.
    fn weight(&self, language: Tongue) -> usize {
        self.parts().map(|(_, signals)| signals.weight(language)).sum()
    }
}

/// One sign that something is to be erased.
#[derive(Clone, Debug)]
struct Signal {
    target: Target,
    confidence: f64,
    rule: String,
    part: Part,
    /// Whether its sentence is put as a wish.
    wished: bool,
}

/// What the words ask for.
pub(super) fn judge(texts: &Texts) -> Verdict {
    let own = texts.language().map_or(0, |language| texts.weight(language));
    // Neighbours share words: what is only half said counts in the language that the letter is written in.
    let counts =
        |(language, said): &(Tongue, Verdict)| said.confidence > WEAK_CONFIDENCE || texts.weight(*language) >= own;
    let heard = Tongue::ALL.iter().filter(|language| texts.weight(**language) > 0);
    let verdicts = heard.filter_map(|language| Some((*language, erasure(texts, *language)?))).filter(counts);
    // Of two languages that say the same, the one that more of the text is in, then the one that was measured.
    let rank = |language: Tongue| (texts.weight(language), texts.measured.contains(language));
    let best = verdicts.max_by(|(l, a), (m, b)| a.confidence.total_cmp(&b.confidence).then(rank(*l).cmp(&rank(*m))));
    let unmeasured = best.as_ref().map(|(language, _)| *language).filter(|best| !texts.measured.contains(*best));
    let verdict = among_others(texts, best.map(|(_, erasure)| erasure));
    match unmeasured {
        // Words that were not tried on enough letters: a person looks.
        Some(language) if verdict.opens() => {
            verdict.for_review(1.0, Reason::of(format!("{language}{UNMEASURED}"), Part::Whole))
        }
        _ => verdict,
    }
}

/// Whether a verdict opens a request, or would if its language had been measured.
pub(super) fn asks(verdict: &Verdict) -> bool {
    verdict.opens() || verdict.reasons.first().is_some_and(|reason| reason.rule.ends_with(UNMEASURED))
}

fn among_others(texts: &Texts, best: Option<Verdict>) -> Verdict {
    let others = others(texts);
    let undo = texts.parts().filter(|(_, signals)| signals.has_any(Group::Undo)).find_map(|(part, signals)| {
        let hit = signals.hits.iter().find(|hit| hit.is(Group::Undo) && texts.speaks(hit.language))?;
        Some(Reason::of(format!("{}.undo", hit.language), part))
    });
    let undo = undo.or_else(|| refused(texts));
    match (undo, best) {
        (Some(reason), Some(erasure)) if erasure.intent.is_erasure() && wishes(&texts.new) => torn(erasure, reason),
        (Some(reason), _) => Verdict::of(Intent::Withdraw, 0.8, reason),
        (None, Some(erasure)) => merge(erasure, others),
        (None, None) => others.unwrap_or_else(|| Verdict::of(Intent::Ordinary, 0.5, Reason::of("none", Part::Whole))),
    }
}

/// "You say that you will delete my account. Please don't."
fn refused(texts: &Texts) -> Option<Reason> {
    let hit = refusal(&texts.new, texts.subject.as_deref(), wishes(&texts.new))?;
    texts.speaks(hit.language).then(|| Reason::of(format!("{}.refused", hit.language), Part::New))
}

/// A text that takes something back and asks for an erasure as well: which of the two is meant, a person has to say.
fn torn(mut erasure: Verdict, undo: Reason) -> Verdict {
    erasure.also(Intent::Withdraw);
    erasure.for_review(OPEN_CONFIDENCE - 0.1, undo)
}

/// Whether a text asks for an erasure by a sentence of its own, rather than by telling of an earlier request.
pub(super) fn wishes(found: &Signals) -> bool {
    let asks =
        |hit: &Hit| force(hit, found) == Force::Wish && !undone(hit, found) && !found.beside(hit, Group::Reminder);
    let named = |hit: &Hit| {
        let object = || object_of(hit, found).is_some_and(|(_, confidence, _)| confidence >= OPEN_CONFIDENCE);
        is_erasing(hit) && wished(hit, found) && object()
    };
    found.hits.iter().take(ERASING_MAX).any(|hit| (named(hit) || hit.is(Group::ForgetMe)) && asks(hit))
}

/// An ordinary letter that asks to erase somebody by no more than a name: "please delete Katja Eriksen".
pub(super) fn by_name(texts: &Texts, judged: Verdict) -> Verdict {
    let asks = |hit: &Hit| hit.is(Group::EraseVerb) && wished(hit, &texts.new) && force(hit, &texts.new) == Force::Wish;
    let asked = texts.new.hits.iter().take(ERASING_MAX).find(|hit| asks(hit) && !undone(hit, &texts.new));
    match asked.filter(|_| judged.intent == Intent::Ordinary && !judged.is_unclear()) {
        Some(hit) => {
            let reason = Reason::of(format!("{}.erase+bare_name", hit.language), Part::New);
            let verdict = Verdict::of(Intent::ErasureProfile, UNREAD_CONFIDENCE, reason);
            Verdict { disposition: Disposition::Review, ..verdict }
        }
        None => judged,
    }
}

/// An erasure with the other requests of the letter beside it; a probable one is for a person to judge.
fn merge(mut erasure: Verdict, others: Option<Verdict>) -> Verdict {
    let other = others.filter(|other| other.intent != Intent::CancelContract || erasure.confidence < OPEN_CONFIDENCE);
    if erasure.intent == Intent::Withdraw {
        let Some(mut other) = other else { return erasure };
        other.also.push(Intent::Withdraw);
        return other;
    }
    if erasure.confidence < OPEN_CONFIDENCE {
        if let Some(other) = other {
            return beside(erasure, other);
        }
        erasure.disposition = Disposition::Review;
        return erasure;
    }
    // "Remove my old card and bill the new one": whether that is more than a change, a person has to say.
    if erasure.intent == Intent::ErasureSpecificData
        && let Some(other) = other.as_ref().filter(|other| other.intent == Intent::Rectification)
    {
        let reason = other.reasons.first().cloned();
        erasure.also(Intent::Rectification);
        return match reason {
            Some(reason) => erasure.for_review(OPEN_CONFIDENCE - 0.1, reason),
            None => erasure,
        };
    }
    if let Some(other) = other.filter(|other| !matches!(other.intent, Intent::Spam | Intent::Newsletter)) {
        erasure.also(other.intent);
        erasure.reasons.extend(other.reasons);
    }
    erasure
}

/// A probable erasure beside another request: a person looks where both may be meant, and the other counts by itself
/// where the erasure is hardly said.
fn beside(mut erasure: Verdict, mut other: Verdict) -> Verdict {
    // "Cancel my contract, and delete my account": what may be an erasure is not lost in what is done without asking.
    let is_right = matches!(
        other.intent,
        Intent::Access | Intent::Rectification | Intent::ObjectionOptout | Intent::CancelContract
    );
    // "I want to change my address, please delete the old one."
    let replaces = other.intent == Intent::Rectification && erasure.intent == Intent::ErasureSpecificData;
    if !is_right || replaces || erasure.confidence < PROBABLE_CONFIDENCE {
        other.also(erasure.intent);
        return other;
    }
    erasure.disposition = Disposition::Review;
    erasure.also(other.intent);
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
        (Group::CancelContract, Intent::CancelContract),
    ];
    let mut found: Option<Verdict> = None;
    for (group, intent) in KINDS {
        for (part, signals) in texts.parts() {
            let asked = |hit: &&Hit| {
                let meant = || match group {
                    Group::List => gets_off(hit, signals) && !is_offered(hit, signals),
                    Group::Object => !is_offered(hit, signals),
                    _ => true,
                };
                hit.is(group) && texts.speaks(hit.language) && meant()
            };
            let hits = if signals.has_any(group) { &signals.hits[..] } else { &[] };
            let Some(hit) = hits.iter().find(asked) else { continue };
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

/// Whether a list is what somebody wants to get off, rather than one that is only mentioned.
fn gets_off(list: &Hit, found: &Signals) -> bool {
    const WISHES: [Group; 5] = [Group::EraseVerb, Group::CloseVerb, Group::ForgetMe, Group::Object, Group::Request];
    WISHES.iter().any(|group| found.beside(list, *group)) || found.words <= SHORT_WORDS
}

/// What one language's words say of erasing; `Withdraw` when all that is said is "do not erase my …".
fn erasure(texts: &Texts, language: Tongue) -> Option<Verdict> {
    if !texts.parts().any(|(_, signals)| signals.has_one(language, SPEAKING)) {
        return None;
    }
    let (mut signals, mut negated, mut asked_how) = (Vec::new(), false, false);
    let (mut suspect, mut placed, mut asked_us) = (false, false, false);
    let spoken = texts.language().filter(|spoken| *spoken != language && !HEARD.contains(&language));
    for (part, found) in texts.parts() {
        let known = |hit: &Hit| spoken.is_some_and(|spoken| knows(spoken, hit, found));
        let own = |hit: &&Hit| hit.language == language && is_erasing(hit) && !undone(hit, found) && !known(hit);
        let erasing = found.hits.iter().filter(own);
        for hit in erasing.take(ERASING_MAX) {
            let force = force(hit, found);
            asked_how |= force == Force::AskedHow;
            let Some((target, confidence, name)) = object_of(hit, found) else {
                asked_us |= force != Force::Negated && texts.has(language, Group::DoIt) && names_account(hit, found);
                suspect |= force == Force::Wish && is_suspect(hit, found);
                placed |= force == Force::Wish && has_only(hit, found);
                continue;
            };
            let more = target == Target::Specific && force != Force::Negated && unread::is_joined(hit, found);
            let (confidence, name) = if more { (UNREAD_CONFIDENCE, MORE) } else { (confidence, name) };
            match force {
                Force::Wish if part == Part::New && is_doubtful(hit, found) => {
                    signals.push(signal(hit, found, part, target, confidence.min(DOUBTFUL_CONFIDENCE), name));
                }
                Force::Doubtful => {
                    signals.push(signal(hit, found, part, target, confidence.min(DOUBTFUL_CONFIDENCE), name));
                }
                Force::Wish => signals.push(signal(hit, found, part, target, confidence, name)),
                Force::Negated => negated |= confidence > 0.8,
                Force::AskedHow if texts.has(language, Group::Leaving) || texts.has(language, Group::DoIt) => {
                    let rule = format!("{language}.{HOW_AND_LEAVING}");
                    signals.push(Signal { target, confidence: 0.5, rule, part, wished: false });
                }
                Force::AskedHow | Force::Conditional | Force::Reported => {}
            }
        }
        signals.extend(whole_phrases(found, language, part));
        signals.extend(perhaps(found, language, part));
        signals.extend(by_law(texts, found, language, part));
    }
    // Of who asks for all of it anyway, it says nothing new.
    let asks_all = |signal: &Signal| {
        signal.confidence >= OPEN_CONFIDENCE && matches!(signal.target, Target::Account | Target::Generic)
    };
    if signals.iter().any(asks_all) {
        signals.retain(|signal| !signal.rule.ends_with(FORGET_PERHAPS));
    }
    told_of(texts, language, &mut signals);
    weigh(texts, &mut signals, asked_how);
    if texts.has_any(Group::NotMe) {
        // Whoever wrote of it, its writer does not wish it.
        signals.iter_mut().for_each(|signal| signal.confidence = signal.confidence.min(DOUBTFUL_CONFIDENCE));
    }
    let newsletter = texts.has_any(Group::NewsletterFooter);
    if newsletter || refuses(texts, language) || texts.new.asks() {
        // "You say that you will delete my account. I do not agree." "Is that true?" "Delete your data with one click!"
        let told = signals.iter_mut().filter(|signal| !signal.wished);
        told.for_each(|signal| signal.confidence = signal.confidence.min(DOUBTFUL_CONFIDENCE));
    }
    let to_many = texts.has_any(Group::NewsletterFooter) || texts.new.words > LONG_WORDS;
    if asked_us && signals.is_empty() && !negated && !to_many {
        signals.push(pressed(texts, language));
    }
    if (suspect || placed) && signals.is_empty() && !negated && !asked_how && !to_many {
        let (confidence, name) = if placed { (UNREAD_CONFIDENCE, "place") } else { (SUSPECT_CONFIDENCE, "unnamed") };
        let (rule, part) = (format!("{language}.erase+{name}"), Part::New);
        signals.push(Signal { target: Target::Generic, confidence, rule, part, wished: true });
    }
    if signals.is_empty() && !negated && !to_many && presses(&texts.new, language) {
        signals.push(pressed(texts, language));
    }
    let Some(confidence) = signals.iter().map(|signal| signal.confidence).max_by(f64::total_cmp) else {
        let reason = Reason::of(format!("{language}.negated"), Part::New);
        return negated.then(|| Verdict::of(Intent::Withdraw, 0.55, reason));
    };
    let intent = scope(texts, language, &signals);
    let mut reasons: Vec<Reason> = signals.iter().map(|signal| Reason::of(signal.rule.clone(), signal.part)).collect();
    reasons.dedup();
    reasons.truncate(REASONS_MAX);
    // Whom or what one wish names in full, another one may lack: nothing is offered until a person has read both.
    let unread = signals.iter().any(|signal| UNREAD.iter().any(|name| signal.rule.ends_with(name)));
    let confidence = if negated || unread { confidence.min(OPEN_CONFIDENCE - 0.1) } else { confidence };
    let reason = reasons.remove(0);
    let mut verdict = Verdict::of(intent, confidence, reason);
    verdict.reasons.extend(reasons);
    Some(verdict)
}

/// Whether the new text says no to something, in a phrase, or wants to keep what there is.
fn refuses(texts: &Texts, language: Tongue) -> bool {
    let phrase = |hit: &Hit| hit.is(Group::No) && hit.last > hit.first;
    texts.new.hits.iter().any(|hit| hit.language == language && (phrase(hit) || hit.is(Group::Keep)))
}

/// Whether the language that the text is in has a word of erasing in the same place. It then knows better than its
/// neighbour what is meant: Czech and Slovak, Croatian and Slovenian share their verbs, but not what surrounds them.
fn knows(spoken: Tongue, hit: &Hit, found: &Signals) -> bool {
    let mut beside = found.sentences(hit.sentence, hit.sentence).iter();
    beside.any(|other| other.language == spoken && is_erasing(other) && other.overlaps(hit))
}

/// Takes force from a subject whose text tells only of an erasure that was: "Deletion of my account", and "why was it deleted?".
fn told_of(texts: &Texts, language: Tongue, signals: &mut [Signal]) {
    let found = &texts.new;
    let own = |hit: &&Hit| hit.language == language && is_erasing(hit) && object_of(hit, found).is_some();
    let told = |hit: &Hit| is_told(hit, found);
    let mut erasing = found.hits.iter().filter(own).take(ERASING_MAX).peekable();
    if erasing.peek().is_some()
        && erasing.all(told)
        && !signals.iter().any(|signal| signal.part == Part::New && signal.confidence >= OPEN_CONFIDENCE)
    {
        let erased = found.hits.iter().filter(own).take(ERASING_MAX);
        let erased: Vec<Target> = erased.filter_map(|hit| Some(object_of(hit, found)?.0)).collect();
        let of_it = |signal: &&mut Signal| erased.iter().any(|erased| takes_in(*erased, signal.target));
        let told_of = signals.iter_mut().filter(of_it);
        told_of.for_each(|signal| signal.confidence = signal.confidence.min(DOUBTFUL_CONFIDENCE));
    }
}

/// Whether what was erased may be what a subject asks for: "I have deleted my photos" says nothing of the account.
fn takes_in(erased: Target, asked: Target) -> bool {
    erased == asked || matches!(erased, Target::Account | Target::Generic | Target::Profile)
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
    let from_many = texts.has_any(Group::NewsletterFooter);
    if from_many || texts.has_any(Group::List) || texts.new.words > LONG_WORDS {
        signals.iter_mut().for_each(|signal| {
            let least = if is_own(signal) && !from_many { signal.confidence.min(PROBABLE_CONFIDENCE) } else { 0.0 };
            signal.confidence = (signal.confidence - 0.2).max(least);
        });
    }
}

/// Whether what may be asked for is named as the writer's own: a list or many words beside it do not make it something else.
fn is_own(signal: &Signal) -> bool {
    signal.rule.ends_with("_mine") || signal.rule.ends_with(".forget_me")
}

fn signal(hit: &Hit, found: &Signals, part: Part, target: Target, confidence: f64, name: &str) -> Signal {
    let wished = part == Part::Subject || wished(hit, found);
    let confidence = if wished { confidence + 0.05 } else { confidence };
    let erasing = match &hit.topic {
        Topic::Group(group) => group.as_str(),
        Topic::Specific(_) => "specific",
    };
    Signal { target, confidence, rule: format!("{}.{erasing}+{name}", hit.language), part, wished }
}

/// A question after the writer's own account or data that presses: a person looks.
fn pressed(texts: &Texts, language: Tongue) -> Signal {
    let account = texts.has(language, Group::AccountMine);
    let target = if account { Target::Account } else { Target::Generic };
    let (rule, part) = (format!("{language}.pressed"), Part::New);
    Signal { target, confidence: DOUBTFUL_CONFIDENCE, rule, part, wished: true }
}

/// Phrases that ask to be forgotten by themselves.
fn whole_phrases(found: &Signals, language: Tongue, part: Part) -> impl Iterator<Item = Signal> {
    let unwanted = |phrase: &Hit| {
        let mut sentence = found.sentences(phrase.sentence, phrase.sentence).iter();
        sentence.any(|other| other.first > phrase.last && is_erasing(other) && is_unwanted(other, found))
    };
    let wish = move |hit: &&Hit| {
        matches!(force(hit, found), Force::Wish | Force::Doubtful)
            && !found.beside(hit, Group::List)
            && !found.within(hit, Group::LawErasure)
            && !undone(hit, found)
            && !unwanted(hit)
    };
    // "I no longer want an account, what should I do?"
    let asks = |hit: &Hit| {
        let wishes = found.beside(hit, Group::Request) || found.beside(hit, Group::EraseVerb);
        found.is_question(hit.sentence) && found.beside(hit, Group::How) && !wishes
    };
    let account = move |hit: &Hit| found.within(hit, Group::Account) || found.within(hit, Group::AccountMine);
    let whole = found.of_group(language, Group::ForgetMe).filter(move |hit| !is_placed(hit, found));
    whole.take(ERASING_MAX).filter(wish).map(move |hit| Signal {
        target: if account(hit) { Target::Account } else { Target::Generic },
        confidence: match () {
            () if found.beside(hit, Group::Topic) => 0.4,
            () if asks(hit) || force(hit, found) == Force::Doubtful => DOUBTFUL_CONFIDENCE,
            () if is_out_of_another(hit, found) || account(hit) && is_of_state(hit, found) => DOUBTFUL_CONFIDENCE,
            () => 0.8,
        },
        rule: format!("{language}.forget_me"),
        part,
        wished: true,
    })
}

/// Phrases that may ask to be forgotten, unless they are of a phrase that does.
fn perhaps(found: &Signals, language: Tongue, part: Part) -> impl Iterator<Item = Signal> {
    let wish = move |hit: &&Hit| {
        let asks = matches!(force(hit, found), Force::Wish | Force::Doubtful | Force::Negated);
        let whole = found.around(hit, Group::ForgetMe).any(|whole| whole.overlaps(hit) && !is_placed(whole, found));
        asks && !whole && !found.beside(hit, Group::List) && !undone(hit, found)
    };
    let placed = found.of_group(language, Group::ForgetMe).filter(move |hit| is_placed(hit, found));
    let phrases = found.of_group(language, Group::ForgetPerhaps).chain(placed).take(ERASING_MAX).filter(wish);
    phrases.map(move |_| Signal {
        target: Target::Generic,
        confidence: UNREAD_CONFIDENCE,
        rule: format!("{language}.{FORGET_PERHAPS}"),
        part,
        wished: true,
    })
}

/// The law named together with a wish, an object or a reminder, or in a letter that says little else.
fn by_law(texts: &Texts, found: &Signals, language: Tongue, part: Part) -> Option<Signal> {
    let mut named = found.of_group(language, Group::LawErasure).take(ERASING_MAX);
    let wish = |hit: &Hit| matches!(force(hit, found), Force::Wish | Force::Doubtful);
    let hit = named.find(|hit| wish(hit) && !undone(hit, found))?;
    // "Art. 17" is said in every language: what the letter is about shows in its own.
    let topic = texts.has(language, Group::Topic) || texts.language().is_some_and(|own| texts.has(own, Group::Topic));
    if topic || texts.has_any(Group::NewsletterFooter) || texts.has_any(Group::Spam) {
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
    let doubtful = force(hit, found) == Force::Doubtful || names_right(hit, found);
    let confidence = if doubtful { f64::min(confidence, DOUBTFUL_CONFIDENCE) } else { confidence };
    Some(Signal { target: Target::Generic, confidence, rule: format!("{language}.law+{name}"), part, wished: true })
}

/// Which of the five erasures the signals amount to.
fn scope(texts: &Texts, language: Tongue, signals: &[Signal]) -> Intent {
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

#[cfg(test)]
#[path = "lost_tests.rs"]
mod lost_tests;
