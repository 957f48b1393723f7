//! The vectors of the law, and what holds for every date.

use jiff::civil::date;
use proptest::prelude::*;

use super::*;

fn gdpr() -> LawPack {
    LawPack {
        name: "gdpr".to_owned(),
        title: String::new(),
        period: Period::Months(1),
        period_extended: Some(Period::Months(3)),
        acknowledge: None,
        rolls_to_working_day: true,
        articles: Articles {
            erasure: String::new(),
            period: String::new(),
            extension: String::new(),
            refusal: String::new(),
            exceptions: String::new(),
            processor: String::new(),
            instructions: String::new(),
            recipients: String::new(),
            record: String::new(),
            refusals: Vec::new(),
        },
        record_days: 1096,
        supervisory_authority: None,
        court_remedy: None,
    }
}

fn ccpa() -> LawPack {
    LawPack {
        name: "ccpa".to_owned(),
        period: Period::Days(45),
        period_extended: Some(Period::Days(90)),
        acknowledge: Some(Period::WorkingDays(10)),
        rolls_to_working_day: false,
        ..gdpr()
    }
}

/// Good Friday and Easter Monday 2026, and New Year 2027.
fn holidays() -> Calendar {
    let holidays = [date(2026, 4, 3), date(2026, 4, 6), date(2027, 1, 1)];
    Calendar { working_days: WorkingDays::with_holidays(holidays), ..Calendar::utc() }
}

fn at(text: &str) -> Timestamp {
    Timestamp::from_jiff(text.parse().unwrap())
}

fn base_due(received_at: &str, law: &LawPack, calendar: &Calendar) -> Date {
    Deadlines::from_receipt(at(received_at), law, calendar).base_due
}

#[test]
fn a_month_is_the_same_numbered_day_clamped_to_the_end_of_the_month() {
    let cases = [
        ("2026-08-31T10:00:00Z", date(2026, 9, 30)),
        ("2027-01-31T10:00:00Z", date(2027, 2, 28)),
        ("2028-01-31T10:00:00Z", date(2028, 2, 29)),
        ("2026-12-31T10:00:00Z", date(2027, 1, 31)),
        ("2026-02-28T10:00:00Z", date(2026, 3, 28)),
        ("2026-03-05T10:00:00Z", date(2026, 4, 5)),
    ];
    for (received_at, expected) in cases {
        assert_eq!(base_due(received_at, &gdpr(), &Calendar::utc()), expected, "received at {received_at}");
    }
}

#[test]
fn with_a_holiday_file_a_due_date_rolls_to_the_next_working_day() {
    let cases = [
        // Sunday, then Easter Monday.
        ("2026-03-05T10:00:00Z", date(2026, 4, 7)),
        // 2026-09-30 is a Wednesday: nothing rolls.
        ("2026-08-31T10:00:00Z", date(2026, 9, 30)),
        // 2027-02-28 is a Sunday.
        ("2027-01-31T10:00:00Z", date(2027, 3, 1)),
        ("2028-01-31T10:00:00Z", date(2028, 2, 29)),
        // Good Friday, the weekend, Easter Monday.
        ("2026-03-03T10:00:00Z", date(2026, 4, 7)),
        ("2026-03-04T10:00:00Z", date(2026, 4, 7)),
    ];
    for (received_at, expected) in cases {
        assert_eq!(base_due(received_at, &gdpr(), &holidays()), expected, "received at {received_at}");
    }
}

#[test]
fn the_day_of_receipt_is_a_day_in_the_installations_time_zone() {
    let berlin = Calendar { time_zone: TimeZone::get("Europe/Berlin").unwrap(), ..Calendar::utc() };
    assert_eq!(base_due("2026-05-09T22:30:00Z", &gdpr(), &berlin), date(2026, 6, 10), "it is the 10th in Berlin");
    assert_eq!(base_due("2026-05-09T22:30:00Z", &gdpr(), &Calendar::utc()), date(2026, 6, 9));
    let los_angeles = Calendar { time_zone: TimeZone::get("America/Los_Angeles").unwrap(), ..Calendar::utc() };
    assert_eq!(base_due("2026-05-09T02:30:00Z", &gdpr(), &los_angeles), date(2026, 6, 8));
    // 02:30 does not exist on this day in Berlin; the day does.
    assert_eq!(base_due("2026-03-29T01:00:00Z", &gdpr(), &berlin), date(2026, 4, 29));
}

#[test]
fn a_day_ends_at_the_next_midnight_of_the_time_zone() {
    let berlin = Calendar { time_zone: TimeZone::get("Europe/Berlin").unwrap(), ..Calendar::utc() };
    assert_eq!(berlin.end_of(date(2026, 6, 10)), at("2026-06-10T22:00:00Z"));
    assert_eq!(berlin.end_of(date(2026, 3, 28)), at("2026-03-28T23:00:00Z"));
    assert_eq!(Calendar::utc().end_of(date(2026, 3, 28)), at("2026-03-29T00:00:00Z"));
}

