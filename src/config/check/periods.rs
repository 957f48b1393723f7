//! `[challenge]`, `[schedule]`, `[law]`, `[retention]`: every wait, and whether the waits fit into what the law allows.

use std::ops::Range;

use serde_spanned::Spanned;

use super::super::error::Problem;
use super::super::law::{self, DEFAULT_PACK, LawPackError};
use super::super::raw::{Maybe, RawChallenge, RawLaw, RawRetention, RawSchedule};
use super::super::{ChallengeSettings, Law, Retention, Schedule};
use super::Checks;
use super::value::Unit;
use crate::domain::{LawPack, Scope};

/// The longest file of holidays, in bytes.
const HOLIDAYS_BYTES_MAX: u64 = 1024 * 1024;

/// The law, and where the file names it.
pub(super) struct LawHere {
    pub(super) law: Option<Law>,
    span: Option<Range<usize>>,
}

/// One wait of a request on its way to the answer.
struct Wait {
    key: &'static str,
    days: u64,
    span: Option<Range<usize>>,
}

impl Checks<'_> {
    pub(super) fn law(&mut self, raw: Maybe<RawLaw>) -> LawHere {
        let (_, raw) = Self::open("law", raw);
        let name = raw.pack.as_ref().map_or(DEFAULT_PACK, |raw| raw.get_ref().as_str());
        let pack = match law::pack(name) {
            Ok(pack) => Some(pack),
            Err(error) => {
                self.note(pack_problem(&error, raw.pack.as_ref().map(Spanned::span)));
                None
            }
        };
        let holidays = raw.holidays_file.map_or_else(|| Some(Vec::new()), |raw| self.holidays(raw));
        let law = pack.zip(holidays).map(|(pack, holidays)| Law { pack, holidays });
        LawHere { law, span: raw.pack.map(|raw| raw.span()) }
    }

    fn holidays(&mut self, raw: Spanned<String>) -> Option<Vec<jiff::civil::Date>> {
        let span = raw.span();
        let path = self.file("holidays_file", raw)?;
        let problem = Problem::new("the file of `holidays_file` cannot be used");
        let long = std::fs::metadata(&path).is_ok_and(|metadata| metadata.len() > HOLIDAYS_BYTES_MAX);
        if long {
            self.note(problem.at(span, format!("it has more than {HOLIDAYS_BYTES_MAX} bytes")));
            return None;
        }
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) => {
                self.note(problem.at(span, error.to_string()));
                return None;
            }
        };
        match holidays_of(&text) {
            Ok(holidays) if holidays.is_empty() => {
                let problem =
                    problem.at(span, "it holds no date").help("leave `holidays_file` out to have no holidays");
                self.note(problem);
                None
            }
            Ok(holidays) => Some(holidays),
            Err(line) => {
                let problem = problem
                    .at(span, format!("its line {line} has no date"))
                    .help("expected a date such as 2026-04-06 at the beginning of each line, or a line with #");
                self.note(problem);
                None
            }
        }
    }

    pub(super) fn periods(
        &mut self,
        challenge: Maybe<RawChallenge>,
        schedule: Maybe<RawSchedule>,
        law: &LawHere,
    ) -> (ChallengeSettings, Schedule) {
        let (_, challenge) = Self::open("challenge", challenge);
        let (_, schedule) = Self::open("schedule", schedule);
        let span = |raw: &Maybe<i64>| raw.as_ref().map(Spanned::span);
        let spans = [
            ("expires_days", span(&challenge.expires_days)),
            ("owner_silence_days", span(&schedule.owner_silence_days)),
            ("grace_days", span(&schedule.grace_days)),
            ("work_days", span(&schedule.work_days)),
        ];
        let mistakes_before = self.problems.len();
        let challenge = self.challenge(challenge);
        let schedule = self.schedule(schedule);
        let lasts = [challenge.expires, schedule.owner_silence, schedule.grace, schedule.work];
        let wait = |((key, span), lasts): (_, std::time::Duration)| Wait { key, span, days: lasts.as_secs() / 86_400 };
        let waits: Vec<Wait> = spans.into_iter().zip(lasts).map(wait).collect();
        // A wait that is wrong by itself was replaced by its default; whether that fits says nothing.
        if let Some(known) = &law.law
            && self.problems.len() == mistakes_before
            && let Some(problem) = does_not_fit(&waits, &known.pack, law.span.as_ref())
        {
            self.note(problem);
        }
        (challenge, schedule)
    }

    fn challenge(&mut self, raw: RawChallenge) -> ChallengeSettings {
        let reminder_span = raw.reminder_days.as_ref().or(raw.expires_days.as_ref()).map(Spanned::span);
        let expires = self.duration("expires_days", raw.expires_days, Unit::Days, 1..=90, 14);
        let reminder = self.duration("reminder_days", raw.reminder_days, Unit::Days, 1..=90, 5);
        if let (true, Some(span)) = (reminder >= expires, reminder_span) {
            let problem = Problem::new("the reminder would come after the challenge has expired")
                .at(span, "expected `reminder_days` to be less than `expires_days`");
            self.note(problem);
        }
        let mut code_for = vec![Scope::Account];
        for word in raw.code_for.unwrap_or_default() {
            if let Some(scope) = self.word("code_for", &word)
                && !code_for.contains(&scope)
            {
                code_for.push(scope);
            }
        }
        code_for.sort_unstable();
        ChallengeSettings {
            expires,
            reminder,
            code_for,
            per_address: self.duration("per_address_hours", raw.per_address_hours, Unit::Hours, 1..=720, 24),
            addresses_max: self.number("addresses_max", raw.addresses_max, 1..=20, 5),
            attempts_max: self.number("attempts_max", raw.attempts_max, 1..=20, 5),
            freeze: self.duration("freeze_days", raw.freeze_days, Unit::Days, 0..=90, 7),
        }
    }

    fn schedule(&mut self, raw: RawSchedule) -> Schedule {
        Schedule {
            grace: self.duration("grace_days", raw.grace_days, Unit::Days, 0..=60, 7),
            owner_silence: self.duration("owner_silence_days", raw.owner_silence_days, Unit::Days, 1..=60, 5),
            work: self.duration("work_days", raw.work_days, Unit::Days, 1..=30, 1),
            due_soon: self.duration("due_soon_days", raw.due_soon_days, Unit::Days, 1..=60, 7),
            second_sweep: self.duration("second_sweep_days", raw.second_sweep_days, Unit::Days, 0..=90, 7),
            canary: self.duration("canary_minutes", raw.canary_minutes, Unit::Minutes, 1..=1_440, 60),
            replay_by_itself: raw.replay_by_itself.is_some_and(Spanned::into_inner),
        }
    }

    pub(super) fn retention(&mut self, raw: Maybe<RawRetention>, law: Option<&Law>) -> Option<Retention> {
        let (_, raw) = Self::open("retention", raw);
        let letter_days = self.number("letter_days", raw.letter_days, 1..=3_650, 30);
        let unverified_letter_days = self.number("unverified_letter_days", raw.unverified_letter_days, 1..=3_650, 30);
        let job_days = self.number("job_days", raw.job_days, 1..=3_650, 90);
        let digest_days = self.number("digest_days", raw.digest_days, 1..=3_650, 90);
        let suppression_days = self.number("suppression_days", raw.suppression_days, 0..=3_650, 90);
        let tell_at_end = raw.tell_at_end.is_some_and(Spanned::into_inner);
        let record_days = law?.pack.record_days;
        Some(Retention {
            letter_days,
            unverified_letter_days,
            job_days,
            digest_days,
            suppression_days,
            tell_at_end,
            record_days,
        })
    }
}

