//! Secrets that stand in a file which everybody on the machine may read. Only warned of: who runs the program knows who else is there.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

/// Any user may read it.
const READ_BY_OTHERS: u32 = 0o004;

/// A sentence for each file that holds secrets in clear and that others may read: the config's, those of the data maps, and the files
/// that these name for a secret.
pub(super) fn secrets(config: &Path, maps: &[PathBuf]) -> Vec<String> {
    let files = std::iter::once(config).chain(maps.iter().map(PathBuf::as_path));
    files.flat_map(of_file).collect()
}

fn of_file(file: &Path) -> Vec<String> {
    let table: Option<Table> = std::fs::read_to_string(file).ok().and_then(|text| text.parse().ok());
    let Some(table) = table else { return Vec::new() };
    let (folder, mut found) = (file.parent().unwrap_or(Path::new("")), Found::default());
    look(&table, "", folder, &mut found);
    let own = warning(file, &found.keys).filter(|_| is_read_by_others(file));
    own.into_iter().chain(found.beside).collect()
}

fn is_read_by_others(file: &Path) -> bool {
    std::fs::metadata(file).is_ok_and(|file| file.permissions().mode() & READ_BY_OTHERS != 0)
}

/// What a TOML file says of secrets.
#[derive(Default)]
struct Found {
    /// The keys whose values are secrets in clear.
    keys: Vec<String>,
    /// What is to be said of the files that it names for a secret.
    beside: Vec<String>,
}

fn look(table: &Table, path: &str, folder: &Path, found: &mut Found) {
    for (key, value) in table {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        match (value, key.strip_suffix("_file")) {
            (Value::Table(inner), _) => look(inner, &path, folder, found),
            (Value::String(name), Some(secret)) => found.beside.extend(named(&path, secret, &folder.join(name))),
            (Value::String(text), None) if is_secret(key, text) => found.keys.push(path),
            _ => {}
        }
    }
}

/// What is to be said of a file that a key names for a secret.
fn named(path: &str, secret: &str, file: &Path) -> Option<String> {
    if !is_read_by_others(file) || !is_secret(secret, std::fs::read_to_string(file).ok()?.trim()) {
        return None;
    }
    let file = file.display();
    Some(format!(
        "every user of this machine may read {file}, and it holds the secret of {path} in clear: chmod 600 {file}, or give a systemd \
         credential with {secret}_credential"
    ))
}

/// A password, a secret, or a url with a password in it.
fn is_secret(key: &str, text: &str) -> bool {
    match key {
        "password" | "secret" => !text.is_empty(),
        "url" => text.split_once("://").and_then(|(_, rest)| rest.split_once('@')).is_some_and(|(who, _)| {
            !who.contains('/') && who.split_once(':').is_some_and(|(_, password)| !password.is_empty())
        }),
        _ => false,
    }
}

fn warning(file: &Path, keys: &[String]) -> Option<String> {
    let first = keys.first()?;
    let (file, all) = (file.display(), keys.join(", "));
    Some(format!(
        "every user of this machine may read {file}, and it holds {all} in clear: chmod 600 {file}, or name a file with {first}_file, or \
         a systemd credential with {first}_credential"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_password_is_a_secret_and_only_where_others_may_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("expunged.toml");
        let text = "[database]\nurl = \"postgres://me:hush@host/db\"\n[mailbox.imap]\nusername = \"a\"\npassword = \"hush\"\n\
                    [stores]\nurl = \"sqlite://a:b/c@d\"\n";
        std::fs::write(&file, text).unwrap();
        let mode = |mode| std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        mode(0o644);
        let told = secrets(&file, &[]);
        assert!(told.len() == 1 && !told[0].contains("hush"), "{told:?}");
        for words in ["database.url, mailbox.imap.password", "chmod 600", "database.url_file"] {
            assert!(told[0].contains(words), "{words}: {told:?}");
        }
        mode(0o640);
        assert!(secrets(&file, &[]).is_empty());
        mode(0o644);
        std::fs::write(&file, "[mailbox.imap]\npassword_file = \"a\"\n[database]\nurl_file = \"b\"\nca_file = \"a\"\n")
            .unwrap();
        assert!(secrets(&file, &[]).is_empty(), "no such files");
        let beside = ["a", "b"].map(|name| folder.path().join(name));
        std::fs::write(&beside[0], "hush\n").unwrap();
        std::fs::write(&beside[1], "postgres://me:hush@host/db\n").unwrap();
        let modes = |mode| {
            beside.iter().for_each(|file| {
                std::fs::set_permissions(file, std::fs::Permissions::from_mode(mode)).unwrap();
            });
        };
        modes(0o644);
        let told = secrets(&file, &[]);
        assert!(told.len() == 2 && told.iter().all(|words| !words.contains("hush")), "{told:?}");
        for words in ["the secret of mailbox.imap.password_file", "url_credential", "chmod 600"] {
            assert!(told.iter().any(|told| told.contains(words)), "{words}: {told:?}");
        }
        modes(0o600);
        assert!(secrets(&file, &[]).is_empty());
        std::fs::write(&beside[1], "postgres://me@host/db\n").unwrap();
        modes(0o644);
        assert_eq!(secrets(&file, &[]).len(), 1, "no password in the url");
    }
}
