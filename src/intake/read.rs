//! One letter from its bytes to its [`Intake`]: the order in which the other modules are asked.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use super::added::added;
use super::answer::{Said, keeps};
use super::attached::attached;
use super::company::company;
use super::frame::Names;
use super::hearing::repeated;
use super::intent::{Disposition, Intent, Part, REASONS_MAX, Reason, Verdict};
use super::judge::{Texts, asks, by_name, judge};
use super::letter::Letter;
use super::lexicon::{Group, Lexicon};
use super::limit::limit;
use super::machine::{MachineKind, Robot, is_generated, machine};
use super::more::more;
use super::normal::{cut, fold};
use super::ours;
use super::quote::{Kind, Split, split};
use super::signals::{Hit, Signals};
use super::tongue::Tongue;
use super::{
    Address, Answer, AnswerIntent, Claims, Defect, Intake, Limits, bounce, claims, passed, spam, tokens, utterance,
};

/// Words up to which a plain part is a stub beside the HTML ("Your mail client does not show HTML").
const STUB_WORDS_MAX: usize = 15;
/// Words up to which a yes or a no is an answer rather than a letter.
const ANSWER_WORDS_MAX: usize = 40;
const LANGUAGE_CHARS_MIN: usize = 20;
/// How the rule ends that found more in a letter than was read of it.
const MORE: &str = "more";
/// The rule of what was found in a letter that is passed on.
const FORWARDED: &str = "forwarded";
/// How the rule ends that found that a whole company's is asked for.
const COMPANY: &str = "company";
/// Words of a new text that says nearly nothing beside what was taken for quoted.
const SET_APART_WORDS_MAX: usize = 40;
/// Words that a colleague writes above a letter that they pass on. Whoever writes more may say anything of it.
const PASSING_WORDS_MAX: usize = 60;
/// Characters of a forwarded text within which its sender is named.
const REPEATED_HEADER_CHARS: usize = 1_000;

/// Reads a letter. Total: a letter that cannot be understood comes back for a person to look at, with a [`Defect`].
///
/// Takes up to some tens of milliseconds for the largest HTML that [`Limits`] admits: call it off the async threads.
#[must_use]
pub fn read(bytes: &[u8], lexicon: &Lexicon, limits: &Limits) -> Intake {
    let understood = catch_unwind(AssertUnwindSafe(|| {
        let letter = Letter::parse(bytes, limits);
        let texts = Shown::of(&letter, lexicon);
        understand(letter, &texts, lexicon, limits)
    }));
    let mut intake = understood.unwrap_or_else(|_| opaque(Defect::ParserPanicked));
    intake.defects.sort_unstable();
    intake.defects.dedup();
    intake
}

/// The texts of a letter as [`read`] takes them apart, for a person who asks what counted.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Parts {
    /// What the writer wrote anew.
    pub new: String,
    /// What is repeated.
    pub quoted: String,
    /// What is passed on.
    pub forwarded: String,
}

/// Takes the texts of a letter apart. Total: a letter that cannot be understood has none.
#[must_use]
pub fn parts(bytes: &[u8], lexicon: &Lexicon, limits: &Limits) -> Parts {
    let apart = catch_unwind(AssertUnwindSafe(|| {
        let Split { new, quoted, forwarded, .. } = Shown::of(&Letter::parse(bytes, limits), lexicon).main;
        Parts { new, quoted, forwarded }
    }));
    apart.unwrap_or_default()
}

/// What is left of a letter that could not be read.
fn opaque(defect: Defect) -> Intake {
    Intake {
        message_id: None,
        in_reply_to: Vec::new(),
        references: Vec::new(),
        from: Vec::new(),
        reply_to: Vec::new(),
        forwarded_from: None,
        passed_on: false,
        recipients: Vec::new(),
        subject: String::new(),
        language: None,
        machine: None,
        machine_proven: false,
        new_text: String::new(),
        quoted_bytes: 0,
        verdict: unreadable(),
        limited: false,
        more: false,
        claims: Claims::default(),
        answer: Answer::none(),
        bounce: None,
        defects: vec![defect],
        attachments: Vec::new(),
    }
}

/// What nobody could read may ask for anything.
fn unreadable() -> Verdict {
    let reason = Reason::of("unreadable", Part::Whole);
    Verdict { disposition: Disposition::Review, ..Verdict::of(Intent::Ordinary, 0.0, reason) }
}