#[test]
fn an_extension_is_three_months_from_receipt() {
    let deadlines = Deadlines::from_receipt(at("2026-03-05T10:00:00Z"), &gdpr(), &Calendar::utc());
    let extended = deadlines.extend(at("2026-04-01T00:00:00Z"), &gdpr(), &Calendar::utc()).unwrap();
    assert_eq!(extended.legal_due, date(2026, 6, 5));
    assert_eq!(extended.base_due, date(2026, 4, 5), "the base due date never moves");
    assert!(extended.extended);

    // 2026-11-30 + 3 months clamps to 28 February, a Sunday; from receipt, not from the rolled base date.
    let deadlines = Deadlines::from_receipt(at("2026-11-30T10:00:00Z"), &gdpr(), &holidays());
    let extended = deadlines.extend(at("2026-12-01T00:00:00Z"), &gdpr(), &holidays()).unwrap();
    assert_eq!(extended.legal_due, date(2027, 3, 1));
}

#[test]
fn an_extension_is_refused_when_late_twice_or_unknown_to_the_law() {
    let calendar = Calendar::utc();
    let deadlines = Deadlines::from_receipt(at("2026-03-05T10:00:00Z"), &gdpr(), &calendar);
    assert!(deadlines.extend(at("2026-04-04T23:59:59Z"), &gdpr(), &calendar).is_ok());
    assert_eq!(
        deadlines.extend(at("2026-04-05T00:00:00Z"), &gdpr(), &calendar),
        Err(ExtensionRefused::TooLate { base_due: date(2026, 4, 5) })
    );
    let extended = deadlines.extend(at("2026-03-06T00:00:00Z"), &gdpr(), &calendar).unwrap();
    assert_eq!(extended.extend(at("2026-03-07T00:00:00Z"), &gdpr(), &calendar), Err(ExtensionRefused::AlreadyExtended));
    let strict = LawPack { period_extended: None, ..gdpr() };
    assert_eq!(deadlines.extend(at("2026-03-06T00:00:00Z"), &strict, &calendar), Err(ExtensionRefused::NotInThisLaw));
}

#[test]
fn ccpa_counts_calendar_days_and_acknowledges_in_working_days() {
    // 2026-03-05 is a Thursday: ten working days later is Thursday the 19th.
    let deadlines = Deadlines::from_receipt(at("2026-03-05T10:00:00Z"), &ccpa(), &holidays());
    assert_eq!(deadlines.acknowledge_due, Some(date(2026, 3, 19)));
    // 45 days later is a Sunday, and a calendar day counts as it is.
    assert_eq!(deadlines.base_due, date(2026, 4, 19));
    let extended = deadlines.extend(at("2026-04-01T00:00:00Z"), &ccpa(), &holidays()).unwrap();
    assert_eq!(extended.legal_due, date(2026, 6, 3));
    // Good Friday and Easter Monday do not count.
    let deadlines = Deadlines::from_receipt(at("2026-03-31T10:00:00Z"), &ccpa(), &holidays());
    assert_eq!(deadlines.acknowledge_due, Some(date(2026, 4, 16)));
}

#[test]
fn the_shortest_run_of_months_is_never_undercut() {
    for months in 1..=24 {
        let period = Period::Months(months);
        let none = WorkingDays::default();
        // Eight years hold two leap years and every weekday.
        let shortest = (0..8 * 366)
            .map(|offset| {
                let day = date(2026, 1, 1).saturating_add(Span::new().days(offset));
                day.until(period.after(day, &none)).unwrap().get_days()
            })
            .min()
            .unwrap();
        assert_eq!(i64::from(period.days_min()), i64::from(shortest), "{months} months");
    }
}

proptest! {
    #[test]
    fn deadlines_lie_after_receipt_and_only_an_extension_moves_them(micros in 0_i64..4_102_444_800_000_000) {
        let (received_at, calendar) = (Timestamp::from_micros(micros), holidays());
        let received_on = calendar.day(received_at);
        for law in [gdpr(), ccpa()] {
            let deadlines = Deadlines::from_receipt(received_at, &law, &calendar);
            let days = received_on.until(deadlines.base_due).unwrap().get_days();
            prop_assert!(i64::from(days) >= i64::from(law.period.days_min()));
            let extended = deadlines.extend(received_at, &law, &calendar).unwrap();
            prop_assert!(extended.legal_due > deadlines.legal_due);
            prop_assert_eq!(extended.base_due, deadlines.base_due);
        }
    }
}
