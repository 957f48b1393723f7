//! The law packs that are built into the program. Reads `config/law/*.toml`; knows no period by itself.
//!
//! # How to add a law pack
//! 1. Write `config/law/<name>.toml`; copy `gdpr.toml` and give the article for every number in a comment.
//! 2. Add one line to `PACKS`. The tests of this file then read it, and the config knows the name.
//! 3. If the law counts in a way that [`Period`] cannot say, add a variant there with its vectors as a test.

use serde::Deserialize;

use crate::domain::{Articles, LawPack, Period};

/// Every pack by its name in `[law] pack`.
const PACKS: &[(&str, &str)] = &[
    ("gdpr", include_str!("../../config/law/gdpr.toml")),
    ("ccpa", include_str!("../../config/law/ccpa.toml")),
    ("lgpd", include_str!("../../config/law/lgpd.toml")),
];

/// The pack of an installation that names none.
pub const DEFAULT_PACK: &str = "gdpr";

/// The names of the packs that are built in.
pub fn pack_names() -> impl Iterator<Item = &'static str> {
    PACKS.iter().map(|(name, _)| *name)
}

/// Why there is no such pack.
#[derive(Debug, thiserror::Error)]
pub enum LawPackError {
    /// No pack has this name.
    #[error("there is no law pack {name:?}")]
    Unknown {
        /// The name that was asked for.
        name: String,
    },
    /// A file that we ship is broken; the tests of this module keep it from being shipped.
    #[error("the law pack {name:?} cannot be read")]
    Broken {
        /// The pack.
        name: String,
        /// What the file lacks.
        #[source]
        source: BrokenPack,
    },
}

/// What is wrong with the text of a pack.
#[derive(Debug, thiserror::Error)]
pub enum BrokenPack {
    /// No TOML, an unknown key or a wrong type.
    #[error(transparent)]
    Form(#[from] toml::de::Error),
    /// A period is given twice, in different units, or not at all.
    #[error("exactly one of {0}_months and {0}_days is needed")]
    Period(&'static str),
    /// The extended period is not longer than the period.
    #[error("the extended period is counted from receipt, so it must be longer than the period")]
    Extension,
}

/// The pack of this name.
///
/// # Errors
/// When no pack has this name.
pub fn pack(name: &str) -> Result<LawPack, LawPackError> {
    let found = PACKS.iter().find(|(known, _)| *known == name);
    let (_, text) = found.ok_or_else(|| LawPackError::Unknown { name: name.to_owned() })?;
    read(name, text).map_err(|source| LawPackError::Broken { name: name.to_owned(), source })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPack {
    title: String,
    period_months: Option<u16>,
    period_days: Option<u16>,
    period_extended_months: Option<u16>,
    period_extended_days: Option<u16>,
    acknowledge_working_days: Option<u16>,
    rolls_to_working_day: bool,
    record_days: u32,
    supervisory_authority: Option<String>,
    court_remedy: Option<String>,
    articles: RawArticles,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawArticles {
    erasure: String,
    period: String,
    extension: String,
    refusal: String,
    exceptions: String,
    processor: String,
    instructions: String,
    recipients: String,
    record: String,
    refusals: Vec<String>,
}

fn read(name: &str, text: &str) -> Result<LawPack, BrokenPack> {
    let raw: RawPack = toml::from_str(text)?;
    let period = one_of(raw.period_months, raw.period_days, "period")?.ok_or(BrokenPack::Period("period"))?;
    let period_extended = one_of(raw.period_extended_months, raw.period_extended_days, "period_extended")?;
    if period_extended.is_some_and(|extended| extended.days_min() <= period.days_min()) {
        return Err(BrokenPack::Extension);
    }
    let RawArticles {
        erasure,
        period: period_article,
        extension,
        refusal,
        exceptions,
        processor,
        instructions,
        recipients,
        record,
        refusals,
    } = raw.articles;
    Ok(LawPack {
        name: name.to_owned(),
        title: raw.title,
        period,
        period_extended,
        acknowledge: raw.acknowledge_working_days.map(Period::WorkingDays),
        rolls_to_working_day: raw.rolls_to_working_day,
        articles: Articles {
            erasure,
            period: period_article,
            extension,
            refusal,
            exceptions,
            processor,
            instructions,
            recipients,
            record,
            refusals,
        },
        record_days: raw.record_days,
        supervisory_authority: raw.supervisory_authority,
        court_remedy: raw.court_remedy,
    })
}

fn one_of(months: Option<u16>, days: Option<u16>, key: &'static str) -> Result<Option<Period>, BrokenPack> {
    match (months, days) {
        (Some(_), Some(_)) => Err(BrokenPack::Period(key)),
        (months, days) => Ok(months.map(Period::Months).or(days.map(Period::Days))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pack_is_whole() {
        for name in pack_names() {
            let pack = pack(name).unwrap_or_else(|error| panic!("{name}: {error:?}"));
            assert!(pack.period.days_min() >= 10, "{name}: a request needs some days");
            assert!(pack.record_days >= 365, "{name}");
            let articles = &pack.articles;
            let (duty, word) = (&articles.processor, &articles.instructions);
            for article in [&articles.erasure, &articles.period, &articles.refusal, &articles.exceptions, duty, word] {
                assert!(!article.is_empty(), "{name}: {articles:?}");
            }
            assert_eq!(pack.period_extended.is_some(), !articles.extension.is_empty(), "{name}");
            for known in &articles.refusals {
                assert_eq!(articles.refusing(known).as_ref(), Some(known), "{name}");
            }
            assert!(!articles.refusals.is_empty() && articles.refusing("because").is_none(), "{name}");
        }
    }

    #[test]
    fn the_numbers_are_those_of_the_law() {
        let gdpr = pack("gdpr").unwrap();
        assert_eq!((gdpr.period, gdpr.period_extended), (Period::Months(1), Some(Period::Months(3))));
        assert_eq!((gdpr.acknowledge, gdpr.rolls_to_working_day, gdpr.record_days), (None, true, 1096));
        let ccpa = pack("ccpa").unwrap();
        assert_eq!((ccpa.period, ccpa.period_extended), (Period::Days(45), Some(Period::Days(90))));
        assert_eq!((ccpa.acknowledge, ccpa.rolls_to_working_day), (Some(Period::WorkingDays(10)), false));
        let lgpd = pack("lgpd").unwrap();
        assert_eq!((lgpd.period, lgpd.period_extended), (Period::Days(15), None));
    }

    #[test]
    fn a_broken_pack_is_refused() {
        assert!(matches!(pack("hipaa"), Err(LawPackError::Unknown { .. })));
        let gdpr = include_str!("../../config/law/gdpr.toml");
        let twice = gdpr.replace("period_months = 1", "period_months = 1\nperiod_days = 30");
        assert!(matches!(read("x", &twice), Err(BrokenPack::Period("period"))));
        let none = gdpr.replace("period_months = 1", "");
        assert!(matches!(read("x", &none), Err(BrokenPack::Period("period"))));
        let short = gdpr.replace("period_extended_months = 3", "period_extended_months = 1");
        assert!(matches!(read("x", &short), Err(BrokenPack::Extension)));
        let unknown = gdpr.replace("title =", "heading = \"\"\ntitle =");
        assert!(matches!(read("x", &unknown), Err(BrokenPack::Form(_))));
    }
}
