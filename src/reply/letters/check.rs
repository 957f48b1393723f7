//! What a letter must tell before it may be written. A letter that lacks it is not sent with a gap; it is an error.

use super::{Choice, Completed, IdentityLine, Letter};
use crate::reply::ReplyError;

/// How many ways to understand a request one letter may offer.
const CHOICES_COUNT_MAX: usize = 2;

/// Refuses a letter that lacks a fact.
pub(super) fn complete(letter: &Letter) -> Result<(), ReplyError> {
    match missing(letter) {
        Some(fact) => Err(ReplyError::Incomplete { letter: letter.kind(), fact }),
        None => Ok(()),
    }
}

/// The first fact that is missing.
fn missing(letter: &Letter) -> Option<&'static str> {
    match letter {
        Letter::Challenge(asked) => question(&asked.choices, &asked.token),
        Letter::Reminder(asked) => question(&asked.choices, &asked.token),
        Letter::CodeAsked(asked) => question(&asked.choices, &asked.token),
        Letter::ApprovalAsked(asked) => {
            first_blank(&[("asked_by_label", &asked.asked_by_label), ("code", &asked.code), ("token", &asked.token)])
        }
        Letter::Scheduled(planned) => first_blank(&[("token", planned.token.as_deref().unwrap_or("not printed"))]),
        Letter::ServiceEnded(planned) => first_blank(&[("article", &planned.article)]),
        Letter::OnHold(paused) => first_blank(&[("token", paused.token.as_deref().unwrap_or("not printed"))]),
        Letter::Forwarded(forwarded) => {
            first_blank(&[("subject_label", &forwarded.subject_label), ("article", &forwarded.article)])
        }
        Letter::SecondNotice(notice) => first_blank(&[("asked_by_label", &notice.asked_by_label)]),
        Letter::RecipientAsked(asked) => order(&asked.identities, &asked.categories, &asked.token),
        Letter::RecipientReminded(asked) => order(&asked.identities, &asked.categories, &asked.token),
        Letter::AlarmRecipient(alarm) if alarm.recipients.is_empty() => Some("recipients"),
        Letter::Completed(done) => reasons_for_keeping(done),
        Letter::KeptErased(gone) if gone.grounds.is_empty() => Some("grounds"),
        Letter::KeptErased(gone) => {
            gone.grounds.iter().find_map(|line| first_blank(&[("grounds[].ground", &line.ground)]))
        }
        // Art. 12(4) and 17(3) GDPR: a refusal names all of these.
        Letter::Refused(refused) if refused.data_concerned.iter().all(|data| data.trim().is_empty()) => {
            Some("data_concerned")
        }
        Letter::Refused(refused) => first_blank(&[
            ("ground", &refused.ground),
            ("article", &refused.article),
            ("supervisory_authority", &refused.supervisory_authority),
            ("court_remedy", &refused.court_remedy),
        ]),
        // Art. 12(3) GDPR: an extension is told with its reasons.
        Letter::Extension(longer) => first_blank(&[("reason", &longer.reason), ("article", &longer.article)]),
        Letter::PassedOn(passed) => first_blank(&[("article", &passed.article)]),
        Letter::Paused(_) => None,
        Letter::InReview(_) | Letter::NothingHeld(_) | Letter::Withdrawn(_) | Letter::Expired(_) => None,
        Letter::AlarmReview(_)
        | Letter::AlarmStepFailed(_)
        | Letter::AlarmBounced(_)
        | Letter::AlarmDelayed(_)
        | Letter::AlarmDueSoon(_)
        | Letter::AlarmMailbox(_)
        | Letter::AlarmLedger(_)
        | Letter::AlarmTermination(_)
        | Letter::AlarmCapped(_)
        | Letter::AlarmRecipient(_)
        | Letter::AlarmGathered(_) => None,
    }
}

/// A question can only be answered by its codes and its token.
fn question(choices: &[Choice], token: &str) -> Option<&'static str> {
    if choices.is_empty() || choices.len() > CHOICES_COUNT_MAX {
        return Some("choices");
    }
    if choices.iter().any(|choice| choice.code.trim().is_empty()) {
        return Some("choices[].code");
    }
    first_blank(&[("token", token)])
}

/// Who is asked to erase must be able to find the person, and to answer.
fn order(identities: &[IdentityLine], categories: &[String], token: &str) -> Option<&'static str> {
    if identities.is_empty() {
        return Some("identities");
    }
    if categories.is_empty() {
        return Some("categories");
    }
    first_blank(&[("token", token)])
}

