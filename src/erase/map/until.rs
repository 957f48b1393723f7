//! The end of a retention: `placed_at + 10 years`.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::domain::Timestamp;

/// A column of the row and a period after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Until {
    /// The column that the period starts at.
    pub column: String,
    /// How many units.
    pub count: u16,
    /// Years, months or days.
    pub unit: Unit,
}

/// Units of a retention.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Calendar years.
    Years,
    /// Calendar months.
    Months,
    /// Days.
    Days,
}

impl Unit {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Years => "years",
            Self::Months => "months",
            Self::Days => "days",
        }
    }
}

/// A text that is no end of a retention.
#[derive(Debug, thiserror::Error, Clone, Copy, PartialEq, Eq)]
#[error("an end looks like \"placed_at + 10 years\" (or months, or days; at most 1000)")]
pub struct NotAnEnd;

impl FromStr for Until {
    type Err = NotAnEnd;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (column, period) = text.rsplit_once('+').ok_or(NotAnEnd)?;
        let mut words = period.split_whitespace();
        let count: u16 = words.next().and_then(|count| count.parse().ok()).ok_or(NotAnEnd)?;
        let unit = match words.next() {
            Some("years" | "year") => Unit::Years,
            Some("months" | "month") => Unit::Months,
            Some("days" | "day") => Unit::Days,
            _ => return Err(NotAnEnd),
        };
        let column = column.trim().to_owned();
        if column.is_empty() || words.next().is_some() || count > 1000 {
            return Err(NotAnEnd);
        }
        Ok(Self { column, count, unit })
    }
}

impl fmt::Display for Until {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} + {} {}", self.column, self.count, self.unit.as_str())
    }
}

impl Serialize for Until {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Until {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

impl Until {
    /// The end for a row whose column holds this text: a date, a time that begins with its date, or a number of
    /// seconds (or milli- or microseconds) since 1970. `None` for a text that is none of these.
    #[must_use]
    pub fn end(&self, start: &str) -> Option<Date> {
        let start = start_date(start)?;
        let count = i64::from(self.count);
        let span = match self.unit {
            Unit::Years => jiff::Span::new().years(count),
            Unit::Months => jiff::Span::new().months(count),
            Unit::Days => jiff::Span::new().days(count),
        };
        start.checked_add(span).ok()
    }
}

fn start_date(text: &str) -> Option<Date> {
    if let Ok(number) = text.parse::<i64>() {
        let micros = match number.unsigned_abs() {
            0..100_000_000_000 => number * 1_000_000,
            100_000_000_000..100_000_000_000_000 => number * 1_000,
            _ => number,
        };
        return Some(Timestamp::from_micros(micros).date());
    }
    let date: Date = text.get(..10)?.parse().ok()?;
    // A time that the store wrote in UTC; the day of the end is counted from its day.
    text.get(10..).is_some_and(|rest| rest.is_empty() || rest.starts_with(['T', ' '])).then_some(date)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_counted_by_the_calendar() {
        let end = |until: &str, start: &str| until.parse::<Until>().unwrap().end(start).map(|date| date.to_string());
        assert_eq!(end("placed_at + 10 years", "2026-03-05 10:11:12+00").as_deref(), Some("2036-03-05"));
        assert_eq!(end("a + 1 year", "2028-02-29").as_deref(), Some("2029-02-28"));
        assert_eq!(end("a+ 1 month", "2026-01-31T00:00:00Z").as_deref(), Some("2026-02-28"));
        assert_eq!(end("a + 35 days", "1767225600").as_deref(), Some("2026-02-05"));
        assert_eq!(end("a + 35 days", "1767225600000").as_deref(), Some("2026-02-05"));
        assert_eq!(end("a + 35 days", "soon"), None);
        assert_eq!(end("a + 35 days", "2026-01-01x"), None);
    }

    #[test]
    fn what_is_no_end_is_refused() {
        for text in ["", "a", "a + years", "a + 10", "a + 10 weeks", "+ 1 year", "a + 1 year or so", "a + 9999 years"] {
            assert!(text.parse::<Until>().is_err(), "{text}");
        }
    }
}