/// What a reader is shown, taken apart: the text that counts, and the other form of it where there are two.
struct Shown {
    main: Split,
    other: Option<Split>,
    /// The subject, where it is the writer's own rather than a repetition of ours.
    subject: Option<String>,
    /// The subject that is repeated, folded and without "Re:": all that there is where nothing is written under it.
    repeated: Option<String>,
    is_reply: bool,
}

impl Shown {
    fn of(letter: &Letter, lexicon: &Lexicon) -> Self {
        let folded = fold(&letter.subject);
        let is_forward = lexicon.starts(Group::ForwardPrefix, &folded);
        let is_reply = lexicon.starts(Group::ReplyPrefix, &folded) || !letter.in_reply_to.is_empty();
        let kind = Kind { is_forward, is_reply };
        let cut_apart = |text: &str| split(text, lexicon, kind);
        let (plain, html) = (cut_apart(&letter.plain), cut_apart(&letter.html));
        let has = |text: &str| !text.trim().is_empty();
        let (main, other) = match (has(&letter.plain), has(&letter.html)) {
            (true, true) if is_stub(&letter.plain, &letter.html) => (html, None),
            (true, true) => (plain, Some(html)),
            (false, true) => (html, None),
            _ => (plain, None),
        };
        let prefix = [Group::ReplyPrefix, Group::ForwardPrefix].iter();
        let repeated = prefix.filter_map(|group| lexicon.first_at_start(*group, &folded)).max();
        let repeated = repeated.map(|end| folded[end..].to_owned());
        let is_reply = is_reply || has(&main.quoted);
        let shown = if has(&letter.plain) { &letter.plain } else { &letter.html };
        if !has(&main.new) && ours::is_whole(&letter.subject, shown, lexicon) {
            // Nobody wrote this: not the subject either.
            return Self { main, other, subject: None, repeated: Some(String::new()), is_reply };
        }
        let subject = repeated.is_none().then(|| letter.subject.clone());
        Self { main, other, subject, repeated, is_reply }
    }

    /// What both forms of the new text answer.
    fn said(&self, texts: &Texts, twin: Option<&Texts>, names: &Names, lexicon: &Lexicon) -> Said {
        let said = Said::of(&self.main.new, &texts.new, names, lexicon);
        match self.other.as_ref().zip(twin) {
            Some((other, twin)) => said.both(&Said::of(&other.new, &twin.new, names, lexicon)),
            None => said,
        }
    }

    /// Whether what it repeats says stop, in words that are not ours: below a copy of our letter, within it, or by whoever is
    /// quoted beside it.
    fn stops_below(&self, names: &Names, lexicon: &Lexicon) -> bool {
        let copies = std::iter::once(&self.main).chain(&self.other).flat_map(|split| [&split.quoted, &split.forwarded]);
        let stops = |text: &str| {
            let withdraws = || judge(&Texts::of(None, text, lexicon)).intent == Intent::Withdraw;
            Said::of(text, &Signals::of(text, lexicon), names, lexicon).stops || withdraws()
        };
        copies.flat_map(|copy| added(copy, lexicon)).any(|said| stops(&said))
    }

    /// The other form of the letter, looked up: once where both say the same.
    fn twin(&self, texts: &Texts, lexicon: &Lexicon) -> Option<Texts> {
        let other = self.other.as_ref()?;
        let same = other.new.split_whitespace().eq(self.main.new.split_whitespace());
        let new = if same { Rc::clone(&texts.new) } else { Rc::new(Signals::of(&other.new, lexicon)) };
        Some(Texts::read(texts.subject.clone(), new, lexicon))
    }
}

fn is_stub(plain: &str, html: &str) -> bool {
    let words = |text: &str| text.split_whitespace().count();
    words(plain) <= STUB_WORDS_MAX && fold(plain).contains("html") && words(html) > 0
}