/// What is kept has a ground and an end (DESIGN invariant 3). It is refused in part, so the letter names what a refusal
/// does (Art. 12(4) GDPR).
fn reasons_for_keeping(done: &Completed) -> Option<&'static str> {
    let mut kept = done.outcome.iter().filter(|line| line.kept > 0).peekable();
    kept.peek()?;
    let of_lines = kept.find_map(|line| match (&line.ground, line.until) {
        (_, None) => Some("outcome[].until"),
        (None, _) => Some("outcome[].ground"),
        (Some(ground), _) => first_blank(&[("outcome[].ground", ground)]),
    });
    of_lines.or_else(|| {
        first_blank(&[
            ("article", &done.article),
            ("supervisory_authority", &done.supervisory_authority),
            ("court_remedy", &done.court_remedy),
        ])
    })
}

fn first_blank(facts: &[(&'static str, &str)]) -> Option<&'static str> {
    facts.iter().find(|(_, text)| text.trim().is_empty()).map(|(fact, _)| *fact)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::samples;
    use super::*;
    use crate::domain::LetterKind;

    /// The fact that the full example of a letter lacks once one of its values is replaced.
    fn lacks(kind: LetterKind, place: &str, value: Value) -> Option<&'static str> {
        let mut stored = serde_json::to_value(&samples::of(kind)[0]).unwrap();
        *stored.pointer_mut(&format!("/facts/{place}")).unwrap_or_else(|| panic!("{place} in {kind}")) = value;
        missing(&serde_json::from_value(stored).unwrap())
    }

    #[test]
    fn every_example_is_complete() {
        for letter in LetterKind::ALL.iter().flat_map(|kind| samples::of(*kind)) {
            assert_eq!(missing(&letter), None, "{letter:?}");
        }
    }

    #[test]
    fn a_refusal_names_all_that_the_law_asks_for() {
        for fact in ["ground", "article", "supervisory_authority", "court_remedy"] {
            assert_eq!(lacks(LetterKind::Refused, fact, " ".into()), Some(fact));
        }
        assert_eq!(lacks(LetterKind::Refused, "data_concerned", Value::Array(vec![])), Some("data_concerned"));
        assert_eq!(lacks(LetterKind::Extension, "reason", "".into()), Some("reason"));
        assert_eq!(lacks(LetterKind::Extension, "article", "".into()), Some("article"));
    }

    #[test]
    fn a_refusal_in_part_names_article_authority_and_court() {
        for fact in ["article", "supervisory_authority", "court_remedy"] {
            assert_eq!(lacks(LetterKind::Completed, fact, " ".into()), Some(fact));
        }
        let mut nothing_kept = serde_json::to_value(&samples::of(LetterKind::Completed)[1]).unwrap();
        nothing_kept["facts"]["article"] = "".into();
        assert_eq!(missing(&serde_json::from_value(nothing_kept).unwrap()), None);
    }

    #[test]
    fn kept_records_need_a_ground_and_an_end() {
        let second_kept = |fact: &str| format!("outcome/3/{fact}");
        assert_eq!(lacks(LetterKind::Completed, &second_kept("until"), Value::Null), Some("outcome[].until"));
        assert_eq!(lacks(LetterKind::Completed, &second_kept("ground"), Value::Null), Some("outcome[].ground"));
        assert_eq!(lacks(LetterKind::Completed, &second_kept("ground"), " ".into()), Some("outcome[].ground"));
        assert_eq!(lacks(LetterKind::Completed, "outcome/0/ground", Value::Null), None, "nothing is kept there");
    }

    #[test]
    fn the_end_of_a_keeping_names_its_ground() {
        assert_eq!(lacks(LetterKind::KeptErased, "grounds", Value::Array(vec![])), Some("grounds"));
        assert_eq!(lacks(LetterKind::KeptErased, "grounds/0/ground", " ".into()), Some("grounds[].ground"));
    }

    #[test]
    fn a_question_has_choices_codes_and_a_token() {
        for kind in [LetterKind::Challenge, LetterKind::Reminder, LetterKind::CodeAsked] {
            assert_eq!(lacks(kind, "choices", Value::Array(vec![])), Some("choices"));
            assert_eq!(lacks(kind, "choices/1/code", "".into()), Some("choices[].code"));
            assert_eq!(lacks(kind, "token", "".into()), Some("token"));
        }
    }
}
