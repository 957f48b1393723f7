//! What the codes of failures and of reasons to look mean, and what helps: for `requests show` and `jobs list`.

use crate::db::jobs::{JobRow, JobState, MAILBOX_NOT_READ};
use crate::domain::Language;
use crate::domain::request::{Request, ReviewReason};
use crate::flow::FlowError;
use crate::flow::gone::Gone;
use crate::flow::kinds::{ASKED_LATELY, CAPPED, GATHERED};
use crate::output::time;
use crate::reply::templates::Templates;

use super::holds::HoldLine;

/// Why a job failed or waits, in a sentence: what it means, since when, and what to do.
pub(super) fn of_job(templates: &Templates, job: &JobRow, holds: &[HoldLine]) -> Option<String> {
    let code = job.reason.as_deref()?;
    let means = of_code(templates, code, job.state);
    let since = job.since.map(|since| format!(", since {}", time(since))).unwrap_or_default();
    if code == FlowError::HELD && !holds.is_empty() {
        let holds: Vec<String> = holds.iter().map(HoldLine::in_words).collect();
        return Some(format!("{means}{since}; it goes on when this is lifted: {}", holds.join("; ")));
    }
    Some(format!("{means}{since}; {}", helps_job(code, job)))
}

/// What the code means by which a job in this state failed or waits.
pub(super) fn of_code(templates: &Templates, code: &str, state: JobState) -> String {
    let words = || templates.in_words(Language::En, code).map(str::to_owned);
    of_wait(code, state)
        .map(str::to_owned)
        .or_else(words)
        .or_else(|| of_mail_server(code))
        .unwrap_or_else(|| code.to_owned())
}

/// What a job waits for that no attempt has failed for, and what is no answer of somebody else.
fn of_wait(code: &str, state: JobState) -> Option<&'static str> {
    Some(match code {
        FlowError::DIRECTORY if state == JobState::Dead => "the directory gave no answer that could be used",
        FlowError::DIRECTORY => "the directory cannot be asked",
        GATHERED => "alarms of its kind are told together, and one went out a short while ago",
        CAPPED => "no more letters may go out in this hour",
        MAILBOX_NOT_READ => {
            "the mailbox was not read to its end since its time came, and what lies there may be a stop"
        }
        "notice_not_sent" => "the letter that says when the data are erased, and how to stop it, has not gone out yet",
        _ => return None,
    })
}

fn helps_job(code: &str, job: &JobRow) -> String {
    let at = time(job.run_at);
    match (job.state, code) {
        (_, FlowError::HELD) => {
            format!("it goes on when the hold is lifted ('expunged holds list'), and by itself at {at} where it was")
        }
        (JobState::Dead, _) => format!("when the cause is gone, have it tried again: 'expunged jobs retry {}'", job.id),
        (JobState::Waiting, GATHERED) => {
            format!("it goes out by itself at {at}, or with another before (alarms_gathered_minutes under [limits])")
        }
        (JobState::Waiting, CAPPED) => {
            format!("it goes out by itself at {at} (letters_per_hour and the two beside it under [limits])")
        }
        (JobState::Waiting, ASKED_LATELY) => {
            format!("its turn comes by itself at {at} (per_address_hours under [challenge])")
        }
        (_, FlowError::DIRECTORY) => format!(
            "nothing is lost, and nothing is erased without asking it: see that its store is up and lets us in ('expunged check --connect' \
             says what is wrong); it is asked again by itself at {at}, and 'expunged jobs retry {}' has it asked now",
            job.id
        ),
        _ => format!("it is tried again by itself at {at}; 'expunged jobs retry {}' has it tried now", job.id),
    }
}