fn understand(letter: Letter, shown: &Shown, lexicon: &Lexicon, limits: &Limits) -> Intake {
    let inside = passed::inside(&letter, &shown.main.forwarded, lexicon);
    let mut defects = letter.defects.clone();
    let texts = Texts::of(shown.subject.as_deref(), &shown.main.new, lexicon);
    let twin = shown.twin(&texts, lexicon);
    let judged = judge(&texts);
    let wrote = machine(&letter, &texts.new, lexicon);
    let (returned, robot) = match bounce::bounce(&letter, lexicon) {
        Some((bounce, robot)) => (Some(bounce), Some(robot.backed_by(wrote.as_ref()))),
        None => (None, wrote),
    };
    let tokens = tokens::tokens(
        &letter.recipients,
        [&shown.main.quoted, &shown.main.forwarded, &shown.main.new, &letter.html].into_iter().map(String::as_str),
    );
    let said = shown.said(&texts, twin.as_ref(), &Names::of(&letter), lexicon);
    let said = if said.yes_in.is_empty() { said } else { said.to(repeated(&shown.main.quoted, lexicon)) };
    let said = said.beside(
        !tokens.is_empty() && shown.stops_below(&Names::of(&letter), lexicon),
        passes_on_another(&letter, shown),
    );
    let asks_to_stop = said.stops || judged.intent == Intent::Withdraw;
    // A machine answers nothing; but what only words call a machine's may be a person's real answer.
    let is_proven = robot.as_ref().is_some_and(|robot| robot.proven);
    let said = if is_proven { Said::nothing() } else { said };
    let words = Words { texts: &texts, twin: twin.as_ref(), said: said.intent, shown, lexicon };
    let verdict = match &robot {
        Some(robot) => by_machine(robot, is_generated(&letter), judged),
        None => by_person(&letter, judged, &words),
    };
    let is_bare = robot.is_none() && verdict.intent == Intent::Ordinary;
    let names_somebody = || {
        let (new, found) = (&shown.main.new, texts.all());
        !claims::bare_names(new, &found, lexicon).is_empty() || claims::has_lone_name(new, &found, lexicon)
    };
    let verdict = match is_bare && names_somebody() {
        true => by_name(&texts, verdict),
        false => verdict,
    };
    // What words alone call a returned letter may be a person's, who asks for something.
    let returned = returned.filter(|_| verdict.intent == Intent::Bounce);
    let named = format!("{}\n{}", shown.subject.as_deref().unwrap_or_default(), shown.main.new);
    let claims = claims::claims(&named, &texts.all(), &letter.from, lexicon, limits.addresses_max, &mut defects);
    let joined = joined(shown, &verdict, &claims, &Names::of(&letter), lexicon);
    let verdict = match joined {
        // It opens, and nothing of it is offered.
        Some(language) => verdict.with(Reason::of(format!("{language}.{MORE}"), Part::New)),
        None => verdict,
    };
    let verdict = match company(&texts, twin.as_ref().map(|twin| &*twin.new)).filter(|_| verdict.opens()) {
        Some(found) => {
            let of_all = found.ends && verdict.intent == Intent::ErasureGeneric;
            let intent = if of_all { Intent::ErasureAccount } else { verdict.intent };
            let reason = Reason::of(format!("{}.{COMPANY}", found.language), Part::New);
            Verdict { intent, ..verdict }.with(reason)
        }
        None => verdict,
    };
    let repeated = [shown.main.quoted.as_str(), shown.main.forwarded.as_str()];
    let answers_ours = !tokens::tokens(&letter.recipients, repeated.into_iter()).is_empty();
    let verdict = if answers_ours { verdict } else { or_spam(verdict, &letter, robot.as_ref()) };
    let only_passes_on = passes_on(&verdict, &texts, &shown.main.new);
    let inside = inside.filter(|_| robot.is_none() && !answers_ours);
    let inside = inside.map(|inside| read_inside(inside, lexicon, limits));
    // A stop that somebody passes on is one, whatever they say of it.
    let asks_to_stop = asks_to_stop || inside.as_ref().is_some_and(|inside| inside.answer.asks_to_stop);
    let outer = Intake {
        language: language(&texts, &shown.main.new),
        machine: robot.map(|robot| robot.kind),
        machine_proven: is_proven,
        quoted_bytes: shown.main.quoted.len() + shown.main.forwarded.len(),
        limited: limited(&texts, twin.as_ref(), verdict.intent),
        more: joined.is_some(),
        verdict,
        claims,
        answer: Answer { intent: said.intent, yes_in: said.yes_in, codes: said.codes, asks_to_stop, tokens },
        bounce: returned,
        defects,
        new_text: shown.main.new.trim().to_owned(),
        forwarded_from: forwarded_from(&letter, shown),
        passed_on: false,
        message_id: letter.message_id,
        in_reply_to: letter.in_reply_to,
        references: letter.references,
        from: letter.from,
        reply_to: letter.reply_to,
        recipients: letter.recipients,
        subject: letter.subject,
        attachments: letter.attachments,
    };
    match inside.filter(|_| only_passes_on) {
        Some(inside) => of_writer(outer, inside),
        None => outer,
    }
}

