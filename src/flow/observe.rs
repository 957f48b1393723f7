//! Says what would become of a letter, by the same judgement as the daemon's, and lets none of it happen.
//!
//! Our database is read and never written; the directory and the stores are asked as the daemon would ask them. Letters of
//! one look are not played out one after the other: what an earlier one would open is known to a later one only as the
//! same letter, the same wish, or a question to the same address.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::authenticate::Authentication;
use crate::db::deliveries::{self, Disposition};
use crate::db::requests::{self, Stored};
use crate::domain::request::{Audience, Effect, Event, Origin, Request, ReviewReason, apply};
use crate::domain::{CaseId, Deadlines, Language, LetterKind, Reference, RequestId, Role, Scope, State, Timestamp};
use crate::intake::{Intake, traces};
use crate::verify::Rule;

use super::answer::{Answered, Heard};
use super::error::FlowError;
use super::facts::{Opening, Subject};
use super::house::House;
use super::identify::{self, Finding, Turn};
use super::weigh::{self, ByWords, Judgement};
use super::{open, several, thread, unheard, wish};

pub use super::admit::header;
pub use super::weigh::authenticate;

/// What would become of a letter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prospect {
    /// The request that it belongs to, where that is there already.
    pub request: Option<Reference>,
    /// Where its request would stand; `None` where no request has to do with it, or nothing moves.
    pub becomes: Option<State>,
    /// Why a person would have to look.
    pub review: Option<ReviewReason>,
    /// What the asker would be offered to confirm.
    pub offered: Vec<Scope>,
    /// Whether the owner would be asked after that.
    pub approval: bool,
    /// Whom it would be about, where the directory was asked and knows somebody.
    pub whom: Option<Whom>,
    /// What the authority table says of it, where it was asked.
    pub rule: Option<Rule>,
    /// Until when it would wait, because the address had its letter lately.
    pub waits_until: Option<Timestamp>,
    /// The letters that would be written to anybody, and to whom.
    pub letters: Vec<(LetterKind, Audience)>,
    /// How many open requests of the sender it would pause.
    pub pauses: usize,
    /// The request that it would move as an answer, beside the one that it opens or joins, and where that would stand.
    pub beside: Option<(Reference, State)>,
    /// What would become of its further requests, by other addresses that it names as its writer's.
    pub others: Vec<Prospect>,
}

/// Whom a request would be about, as the directory has them. Personal.
#[derive(Clone, PartialEq, Eq)]
pub struct Whom {
    /// The account; `None` where the address is on file more than once, so that nobody can tell.
    pub account: Option<String>,
    /// What the asker is there.
    pub role: Option<Role>,
    /// The asker's address on file.
    pub asker: Option<String>,
    /// The owner's address on file.
    pub owner: Option<String>,
}

impl fmt::Debug for Whom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Whom(…)")
    }
}

impl Whom {
    fn of(finding: &Finding) -> Option<Self> {
        let (contact, subject) = finding.about()?;
        let asker = subject.asker.as_ref()?;
        let role = subject.account.as_ref().map(|_| asker.0);
        let (asker, owner) = (contact.asker.clone(), contact.owner.clone());
        Some(Self { account: subject.account.clone(), role, asker, owner })
    }
}

impl Prospect {
    /// With what comes of the same letter for another request first.
    fn after(self, first: Self) -> Self {
        let letters = first.letters.into_iter().chain(self.letters).collect();
        Self { letters, beside: first.request.zip(first.becomes), ..self }
    }
}

/// A letter and what would become of it.
pub struct Observed {
    /// What was read of it.
    pub letter: Intake,
    /// Its one disposition.
    pub disposition: Disposition,
    /// Who sent it, where a request has to do with it.
    pub sender: Option<Authentication>,
    /// The rest.
    pub prospect: Prospect,
}

/// Looks at letters, and remembers those of this look.
pub struct Lookout<'a> {
    house: &'a House,
    contents: BTreeSet<[u8; 32]>,
    wishes: BTreeMap<[u8; 32], Prospect>,
    /// When which address would have got which letter.
    asked: BTreeMap<([u8; 32], LetterKind), Timestamp>,
}

