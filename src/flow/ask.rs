//! Asks one recipient to erase, again and again until they have said that it is done, or a person closes it.
//!
//! One job per recipient goes on as long as there is something to ask. Its waits are no failed attempts: a service that is away
//! is asked less and less often, and the team is told when the patience that its map allows is over.

use std::time::Duration;

use async_trait::async_trait;
use tracing::{info, warn};

use crate::breakpoint;
use crate::db::recipients::{self, Need, Recipient, RecipientState};
use crate::db::requests::{self, Stored};
use crate::db::{Tx, jobs};
use crate::domain::request::Request;
use crate::domain::{LetterKind, Retry, Timestamp};
use crate::erase::map::recipient::Way;
use crate::erase::told;
use crate::queue::Lease;
use crate::stores::mail::{MailStore, Notice, Outbox};
use crate::stores::{AskError, Order, Progress, RecipientKind, RequestStore};

use super::error::FlowError;
use super::house::House;
use super::{advance, recipients as waiting, safe};

const MINUTE: Duration = Duration::from_secs(60);
/// The longest wait between two questions to a service that is at work.
const WORK_WAIT: Duration = Duration::from_secs(6 * 3_600);
/// The longest wait for one that is away.
const AWAY_WAIT: Duration = Duration::from_secs(3_600);

#[derive(serde::Deserialize)]
struct Payload {
    store: String,
}

/// What is done with a recipient now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    Ask,
    Remind,
    Look,
}

impl Act {
    fn of(recipient: &Recipient, now: Timestamp) -> Self {
        let reminds = recipient.kind == RecipientKind::Mail && recipient.reminded_at.is_none();
        match recipient.state {
            RecipientState::Pending => Self::Ask,
            _ if reminds && recipient.remind_at <= now => Self::Remind,
            _ => Self::Look,
        }
    }
}

/// What was asked came to.
enum Told {
    Said(Progress),
    Failed(AskError),
    /// No map has them any more, or what they were to be asked is gone.
    Unknown,
}

/// Asks, reminds or looks, and writes what comes of it.
pub(super) async fn ask(house: &House, lease: &Lease) -> Result<(), FlowError> {
    let Payload { store } = super::payload(lease)?;
    let id = super::request_of(lease)?;
    let mut tx = house.db.read().await?;
    let stored = requests::load(&mut tx, id).await?;
    let recipient = recipients::load(&mut tx, id, &store).await?;
    let (Some(stored), Some(recipient)) = (stored, recipient) else {
        drop(tx);
        return super::complete(house, lease).await;
    };
    // Who refused is chased no more; a service is still looked at, because it cannot write to us when it did it after all.
    let refused = recipient.state == RecipientState::Refused && recipient.kind == RecipientKind::Mail;
    if !stored.request.waits || waiting::is_settled(house, &recipient) || refused {
        drop(tx);
        return super::complete(house, lease).await;
    }
    let mut orders = safe::orders(house, &mut tx, &stored.request).await?;
    drop(tx);
    let act = Act::of(&recipient, house.clock.now());
    // Who was asked and is at work is looked after all the same.
    if act != Act::Look
        && let Some(held) = waiting::held(house, lease, &stored, &store).await?
    {
        return waiting::wait_for_hold(house, lease, &held).await;
    }
    let told = match orders.0.remove(&store) {
        Some(order) => put(house, lease, (&stored, &recipient), &order, act).await?,
        None => Told::Unknown,
    };
    settle(house, lease, &recipient, act, told).await
}

/// Puts the question, with its intent before it.
async fn put(
    house: &House,
    lease: &Lease,
    (stored, recipient): (&Stored, &Recipient),
    order: &Order,
    act: Act,
) -> Result<Told, FlowError> {
    let Some(name) = told::whose(&recipient.store) else { return Ok(Told::Unknown) };
    let Some(map) = house.map.recipients().get(&name) else { return Ok(Told::Unknown) };
    let outbox = CaseOutbox { house, request: &stored.request, store: &recipient.store };
    let by_mail = MailStore::new(&outbox);
    let store: &dyn RequestStore = match (&map.way, house.services.get(&name)) {
        (Way::Mail { .. }, _) => &by_mail,
        (Way::Http { .. }, Some(service)) => service,
        (Way::Http { .. }, None) => return Ok(Told::Unknown),
    };
    if act != Act::Look {
        let mut tx = house.db.write().await?;
        jobs::confirm_in(&mut tx, lease.held()).await?;
        waiting::intend(house, &mut tx, stored, recipient, act == Act::Remind).await?;
        tx.commit().await?;
        breakpoint!("ask.intended");
    }
    let now = house.clock.now();
    let said = match act {
        Act::Ask => store.ask(order, now).await,
        Act::Look => store.look(order, now).await,
        Act::Remind => store.remind(order, now).await.map(|()| Progress::InProgress),
    };
    breakpoint!("ask.asked");
    match said {
        Ok(progress) => Ok(Told::Said(progress)),
        // Our own database: the job fails and is tried again.
        Err(error @ AskError::Outbox(_)) => Err(error.into()),
        Err(error) => {
            warn!(recipient = recipient.store, reason = error.word(), %error, "a recipient could not be asked");
            Ok(Told::Failed(error))
        }
    }
}

