//! Which verbs of the team a request takes as it stands, and where it stands in words. The answer is the state machine's own:
//! each verb is tried in thought.

use crate::domain::request::{Event, Hold, Policy, Request, ReviewReason, apply};

use crate::domain::{Calendar, LawPack, State, Timestamp};

use super::house::House;

/// What tells which verbs apply, beside the request itself.
#[derive(Clone, Copy)]
pub struct Terms<'a> {
    /// The periods.
    pub policy: &'a Policy,
    /// The law, which may know an extension.
    pub law: &'a LawPack,
    /// Where days begin.
    pub calendar: &'a Calendar,
    /// When.
    pub now: Timestamp,
}

impl<'a> Terms<'a> {
    /// Those of a house, now.
    #[must_use]
    pub fn of(house: &'a House) -> Self {
        let (policy, law, calendar) = (&house.policy, &house.config.law.pack, &house.calendar);
        Self { policy, law, calendar, now: house.clock.now() }
    }
}

/// The verbs that apply now, as the command line calls them. A note can always be written. `anew` says whether one that ended because
/// nobody was found can be opened anew ([`successor::is_open`](super::successor::is_open)), and `stopped` whether an erasing has
/// failed for good ([`again::has_stopped`](super::again::has_stopped)).
#[must_use]
pub fn verbs(terms: Terms<'_>, request: &Request, anew: bool, stopped: bool) -> Vec<&'static str> {
    let takes = |event: &Event| apply(request, event, terms.policy, terms.now).is_ok();
    let identified = takes(&Event::PutRight) || anew && request.state == State::NotFound;
    let extended = request.deadlines.extend(terms.now, terms.law, terms.calendar);
    let extends = extended.is_ok_and(|deadlines| takes(&Event::Extended { deadlines }));
    let reopened = request.state == State::Reopened;
    let all = [
        ("approve", request.takes_evidence()),
        ("scope", identified),
        ("account", identified),
        ("hold", takes(&Event::Held)),
        ("release", takes(&Event::Released)),
        ("extend", extends),
        ("refuse", takes(&Event::RefusedByOperator)),
        ("withdraw", takes(&Event::WithdrawnByOperator)),
        ("erase-again", reopened || stopped && request.state == State::Erasing),
        ("leave", reopened),
        ("close", request.waits),
        ("note", true),
    ];
    all.into_iter().filter(|(_, applies)| *applies).map(|(verb, _)| verb).collect()
}

/// What a verb is called with for this request, as it is typed. Where nobody was found, only who knows the account can say whose
/// request it is.
#[must_use]
pub fn call(verb: &str, request: &Request) -> String {
    let unfound = request.state == State::NotFound;
    let arguments = match verb {
        "scope" if unfound => " SCOPE --account ID",
        "scope" => " SCOPE",
        "account" if unfound => " ID --scope SCOPE",
        "account" => " ID",
        "approve" => " [--proof HOW --evidence TEXT]",
        "extend" => " --reason TEXT",
        "refuse" => " --ground TEXT --article ARTICLE",
        "erase-again" if request.state == State::Erasing => " --recognised stays|goes",
        "leave" => " --reason TEXT",
        "close" => " --recipient NAME --because TEXT",
        "note" => " TEXT",
        _ => "",
    };
    format!("expunged requests {verb} {}{arguments}", request.reference)
}

/// What else than a verb helps a request for which a person must look, as it is typed.
#[must_use]
pub fn beside(request: &Request) -> Vec<String> {
    match request.review.filter(|_| request.state == State::NeedsReview) {
        Some(ReviewReason::TooManyRows | ReviewReason::PlanDrifted) => vec![
            "expunged plan WHOM --rows-max ROWS --out FILE".to_owned(),
            format!("expunged apply FILE --request {}", request.reference),
        ],
        _ => Vec::new(),
    }
}

/// Where a request stands, as the end of a sentence that begins with its reference.
#[must_use]
pub const fn standing(request: &Request) -> &'static str {
    match request.state {
        State::Received => "was received and is being identified",
        State::AwaitingConfirmation => "waits for the asker to confirm it",
        State::AwaitingApproval => "waits for the owner of the account to approve it",
        State::Scheduled => "is confirmed and waits for its grace period to end",
        State::Erasing => "is being erased, which nothing takes back",
        State::WaitingOnRecipients => {
            "is erased here, waits for others who were told, and ends once our own stores were searched again"
        }
        State::Completed => "is completed: its data are erased",
        State::NeedsReview => "waits for a person of the team to look",
        State::Forwarded => "was passed on to the owner of the account",
        State::NotFound => "ended because nobody was found by its address",
        State::Refused => "was refused",
        State::Withdrawn => "was withdrawn",
        State::Expired => "ended because nobody confirmed it in time",
        State::OnHold => match request.held {
            Some((_, Hold::Operator)) => "is paused by an operator",
            Some((_, Hold::Ledger)) => {
                "is paused because our own database came back from a backup, which may lack that it was withdrawn"
            }
            _ => "is paused by somebody's \"stop\" that nobody proved",
        },
        State::Reopened => {
            "waits for a person to decide: data came back, or whether they did can be looked for no more"
        }
    }
}