/// Whether a letter brings one that somebody else may have written: a yes above it may be about that, and not about our question.
fn passes_on_another(letter: &Letter, shown: &Shown) -> bool {
    !letter.enclosed.is_empty() || !shown.main.forwarded.trim().is_empty()
}

/// Whether a letter asks for something by what it passes on alone, and its sender says nothing of it that could matter.
fn passes_on(verdict: &Verdict, texts: &Texts, new_text: &str) -> bool {
    let inside = verdict.is_unclear() && verdict.reasons.first().is_some_and(|reason| reason.rule == FORWARDED);
    let new = &texts.new;
    // A "no" of one language is a "to" of another.
    let language = language(texts, new_text);
    let spoken = |hit: &Hit| language.is_none_or(|language| hit.language == language);
    let objects =
        |hit: &Hit| spoken(hit) && [Group::Negation, Group::NegationElse, Group::No].iter().any(|group| hit.is(*group));
    inside && new.words <= PASSING_WORDS_MAX && !new.hits.iter().any(objects)
}

/// Reads the letter inside as if its writer had sent it.
fn read_inside(inside: Letter, lexicon: &Lexicon, limits: &Limits) -> Intake {
    let shown = Shown::of(&inside, lexicon);
    understand(inside, &shown, lexicon, limits)
}

/// A letter that only passes on another one asks what that one asks, where that one is clear; its writer asks, and they alone.
fn of_writer(outer: Intake, inside: Intake) -> Intake {
    let writer = inside.from.first().cloned();
    let of_sender = writer.as_ref().is_some_and(|writer| outer.from.iter().any(|from| from.same_mailbox(writer)));
    // Passed on twice: who means what nobody can tell.
    if !inside.verdict.opens() || inside.passed_on || of_sender {
        return outer;
    }
    let mut verdict = inside.verdict;
    for reason in &mut verdict.reasons {
        reason.part = Part::Forwarded;
    }
    verdict.reasons.insert(0, Reason::of(FORWARDED, Part::Forwarded));
    verdict.reasons.truncate(REASONS_MAX);
    Intake {
        verdict,
        language: inside.language,
        limited: outer.limited || inside.limited,
        more: outer.more || inside.more,
        claims: inside.claims,
        forwarded_from: writer,
        passed_on: true,
        ..outer
    }
}

/// Spam among the letters that ask for nothing of ours. What may ask for an erasure, or for another right, is never held against it.
fn or_spam(verdict: Verdict, letter: &Letter, robot: Option<&Robot>) -> Verdict {
    let asks_nothing = matches!(verdict.intent, Intent::Ordinary | Intent::Newsletter | Intent::ObjectionOptout)
        || verdict.intent == Intent::AutoReply && robot.is_some_and(|robot| !robot.proven);
    let heard = verdict.opens() || verdict.is_unclear();
    let right = |also: &Intent| also.is_erasure() || matches!(also, Intent::Access | Intent::Rectification);
    if !asks_nothing || heard || verdict.also.iter().any(right) {
        return verdict;
    }
    let objects = verdict.intent == Intent::ObjectionOptout;
    match spam::spam(letter, objects) {
        Some(reasons) => {
            let mut reasons = reasons.into_iter();
            let first = reasons.next().unwrap_or_else(|| Reason::of("spam", Part::Whole));
            let mut spam = Verdict::of(Intent::Spam, 0.7, first);
            spam.reasons.extend(reasons);
            spam
        }
        None => verdict,
    }
}

