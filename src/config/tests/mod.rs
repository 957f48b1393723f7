//! The promises of the room: the example is the code's, and every kind of mistake is told well.

mod example;
mod mistakes;

use std::path::Path;

use super::{Config, ConfigError, EXAMPLE, Purpose, Surroundings, parse};

/// A folder with the files that the example names.
fn installation() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("stores")).unwrap();
    for (file, text) in [
        ("stores/accounts.toml", "[store]\nname = \"accounts\"\n"),
        ("stores/shop.toml", "[store]\nname = \"shop\"\n"),
        ("imap.password", "imap-hunter2\n"),
        ("smtp.password", "smtp-hunter2\n"),
        ("ca.pem", "-----BEGIN CERTIFICATE-----\n"),
        ("holidays", "2026-04-03\n2026-04-06 Easter Monday\n"),
    ] {
        std::fs::write(folder.path().join(file), text).unwrap();
    }
    folder
}

/// Checks a text as production does, in a folder.
fn check_in(folder: &Path, source: &str) -> Result<Config, ConfigError> {
    parse(source, &folder.join("expunged.toml"), &Surroundings::new(Purpose::Production, None))
}

/// The example with these replacements; each must hit exactly once.
fn example_with(replacements: &[(&str, &str)]) -> String {
    let mut text = EXAMPLE.to_owned();
    for (from, to) in replacements {
        assert_eq!(text.matches(from).count(), 1, "{from:?} must stand in the example exactly once");
        text = text.replace(from, to);
    }
    text
}

/// The example with another mailer.
fn with_mailer(mailer: &str) -> String {
    let (before, rest) = EXAMPLE.split_once("[mailer.smtp]").unwrap();
    let (_, after) = rest.split_once("# What is erased from").unwrap();
    format!("{before}{mailer}# What is erased from{after}")
}
