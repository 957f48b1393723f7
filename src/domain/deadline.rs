//! When an answer is due: calendar arithmetic on the law's own terms. Pure; knows no law by name.
//!
//! The periods come from a law pack (`config/law/*.toml`), never from code. The day of receipt is a calendar day in
//! the installation's time zone; the period starts after it (Regulation 1182/71, Art. 3(1)). A clock that jumps
//! cannot lengthen a deadline: it is computed once, from the receipt, and moves only by [`Deadlines::extend`].

use std::collections::BTreeSet;

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp as JiffTimestamp};

use super::Timestamp;

/// A period as a law words it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    /// The same-numbered day this many months later, clamped to the end of the month (Reg. 1182/71, Art. 3(2)(c)).
    Months(u16),
    /// This many calendar days later.
    Days(u16),
    /// This many working days later: weekends, and the holidays that are loaded, do not count.
    WorkingDays(u16),
}

impl Period {
    /// The fewest calendar days that this period can span, whatever the date of receipt.
    #[must_use]
    pub fn days_min(self) -> u32 {
        match self {
            // One month is 28 days from 31 January or 1 February; no run of months is shorter than this.
            Self::Months(months) => {
                let (years, rest) = (u32::from(months) / 12, u32::from(months) % 12);
                years * 365 + SHORTEST_DAYS_OF_MONTHS.get(rest as usize).copied().unwrap_or(0)
            }
            Self::Days(days) => u32::from(days),
            Self::WorkingDays(days) => u32::from(days),
        }
    }

    /// The day on which the period ends, before any rolling; the end of time where the calendar ends.
    fn after(self, day: Date, working_days: &WorkingDays) -> Date {
        match self {
            Self::Months(months) => day.saturating_add(Span::new().months(i32::from(months))),
            Self::Days(days) => day.saturating_add(Span::new().days(i32::from(days))),
            Self::WorkingDays(days) => (0..days).fold(day, |day, _| working_days.next_after(day)),
        }
    }
}

/// The fewest days in a run of 0, 1, … 11 months in any year, measured from any day of the month.
const SHORTEST_DAYS_OF_MONTHS: [u32; 12] = [0, 28, 59, 89, 120, 150, 181, 212, 242, 273, 303, 334];

/// The articles that letters and the trail cite, in the words of one law.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Articles {
    /// The right to erasure.
    pub erasure: String,
    /// The period of the answer.
    pub period: String,
    /// The extension of the period; empty where the law has none.
    pub extension: String,
    /// What a refusal must say.
    pub refusal: String,
    /// The grounds on which data may be kept.
    pub exceptions: String,
    /// That a processor passes the request on to the controller; empty where the law has no such rule.
    pub processor: String,
    /// That a processor acts on the controller's word alone; what an owner's "no" rests on.
    pub instructions: String,
    /// That recipients are told.
    pub recipients: String,
    /// How long the record is kept.
    pub record: String,
    /// The articles by which a request may be refused.
    pub refusals: Vec<String>,
}

impl Articles {
    /// The article by which somebody refuses, as the law pack writes it, with what they added behind a semicolon (a law of
    /// the country). `None` where the law knows no such refusal.
    #[must_use]
    pub fn refusing(&self, given: &str) -> Option<String> {
        let (article, more) = given.split_once(';').map_or((given, ""), |(article, more)| (article, more.trim()));
        let known = self.refusals.iter().find(|known| bare(known) == bare(article))?;
        Some(if more.is_empty() { known.clone() } else { format!("{known}; {more}") })
    }
}

/// An article without what people write around it in several ways: `Art. 17 (3) (e) GDPR` and `17(3)(e)`.
fn bare(article: &str) -> String {
    let dense: String = article.to_lowercase().chars().filter(|c| !c.is_whitespace() && *c != ',').collect();
    let dense = ["article", "art."].iter().find_map(|word| dense.strip_prefix(word)).unwrap_or(&dense);
    ["gdpr", "lgpd"].iter().find_map(|law| dense.strip_suffix(law)).unwrap_or(dense).to_owned()
}

/// What one law asks: periods and articles. A value of this type has been read from `config/law/<name>.toml`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LawPack {
    /// The name in `[law] pack`, for example `gdpr`.
    pub name: String,
    /// The law's title as people know it.
    pub title: String,
    /// The answer is due this long after receipt.
    pub period: Period,
    /// With an extension the answer is due this long after *receipt* (not after the first due date); `None` where the
    /// law knows no extension.
    pub period_extended: Option<Period>,
    /// Receipt must be acknowledged this soon; `None` where the law does not ask for it.
    pub acknowledge: Option<Period>,
    /// Whether a due date on a Saturday, Sunday or holiday rolls to the next working day (only when holidays are loaded).
    pub rolls_to_working_day: bool,
    /// The articles to cite.
    pub articles: Articles,
    /// The record of a request is kept this many days after its end.
    pub record_days: u32,
    /// The supervisory authority that a refusal names where the config names none.
    pub supervisory_authority: Option<String>,
    /// The judicial remedy that a refusal names where the config names none.
    pub court_remedy: Option<String>,
}

/// Which days count as working days: not Saturday, not Sunday, not a holiday that was loaded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WorkingDays {
    holidays: BTreeSet<Date>,
}