/// Writes what came of it, and when to come back.
async fn settle(house: &House, lease: &Lease, asked: &Recipient, act: Act, told: Told) -> Result<(), FlowError> {
    let now = house.clock.now();
    let mut tx = house.db.write().await?;
    match waiting::awaited(house, &mut tx, asked.request, &asked.store).await? {
        // Somebody else was faster: an answer by mail, or a person.
        Some((stored, recipient)) if recipient.state == asked.state || recipient.state != RecipientState::Refused => {
            if let Told::Failed(error) = &told {
                jobs::note_reason(&mut tx, lease.held(), error.word()).await?;
            }
            let (to, need) = outcome(&recipient, &told, now);
            info!(recipient = asked.store, state = %to, "a recipient was asked");
            if act == Act::Remind {
                recipients::set_reminded(&mut tx, &recipient, now).await.map_err(super::outbox::moved)?;
            }
            // A row that says so without our mark is no answer; the true one is.
            let is_forged = recipient.state.is_settled();
            if to != recipient.state || need != recipient.need || is_forged {
                let tells = need.is_some() && need != recipient.need;
                waiting::set(house, &mut tx, (&stored, &recipient), to, need, tells).await?;
            }
            let reminded_at = if act == Act::Remind { Some(now) } else { recipient.reminded_at };
            go_on(&mut tx, lease, &Recipient { state: to, reminded_at, ..recipient }, &told, now).await?;
        }
        _ => jobs::complete_in(&mut tx, lease).await?,
    }
    tx.commit().await?;
    breakpoint!("ask.committed");
    Ok(())
}

/// Where a recipient then stands, and why a person must look.
fn outcome(recipient: &Recipient, told: &Told, now: Timestamp) -> (RecipientState, Option<Need>) {
    let late = now >= recipient.due_at;
    match told {
        // A person knows of it: what they do not say anew changes nothing.
        Told::Failed(_) | Told::Unknown if recipient.state == RecipientState::Refused => {
            (recipient.state, recipient.need)
        }
        Told::Said(Progress::Completed) => waiting::done_by(recipient),
        Told::Said(Progress::Refused) => (RecipientState::Refused, Some(Need::Refused)),
        Told::Said(_) if late => (RecipientState::InProgress, Some(Need::Silent)),
        Told::Said(_) => {
            // What stood in the way of asking is over.
            let kept = |need: &Need| match need {
                Need::Unreachable | Need::Refused => false,
                Need::Unknown => recipient.partial,
                _ => true,
            };
            (RecipientState::InProgress, recipient.need.filter(kept))
        }
        Told::Failed(error) if error.retry() == Retry::Permanent || late => (recipient.state, Some(Need::Unreachable)),
        Told::Failed(_) => (recipient.state, recipient.need),
        Told::Unknown => (recipient.state, Some(Need::Unknown)),
    }
}

/// Comes back later, as long as there is something to ask.
async fn go_on(
    tx: &mut Tx,
    lease: &Lease,
    recipient: &Recipient,
    told: &Told,
    now: Timestamp,
) -> Result<(), FlowError> {
    // A cancelled job is gone with the end of the waiting; one that runs ends itself.
    let waits = |longest: Duration| {
        let waited = now.as_micros().saturating_sub(recipient.created_at.as_micros());
        let waited = Duration::from_micros(u64::try_from(waited).unwrap_or(0));
        Some(now.plus(waited.clamp(MINUTE, longest)))
    };
    let until = match (recipient.state, recipient.kind, told) {
        (RecipientState::Completed | RecipientState::Closed, _, _)
        | (RecipientState::Refused, RecipientKind::Mail, _) => None,
        (_, _, Told::Unknown) => waits(WORK_WAIT),
        (_, _, Told::Failed(error)) if error.retry() == Retry::Permanent => waits(WORK_WAIT),
        (_, _, Told::Failed(_)) => waits(AWAY_WAIT),
        (_, RecipientKind::Mail, Told::Said(_)) => waiting::next_by_mail(recipient, now),
        (_, RecipientKind::Http, Told::Said(_)) => waits(WORK_WAIT),
    };
    match until {
        Some(until) => jobs::snooze_in(tx, lease, until).await?,
        None => jobs::complete_in(tx, lease).await?,
    }
    Ok(())
}

/// Our outbox, for the letters about one request to one recipient.
struct CaseOutbox<'a> {
    house: &'a House,
    request: &'a Request,
    store: &'a str,
}

impl CaseOutbox<'_> {
    async fn write(&self, notice: Notice) -> Result<(), FlowError> {
        let kind = match notice {
            Notice::Asked => LetterKind::RecipientAsked,
            Notice::Reminded => LetterKind::RecipientReminded,
        };
        let mut tx = self.house.db.write().await?;
        // They may have answered since the job looked.
        if waiting::awaited(self.house, &mut tx, self.request.id, self.store).await?.is_none()
            || !waiting::is_asked(self.house, &mut tx, self.request.id, self.store).await?
        {
            return Ok(());
        }
        advance::write_to_recipient(self.house, &mut tx, self.request, kind, self.store).await?;
        tx.commit().await?;
        breakpoint!("ask.posted");
        Ok(())
    }
}

#[async_trait]
impl Outbox for CaseOutbox<'_> {
    async fn post(&self, _order: &Order, notice: Notice) -> Result<(), AskError> {
        self.write(notice).await.map_err(|error| AskError::Outbox(Box::new(error)))
    }
}
