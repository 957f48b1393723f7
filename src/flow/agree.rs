//! A person of the team agrees to a plan that is on paper: to its counts, where they are more than one subject may have or
//! moved since they were approved. Never to the erasing itself, which only a proof permits, and never to another plan.

use serde::{Deserialize, Serialize};

use crate::db::requests::Bindings;
use crate::db::{Tx, evidence};
use crate::domain::request::{Event, Request, ReviewReason};
use crate::domain::{Reference, State};
use crate::erase::preview::PreviewRow;
use crate::erase::{Drift, DriftLimits, EraseLimits, PlanPaper, Preview, Target, drift, plan, preview};
use crate::trail::{Event as Recorded, Fact, Facts};

use super::advance::advance;
use super::error::FlowError;
use super::facts::Subject;
use super::house::House;
use super::operate::{self, Operator};
use super::{note, safe};

/// A plan that somebody agreed to, sealed with the case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgreedPlan {
    /// Its digest, and so whom and what it is about.
    #[serde(with = "crate::erase::plan::hex")]
    pub digest: [u8; 32],
    /// Its steps with their rows.
    pub steps: Vec<PreviewRow>,
}

impl AgreedPlan {
    /// The limits under which this plan is looked at: as many rows as were agreed to, and the drift that is let pass.
    #[must_use]
    pub fn limits(&self, digest: &[u8; 32], limits: EraseLimits, drift: DriftLimits) -> EraseLimits {
        if self.digest != *digest {
            return limits;
        }
        // A table's rows may stand in several steps, each with a part of them.
        let rows: u64 = self.steps.iter().map(|step| step.rows).sum();
        let moved = drift.rows_max.max(rows.saturating_mul(drift.percent_max) / 100);
        let rows_per_store_max = limits.rows_per_store_max.max(rows.saturating_add(moved));
        EraseLimits { rows_per_store_max, ..limits }
    }
}

/// What came of it.
#[derive(Debug)]
pub enum Agreed {
    /// The request goes on by itself, with these rows.
    Noted {
        /// Rows as they were counted now.
        rows: u64,
    },
    /// The same rows of the same plan were agreed to before: nothing was written.
    NotedBefore {
        /// Rows as they were counted now.
        rows: u64,
    },
    /// The request was in review for its rows; it is identified anew and the person is asked again.
    AskedAgain,
    /// The rows moved past the threshold since the paper was written. Nothing was noted.
    Drifted(Drift),
}

/// Agrees to a plan for a request.
///
/// # Errors
/// [`FlowError::Broken`] where the request has another plan, is being erased, has ended, or is in review for another
/// reason; a store that cannot be asked.
pub async fn agree(
    house: &House,
    reference: &Reference,
    operator: &Operator,
    paper: &PlanPaper,
) -> Result<Agreed, FlowError> {
    let mut tx = house.db.read().await?;
    let stored = operate::find(&mut tx, reference).await?;
    takes_a_plan(stored.request.state, stored.request.review)?;
    let moves = stored.request.moves;
    let mut subject = safe::subject(house, &mut tx, &stored.request).await?;
    drop(tx);

    let mut agreed = AgreedPlan { digest: paper.digest, steps: paper.steps.clone() };
    let mut rows = paper.rows_total;
    if let Some(place) = offered(house, &subject, paper)? {
        let counted = counted(house, &subject.offers[place].target, &agreed).await?;
        if let Some(drift) = drift(&paper.steps, &counted.rows, house.drift_limits()) {
            return Ok(Agreed::Drifted(drift));
        }
        rows = counted.rows_total();
        subject.offers[place].counts = counted.rows.iter().map(|row| row.rows).collect();
        agreed.steps = counted.rows;
    }
    let is_new = subject.agreed.as_ref() != Some(&agreed);
    if !is_new && stored.request.state != State::NeedsReview {
        return Ok(Agreed::NotedBefore { rows });
    }
    subject.agreed = Some(agreed);

    let mut tx = house.db.write().await?;
    let fresh = operate::find(&mut tx, reference).await?;
    if fresh.request.moves != moves {
        return Err(FlowError::Moved);
    }
    safe::put_subject(house, &mut tx, &fresh.request, &subject).await?;
    if is_new {
        note_it(house, &mut tx, &fresh.request, operator, paper, rows).await?;
    }
    if fresh.request.state != State::NeedsReview {
        tx.commit().await?;
        return Ok(Agreed::Noted { rows });
    }
    evidence::delete(&mut tx, fresh.request.id).await?;
    let bindings = Bindings { asker_mac: fresh.bindings.asker_mac, ..Bindings::default() };
    advance(house, &mut tx, &fresh, &Event::PutRight, bindings, operator.actor()).await?;
    tx.commit().await?;
    Ok(Agreed::AskedAgain)
}

/// Whether a request still has its plan before it, and waits for nothing else than that a person looks at its rows.
fn takes_a_plan(state: State, review: Option<ReviewReason>) -> Result<(), FlowError> {
    match (state, review) {
        (State::NeedsReview, Some(ReviewReason::TooManyRows | ReviewReason::PlanDrifted)) => Ok(()),
        (State::NeedsReview, _) => Err(FlowError::Broken(
            "a plan settles a review for too many rows or for rows that moved, and this one has another reason ('requests show' says it)",
        )),
        (State::AwaitingConfirmation | State::AwaitingApproval | State::Scheduled | State::OnHold, _) => Ok(()),
        _ => Err(FlowError::Broken("a plan is agreed to after somebody was found and before the erasing begins")),
    }
}

/// The offer that has this plan by the map of now; `None` where nothing could be offered yet.
fn offered(house: &House, subject: &Subject, paper: &PlanPaper) -> Result<Option<usize>, FlowError> {
    for (place, offer) in subject.offers.iter().enumerate() {
        if plan(&house.map, &offer.target)?.digest == paper.digest {
            return Ok(Some(place));
        }
    }
    if subject.offers.is_empty() {
        return Ok(None);
    }
    Err(FlowError::Broken(
        "the plan is not the one of this request: it is of somebody else, has another scope, or the data map changed since; make it again with 'expunged plan --out'",
    ))
}

async fn counted(house: &House, target: &Target, agreed: &AgreedPlan) -> Result<Preview, FlowError> {
    let skeleton = plan(&house.map, target)?;
    let limits = agreed.limits(&skeleton.digest, house.erase_limits, house.drift_limits());
    Ok(preview(&house.map, &house.stores, skeleton, limits, house.clock.now()).await?)
}

async fn note_it(
    house: &House,
    tx: &mut Tx,
    request: &Request,
    operator: &Operator,
    paper: &PlanPaper,
    rows: u64,
) -> Result<(), FlowError> {
    let facts = Facts::new().with("plan", Fact::Digest(paper.digest))?.with("rows", Fact::Count(rows))?;
    note::append(house, tx, request.case, Recorded::PlanAgreed, operator.actor(), facts).await
}