impl WorkingDays {
    /// With these public holidays. An empty list means that no holiday file is loaded: then due dates do not roll,
    /// because rolling off Sundays but not off holidays would look exact and be wrong.
    #[must_use]
    pub fn with_holidays(holidays: impl IntoIterator<Item = Date>) -> Self {
        Self { holidays: holidays.into_iter().collect() }
    }

    /// Whether people work on this day.
    #[must_use]
    pub fn is_working_day(&self, day: Date) -> bool {
        !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday) && !self.holidays.contains(&day)
    }

    /// The first working day after this one.
    fn next_after(&self, day: Date) -> Date {
        self.roll(tomorrow(day))
    }

    /// This day, or the first working day after it.
    fn roll(&self, day: Date) -> Date {
        let mut day = day;
        // Ends: the list of holidays is finite, and on the last day of the calendar there is no tomorrow.
        while !self.is_working_day(day) && day < Date::MAX {
            day = tomorrow(day);
        }
        day
    }
}

fn tomorrow(day: Date) -> Date {
    day.saturating_add(Span::new().days(1))
}

/// The installation's calendar: where its days begin, and which of them are working days.
#[derive(Clone, Debug)]
pub struct Calendar {
    /// The time zone in which the day of receipt is counted.
    pub time_zone: TimeZone,
    /// The working days.
    pub working_days: WorkingDays,
}

impl Calendar {
    /// UTC and no holidays.
    #[must_use]
    pub fn utc() -> Self {
        Self { time_zone: TimeZone::UTC, working_days: WorkingDays::default() }
    }

    /// The calendar day of an instant here.
    #[must_use]
    pub fn day(&self, time: Timestamp) -> Date {
        time.to_jiff().to_zoned_datetime(self.time_zone.clone()).date()
    }

    /// This time zone and no holidays.
    #[must_use]
    pub fn of_zone(time_zone: TimeZone) -> Self {
        Self { time_zone, ..Self::utc() }
    }

    /// The last day that is over here at this instant: of a wait that ends with a day, that day.
    #[must_use]
    pub fn last_over(&self, time: Timestamp) -> Date {
        self.day(time).saturating_sub(Span::new().days(1))
    }

    /// The first instant after this day here: a deadline that ends with a day has passed from then on.
    #[must_use]
    pub fn end_of(&self, day: Date) -> Timestamp {
        let midnight = tomorrow(day).to_zoned_datetime(self.time_zone.clone());
        Timestamp::from_jiff(midnight.map_or(JiffTimestamp::MAX, |midnight| midnight.timestamp()))
    }
}

/// The deadlines of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadlines {
    /// When the letter reached the mailbox (INTERNALDATE), not when somebody read it.
    pub received_at: Timestamp,
    /// Receipt is acknowledged until the end of this day, where the law asks for it.
    pub acknowledge_due: Option<Date>,
    /// The answer, or the notice of an extension, is due until the end of this day. Never moves.
    pub base_due: Date,
    /// The answer is due until the end of this day: `base_due`, or the later day of an extension.
    pub legal_due: Date,
    /// Whether the one extension was used.
    pub extended: bool,
}

/// Why an extension is not possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExtensionRefused {
    /// The law knows no extension.
    #[error("this law knows no extension of the period")]
    NotInThisLaw,
    /// It was extended before.
    #[error("the period was extended before; a law allows one extension")]
    AlreadyExtended,
    /// The notice would come too late.
    #[error("an extension is announced before {base_due}, when the answer was due; it is too late now")]
    TooLate {
        /// The day before which the notice had to be sent.
        base_due: Date,
    },
}

impl Deadlines {
    /// The deadlines that follow from the receipt of a letter.
    #[must_use]
    pub fn from_receipt(received_at: Timestamp, law: &LawPack, calendar: &Calendar) -> Self {
        let received_on = calendar.day(received_at);
        let base_due = due(received_on, law.period, law, &calendar.working_days);
        let acknowledge_due = law.acknowledge.map(|period| period.after(received_on, &calendar.working_days));
        Self { received_at, acknowledge_due, base_due, legal_due: base_due, extended: false }
    }

    /// The deadlines after an extension whose notice goes out `now`. The new day is counted from receipt.
    ///
    /// # Errors
    /// When the law has no extension, when it was used, or from `base_due` on (Art. 12(3) GDPR: within the month; we
    /// want the day before, so that the notice is delivered in time).
    pub fn extend(self, now: Timestamp, law: &LawPack, calendar: &Calendar) -> Result<Self, ExtensionRefused> {
        let Some(period) = law.period_extended else {
            return Err(ExtensionRefused::NotInThisLaw);
        };
        if self.extended {
            return Err(ExtensionRefused::AlreadyExtended);
        }
        if calendar.day(now) >= self.base_due {
            return Err(ExtensionRefused::TooLate { base_due: self.base_due });
        }
        let legal_due = due(calendar.day(self.received_at), period, law, &calendar.working_days);
        Ok(Self { legal_due: legal_due.max(self.base_due), extended: true, ..self })
    }
}

fn due(received_on: Date, period: Period, law: &LawPack, working_days: &WorkingDays) -> Date {
    let day = period.after(received_on, working_days);
    if law.rolls_to_working_day && !working_days.holidays.is_empty() { working_days.roll(day) } else { day }
}

#[cfg(test)]
mod tests;