/// `reply_550_at_recipient`, `connection_before_letter`: what the mail server did, and when.
fn of_mail_server(code: &str) -> Option<String> {
    const WHEN: [(&str, &str); 5] = [
        ("_before_letter", "before any letter"),
        ("_at_sender", "at our address"),
        ("_at_recipient", "at the recipient"),
        ("_at_message", "at the letter itself"),
        ("_after_message", "after the letter was handed over"),
    ];
    let (what, when) = WHEN.iter().find_map(|(end, words)| Some((code.strip_suffix(end)?, *words)))?;
    let what = match what {
        "connection" => "the mail server was not reached".to_owned(),
        "encryption" => "the connection to the mail server could not be encrypted".to_owned(),
        "timeout" => "the mail server took too long".to_owned(),
        "protocol" => "the mail server said something that is no answer".to_owned(),
        "address" => "an address is none that the mail server could take".to_owned(),
        "disk" => "the disk failed".to_owned(),
        reply => format!("the mail server answered {}", reply.strip_prefix("reply_")?),
    };
    Some(format!("{what}, {when}"))
}

/// Why a person must look, in a sentence: what it means, and what helps.
pub(super) fn of_review(templates: &Templates, reason: ReviewReason) -> String {
    let means = templates.in_words(Language::En, reason.as_str()).unwrap_or(reason.as_str());
    format!("{means}; {}", helps(reason))
}

/// What a request comes to that is about somebody who was erased by another one, and what helps.
pub(super) fn of_gone(request: &Request, gone: &Gone) -> String {
    let (at, by, day) = (&request.reference, &gone.by, time(gone.at));
    let day = day.get(..10).unwrap_or(&day);
    if gone.account {
        return format!(
            "the account was erased by the request {by}, completed on {day}, and its people with it: there is nobody left to ask, and \
             nothing of theirs to erase. 'requests refuse {at}' ends it, and 'requests note {at}' says how the person was told"
        );
    }
    format!(
        "nobody has this address any more: what an earlier letter from it asked for was erased by the request {by}, completed on {day}. \
         'requests note {at}' says that it is done; where it means another account, 'requests scope {at} SCOPE --account ID' says which"
    )
}

