//! Examples of every letter: a full one and bare ones, together reaching every branch of its templates.

use jiff::civil::date;

use super::*;
use crate::chance::SeededChance;
use crate::domain::{Part, State, Timestamp};

/// What stands for the person in the examples; searched for where it must not be.
pub(crate) const CANARY: &str = "Erika Mustermann";

/// The page of a question.
pub(crate) const LINK: &str = "https://privacy.shop.example/r/q3qk7ezvxb5hwy4n2mtdlsrguo";

const TOKEN: &str = "mfrggzdfmztwq2lknnwg23tpob";

fn reference() -> Reference {
    Reference::new(&SeededChance::new(3))
}

fn common() -> Common {
    Common {
        reference: reference(),
        service_name: "Shop & Söhne".to_owned(),
        support_address: "support@shop.example".to_owned(),
        received_on: date(2026, 3, 1),
        due_on: date(2026, 4, 7),
        extendable: true,
    }
}

fn choice(scope: Scope, label: Option<&str>, categories: &[&str], code: &str) -> Choice {
    Choice { scope, code: code.to_owned(), subject_label: label.map(str::to_owned), categories: words(categories) }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn challenge(choices: Vec<Choice>, code_required: bool, grace_days: u32) -> Letter {
    let token = TOKEN.to_owned();
    let expires_on = date(2026, 3, 15);
    Challenge { common: common(), choices, code_required, expires_on, token, grace_days, link: None }.into()
}

fn reminder(choices: Vec<Choice>, code_required: bool, grace_days: u32) -> Letter {
    let token = TOKEN.to_owned();
    let expires_on = date(2026, 3, 15);
    Reminder { common: common(), choices, code_required, expires_on, token, grace_days, answered: false, link: None }
        .into()
}

/// The reminder of somebody whose answer did not have the code.
fn reminder_answered(choices: Vec<Choice>) -> Letter {
    let (token, expires_on) = (TOKEN.to_owned(), date(2026, 3, 15));
    Reminder {
        common: common(),
        choices,
        code_required: true,
        expires_on,
        token,
        grace_days: 7,
        answered: true,
        link: None,
    }
    .into()
}

fn code_asked(choices: Vec<Choice>, tries_left: Option<u32>) -> Letter {
    CodeAsked {
        common: common(),
        choices,
        token: TOKEN.to_owned(),
        expires_on: date(2026, 3, 15),
        tries_left,
        link: None,
    }
    .into()
}

fn service_ended() -> Letter {
    let (ended_on, erase_on) = (date(2025, 12, 31), date(2026, 4, 8));
    let (scope, article) = (Scope::Account, "Art. 17 GDPR".to_owned());
    ServiceEnded { common: common(), ended_on, erase_on, scope, article }.into()
}

fn on_hold(unasked: bool) -> Letter {
    OnHold { common: common(), unasked, token: (!unasked).then(|| TOKEN.to_owned()) }.into()
}

fn account() -> Vec<Choice> {
    vec![choice(Scope::Account, None, &[], "K7M2QX")]
}

fn data_or_account() -> Vec<Choice> {
    let data = choice(Scope::Data, None, &["contact", "location", "shoe size"], "4TR9WN");
    vec![data, choice(Scope::Account, None, &[], "K7M2QX")]
}

/// One choice for each way to say what would be erased.
fn single_choices() -> Vec<Vec<Choice>> {
    let label = Some(CANARY);
    vec![
        vec![choice(Scope::User, None, &[], "K7M2QX")],
        vec![choice(Scope::User, label, &[], "K7M2QX")],
        vec![choice(Scope::EndUser, None, &[], "K7M2QX")],
        vec![choice(Scope::EndUser, label, &[], "K7M2QX")],
        vec![choice(Scope::Data, None, &["payment"], "K7M2QX")],
        vec![choice(Scope::Data, label, &["payment", "image"], "K7M2QX")],
        vec![choice(Scope::Data, None, &[], "K7M2QX")],
        vec![choice(Scope::Data, label, &[], "K7M2QX")],
    ]
}

fn approval(subject_label: Option<&str>, code_required: bool, grace_days: u32) -> Letter {
    let letter = ApprovalAsked {
        common: common(),
        scope: Scope::User,
        subject_label: subject_label.map(str::to_owned),
        categories: vec![],
        asked_by_label: CANARY.to_owned(),
        code_required,
        code: "K7M2QX".to_owned(),
        token: TOKEN.to_owned(),
        expires_on: date(2026, 3, 15),
        grace_days,
        link: None,
    };
    letter.into()
}

fn second_notice(subject_label: Option<&str>, can_stop: bool) -> Letter {
    let letter = SecondNotice {
        common: common(),
        scope: Scope::EndUser,
        subject_label: subject_label.map(str::to_owned),
        categories: vec![],
        asked_by_label: "Bela Bonnet".to_owned(),
        erase_on: date(2026, 3, 12),
        can_stop,
    };
    letter.into()
}

fn line(category: &str, erased: u64, anonymised: u64, kept: u64) -> OutcomeLine {
    OutcomeLine {
        category: category.to_owned(),
        erased,
        removed: 0,
        anonymised,
        pseudonymised: 0,
        kept,
        ground: (kept > 0).then(|| "Art. 17(3)(b) GDPR; HGB § 257".to_owned()),
        until: (kept > 0).then(|| date(2036, 12, 31)),
        not_found: erased + anonymised + kept == 0,
    }
}

fn backup(store_label: &str, location: &str, expires_on: Date) -> BackupLine {
    BackupLine { store_label: store_label.to_owned(), location: location.to_owned(), expires_on }
}

fn completed() -> Completed {
    Completed {
        common: common(),
        unasked: false,
        scope: Scope::Account,
        subject_label: None,
        categories: vec![],
        outcome: vec![
            line("contact", 1, 0, 0),
            line("identity", 12, 3, 0),
            line("payment", 0, 1, 2),
            line("behaviour", 12_345, 0, 1),
            OutcomeLine { removed: 2, not_found: false, ..line("phone", 0, 0, 0) },
            line(OTHER_RECORDS, 0, 0, 2),
            line("location", 0, 0, 0),
            line("shoe size", 2, 0, 0),
        ],
        detached: 1_234,
        backups: vec![backup("Shop", "Frankfurt, DE", date(2026, 5, 1)), backup("CRM", "", date(2026, 4, 20))],
        recipients: words(&["Parcel & Co.", "Newsletter Ltd"]),
        refused: words(&["Credit Bureau plc"]),
        unconfirmed: words(&["Call Centre Ltd"]),
        told_at_end: true,
        finished_on: date(2026, 3, 30),
        article: "Art. 17(3) GDPR".to_owned(),
        supervisory_authority: "Hessian Commissioner, Wiesbaden".to_owned(),
        court_remedy: "Administrative Court, Frankfurt".to_owned(),
    }
}

fn gone(category: &str, [erased, removed, anonymised, pseudonymised]: [u64; 4]) -> GoneLine {
    GoneLine { category: category.to_owned(), erased, removed, anonymised, pseudonymised }
}

fn kept_erased() -> KeptErased {
    let ended = |ground: &str, ended_on| EndedLine { ground: ground.to_owned(), ended_on };
    KeptErased {
        common: common(),
        grounds: vec![ended("HGB § 257", Some(date(2036, 12, 31))), ended("Art. 17(3)(e) GDPR", None)],
        outcome: vec![
            gone("payment", [2, 0, 0, 0]),
            gone("contact", [0, 1, 0, 2]),
            gone("identity", [0, 0, 3, 0]),
            gone("location", [0; 4]),
        ],
        earlier: true,
        staying: vec![
            StayingLine { ground: "AO § 147".to_owned(), until: Some(date(2038, 12, 31)) },
            StayingLine { ground: "Art. 17(3)(d) GDPR".to_owned(), until: None },
        ],
        backups: vec![backup("Shop", "Frankfurt, DE", date(2037, 2, 4))],
        finished_on: date(2037, 1, 2),
    }
}

fn kept_erased_bare() -> KeptErased {
    let grounds = vec![EndedLine { ground: "HGB § 257".to_owned(), ended_on: Some(date(2036, 12, 31)) }];
    let outcome = vec![gone("payment", [1, 0, 0, 0])];
    KeptErased { grounds, outcome, earlier: false, staying: vec![], backups: vec![], ..kept_erased() }
}

fn scheduled(scope: Scope, label: Option<&str>, categories: &[&str]) -> Letter {
    let (subject_label, categories) = (label.map(str::to_owned), words(categories));
    let (erase_on, token) = (date(2026, 3, 12), Some(TOKEN.to_owned()));
    Scheduled { common: common(), scope, subject_label, categories, erase_on, token, link: None }.into()
}

/// One that is erased at once.
fn scheduled_at_once() -> Letter {
    let (scope, erase_on) = (Scope::Account, date(2026, 3, 1));
    Scheduled { common: common(), scope, subject_label: None, categories: vec![], erase_on, token: None, link: None }
        .into()
}

fn forwarded(scope: Scope, categories: &[&str]) -> Letter {
    let subject_label = format!("{CANARY} (erika@home.example)");
    let article = "Art. 28(3)(e) GDPR".to_owned();
    Forwarded { common: common(), subject_label, scope, categories: words(categories), article }.into()
}

fn refused(data_concerned: &[&str], review_on: Option<Date>) -> Letter {
    let letter = Refused {
        common: common(),
        ground: "The invoices must be kept for tax law".to_owned(),
        article: "Art. 17(3)(b) GDPR".to_owned(),
        data_concerned: words(data_concerned),
        review_on,
        supervisory_authority: "Hessian Commissioner, Wiesbaden".to_owned(),
        court_remedy: "Administrative Court, Frankfurt".to_owned(),
    };
    letter.into()
}

fn recipient_asked() -> RecipientAsked {
    let identity = |subject: Scope, kind: &str, value: &str| IdentityLine {
        subject: subject.to_string(),
        kind: kind.to_owned(),
        value: value.to_owned(),
    };
    RecipientAsked {
        common: common(),
        label: "Parcel & Co.".to_owned(),
        categories: words(&["contact", "shoe size"]),
        identities: vec![identity(Scope::User, "email", "erika@home.example"), identity(Scope::EndUser, "key", "4711")],
        part: Some(Part { number: 2, of: 3 }),
        token: TOKEN.to_owned(),
    }
}

/// The same letters with a link to their page.
fn linked(letters: &[Letter]) -> Vec<Letter> {
    let with_link = |letter: &Letter| {
        let mut letter = letter.clone();
        match &mut letter {
            Letter::Challenge(asked) => asked.link = Some(LINK.to_owned()),
            Letter::Reminder(asked) => asked.link = Some(LINK.to_owned()),
            Letter::CodeAsked(asked) => asked.link = Some(LINK.to_owned()),
            Letter::ApprovalAsked(asked) => asked.link = Some(LINK.to_owned()),
            Letter::Scheduled(planned) => planned.link = Some(LINK.to_owned()),
            _ => {}
        }
        letter
    };
    letters.iter().map(with_link).collect()
}

/// The letters, and each of the first `number` with a link as well.
fn and_linked(mut letters: Vec<Letter>, number: usize) -> Vec<Letter> {
    let more = linked(&letters[..number]);
    letters.extend(more);
    letters
}

/// The full example of a letter, first, and bare ones.
pub(crate) fn of(kind: LetterKind) -> Vec<Letter> {
    let instant = Timestamp::from_micros(1_772_373_900_000_000);
    match kind {
        LetterKind::Challenge => {
            let mut all = vec![challenge(data_or_account(), true, 7), challenge(account(), true, 1)];
            all.extend(single_choices().into_iter().map(|choices| challenge(choices, false, 0)));
            and_linked(all, 2)
        }
        LetterKind::Reminder => and_linked(
            vec![
                reminder(data_or_account(), true, 7),
                reminder(account(), true, 1),
                reminder(single_choices().swap_remove(0), false, 0),
                reminder_answered(account()),
            ],
            1,
        ),
        LetterKind::CodeAsked => and_linked(
            vec![
                code_asked(data_or_account(), None),
                code_asked(account(), None),
                code_asked(account(), Some(4)),
                code_asked(data_or_account(), Some(1)),
            ],
            1,
        ),
        LetterKind::Scheduled => and_linked(
            vec![
                scheduled(Scope::Account, None, &[]),
                scheduled(Scope::User, Some(CANARY), &[]),
                scheduled(Scope::EndUser, Some(CANARY), &[]),
                scheduled(Scope::Data, None, &["contact", "image"]),
                scheduled_at_once(),
            ],
            1,
        ),
        LetterKind::ServiceEnded => vec![service_ended()],
        LetterKind::ApprovalAsked => {
            let Letter::ApprovalAsked(own) = approval(None, false, 0) else { return vec![] };
            let some_data = ApprovalAsked { scope: Scope::Data, categories: words(&["phone", "image"]), ..own.clone() };
            and_linked(vec![approval(Some(CANARY), true, 7), own.into(), some_data.into()], 1)
        }
        LetterKind::Forwarded => vec![forwarded(Scope::EndUser, &[]), forwarded(Scope::Data, &["phone", "health"])],
        LetterKind::PassedOn => vec![PassedOn { common: common(), article: "Art. 28(3)(e) GDPR".to_owned() }.into()],
        LetterKind::SecondNotice => {
            let Letter::SecondNotice(own) = second_notice(None, true) else { return vec![] };
            let some_data = SecondNotice { scope: Scope::Data, categories: words(&["phone", "image"]), ..own.clone() };
            let named = SecondNotice { subject_label: Some(CANARY.to_owned()), ..some_data.clone() };
            let all = vec![second_notice(Some(CANARY), true), own.into(), second_notice(None, false)];
            [all, vec![some_data.into(), named.into()]].concat()
        }
        LetterKind::InReview => vec![InReview { common: common() }.into()],
        LetterKind::OnHold => [false, true].map(on_hold).to_vec(),
        LetterKind::Paused => vec![Paused { common: common() }.into()],
        LetterKind::Completed => {
            let nothing_more = Completed {
                scope: Scope::Data,
                subject_label: Some(CANARY.to_owned()),
                categories: words(&["contact"]),
                outcome: vec![line("contact", 1, 0, 0)],
                detached: 0,
                backups: vec![],
                recipients: vec![],
                refused: vec![],
                unconfirmed: vec![],
                told_at_end: false,
                ..completed()
            };
            let unasked = Completed { unasked: true, ..nothing_more.clone() };
            vec![completed().into(), nothing_more.into(), unasked.into()]
        }
        LetterKind::KeptErased => vec![kept_erased().into(), kept_erased_bare().into()],
        LetterKind::NothingHeld => vec![
            NothingHeld { common: common(), searched: words(&["Shop", "CRM", "Orders"]) }.into(),
            NothingHeld { common: common(), searched: vec![] }.into(),
        ],
        LetterKind::Refused => {
            vec![refused(&["payment", "contact"], Some(date(2036, 12, 31))), refused(&["the whole account"], None)]
        }
        LetterKind::Extension => {
            let reason = "One of our stores is being rebuilt".to_owned();
            let article = "Art. 12(3) GDPR".to_owned();
            vec![Extension { common: common(), new_due_on: date(2026, 6, 1), reason, article }.into()]
        }
        LetterKind::Withdrawn => {
            let withdrawn = |by_team, unasked, resumed: &str| {
                Withdrawn { common: common(), by_team, unasked, resumed: resumed.to_owned() }.into()
            };
            vec![
                withdrawn(false, false, ""),
                withdrawn(true, false, ""),
                withdrawn(false, true, ""),
                withdrawn(true, true, ""),
                withdrawn(false, true, "lives"),
                withdrawn(false, true, "redated"),
                withdrawn(false, true, "longer"),
            ]
        }
        LetterKind::Expired => vec![
            Expired { common: common(), answered: false }.into(),
            Expired { common: common(), answered: true }.into(),
        ],
        LetterKind::RecipientAsked => {
            vec![recipient_asked().into(), RecipientAsked { part: None, ..recipient_asked() }.into()]
        }
        LetterKind::RecipientReminded => {
            let RecipientAsked { common, label, categories, identities, part, token } = recipient_asked();
            let asked_on = date(2026, 3, 12);
            vec![RecipientReminded { common, label, categories, identities, part, token, asked_on }.into()]
        }
        LetterKind::AlarmRecipient => {
            let line = |store: &str, state, need: Option<&str>| RecipientLine {
                store: store.to_owned(),
                state,
                need: need.map(str::to_owned),
            };
            let (asked, refused) = ("in_progress".to_owned(), "refused".to_owned());
            let recipients = vec![
                line("parcels", refused, Some("refused")),
                line("courier", asked.clone(), Some("silent")),
                line("calls", asked, None),
            ];
            vec![AlarmRecipient { reference: reference(), due_on: date(2026, 4, 7), recipients }.into()]
        }
        LetterKind::AlarmReview => {
            let reason = "several_accounts".to_owned();
            let (reference, due_on) = (reference(), date(2026, 4, 7));
            let review = AlarmReview { reference, reason, waiting_since: instant, due_on };
            let reason =
                "too_large: 30000000 bytes, and letters are read up to 26214400 (body_bytes_max under [limits])"
                    .to_owned();
            vec![review.clone().into(), AlarmReview { reason, ..review }.into()]
        }
        LetterKind::AlarmStepFailed => {
            let [store, table, reason] = ["shop", "orders", "a foreign key forbids it"].map(str::to_owned);
            let failed =
                AlarmStepFailed { reference: reference(), store, table, reason, waits: false, holds: Vec::new() };
            let hold = |on: &str, place: &str| AlarmHold {
                id: "0198c0de-0000-7000-8000-000000000001".to_owned(),
                on: on.to_owned(),
                place: place.to_owned(),
                since: instant,
            };
            let holds = vec![
                hold("account", ""),
                hold("subject", "shop.users"),
                hold("table", "shop.orders"),
                hold("store", "shop"),
                hold("everything", ""),
            ];
            let held = AlarmStepFailed { waits: true, reason: "held".to_owned(), holds, ..failed.clone() };
            vec![failed.clone().into(), AlarmStepFailed { waits: true, ..failed }.into(), held.into()]
        }
        LetterKind::AlarmBounced => {
            let bounced = |letter, certain, obstacle: Option<&str>| {
                let obstacle = obstacle.map(str::to_owned);
                AlarmBounced { reference: reference(), letter, certain, obstacle }.into()
            };
            vec![
                bounced(LetterKind::Challenge, true, Some("reply_550_at_recipient")),
                bounced(LetterKind::Completed, false, None),
            ]
        }
        LetterKind::AlarmDelayed => {
            let until = instant.plus_days(5);
            let (letter, obstacle) = (LetterKind::Scheduled, Some("reply_535_before_letter".to_owned()));
            vec![AlarmDelayed { reference: reference(), letter, since: instant, until, obstacle }.into()]
        }
        LetterKind::AlarmDueSoon => {
            let (state, due_on) = (State::AwaitingConfirmation, date(2026, 4, 7));
            vec![AlarmDueSoon { reference: reference(), state, due_on }.into()]
        }
        LetterKind::AlarmMailbox => vec![AlarmMailbox { mailbox: "support".to_owned(), since: instant }.into()],
        LetterKind::AlarmLedger => {
            let alarm = |store: &str| AlarmLedger { noticed_at: instant, store: store.to_owned() }.into();
            vec![alarm(""), alarm("shop")]
        }
        LetterKind::AlarmTermination => {
            let alarm = |stopped: &str, undated, doubled| {
                let (stopped, asked_at) = (stopped.to_owned(), instant);
                AlarmTermination { asked_at, stopped, listed: 1_310, accounts: 4_200, due: 1_204, undated, doubled }
                    .into()
            };
            vec![alarm("too_many", 0, 0), alarm("share", 2, 1), alarm("query", 0, 0), alarm("", 2, 1)]
        }
        LetterKind::AlarmCapped => vec![AlarmCapped { since: instant, waiting: 1_204 }.into()],
        LetterKind::AlarmGathered => {
            let gathered = |letter, count, references: &str| {
                AlarmGathered { letter, count, references: references.to_owned() }.into()
            };
            vec![
                gathered(LetterKind::AlarmReview, 30, "EXP-7K3Q-M2, EXP-7K3Q-M3, …"),
                gathered(LetterKind::AlarmStepFailed, 2, "EXP-7K3Q-M2"),
                gathered(LetterKind::AlarmBounced, 2, "EXP-7K3Q-M2, EXP-7K3Q-M3"),
                gathered(LetterKind::AlarmDelayed, 2, "EXP-7K3Q-M2"),
                gathered(LetterKind::AlarmDueSoon, 2, "EXP-7K3Q-M2"),
                gathered(LetterKind::AlarmMailbox, 2, ""),
                gathered(LetterKind::AlarmLedger, 2, ""),
                gathered(LetterKind::AlarmTermination, 2, ""),
                gathered(LetterKind::AlarmCapped, 2, ""),
            ]
        }
    }
}
