//! The example: it parses, it names every setting, and the defaults in it are those of the code.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use regex::Regex;
use secrecy::ExposeSecret;
use sqlx::Connection as _;

use super::super::*;
use super::{check_in, example_with, installation, with_mailer};
use crate::domain::{Language, Role, Scope};
use crate::erase::DataMap;
use crate::mailbox::settings::{Login, Security};
use crate::oauth::Grant;
use crate::reply::settings::MailerSettings;
use crate::stores::StoreName;
use crate::verify::{Directory as _, FileDirectory};

/// The example with the # taken away from every default. What has no default is written with a space behind its #.
fn uncommented() -> String {
    let lines = EXAMPLE.lines().map(|line| match line.strip_prefix('#') {
        Some(setting) if setting.starts_with(|c: char| c.is_ascii_lowercase()) => setting,
        _ => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn password(login: &Login) -> &str {
    let Login::Password(password) = login else { panic!("a password") };
    password.expose_secret()
}

fn days(days: u64) -> Duration {
    Duration::from_secs(days * 86_400)
}

#[test]
fn the_example_is_a_config_with_the_documented_defaults() {
    let folder = installation();
    let config = check_in(folder.path(), EXAMPLE).unwrap();

    assert_eq!((config.service.sender_name.as_str(), config.service.language), ("Example Shop", Language::En));
    assert_eq!(config.service.time_zone, "UTC");
    let expected = format!("sqlite://{}/ledger.db", folder.path().display());
    assert_eq!(config.database.url.expose_secret(), expected);
    assert_eq!(config.keys.kek_file, folder.path().join("kek"));
    assert_eq!(config.stores, ["stores/accounts.toml", "stores/shop.toml"].map(|map| folder.path().join(map)));
    let MailboxKind::Imap(imap) = &config.mailbox.kind else { panic!("an IMAP mailbox") };
    assert_eq!(
        (imap.port, imap.security, imap.folder.as_str(), imap.keyword.as_str()),
        (993, Security::Tls, "INBOX", "$Expunged")
    );
    assert_eq!(password(&imap.login), "imap-hunter2");
    assert_eq!((config.mailbox.move_to, config.mailbox.sent_folder, config.mailbox.known_as), (None, None, None));
    assert_eq!(
        (config.mailbox.poll, config.mailbox.silence_alarm),
        (Duration::from_secs(20), Duration::from_secs(1800))
    );
    let MailerSettings::Smtp(smtp) = &config.mailer else { panic!("a mail server") };
    assert_eq!((smtp.port, smtp.security), (587, Security::StartTls));
    assert_eq!(password(&smtp.login.as_ref().unwrap().1), "smtp-hunter2");
    assert!(config.authority.is_empty());

    // DESIGN §6, "Defaults".
    let ChallengeSettings { expires, reminder, code_for, per_address, addresses_max, attempts_max, freeze } =
        config.challenge;
    assert_eq!((expires, reminder, per_address), (days(14), days(5), days(1)));
    assert_eq!((code_for, addresses_max, attempts_max), (vec![Scope::Account], 5, 5));
    assert_eq!(freeze, days(7));
    let Schedule { grace, owner_silence, work, due_soon, second_sweep, canary, replay_by_itself } = config.schedule;
    assert_eq!((canary, replay_by_itself), (Duration::from_secs(3_600), false));
    assert_eq!((grace, owner_silence, work, due_soon, second_sweep), (days(7), days(5), days(1), days(7), days(7)));
    assert_eq!((config.limits.drift_percent, config.limits.drift_rows), (10, 100));
    assert_eq!((config.law.pack.name.as_str(), config.law.holidays.as_slice()), ("gdpr", [].as_slice()));
    let Retention {
        letter_days,
        unverified_letter_days,
        job_days,
        digest_days,
        suppression_days,
        tell_at_end,
        record_days,
    } = config.retention;
    assert!(!tell_at_end, "no address is kept for years unless somebody wants that");
    assert_eq!((letter_days, unverified_letter_days, record_days), (30, 30, 1096));
    assert_eq!((job_days, digest_days, suppression_days), (90, 90, 90));
    assert_eq!((config.workers.count, config.workers.erasures, config.workers.lease), (4, 2, Duration::from_secs(30)));
}

#[test]
fn every_default_in_the_example_is_the_default_of_the_code() {
    let folder = installation();
    let without = check_in(folder.path(), EXAMPLE).unwrap();
    let with = check_in(folder.path(), &uncommented()).unwrap();
    assert_eq!(format!("{with:#?}"), format!("{without:#?}"));
    assert_eq!(with.digest(), without.digest());
}

/// The settings that the code reads, each with its section: what `raw.rs` declares, followed from the file downwards.
fn settings_of_the_code() -> BTreeSet<(String, String)> {
    let section = Regex::new(r"(?s)(Raw\w+) \{(.*?)\}").unwrap();
    let field = Regex::new(r"(\w+): ((?:Maybe|Option)<[^,\n]+>)").unwrap();
    let inner = Regex::new(r"Raw\w+").unwrap();
    let raw = include_str!("../raw.rs");
    let sections: BTreeMap<&str, Vec<(&str, &str)>> = section
        .captures_iter(raw)
        .map(|section| {
            let fields = field.captures_iter(section.get(2).unwrap().as_str());
            let fields = fields.map(|field| (field.get(1).unwrap().as_str(), field.get(2).unwrap().as_str()));
            (section.get(1).unwrap().as_str(), fields.collect())
        })
        .collect();
    let (mut settings, mut open) = (BTreeSet::new(), vec![("RawConfig", String::new())]);
    while let Some((name, path)) = open.pop() {
        for (key, kind) in &sections[name] {
            match inner.find(kind) {
                Some(inner) if path.is_empty() => open.push((inner.as_str(), (*key).to_owned())),
                Some(inner) => open.push((inner.as_str(), format!("{path}.{key}"))),
                None => drop(settings.insert((path.clone(), (*key).to_owned()))),
            }
        }
    }
    settings
}

/// The settings that the example shows, each with the section that it stands in; commented ones too.
fn settings_of_the_example() -> BTreeSet<(String, String)> {
    let section = Regex::new(r"^(?:# )?\[{1,2}([a-z_.]+)\]{1,2}$").unwrap();
    let setting = Regex::new(r"^(?:# ?)?([a-z_]+) = ").unwrap();
    let (mut settings, mut here) = (BTreeSet::new(), String::new());
    for line in EXAMPLE.lines() {
        if let Some(found) = section.captures(line) {
            here = found[1].to_owned();
        } else if let Some(found) = setting.captures(line) {
            settings.insert((here.clone(), found[1].to_owned()));
        }
    }
    settings
}

#[test]
fn every_setting_of_the_code_is_in_the_example() {
    let code = settings_of_the_code();
    assert!(code.len() > 80, "{} settings", code.len());
    let example = settings_of_the_example();
    // The ways to give a secret are told once, at the top of the example.
    let told_once = [
        "password",
        "password_credential",
        "url_file",
        "url_credential",
        "client_secret",
        "client_secret_credential",
        "refresh_token",
        "refresh_token_credential",
        "secret",
        "secret_credential",
    ];
    let missing: Vec<_> = code.difference(&example).filter(|(_, key)| !told_once.contains(&key.as_str())).collect();
    assert!(missing.is_empty(), "not in config/expunged.toml: {missing:?}");
    // The top of the example shows how a line looks.
    let unknown: Vec<_> = example.difference(&code).filter(|(section, _)| !section.is_empty()).collect();
    assert!(unknown.is_empty(), "in config/expunged.toml, and nobody reads them: {unknown:?}");
}

#[tokio::test]
async fn the_file_of_people_is_one_as_the_example_shows_it() {
    let lines = EXAMPLE.lines().skip_while(|line| *line != "#   [[person]]");
    let text: Vec<&str> = lines.map_while(|line| line.strip_prefix("#   ")).collect();
    let directory = FileDirectory::parse(&text.join("\n")).unwrap();
    let ann = directory.find("ann@example.com").await.unwrap().pop().unwrap();
    assert_eq!((ann.role, ann.person_key.as_str(), ann.changed_at.is_some()), (Role::Owner, "7", true));
    assert_eq!(directory.target("A1", "C-1001").await.unwrap().len(), 1);
}

#[test]
fn paths_holidays_and_the_other_kinds_are_read() {
    let folder = installation();
    let text = example_with(&[
        ("# holidays_file = \"holidays\"", "holidays_file = \"holidays\""),
        ("#time_zone = \"UTC\"", "time_zone = \"Europe/Berlin\""),
        ("#code_for = [\"account\"]", "code_for = [\"data\"]"),
        ("\"sqlite:ledger.db\"", "\"postgres://expunged:hunter2@localhost/expunged\""),
        ("# [[authority]]", "[[authority]]"),
        ("# role =", "role ="),
        ("# scope = \"user\"", "scope = \"user\""),
        ("# target = \"oneself", "target = \"oneself"),
        ("# rule =", "rule ="),
    ]);
    let config = check_in(folder.path(), &text).unwrap();
    assert_eq!(config.law.holidays.len(), 2);
    assert_eq!(config.calendar.time_zone.iana_name(), Some("Europe/Berlin"));
    assert_eq!(config.challenge.code_for, [Scope::Account, Scope::Data], "closing an account always needs the code");
    assert_eq!(config.authority.len(), 1);
    assert_eq!(config.authority[0].rule, Rule::Challenge);
    assert!(!format!("{config:?}").contains("hunter2"), "a secret printed itself");
}

#[test]
fn digests_follow_values_and_not_layout_or_secrets() {
    let folder = installation();
    let base = check_in(folder.path(), EXAMPLE).unwrap();
    let digests = |text: &str| {
        let config = check_in(folder.path(), text).unwrap();
        (config.digest(), config.policy_digest())
    };
    let same = (base.digest(), base.policy_digest());
    assert_eq!(digests(&EXAMPLE.replace("# The name that letters call you by.", "\n")), same);
    assert_eq!(
        digests(&example_with(&[(
            "password_file = \"imap.password\"\n# The folder",
            "password = \"another\"\n# The folder"
        )])),
        same
    );
    let more_workers = digests(&example_with(&[("#count = 4", "count = 5")]));
    assert_ne!(more_workers.0, same.0);
    assert_eq!(more_workers.1, same.1, "the number of workers is no policy");
    let shorter_grace = digests(&example_with(&[("#grace_days = 7", "grace_days = 6")]));
    assert!(shorter_grace.0 != same.0 && shorter_grace.1 != same.1);
}

#[test]
fn a_demo_may_write_letters_into_files() {
    for mailer in ["[mailer.file]\npath = \"out\"\n", "[mailer.memory]\n"] {
        let text = with_mailer(mailer);
        let folder = installation();
        assert!(check_in(folder.path(), &text).is_err(), "production refuses {mailer:?}");
        let demo = Surroundings::new(Purpose::Demo, None);
        let config = parse(&text, &folder.path().join("expunged.toml"), &demo).unwrap();
        assert!(!matches!(config.mailer, MailerSettings::Smtp(_)));
    }
}

#[test]
fn who_only_looks_needs_no_mailer() {
    let folder = installation();
    let text = with_mailer("");
    let told = check_in(folder.path(), &text).unwrap_err().to_string();
    assert!(told.contains("[mailer.smtp]"), "production needs one: {told}");
    let looking = Surroundings::new(Purpose::Looking, None);
    let at = folder.path().join("expunged.toml");
    assert!(matches!(parse(&text, &at, &looking).unwrap().mailer, MailerSettings::Memory));
    // A mailer that is there is checked all the same.
    assert!(parse(&with_mailer("[mailer.smtp]\n"), &at, &looking).is_err());
    assert!(parse(&with_mailer("[[mailer]]\n"), &at, &looking).is_err());
}

#[test]
fn a_credential_of_systemd_is_a_secret() {
    let folder = installation();
    let text = example_with(&[(
        "password_file = \"imap.password\"\n# The folder",
        "password_credential = \"imap\"\n# The folder",
    )]);
    std::fs::write(folder.path().join("imap"), "from-systemd").unwrap();
    let surroundings = Surroundings::new(Purpose::Production, Some(folder.path().as_os_str().to_owned()));
    let config = parse(&text, &folder.path().join("expunged.toml"), &surroundings).unwrap();
    let MailboxKind::Imap(imap) = &config.mailbox.kind else { panic!("an IMAP mailbox") };
    assert_eq!(password(&imap.login), "from-systemd");
}

/// The section for access tokens as the example shows it, in the place of a password.
#[test]
fn the_sections_for_access_tokens_are_read_as_the_example_shows_them() {
    let folder = installation();
    for file in ["imap.secret", "imap.refresh", "smtp.secret", "smtp.refresh"] {
        std::fs::write(folder.path().join(file), "hunter2").unwrap();
    }
    let text = without_passwords();
    let config = check_in(folder.path(), &text).unwrap();
    let MailboxKind::Imap(imap) = &config.mailbox.kind else { panic!("an IMAP mailbox") };
    let MailerSettings::Smtp(smtp) = &config.mailer else { panic!("a mail server") };
    for login in [&imap.login, &smtp.login.as_ref().unwrap().1] {
        let Login::Oauth(tokens) = login else { panic!("access tokens") };
        assert!(tokens.settings().endpoint.as_str().starts_with("https://login.microsoftonline.com/"));
        assert!(matches!(&tokens.settings().grant, Grant::Refresh { renewed_file: Some(_), .. }));
        assert!(!tokens.settings().scope.is_empty());
    }
    assert!(!format!("{config:?}").contains("hunter2"), "a secret printed itself");
    let other = check_in(folder.path(), &text.replacen("client_id = \"", "client_id = \"x", 1)).unwrap();
    assert_ne!(other.digest(), config.digest());
    // A password beside it, and a refresh token that nobody would use.
    let both = text.replacen("[mailbox.imap]\n", "[mailbox.imap]\npassword = \"hunter2\"\n", 1);
    let unused = text.replacen("grant = \"refresh_token\"", "grant = \"client_credentials\"", 1);
    let open = text.replacen("https://login", "http://login", 1);
    for (text, told) in [
        (both, "there is a password in [mailbox.imap], and [mailbox.imap.oauth] beside it"),
        (unused, "take no refresh token"),
        (open, "`endpoint` is no token endpoint"),
    ] {
        let error = check_in(folder.path(), &text).unwrap_err().to_string();
        assert!(error.contains(told) && !error.contains("hunter2"), "{error}");
    }
}

/// The example with both sections for access tokens, and without passwords.
fn without_passwords() -> String {
    let mut inside = false;
    let lines = EXAMPLE.lines().filter(|line| !line.starts_with("password_file")).map(|line| {
        inside = (inside && line.starts_with('#')) || line.ends_with(".oauth]");
        let setting = line.strip_prefix("# ").or(line.strip_prefix('#')).unwrap_or_default();
        if inside && (setting.contains(" = ") || setting.starts_with('[')) { setting } else { line }
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Who begins with the example has maps and queries that fit one another and the shipped shop.
#[tokio::test]
async fn the_example_works_with_the_shipped_maps() {
    let folder = installation();
    let config = check_in(folder.path(), EXAMPLE).unwrap();
    let shipped = [
        ("accounts.toml", include_str!("../../../config/stores/accounts.toml")),
        ("shop.toml", include_str!("../../../config/stores/shop.toml")),
    ];
    let named: Vec<_> = config.stores.iter().filter_map(|map| map.file_name()?.to_str()).collect();
    assert_eq!(named, shipped.map(|(file, _)| file), "the maps that the example names");
    let map = DataMap::parse(&shipped).unwrap();
    let Directory::Sql { store, find, target, owner, .. } = &config.directory else { panic!("a directory in a store") };
    assert!(map.stores().contains_key(&StoreName::new(store).unwrap()), "{store} is one of them");
    let mut shop = sqlx::SqliteConnection::connect("sqlite::memory:").await.unwrap();
    sqlx::raw_sql(include_str!("../../../tests/shop/accounts.sql")).execute(&mut shop).await.unwrap();
    let rows = "INSERT INTO accounts VALUES (1, 'Customer Ltd', 'active', NULL);
        INSERT INTO users VALUES (7, 1, 'owner', 'Olga@customer.example', NULL, 'Olga', 'en', NULL)";
    sqlx::raw_sql(rows).execute(&mut shop).await.unwrap();
    let parameters: [(&String, &[&str]); 3] =
        [(find, &["olga@customer.example"]), (target, &["1", "OLGA@customer.example"]), (owner, &["1"])];
    for (query, values) in parameters {
        // By number, as this driver knows them.
        let query = query.replace(":address", "?1").replace(":account", "?1").replace(":identifier", "?2");
        let asked =
            values.iter().fold(sqlx::query(sqlx::AssertSqlSafe(query.clone())), |asked, value| asked.bind(*value));
        assert_eq!(asked.fetch_all(&mut shop).await.unwrap().len(), 1, "{query}");
    }
}