const fn helps(reason: ReviewReason) -> &'static str {
    match reason {
        ReviewReason::TooLarge => {
            "only its header was read ('requests show REF --reveal' has it): read the letter in the mailbox, then 'requests scope REF \
             SCOPE' (with --target WHOM where it means somebody else than who wrote), 'refuse' or 'withdraw'"
        }
        ReviewReason::UnclearLetter | ReviewReason::Poison | ReviewReason::Limited => {
            "read it ('requests show REF --reveal', or the letter in the mailbox), then 'requests scope REF SCOPE' (with --target WHOM where it \
             means somebody else than who wrote), 'refuse' or 'withdraw'"
        }
        ReviewReason::Suspected => {
            "read it with care ('requests show REF --reveal'), nobody was written to; 'requests scope REF SCOPE' lets it go on like any letter, \
             'refuse' or 'withdraw' ends it"
        }
        ReviewReason::AttachedOnly => {
            "open what is attached, in the mailbox and as carefully as any file of a stranger, then 'requests scope', 'refuse' or \
             'withdraw'"
        }
        ReviewReason::SeveralAccounts => "'requests account REF ID' says which account is meant",
        ReviewReason::UnclearTarget => "'requests scope REF SCOPE --target WHOM' says whom it means",
        ReviewReason::Policy => "decide by [authority]: 'requests scope', 'refuse' or 'withdraw'",
        // Evidence stands for an answer to a question, and nobody could be asked one.
        ReviewReason::NoAddressOnFile => {
            "nobody could be asked, so that there is no answer that evidence ('requests approve') could stand for: verify the person \
             by other means, enter their address in the directory, and 'requests scope' asks them there; or 'refuse' or 'withdraw'"
        }
        ReviewReason::TooManyAttempts | ReviewReason::OwnerSilent | ReviewReason::ChallengeBounced => {
            "'requests approve REF --proof … --evidence …' where the person was verified by other means, or 'requests scope' to ask \
             anew"
        }
        ReviewReason::HoldLapsed | ReviewReason::NotTold => "'requests scope' to ask anew, or 'withdraw'",
        ReviewReason::FactsChanged | ReviewReason::AuthorityExpired | ReviewReason::ChangedLately => {
            "'requests scope' has it identified and confirmed anew"
        }
        ReviewReason::EndUnsteady => {
            "see that the query 'ended' of [directory.sql] says the same each time (of the account with 'WHERE account >= :from', and a date \
             that stays); then 'requests scope REF account' lets it go on, and 'requests withdraw' leaves the account alone for this end"
        }
        ReviewReason::PlanDrifted => {
            "'expunged plan' shows what it is now; 'requests scope' has it confirmed anew, and so does 'expunged apply' with its rows"
        }
        ReviewReason::AskedOften => "'requests scope' asks once the flood is over",
        ReviewReason::ManyAddresses => {
            "read it ('requests show REF --reveal'); 'requests scope REF SCOPE' asks the next of them by themselves, 'requests account \
             REF ID' the one of that account; or 'refuse' or 'withdraw'"
        }
        ReviewReason::OtherRight => {
            "answer it as your house does; 'requests scope' where erasure is asked for as well, or 'withdraw'"
        }
        ReviewReason::CategoryUnknown => {
            "'requests scope REF data --category CATEGORY' says which categories of the data maps are meant, or 'refuse'"
        }
        ReviewReason::MapDefects => {
            "'expunged map check' says where; where a map was mended restart the daemon, which keeps the maps of its start; then 'requests \
             scope' has it confirmed anew"
        }
        ReviewReason::TooManyRows => {
            "'expunged plan --rows-max ROWS --out FILE' counts them, and 'expunged apply FILE --request REF' agrees to them"
        }
        ReviewReason::KeptStuck => {
            "when its cause is gone it goes on by itself, within a week; 'requests withdraw' says that you have seen to those rows yourself"
        }
        ReviewReason::RetentionUnclear => "correct the `until` of the map or the rows; then 'requests scope'",
        ReviewReason::SubjectMissing => {
            "'requests account' or 'requests scope --target' where another is meant, or 'withdraw'"
        }
        ReviewReason::LedgerBack => {
            "see whether it was withdrawn or done since the backup (Sent copies, exports of the trail); then 'requests scope' has it \
             confirmed anew, or 'withdraw'"
        }
        ReviewReason::StoreFailed => "mend the store; then 'requests scope' has it confirmed anew",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{JobId, Timestamp};

    #[test]
    fn every_reason_and_every_obstacle_has_words() {
        let templates = Templates::embedded().unwrap();
        for reason in ReviewReason::ALL {
            assert!(templates.in_words(Language::En, reason.as_str()).is_some(), "{reason}");
            assert!(of_review(&templates, *reason).contains("; "));
        }
        let of_job = |code: &str, state| of_job(&templates, &job(code, state), &[]).unwrap();
        let said = of_job("reply_550_at_recipient", JobState::Dead);
        assert!(said.contains("answered 550, at the recipient") && said.contains("jobs retry"), "{said}");
        assert!(of_job("connection_before_letter", JobState::Waiting).contains("was not reached"));
        assert!(of_job("held", JobState::Waiting).contains("holds list"));
        assert!(of_review(&templates, ReviewReason::MapDefects).contains("restart the daemon"));
        let waits = [FlowError::DIRECTORY, GATHERED, CAPPED, ASKED_LATELY, MAILBOX_NOT_READ, "notice_not_sent"];
        for code in waits {
            let said = of_job(code, JobState::Waiting);
            assert!(said.contains(", since 2027-01-15T08:00:00Z; ") && said.contains("2027-01-15T09:00:00Z"), "{said}");
            assert!(!said.starts_with(code), "{said}");
        }
    }

    #[test]
    fn a_running_job_waits_for_nothing() {
        let templates = Templates::embedded().unwrap();
        let line = |state| super::super::jobs::line(job("held", state), &Default::default(), &templates, &[]);
        assert_eq!(line(JobState::Waiting).reason.as_deref(), Some("held"));
        let running = line(JobState::Running);
        assert_eq!((running.reason, running.means), (None, None));
    }

    fn job(code: &str, state: JobState) -> JobRow {
        let at = |seconds: i64| Timestamp::from_micros(seconds * 1_000_000);
        JobRow {
            id: JobId::from_uuid(uuid::Uuid::nil()),
            kind: "send".to_owned(),
            state,
            request: None,
            attempts: 1,
            attempts_max: 10,
            run_at: at(1_800_003_600),
            reason: Some(code.to_owned()),
            since: Some(at(1_800_000_000)),
            holder: None,
            finished_at: None,
        }
    }
}