/// Whether one of the two forms of the letter, or its subject, excepts a part of what it asks for.
fn limited(texts: &Texts, twin: Option<&Texts>, intent: Intent) -> bool {
    let named_only = intent == Intent::ErasureSpecificData;
    let mut all = texts.all().into_iter().chain(twin.map(|twin| &*twin.new));
    // Where nothing at all is to be erased, what stays is no part.
    all.any(|signals| !keeps(signals) && limit(signals, named_only).is_some())
}

/// Whether one of the two forms of a letter that opens asks for more than was read of it.
fn joined(shown: &Shown, verdict: &Verdict, claims: &Claims, names: &Names, lexicon: &Lexicon) -> Option<Tongue> {
    let both = std::iter::once(&shown.main).chain(&shown.other).filter(|_| verdict.opens());
    let forms = both.map(|split| split.new.as_str());
    forms.into_iter().find_map(|text| more(text, verdict, claims, names, lexicon))
}

/// The words of a letter, ready to be judged.
struct Words<'a> {
    texts: &'a Texts,
    /// The other form of the letter.
    twin: Option<&'a Texts>,
    said: AnswerIntent,
    shown: &'a Shown,
    lexicon: &'a Lexicon,
}

/// A machine's letter asks for nothing; but where one passes on what a person wrote (a contact form, a support address
/// that is itself a list), or only its words make it look like a machine's, a request in it goes to a person and is never
/// lost.
fn by_machine(robot: &Robot, is_generated: bool, judged: Verdict) -> Verdict {
    let intent = match robot.kind {
        MachineKind::Bounce => Intent::Bounce,
        MachineKind::AutoReply => Intent::AutoReply,
        MachineKind::List | MachineKind::Bulk => Intent::Newsletter,
    };
    let passes_on = is_generated || matches!(robot.kind, MachineKind::List | MachineKind::Bulk);
    let asked = asks(&judged) || (judged.is_unclear() && !robot.proven);
    if asked && (passes_on || !robot.proven) {
        return judged.for_review(0.4, robot.reason.clone());
    }
    Verdict::of(intent, 0.95, robot.reason.clone())
}

fn by_person(letter: &Letter, judged: Verdict, words: &Words<'_>) -> Verdict {
    if letter.defects.contains(&Defect::Empty) {
        return Verdict::of(Intent::Ordinary, 0.5, Reason::of("empty", Part::Whole));
    }
    if letter.defects.contains(&Defect::Unparsable) {
        return unreadable();
    }
    if let Some(reason) = only_attached(letter, words) {
        let erasure = |judged: &Verdict| judged.intent.is_erasure();
        let asked = Some(judged).filter(erasure);
        let asked = asked.unwrap_or_else(|| Verdict::of(Intent::ErasureGeneric, 0.4, reason.clone()));
        return asked.for_review(0.4, reason);
    }
    if let Some(twin) = words.twin.filter(|twin| !Rc::ptr_eq(&twin.new, &words.texts.new)) {
        let twin = judge(twin);
        let differ = judged.intent != twin.intent || judged.opens() != twin.opens();
        if differ && (judged.opens() || twin.opens()) {
            let (mut likely, less) = if judged.opens() { (judged, twin) } else { (twin, judged) };
            if less.opens() {
                likely.also(less.intent);
            }
            return likely.for_review(0.3, Reason::of("plain-and-html-disagree", Part::Whole));
        }
    }
    if judged.opens() || judged.is_unclear() {
        return agreed(judged, words);
    }
    if let Some(repeated) = words.shown.repeated.as_deref().filter(|_| words.texts.new.words == 0) {
        let again = judge(&Texts::of(Some(repeated), "", words.lexicon));
        if asks(&again) {
            return again.for_review(0.5, Reason::of("repeated-subject", Part::Subject));
        }
    }
    answered(judged, words).unwrap_or_else(|judged| {
        let judged = forwarded(letter, judged, words);
        if judged.is_unclear() { judged } else { set_apart(letter, judged, words) }
    })
}

/// Whether all that a letter brings is an attachment, which may ask for an erasure. Of an answer only the file's name counts: its
/// subject is ours.
fn only_attached(letter: &Letter, words: &Words<'_>) -> Option<Reason> {
    let answers = !letter.in_reply_to.is_empty() || !words.shown.main.quoted.trim().is_empty();
    let subject = words.shown.subject.as_deref().or(words.shown.repeated.as_deref()).filter(|_| !answers);
    let forms = std::iter::once(&words.shown.main).chain(&words.shown.other);
    let said: Vec<&str> = forms.map(|split| split.new.as_str()).collect();
    attached(letter, &said, subject, words.lexicon)
}