impl<'a> Lookout<'a> {
    /// Nothing seen yet.
    #[must_use]
    pub const fn new(house: &'a House) -> Self {
        Self { house, contents: BTreeSet::new(), wishes: BTreeMap::new(), asked: BTreeMap::new() }
    }

    /// What would become of a letter, were the daemon to take it in now.
    ///
    /// # Errors
    /// When our database, the directory or a store does not answer, or what stands there cannot be read.
    pub async fn look(&mut self, bytes: Vec<u8>, received_at: Timestamp) -> Result<Observed, FlowError> {
        let house = self.house;
        let content_mac = super::admit::content_mac(house, &bytes);
        let letter = weigh::read(house, bytes.clone()).await?;
        if !house.intake_limits.takes(bytes.len() as u64) {
            return self.header(letter, super::admit::header_of(&bytes)).await;
        }
        if !self.contents.insert(content_mac) {
            let (disposition, prospect) = (Disposition::Duplicate, Prospect::default());
            return Ok(Observed { letter, disposition, sender: None, prospect });
        }
        let mut tx = house.db.read().await?;
        let judgement = weigh::weigh(house, &mut tx, Some(content_mac), &letter).await?;
        drop(tx);
        let (judgement, _) = weigh::suspected(house, judgement, &bytes).await;
        let sender = match judgement.is_of_a_request() {
            true => Some(weigh::authenticate(house, &bytes, received_at).await?),
            false => None,
        };
        let (disposition, prospect) = self.judge(judgement, content_mac, received_at, &letter).await?;
        Ok(Observed { letter, disposition, sender, prospect })
    }

    /// What would become of a letter of this size, of which the daemon reads the header alone; `None` where even that cannot be had.
    ///
    /// # Errors
    /// As [`Self::look`].
    pub async fn look_at_large(&mut self, header: Option<&[u8]>, size_bytes: u64) -> Result<Observed, FlowError> {
        let house = self.house;
        let header = header.unwrap_or_default();
        let letter = weigh::read(house, header.to_vec()).await?;
        if !header.is_empty() {
            let content = super::admit::large_content_mac(house, header, size_bytes);
            let twin = deliveries::of_content(&mut house.db.read().await?, &content).await?;
            if twin.is_some() || !self.contents.insert(content) {
                let prospect = of_request(house, twin.and_then(|twin| twin.request)).await?;
                return Ok(Observed { letter, disposition: Disposition::Duplicate, sender: None, prospect });
            }
        }
        self.header(letter, header).await
    }

    /// A person looks at it, and what its header shows to be about waits.
    async fn header(&self, letter: Intake, header: &[u8]) -> Result<Observed, FlowError> {
        let (becomes, review) = (Some(State::NeedsReview), Some(ReviewReason::TooLarge));
        let mut tx = self.house.db.read().await?;
        let about = unheard::about(self.house, &mut tx, &traces(header)).await?;
        let pauses = about.iter().filter(|stored| stored.request.hears_stop()).count();
        let prospect = Prospect { becomes, review, pauses, ..Prospect::default() };
        Ok(Observed { letter, disposition: Disposition::TooLarge, sender: None, prospect })
    }

    async fn judge(
        &mut self,
        judgement: Judgement,
        content_mac: [u8; 32],
        received_at: Timestamp,
        letter: &Intake,
    ) -> Result<(Disposition, Prospect), FlowError> {
        let house = self.house;
        let (by_words, first) = match judgement {
            Judgement::Again(twin) => return Ok((Disposition::Duplicate, of_request(house, twin.request).await?)),
            Judgement::CameBack(ours) => return Ok((Disposition::Bounce, of_request(house, ours.request).await?)),
            Judgement::Recipient(recipient) => {
                return Ok((Disposition::Answer, of_request(house, Some(recipient.request)).await?));
            }
            // A person reads it, under a reference of its own.
            Judgement::Afterwards(_) => return Ok((Disposition::Opened, Prospect::default())),
            Judgement::Answers(answered, by_words) => {
                let (is_answer, prospect) = answers(house, *answered, letter, received_at, &by_words).await?;
                if is_answer {
                    return Ok((Disposition::Answer, prospect));
                }
                (by_words, Some(prospect).filter(|prospect| prospect.becomes.is_some()))
            }
            Judgement::Words(by_words) => (by_words, None),
        };
        let (disposition, prospect) = self.otherwise(by_words, content_mac, received_at, letter).await?;
        Ok(match first {
            Some(first) => (disposition, prospect.after(first)),
            None => (disposition, prospect),
        })
    }

