//! `expunged apply`: a person of the team agrees to the rows of a plan that they looked at. It erases nothing by itself.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::Serialize;

use crate::domain::Reference;
use crate::domain::request::Request;
use crate::erase::PlanPaper;
use crate::flow::agree::{Agreed, agree};
use crate::flow::{FlowError, House, verbs};

use super::exit::{Ended, Exit, Outcome};
use super::invocation::{self, Invocation};
use super::requests;
use crate::output::{Format, counted, one, progress, say};

/// A paper is some hundred bytes per table.
const PAPER_BYTES_MAX: u64 = 16 << 20;

/// What `apply` understands.
#[derive(Debug, clap::Args)]
pub(super) struct ApplyArgs {
    /// The plan, as 'expunged plan --out' wrote it.
    #[arg(value_name = "FILE")]
    plan: PathBuf,
    /// The request that it is for, such as EXP-7K3Q-M2.
    #[arg(long, value_name = "REF")]
    request: Reference,
}

#[derive(Serialize)]
struct Applied<'a> {
    request: &'a Reference,
    digest: String,
    /// `noted`, `noted_before` or `asked_again`.
    outcome: &'static str,
}

/// Checks the digest, counts again, and notes it.
pub(super) async fn run(invocation: &Invocation, args: &ApplyArgs) -> Outcome {
    let paper = read(&args.plan)?;
    let (house, operator) = invocation.desk_with_stores().await?;
    let request = invocation::request(&mut house.db.read().await?, &args.request).await?.request;
    let bar = progress("counting again");
    let agreed = agree(&house, &args.request, &operator, &paper).await;
    bar.finish_and_clear();
    let agreed = match agreed {
        Ok(agreed) => agreed,
        Err(error) => return Err(refused(&house, &request, error).await?),
    };
    let (outcome, words) = match agreed {
        Agreed::Noted { rows } => {
            ("noted", format!("{}; it goes on as before", counted(rows, "row is agreed to", "rows are agreed to")))
        }
        Agreed::NotedBefore { rows } => (
            "noted_before",
            format!(
                "{} before; nothing was written, and it goes on as before",
                counted(rows, "row was agreed to", "rows were agreed to")
            ),
        ),
        Agreed::AskedAgain => (
            "asked_again",
            format!(
                "{}; it is identified anew and asked again",
                counted(paper.rows_total, "row is agreed to", "rows are agreed to")
            ),
        ),
        Agreed::Drifted(drift) => {
            let words = format_args!(
                "{}: the rows moved since the plan was written ({drift}): look at it again with 'expunged plan --out'; nothing was \
                 noted",
                args.request
            );
            return Err(Ended::saying(Exit::Refused, words));
        }
    };
    if invocation.format == Format::Table {
        say(&format!("{}: {words}", args.request));
        return Ok(());
    }
    Ok(one(invocation.format, &Applied { request: &args.request, digest: paper.digest_hex(), outcome }, "")?)
}

fn read(file: &Path) -> Result<PlanPaper, Ended> {
    let mut bytes = Vec::new();
    let opened = std::fs::File::open(file).and_then(|open| open.take(PAPER_BYTES_MAX).read_to_end(&mut bytes));
    opened.map_err(|error| Ended::unread(file, error))?;
    let paper = PlanPaper::read(&bytes).with_context(|| file.display().to_string());
    paper.map_err(|error| Ended { exit: Exit::Usage, error })
}

/// A request that does not take the plan is no fault of the program: it is said how it stands and what it takes.
async fn refused(house: &House, request: &Request, error: FlowError) -> Result<Ended, Ended> {
    Ok(match error {
        FlowError::Broken(_) | FlowError::KeyDestroyed(_) | FlowError::Missing(_) => {
            let (at, state) = (&request.reference, request.state);
            let (standing, now) = (verbs::standing(request), requests::now(house, request).await?);
            let words = format_args!("{at} does not take this plan: {error}. It {standing} ({state}); {now}");
            Ended::saying(Exit::Refused, words)
        }
        other => other.into(),
    })
}