/// A letter that answers nobody and of which nearly all was taken for quoted: people repeat sentences that our own letters
/// use ("we have received a request for erasure from a guest of ours").
fn set_apart(letter: &Letter, judged: Verdict, words: &Words<'_>) -> Verdict {
    let answers = words.shown.repeated.is_some() || !letter.in_reply_to.is_empty();
    if answers || words.texts.new.words > SET_APART_WORDS_MAX || words.shown.main.quoted.trim().is_empty() {
        return judged;
    }
    let inner = judge(&Texts::of(words.shown.subject.as_deref(), &words.shown.main.quoted, words.lexicon));
    if asks(&inner) { inner.for_review(0.4, Reason::of("set-apart", Part::Whole)) } else { judged }
}

/// A reply that says yes and repeats the wish ("Yes, please delete it"): it answers our question. Where we have put none,
/// the wish still goes to a person.
fn agreed(judged: Verdict, words: &Words<'_>) -> Verdict {
    let short = words.shown.is_reply && words.texts.new.words <= ANSWER_WORDS_MAX;
    if !short || words.said != AnswerIntent::Yes || !says_yes(&words.texts.new) {
        return judged;
    }
    let mut yes = Verdict::of(Intent::Confirm, 0.8, Reason::of("answer.yes", Part::New));
    yes.also(judged.intent);
    yes.reasons.extend(judged.reasons);
    yes
}

/// Whether a word of agreeing stands apart from the words of the wish ("please delete" is one of both; "I confirm the deletion" agrees
/// to one).
fn says_yes(found: &Signals) -> bool {
    found.hits.iter().filter(|hit| hit.is(Group::Yes)).any(|yes| {
        let mut erasing = found.sentences(yes.sentence, yes.sentence).iter();
        !erasing.any(|hit| utterance::is_erasing(hit) && !hit.is(Group::EraseNoun) && hit.overlaps(yes))
    })
}

/// A short yes or no in a reply; `Err` gives the verdict back.
fn answered(judged: Verdict, words: &Words<'_>) -> Result<Verdict, Verdict> {
    if !words.shown.is_reply || words.texts.new.words > ANSWER_WORDS_MAX {
        return Err(judged);
    }
    match words.said {
        AnswerIntent::Yes => Ok(Verdict::of(Intent::Confirm, 0.8, Reason::of("answer.yes", Part::New))),
        AnswerIntent::No => Ok(Verdict::of(Intent::Deny, 0.8, Reason::of("answer.no", Part::New))),
        _ => Err(judged),
    }
}

/// A request in a letter that was passed on: whose it is has still to be told.
fn forwarded(letter: &Letter, judged: Verdict, words: &Words<'_>) -> Verdict {
    let enclosed = letter.enclosed.iter().map(|enclosed| (Some(enclosed.subject.as_str()), enclosed.text.as_str()));
    let inline = [(None, words.shown.main.forwarded.as_str())];
    for (subject, text) in inline.into_iter().chain(enclosed) {
        let inner = judge(&Texts::of(subject, text, words.lexicon));
        if asks(&inner) {
            return inner.for_review(0.5, Reason::of(FORWARDED, Part::Forwarded));
        }
    }
    judged
}

/// Who wrote what was passed on: the enclosed letter says, or the header that is repeated above an inline one.
fn forwarded_from(letter: &Letter, shown: &Shown) -> Option<Address> {
    let enclosed = letter.enclosed.iter().find_map(|enclosed| enclosed.from.clone());
    enclosed.or_else(|| claims::addresses_in(cut(&shown.main.forwarded, REPEATED_HEADER_CHARS)).next())
}

/// The language of the lexicon's words, else of the text as a whole.
fn language(texts: &Texts, new_text: &str) -> Option<Tongue> {
    if let Some(language) = texts.language() {
        return Some(language);
    }
    let sample = cut(new_text, 2_000);
    if sample.trim().chars().count() < LANGUAGE_CHARS_MIN {
        return None;
    }
    Tongue::from_iso3(whichlang::detect_language(sample).three_letter_code())
}