    /// What a letter comes to that is no answer, or says something beside one.
    async fn otherwise(
        &mut self,
        by_words: ByWords,
        content_mac: [u8; 32],
        received_at: Timestamp,
        letter: &Intake,
    ) -> Result<(Disposition, Prospect), FlowError> {
        Ok(match by_words {
            ByWords::Left(disposition) => (disposition, Prospect::default()),
            ByWords::Stops(open) => {
                let pauses = open.iter().filter(|stored| stored.request.state.can_stop()).count();
                let stopped = stopped(self.house, &open)?;
                if weigh::stop_asks_too(letter) {
                    let (disposition, prospect) = self.opens(content_mac, received_at, (letter, false)).await?;
                    return Ok((disposition, Prospect { pauses, ..prospect.after(stopped) }));
                }
                (Disposition::Answer, Prospect { pauses, ..stopped })
            }
            ByWords::Opens => self.opens(content_mac, received_at, (letter, false)).await?,
            ByWords::Suspected => self.opens(content_mac, received_at, (letter, true)).await?,
        })
    }

    /// A request of its own, or the open one of the same wish.
    async fn opens(
        &mut self,
        content_mac: [u8; 32],
        received_at: Timestamp,
        (letter, suspected): (&Intake, bool),
    ) -> Result<(Disposition, Prospect), FlowError> {
        let house = self.house;
        let wish = wish::mac(house, Some(content_mac), letter);
        let (understood, language) = open::understood(house, letter);
        let opening = Opening { suspected, ..understood };
        if let Some(known) = wish.and_then(|wish| self.wishes.get(&wish)) {
            return Ok((Disposition::Joined, known.clone()));
        }
        let mut tx = house.db.read().await?;
        let open = several::open_of(house, &mut tx, wish, &opening).await?;
        let is_asked = several::is_asked(house, &mut tx, &open).await?;
        drop(tx);
        let mut open = open.into_iter().filter(|_| is_asked).map(|open| joined(open.request.reference));
        if let Some(first) = open.next() {
            return Ok((Disposition::Joined, Prospect { others: open.collect(), ..first }));
        }
        let several = several::of(house, &opening, &Subject::default()).await?;
        let openings = several.map_or_else(|| vec![opening], |several| several.openings);
        let mut prospects = Vec::with_capacity(openings.len());
        for opening in &openings {
            let (finding, _) = identify::ask(house, opening, Subject::default(), language).await?;
            prospects.push(self.found(imagined(house, received_at, language), finding).await?);
        }
        let mut prospects = prospects.into_iter();
        let first = prospects.next().unwrap_or_default();
        let prospect = Prospect { others: prospects.collect(), ..first };
        if let Some(wish) = wish {
            self.wishes.insert(wish, prospect.clone());
        }
        Ok((Disposition::Opened, prospect))
    }

    /// What the daemon's questions about a new request would come to.
    async fn found(&mut self, request: Request, finding: Finding) -> Result<Prospect, FlowError> {
        let house = self.house;
        let (id, received_at) = (request.id, request.deadlines.received_at);
        let (whom, rule) = (Whom::of(&finding), finding.rule());
        let waits = |until| Prospect {
            becomes: Some(request.state),
            waits_until: Some(until),
            whom: whom.clone(),
            rule,
            ..Prospect::default()
        };
        let asked = finding.asks().map(|(address, kind)| (house.keys.lookup_mac(address), kind));
        let now = house.clock.now();
        let last = asked.and_then(|asked| self.asked.get(&asked)).map(|at| at.plus(house.config.challenge.per_address));
        if let Some(until) = last.filter(|until| *until > now) {
            return Ok(waits(until));
        }
        let mut tx = house.db.read().await?;
        let finding = match identify::turn(house, &mut tx, id, received_at, finding).await? {
            Turn::Waits(until) => return Ok(waits(until)),
            Turn::Now(finding) => *finding,
        };
        self.asked.extend(asked.map(|asked| (asked, now)));
        let event = identify::event_of(house, &mut tx, &finding).await?;
        Ok(Prospect { request: None, whom, rule, ..moved(house, &request, &event)? })
    }
}

