//! Whether the url of a store is one of its kind: a slip there would be told by a server that knows nothing of it.

use secrecy::{ExposeSecret as _, SecretString};

use crate::stores::StoreKind;

/// A url of another kind of store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What is wrong. Nothing of the url but its scheme.
    pub message: String,
    /// What to write instead.
    pub help: String,
}

/// How the urls of each kind begin.
const SCHEMES: [(StoreKind, &[&str]); 5] = [
    (StoreKind::Sqlite, &["sqlite:"]),
    (StoreKind::Postgres, &["postgres://", "postgresql://"]),
    (StoreKind::Mysql, &["mysql://", "mariadb://"]),
    (StoreKind::Redis, &["redis://", "rediss://"]),
    (StoreKind::Objects, &["s3://", "file:"]),
];

/// What is wrong with it; `None` where it begins as it should, or as no kind does, which opening it tells.
#[must_use]
pub fn fault(kind: StoreKind, url: &SecretString) -> Option<Fault> {
    let url = url.expose_secret().trim();
    let begins = |(_, schemes): &&(StoreKind, &[&'static str])| schemes.iter().any(|scheme| url.starts_with(scheme));
    let (other, schemes) = SCHEMES.iter().find(begins)?;
    if *other == kind {
        return None;
    }
    let scheme = schemes.iter().find(|scheme| url.starts_with(**scheme)).copied().unwrap_or_default();
    let own = SCHEMES.iter().find(|(known, _)| *known == kind).map_or("", |(_, schemes)| schemes[0]);
    Some(Fault {
        message: format!("kind is \"{kind}\", and the url begins with {scheme}"),
        help: format!("write kind = \"{other}\", or a url that begins with {own}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_of_another_kind_is_told_and_nothing_of_it_but_how_it_begins() {
        let url = |text: &str| SecretString::from(text.to_owned());
        let told = fault(StoreKind::Postgres, &url("mysql://me:secret@host/db")).unwrap();
        assert_eq!(told.message, "kind is \"postgres\", and the url begins with mysql://");
        assert!(told.help.contains("kind = \"mysql\"") && told.help.contains("postgres://"), "{}", told.help);
        for (kind, schemes) in SCHEMES {
            assert!(schemes.iter().all(|scheme| fault(kind, &url(&format!("{scheme}x"))).is_none()), "{kind}");
        }
        assert_eq!(fault(StoreKind::Mysql, &url("host=/tmp")), None, "opening it tells");
    }
}