/// Why a set of waits cannot be kept with this law; `None` when it can.
///
/// Days are added up here although the waits for an answer last to the end of a day: the period does so too. What is rounded
/// up once, from the hour of receipt to the end of its day, carries through to the last day of both.
fn does_not_fit(waits: &[Wait], pack: &LawPack, pack_span: Option<&Range<usize>>) -> Option<Problem> {
    let period = u64::from(pack.period.days_min());
    let sum: u64 = waits.iter().map(|wait| wait.days).sum();
    if sum < period {
        return None;
    }
    let terms: Vec<String> = waits.iter().map(|wait| format!("{} {}", wait.key, wait.days)).collect();
    let shortest = match pack.period {
        crate::domain::Period::Months(_) => " at its shortest",
        _ => "",
    };
    let problem =
        Problem::new(format!("the waits do not fit into the period of {} ({})", pack.name, pack.articles.period))
            .help(format!("{} = {sum} days", terms.join(" + ")))
            .help(format!(
                "the period has {period} days{shortest}, and one day is kept free: {} days at most",
                period - 1
            ))
            .help(format!("shorten some of them by {} days in all", sum - (period - 1)));
    // The waits that the file names are shown, the longest first; with defaults only, the law is what does not fit.
    let mut named: Vec<&Wait> = waits.iter().filter(|wait| wait.span.is_some()).collect();
    named.sort_by_key(|wait| std::cmp::Reverse(wait.days));
    let mut spans = named.into_iter().filter_map(|wait| Some((wait.span.clone()?, wait.days)));
    let Some((span, days)) = spans.next() else {
        return Some(match pack_span {
            Some(span) => problem.at(span.clone(), "this law is shorter than the default waits"),
            None => problem,
        });
    };
    let problem = problem.at(span, format!("these are {days} days"));
    Some(spans.fold(problem, |problem, (span, days)| problem.beside(span, format!("and these {days} days"))))
}

