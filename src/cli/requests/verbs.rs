//! What the team may do with a request. Every verb goes through the house and into the trail; none skips a proof.

use jiff::civil::Date;

use crate::cli::exit::{Ended, Exit, Outcome};
use crate::cli::invocation::{self, Invocation};
use crate::cli::words;
use crate::db::requests;
use crate::domain::request::Request;
use crate::domain::{Reference, Scope, State};
use crate::erase::Recognised;
use crate::flow::operate::{self, Act, Approval, Correction, ExtensionGround, Operator, Refusal};
use crate::flow::{FlowError, House, again, retention, retry, successor, verbs};
use crate::output::{Format, one, say};
use crate::verify::ProofKind;

use super::close;
use super::list::RequestRow;

/// A verb and the request that it is for.
#[derive(Debug, clap::Subcommand)]
pub(in crate::cli) enum Verb {
    /// Sets the scope of a request in review; it goes through the challenge like any other. From one that ended as not_found, or
    /// whose end nothing of ours stands behind (forged_completion), a new request is opened.
    Scope {
        /// Such as EXP-7K3Q-M2.
        #[arg(value_name = "REF")]
        reference: Reference,
        /// How much is to be erased.
        #[arg(value_parser = words::scope())]
        scope: Scope,
        /// Sets the account too, by the directory's id.
        #[arg(long, value_name = "ID")]
        account: Option<String>,
        /// Says whom the letter means, where it names nobody whom the directory finds, or several: by an address, id, number
        /// or name that finds one person of the account. Kept sealed.
        #[arg(long, value_name = "IDENTIFIER")]
        target: Option<String>,
        /// A category of the data maps that the letter means, once or several times; with the scope data. Default: as the
        /// letter says.
        #[arg(long, value_name = "CATEGORY")]
        category: Vec<String>,
    },
    /// Sets the account of a request in review; it goes through the challenge like any other. From one that ended as not_found,
    /// or whose end nothing of ours stands behind (forged_completion), a new request is opened.
    Account {
        /// Such as EXP-7K3Q-M2.
        #[arg(value_name = "REF")]
        reference: Reference,
        /// The account's id, as the directory has it.
        account: String,
        /// Sets the scope too.
        #[arg(long, value_parser = words::scope())]
        scope: Option<Scope>,
        /// Says whom the letter means, as for 'requests scope'.
        #[arg(long, value_name = "IDENTIFIER")]
        target: Option<String>,
    },
    /// Records that a person was verified by other means, or approves that as a second operator.
    Approve {
        /// Such as EXP-7K3Q-M2.
        #[arg(value_name = "REF")]
        reference: Reference,
        /// How the person was verified: records it, in place of what was recorded before. Another operator approves by
        /// leaving it out.
        #[arg(long, value_parser = words::proof(), requires = "evidence")]
        proof: Option<ProofKind>,
        /// What was seen or heard, in a sentence. Kept sealed.
        #[arg(long, value_name = "TEXT", requires = "proof")]
        evidence: Option<String>,
    },
    /// Refuses a request; the person is told the ground, the article, and where to complain.
    Refuse {
        /// Such as EXP-7K3Q-M2.
        #[arg(value_name = "REF")]
        reference: Reference,
        /// The ground, in words for the person.
        #[arg(long)]
        ground: String,
        /// The article that permits it, for example "Art. 17(3)(e) GDPR": one of those that the law pack knows, and behind a
        /// semicolon what else you rest on.
        #[arg(long)]
        article: String,
        /// A category of the data maps that the letter names, once or several times. Default: all that was asked for. The
        /// whole request is refused in any case.
        #[arg(long, value_name = "CATEGORY")]
        data: Vec<String>,
        /// The day on which it is looked at again.
        #[arg(long, value_name = "YYYY-MM-DD", value_parser = day)]
        review_on: Option<Date>,
    },
    /// Pauses a request.
    Hold {
        /// Such as EXP-7K3Q-M2.
        #[arg(value_name = "REF")]
        reference: Reference,
        /// Why, for the team and the auditor. Kept sealed, and in the trail as a commitment.
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
    /// Lets a paused request go on.
    Release {
        /// Such as EXP-7K3Q-M2.
        #[arg(value_name = "REF")]
        reference: Reference,
        /// Why, for the team and the auditor. Kept sealed, and in the trail as a commitment.
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
    /// Extends the period once, before it is over; the person is told the reason (Art. 12(3) GDPR).
    Extend {
        /// Such as EXP-7K3Q-M2.
        #[arg(value_name = "REF")]
        reference: Reference,
        /// The reason, in words for the person: the letter says it as it is written here. Needed.
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
        /// What kind of reason it is, for lists and the trail, which have no words of yours.
        #[arg(long, value_parser = words::extension_ground(), default_value_t = ExtensionGround::Other)]
        ground: ExtensionGround,
    },
    /// Withdraws a request on the person's behalf.
    Withdraw {
        /// Such as EXP-7K3Q-M2.
        #[arg(value_name = "REF")]
        reference: Reference,
        /// Why, for the team and the auditor. Kept sealed, and in the trail as a commitment.
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
    /// Erases again what came back after an erasure, by the saved keys of the request.
    EraseAgain {
        /// Such as EXP-7K3Q-M2.
        #[arg(value_name = "REF")]
        reference: Reference,
        /// What becomes of rows that hold an identity of the person under another key: `goes` where an import brought them,
        /// `stays` where the person came anew. Needed where there are such rows.
        #[arg(long, value_parser = words::recognised())]
        recognised: Option<Recognised>,
    },
    /// Leaves what came back where it is, and the request completed as it was: it is somebody else's. Ends as well a request
    /// whose stores can be searched no more before its end (unsearchable).
    Leave {
        /// Such as EXP-7K3Q-M2.
        #[arg(value_name = "REF")]
        reference: Reference,
        /// Why, in a sentence. Kept sealed.
        #[arg(long)]
        reason: String,
    },
    /// Closes a recipient that was asked to erase and will not confirm it; the letter to the person says so.
    Close {
        /// Such as EXP-7K3Q-M2.
        #[arg(value_name = "REF")]
        reference: Reference,
        /// Its name in the data maps, as 'requests show' has it.
        #[arg(long, value_name = "NAME")]
        recipient: String,
        /// Why, in a sentence. Kept sealed, and in the trail as a commitment.
        #[arg(long, value_name = "TEXT")]
        because: String,
    },
    /// Sends the letters of a request again that were refused, came back or may not have arrived.
    Resend {
        /// Such as EXP-7K3Q-M2.
        #[arg(value_name = "REF")]
        reference: Reference,
    },
    /// Notes that the person wants a letter when what is kept of them on a ground is erased; their address is kept for it until
    /// then, sealed under a key of its own. To be said before the confirmation is sent, with which the address goes.
    TellEnd {
        /// Such as EXP-7K3Q-M2.
        #[arg(value_name = "REF")]
        reference: Reference,
        /// They do not want it, or not any more: an address that was kept for it is destroyed. Possible as long as one is.
        #[arg(long)]
        not: bool,
    },
    /// Writes a note to a case; kept sealed, and in the trail as a commitment.
    Note {
        /// Such as EXP-7K3Q-M2.
        #[arg(value_name = "REF")]
        reference: Reference,
        /// The note.
        text: String,
    },
}

fn day(text: &str) -> Result<Date, String> {
    text.parse().map_err(|_| "expected a day such as 2026-05-01".to_owned())
}

impl Verb {
    const fn reference(&self) -> &Reference {
        match self {
            Self::Scope { reference, .. }
            | Self::Account { reference, .. }
            | Self::Approve { reference, .. }
            | Self::Refuse { reference, .. }
            | Self::Hold { reference, .. }
            | Self::Release { reference, .. }
            | Self::Extend { reference, .. }
            | Self::Withdraw { reference, .. }
            | Self::EraseAgain { reference, .. }
            | Self::Leave { reference, .. }
            | Self::Close { reference, .. }
            | Self::Resend { reference }
            | Self::TellEnd { reference, .. }
            | Self::Note { reference, .. } => reference,
        }
    }
}

impl Verb {
    /// What it does to a request, and which requests it is for.
    const fn what(&self) -> (&'static str, &'static str) {
        const BEGUN: &str = "what has not begun to be erased, and has not ended, can be";
        match self {
            Self::Scope { .. } | Self::Account { .. } => (
                "put right",
                "what waits for a person to look, ended because nobody was found, or is completed only by rows that this \
                     program did not write, can be",
            ),
            Self::Approve { .. } => ("approved", OF_EVIDENCE),
            Self::Refuse { .. } => ("refused", BEGUN),
            Self::Hold { .. } => ("paused", BEGUN),
            Self::Release { .. } => ("let go on", "what is paused can be"),
            Self::Extend { .. } => ("extended", "what has not ended can be, once, before it is due"),
            Self::Withdraw { .. } => ("withdrawn", BEGUN),
            Self::EraseAgain { .. } => ("erased again", "what data came back of can be"),
            Self::Leave { .. } => ("left as it is", "what data came back of can be"),
            Self::Close { .. } => ("closed for a recipient", "what waits for others who were told can be"),
            Self::Resend { .. } => ("written to again", "what has a letter that reached nobody can be"),
            Self::TellEnd { .. } => ("noted to be told", "what has not ended, or keeps rows on a ground, can be"),
            Self::Note { .. } => ("noted on", "what is not forgotten can be"),
        }
    }
}

/// Acts, and shows how the request stands afterwards.
pub(super) async fn run(invocation: &Invocation, verb: Verb) -> Outcome {
    let (house, operator) = match verb {
        Verb::Scope { .. } | Verb::Account { .. } => invocation.desk_with_directory().await?,
        _ => invocation.desk().await?,
    };
    let (reference, what) = (verb.reference().clone(), verb.what());
    if let Verb::TellEnd { not: true, .. } = verb
        && requests::by_reference(&mut house.db.read().await?, &reference).await?.is_none()
    {
        // The request is forgotten; what is kept of it, and the address for that, are not.
        retention::tell_at_end(&house, &reference, &operator, false).await.map_err(not_now)?;
        say(&format!("{reference}: {}", told_at_end(true)));
        return Ok(());
    }
    let request = invocation::request(&mut house.db.read().await?, &reference).await?.request;
    let before = request.state;
    let words = match act(&house, &operator, &request, verb).await {
        Ok(words) => words,
        Err(ended) => return Err(refused(&house, &request, what, ended).await?),
    };
    let after = invocation::request(&mut house.db.read().await?, &reference).await?;
    let text = said(&reference, before, after.request.state, words);
    if invocation.format == Format::Table {
        say(&text);
        return Ok(());
    }
    let row = RequestRow::read(&mut house.db.read().await?, &house.config, &after).await?;
    Ok(one(invocation.format, &row, "")?)
}

/// What can be done with a request instead of what was refused.
pub(in crate::cli) async fn now(house: &House, request: &Request) -> Result<String, Ended> {
    let mut tx = house.db.read().await?;
    let anew = successor::is_open(&house.kek, &mut tx, request).await?;
    let stopped = again::has_stopped(&mut tx, request).await?;
    let verbs = verbs::verbs(verbs::Terms::of(house), request, anew, stopped);
    let verbs: Vec<String> = verbs.iter().map(|verb| format!("requests {verb}")).collect();
    Ok(format!("what can be done with it now: {}", verbs.join(", ")))
}

/// A refusal that speaks of the request, and of what can be done with it instead.
async fn refused(house: &House, request: &Request, (done, only): (&str, &str), ended: Ended) -> Result<Ended, Ended> {
    // One that speaks of the request itself has said it all.
    if ended.exit != Exit::Refused || !ended.error.is::<FlowError>() {
        return Ok(ended);
    }
    let (at, now) = (&request.reference, now(house, request).await?);
    let has_no_question = !request.takes_evidence() && request.state != State::NeedsReview;
    let is_of_its_state = matches!(ended.error.downcast_ref(), Some(FlowError::Illegal(_)));
    if !(is_of_its_state || only == OF_EVIDENCE && has_no_question) {
        return Ok(Ended::saying(Exit::Refused, format_args!("{at}: {:#}; {now}", ended.error)));
    }
    let (state, standing) = (request.state, verbs::standing(request));
    let words = format_args!("{at} cannot be {done}: it {standing} ({state}); only {only}. {now}");
    Ok(Ended::saying(Exit::Refused, words))
}

/// What is said to who extends without a reason.
const NO_REASON: &str = "--reason is missing: say in words for the person why the answer takes longer (Art. 12(3) GDPR), such as --reason \
                         \"Your data lie in twelve stores, and each is searched by hand\"; the letter says it as it is written";

/// What is said, in every format, where an end has nobody to be told to.
const NOBODY_TOLD: &str = "nobody is told: no address of the asker is on file; tell the person in another way where you can, and write it \
                           down with 'requests note'";

/// What evidence stands for.
const OF_EVIDENCE: &str = "a question of ours that waits for its answer can be answered by evidence";

fn said(reference: &Reference, before: State, after: State, words: &str) -> String {
    if before == after {
        format!("{reference}: {words}")
    } else {
        format!("{reference}: {words}; {before} → {after}")
    }
}

async fn act(house: &House, operator: &Operator, request: &Request, verb: Verb) -> Result<&'static str, Ended> {
    let at = verb.reference().clone();
    Ok(match verb {
        Verb::Scope { scope, account, target, category, .. } => {
            let correction = Correction { scope: Some(scope), account, target, categories: category };
            corrected(house, &at, operator, correction).await?
        }
        Verb::Account { account, scope, target, .. } => {
            let correction = Correction { scope, account: Some(account), target, categories: Vec::new() };
            corrected(house, &at, operator, correction).await?
        }
        Verb::Approve { proof, evidence, .. } => {
            let given = proof.zip(evidence.as_deref());
            match operate::approve(house, &at, operator, given).await.map_err(not_now)? {
                Approval::Recorded => "evidence recorded; a second operator must approve it",
                Approval::Approved => "approved",
                Approval::OwnerNext => "approved; the owner of the account is asked next",
            }
        }
        Verb::Refuse { ground, article, data, review_on, .. } => {
            let refusal = Refusal { ground, article, data, review_on };
            let told = operate::is_reachable(house, request).await?;
            operate::refuse(house, &at, operator, refusal).await.map_err(not_now)?;
            if !told {
                say(NOBODY_TOLD);
            }
            "refused"
        }
        Verb::Hold { reason, .. } => {
            operate::act(house, &at, operator, Act::Hold, reason.as_deref()).await.map_err(not_now)?;
            "paused"
        }
        Verb::Release { reason, .. } => {
            operate::act(house, &at, operator, Act::Release, reason.as_deref()).await.map_err(not_now)?;
            "goes on"
        }
        Verb::Extend { reason, ground, .. } => {
            let reason = reason.ok_or_else(|| Ended::saying(Exit::Usage, NO_REASON))?;
            let moved = operate::extend(house, &at, operator, (ground, &reason)).await.map_err(not_now)?;
            say(&format!("due by law on {}", moved.request.deadlines.legal_due));
            "extended"
        }
        Verb::Withdraw { reason, .. } => {
            let told = operate::is_reachable(house, request).await?;
            operate::act(house, &at, operator, Act::Withdraw, reason.as_deref()).await.map_err(not_now)?;
            if !told {
                say(NOBODY_TOLD);
            }
            "withdrawn"
        }
        Verb::EraseAgain { .. } | Verb::Leave { .. } if request.state == State::Completed => {
            let words = format_args!(
                "{at} {}, and nothing of them has come back as far as the last search saw; where a store came back from a backup, \
                 'expunged replay --since TIME' searches it",
                verbs::standing(request)
            );
            return Err(Ended::saying(Exit::Refused, words));
        }
        Verb::EraseAgain { recognised, .. } => {
            again::erase_again(house, &at, operator, recognised).await.map_err(not_now)?;
            "erased again"
        }
        Verb::Leave { reason, .. } => {
            again::leave_alone(house, &at, operator, &reason).await.map_err(not_now)?;
            "left as it is"
        }
        Verb::Close { recipient, because, .. } => {
            close::run(house, request, operator, (&recipient, &because)).await?;
            "recipient closed"
        }
        Verb::Resend { .. } => {
            let letters = retry::letters_of(house, &at, operator).await.map_err(not_now)?;
            if letters == 1 { "its letter is sent again" } else { "its letters are sent again" }
        }
        Verb::TellEnd { not, .. } => {
            retention::tell_at_end(house, &at, operator, !not).await.map_err(not_now)?;
            told_at_end(not)
        }
        Verb::Note { text, .. } => {
            operate::add_note(house, &at, operator, &text).await.map_err(not_now)?;
            "noted"
        }
    })
}

/// What is said of who is told when kept rows are gone, or not.
const fn told_at_end(not: bool) -> &'static str {
    match not {
        true => "nobody is told when what is kept is erased, and no address is kept for it",
        false => "they are told when what is kept on a ground is erased; their address is kept for it until then",
    }
}

async fn corrected(
    house: &House,
    at: &Reference,
    operator: &Operator,
    correction: Correction,
) -> Result<&'static str, Ended> {
    let stored = operate::correct(house, at, operator, correction).await.map_err(not_now)?;
    if stored.request.reference == *at {
        return Ok("set; it is identified anew");
    }
    say(&format!("opened anew as {}", stored.request.reference));
    Ok("stays ended; the new request is identified")
}

/// Words that are missing, or evidence for a request that does not wait for it, are no fault of the program.
fn not_now(error: FlowError) -> Ended {
    match error {
        FlowError::Missing(_) | FlowError::Broken(_) | FlowError::KeyDestroyed(_) => Ended::new(Exit::Refused, error),
        other => other.into(),
    }
}
