//! Secrets that stand in a file which everybody on the machine may read. Only warned of: who runs the program knows who else is there.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

/// Any user may read it.
const READ_BY_OTHERS: u32 = 0o004;

/// A sentence for each file, the config's and those of the data maps, that holds secrets in clear and that others may read.
pub(super) fn secrets(config: &Path, maps: &[PathBuf]) -> Vec<String> {
    let files = std::iter::once(config).chain(maps.iter().map(PathBuf::as_path));
    files.filter_map(|file| warning(file, &in_clear(file)?)).collect()
}

/// The keys of a file whose values are secrets in clear, where others may read it; `None` where they may not.
fn in_clear(file: &Path) -> Option<Vec<String>> {
    let mode = std::fs::metadata(file).ok()?.permissions().mode();
    if mode & READ_BY_OTHERS == 0 {
        return None;
    }
    let table: Table = std::fs::read_to_string(file).ok()?.parse().ok()?;
    let mut found = Vec::new();
    look(&table, "", &mut found);
    Some(found)
}

fn look(table: &Table, path: &str, found: &mut Vec<String>) {
    for (key, value) in table {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        match value {
            Value::Table(inner) => look(inner, &path, found),
            Value::String(text) if is_secret(key, text) => found.push(path),
            _ => {}
        }
    }
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
        std::fs::write(&file, "[mailbox.imap]\npassword_file = \"a\"\n").unwrap();
        assert!(secrets(&file, &[]).is_empty());
    }
}
