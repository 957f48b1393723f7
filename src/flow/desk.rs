//! Hands each kind of job to the work that does it. The only list of what the workers can do.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::future::BoxFuture;
use tracing::{Level, enabled, error, info, warn};

use crate::chance::draw;
use crate::db::jobs;
use crate::domain::{JobId, RequestId, Retry};
use crate::queue::worker::{Handler, Settled};
use crate::queue::{AfterFailure, Lease};

use super::error::FlowError;
use super::house::House;
use super::{
    again, ask, begin, behind, canary, erase, forget, identify, judge, kinds, outbox, retention, several, termination,
    wake,
};

/// How long a job waits between two looks at a store that stays away.
pub(super) const AWAY_WAIT: Duration = Duration::from_secs(1_800);

/// About how long a job waits that our own database did not take: it must answer before it can be put off at all.
const OURS_WAIT: Duration = Duration::from_secs(2);

/// The desk that jobs come to.
pub struct Desk(pub Arc<House>);

#[async_trait]
impl Handler for Desk {
    async fn handle(&self, lease: Lease) -> Settled {
        let house = &*self.0;
        let (kind, id, attempt) = (lease.job().kind.clone(), lease.job().id, lease.job().attempt);
        let request = lease.job().request;
        // On the heap, each by itself: together they would be as large on the stack as the largest in every place.
        let work: BoxFuture<'_, Result<(), FlowError>> = match kind.as_str() {
            kinds::JUDGE => Box::pin(judge::judge(house, &lease)),
            kinds::IDENTIFY => Box::pin(identify::identify(house, &lease)),
            kinds::OTHERS => Box::pin(several::others(house, &lease)),
            kinds::BEGIN => Box::pin(begin::begin(house, &lease)),
            kinds::ERASE => Box::pin(erase::erase(house, &lease)),
            kinds::SEND => Box::pin(outbox::send(house, &lease)),
            kinds::WAKE => Box::pin(wake::wake(house, &lease)),
            kinds::SWEEP => Box::pin(again::sweep(house, &lease)),
            kinds::CANARY => Box::pin(canary::look(house, &lease)),
            kinds::ASK => Box::pin(ask::ask(house, &lease)),
            kinds::RETENTION => Box::pin(retention::look(house, &lease)),
            kinds::TERMINATION => Box::pin(termination::run(house, &lease)),
            kinds::FORGET => Box::pin(forget::forget(house, &lease)),
            _ => Box::pin(async { Err(FlowError::Broken("a kind of job that this program does not know")) }),
        };
        let worked = match kinds::ERASING.contains(&kind.as_str()) {
            true => behind::keep(house).await,
            false => Ok(()),
        };
        let worked = match worked {
            Ok(()) => work.await,
            doubted => {
                drop(work);
                doubted
            }
        };
        match worked {
            Ok(()) => {
                if enabled!(Level::INFO) {
                    self.say_settled(&kind, id, request).await;
                }
                Settled::Done
            }
            Err(error) => self.failed(lease, &error, attempt).await,
        }
    }

    async fn exhausted(&self, lease: Lease) -> Settled {
        error!(job.kind = lease.job().kind, job.id = %lease.job().id, "job ended its worker each time");
        self.dead(lease, &FlowError::Exhausted).await
    }
}

impl Desk {
    async fn failed(&self, lease: Lease, error: &FlowError, attempt: u32) -> Settled {
        if error.is_behind() {
            return self.stand_by(lease).await;
        }
        if error.is_ours() {
            return self.put_off(lease, error);
        }
        let (retry, reason) = (error.retry(), error.code());
        let last = retry == Retry::Permanent || attempt >= lease.job().attempts_max;
        if !last {
            self.note(&lease, error).await;
            warn!(job.kind = lease.job().kind, job.id = %lease.job().id, attempt, reason, error = %error.chain(), "job failed, tried again later");
            return Settled::Failed { lease, reason, retry };
        }
        if error.is_away() && self.waits(&lease, error).await {
            let until = self.0.clock.now().plus(AWAY_WAIT);
            let waits = match reason {
                FlowError::HELD => "the job waits for a legal hold to be lifted",
                FlowError::CLOCKS => "the job waits for clocks that agree",
                FlowError::END_UNCLEAR => "the job waits for the directory to say that the service has ended",
                _ => "the job waits for a store that is away",
            };
            warn!(job.kind = lease.job().kind, job.id = %lease.job().id, reason, error = %error.chain(), "{waits}");
            return Settled::Snooze { lease, until };
        }
        error!(job.kind = lease.job().kind, job.id = %lease.job().id, attempt, reason, error = %error.chain(), "job failed for good");
        self.dead(lease, error).await
    }