/// It would join this request, and nothing of that moves.
fn joined(request: Reference) -> Prospect {
    Prospect { request: Some(request), ..Prospect::default() }
}

/// What an answer would come to, and whether that is all: its words may count like any other letter's beside it.
async fn answers(
    house: &House,
    mut answered: Answered,
    letter: &Intake,
    received_at: Timestamp,
    by_words: &ByWords,
) -> Result<(bool, Prospect), FlowError> {
    answered.ask_again(house, &Heard::of(letter, received_at)).await?;
    let mut tx = house.db.read().await?;
    let stored = &answered.stored;
    let outcome = thread::outcome(house, &mut tx, stored, &answered, (letter, received_at), by_words).await?;
    let event = outcome.decision.as_ref().and_then(|decision| decision.event(stored));
    let prospect = match event {
        Some(_) => prospect_of(outcome.after, &outcome.effects),
        None => Prospect { request: Some(stored.request.reference.clone()), ..Prospect::default() },
    };
    Ok((outcome.is_of_the_thread, prospect))
}

/// What a stop without proof would come to: the first of the requests, and the letters of all.
fn stopped(house: &House, open: &[Stored]) -> Result<Prospect, FlowError> {
    let first = open.first().map(|stored| &stored.request);
    let mut prospect = Prospect {
        request: first.map(|request| request.reference.clone()),
        becomes: first.map(|request| request.state),
        ..Prospect::default()
    };
    for stored in open.iter().filter(|stored| stored.request.hears_stop()) {
        let paused = moved(house, &stored.request, &Event::StopAsked)?;
        if first.is_some_and(|first| first.id == stored.request.id) {
            prospect.becomes = paused.becomes;
        }
        prospect.letters.extend(paused.letters);
    }
    Ok(prospect)
}

/// Moves a request in thought only.
fn moved(house: &House, request: &Request, event: &Event) -> Result<Prospect, FlowError> {
    let (after, effects) = apply(request, event, &house.policy, house.clock.now())?;
    Ok(prospect_of(after, &effects))
}

/// What is to be said of a request that was moved so.
fn prospect_of(after: Request, effects: &[Effect]) -> Prospect {
    let letters = effects.iter().filter_map(|effect| match effect {
        Effect::Send { letter, to } if !letter.is_alarm() => Some((*letter, *to)),
        _ => None,
    });
    let waiting = after.ask.as_ref().filter(|_| after.state == State::AwaitingConfirmation);
    Prospect {
        offered: waiting.map(|ask| ask.offered.clone()).unwrap_or_default(),
        approval: waiting.is_some_and(|ask| ask.approval),
        request: Some(after.reference),
        becomes: Some(after.state),
        review: after.review.filter(|_| after.state == State::NeedsReview),
        letters: letters.collect(),
        ..Prospect::default()
    }
}

/// The request of a letter that was judged before, or came back.
async fn of_request(house: &House, request: Option<RequestId>) -> Result<Prospect, FlowError> {
    let Some(id) = request else { return Ok(Prospect::default()) };
    let mut tx = house.db.read().await?;
    let request = requests::load(&mut tx, id).await?.map(|stored| stored.request.reference);
    Ok(Prospect { request, ..Prospect::default() })
}

/// A request as it would be opened; it is written nowhere.
fn imagined(house: &House, received_at: Timestamp, language: Language) -> Request {
    Request::open(
        RequestId::new(house.clock.now(), &*house.chance),
        Reference::new(&*house.chance),
        CaseId::new(&*house.chance),
        Origin::Letter,
        language,
        Deadlines::from_receipt(received_at, &house.config.law.pack, &house.calendar),
    )
}