fn pack_problem(error: &LawPackError, span: Option<Range<usize>>) -> Problem {
    let problem = Problem::new(format!("{error} (`pack`)"));
    let problem = match error {
        LawPackError::Unknown { .. } => problem,
        LawPackError::Broken { source, .. } => problem.help(source.to_string()),
    };
    match span {
        Some(span) => problem.at(span, format!("expected one of {}", law::pack_names().collect::<Vec<_>>().join(", "))),
        None => problem,
    }
}

/// The dates at the beginning of lines, or the number of the first line that has none.
fn holidays_of(text: &str) -> Result<Vec<jiff::civil::Date>, usize> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty() && !line.trim().starts_with('#'));
    lines
        .map(|(index, line)| {
            let word = line.split_whitespace().next().unwrap_or_default();
            word.parse().map_err(|_| index + 1)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whenever a letter comes, and however late within their days both answer, what fits ends a day before the period does.
    #[test]
    fn what_fits_leaves_a_day_although_waits_end_with_their_day() {
        use crate::domain::request::{Policy, approval_ends, challenge_ends};
        use crate::domain::{Calendar, Deadlines, Timestamp};
        use std::time::Duration;

        const HOUR: Duration = Duration::from_secs(3_600);
        let pack = law::pack(DEFAULT_PACK).unwrap();
        let day = |days: u64| Duration::from_secs(days * 86_400);
        let just_before = |end: Timestamp| end.minus(Duration::from_micros(1));
        for (challenge, owner, grace, work) in [(14, 5, 7, 1), (1, 1, 1, 24), (20, 1, 5, 1), (3, 20, 3, 1)] {
            let wait = |days| Wait { key: "a_wait", days, span: None };
            let waits = |more| [challenge, owner, grace, work + more].map(wait);
            assert!(does_not_fit(&waits(0), &pack, None).is_none() && does_not_fit(&waits(1), &pack, None).is_some());
            for (zone, hour) in ["UTC", "Europe/Berlin", "America/St_Johns", "Pacific/Apia"]
                .into_iter()
                .flat_map(|zone| (0..366 * 24).step_by(7).map(move |hour| (zone, hour)))
            {
                let calendar = Calendar::of_zone(jiff::tz::TimeZone::get(zone).unwrap());
                let time_zone = calendar.time_zone.clone();
                let (challenge_expires, approval_expires) = (day(challenge), day(owner));
                let policy = Policy { time_zone, challenge_expires, approval_expires, ..Policy::default() };
                let received_at = Timestamp::from_micros(1_798_761_600_000_000).plus(HOUR * hour);
                // A month at its shortest, whatever month it is.
                let base_due = calendar.day(received_at).saturating_add(jiff::Span::new().days(28));
                let (acknowledge_due, extended) = (None, false);
                let deadlines = Deadlines { received_at, acknowledge_due, base_due, legal_due: base_due, extended };
                let confirmed = just_before(challenge_ends(&policy, received_at));
                let approved = just_before(approval_ends(&deadlines, &policy, confirmed).unwrap());
                let done = approved.plus(day(grace)).plus(day(work));
                // Where clocks go forward meanwhile, the day that is left has 23 hours.
                assert!(done.plus(HOUR * 23) <= calendar.end_of(base_due), "{zone}, {received_at}: {done}");
            }
        }
    }

    #[test]
    fn holidays_are_dates_with_remarks() {
        use jiff::civil::date;
        let text = "# Hesse\n2026-04-03 Good Friday\n\n2026-04-06\tEaster Monday\r\n";
        assert_eq!(holidays_of(text), Ok(vec![date(2026, 4, 3), date(2026, 4, 6)]));
        assert_eq!(holidays_of("2026-04-03\n6 April 2026\n"), Err(2));
        assert_eq!(holidays_of("2026-02-30"), Err(1));
    }
}