    /// Logs whether a job is done or put off, and of which request it is, as far as our own database says so.
    async fn say_settled(&self, kind: &str, id: JobId, request: Option<RequestId>) {
        let settled = async { jobs::settled(&mut self.0.db.read().await?, id, request).await };
        match settled.await {
            Ok((true, _, reference)) => info!(job.kind = kind, job.id = %id, request = reference, "job done"),
            Ok((false, reason, reference)) => {
                info!(job.kind = kind, job.id = %id, request = reference, reason, "job put off");
            }
            // Which of the two nobody knows who does not get an answer.
            Err(_) => info!(job.kind = kind, job.id = %id, "job settled"),
        }
    }

    /// Notes where an attempt failed, for who looks at the queue. It is tried again all the same where that cannot be noted.
    async fn note(&self, lease: &Lease, error: &FlowError) {
        if let Err(other) = erase::note_place(&self.0, lease, error).await {
            warn!(job.id = %lease.job().id, error = %other.chain(), "where the attempt failed could not be noted");
        }
    }

    /// Our own database was away: the work did nothing wrong, so that the attempt does not count, however often that is.
    fn put_off(&self, lease: Lease, error: &FlowError) -> Settled {
        let [jitter] = draw::<1>(&*self.0.chance);
        let until = self.0.clock.now().plus(OURS_WAIT.mul_f64(0.5 + f64::from(jitter) / 255.0));
        warn!(job.kind = lease.job().kind, job.id = %lease.job().id, error = %error.chain(), "our own database did not take it; done again soon, and no attempt is counted");
        Settled::Snooze { lease, until }
    }

    /// Our own database came back from a backup: what erases or sends waits for an operator.
    async fn stand_by(&self, lease: Lease) -> Settled {
        match behind::wait(&self.0, &lease).await {
            Ok(()) => Settled::Done,
            Err(error) => self.put_off(lease, &error),
        }
    }

    /// Buries a job. It must not die unseen because our own database was away, or somebody moved what it is about: then
    /// it comes back to be ended.
    async fn dead(&self, lease: Lease, error: &FlowError) -> Settled {
        let reason = error.code();
        match self.bury(&lease, error).await {
            Ok(()) => Settled::Done,
            Err(error) if error.is_ours() => self.put_off(lease, &error),
            Err(error) => {
                error!(job.kind = lease.job().kind, job.id = %lease.job().id, reason, error = %error.chain(), "job cannot be ended, tried again later");
                Settled::Failed { lease, reason, retry: Retry::Transient }
            }
        }
    }

    /// A store that is away is no fault of the request: its proof stays good, and the work goes on when the store is
    /// back. The attempts were short waits that grew; from here on they do not count. The team is told once.
    async fn waits(&self, lease: &Lease, error: &FlowError) -> bool {
        match erase::is_away(&self.0, lease, error).await {
            Ok(told) => told,
            Err(other) => {
                warn!(job.id = %lease.job().id, error = %other.chain(), "the team could not be told that a store is away");
                other.retry() == Retry::Transient
            }
        }
    }

    /// The last attempt failed: the job is dead, and a person is told through the request that it belongs to. A letter
    /// that could not be judged gets a request of its own, and one of ours that cannot be sent counts as undelivered.
    async fn bury(&self, lease: &Lease, error: &FlowError) -> Result<(), FlowError> {
        let (house, reason) = (&*self.0, error.code());
        let mut tx = house.db.write().await?;
        match (lease.job().kind.as_str(), lease.job().request) {
            (kinds::JUDGE, _) => judge::set_aside(house, &mut tx, lease, reason).await?,
            // A letter that does not go out says what it leaves undone by its kind, whatever state its request is in.
            (kinds::SEND, _) => outbox::set_aside(house, &mut tx, lease, error).await?,
            (kinds::RETENTION, _) => retention::died(house, &mut tx, lease, error).await?,
            // The request is none the worse for it: those that its letter was to have besides are what is missing.
            (kinds::OTHERS, Some(request)) => erase::tell_that_away(house, &mut tx, lease, request, error).await?,
            (_, Some(request)) => erase::step_failed(house, &mut tx, request, error).await?,
            (_, None) => {}
        }
        jobs::fail_in(&mut tx, lease, reason, AfterFailure::Never).await?;
        tx.commit().await?;
        Ok(())
    }
}
