//! Makes the lexicon files into the tables that the program carries (see `src/intake/tables.rs`), by the very modules that
//! its tests hold them against, and the templates of our letters into the stretches of text by which a repeated letter of ours
//! is known (see `src/intake/added.rs`). A file that is no lexicon ends the build.

use std::collections::BTreeSet;
use std::error::Error;
use std::fs;
use std::path::PathBuf;

#[path = "src/domain"]
mod domain {
    mod stored;
    mod text;

    pub(crate) use stored::{UnknownWord, stored_enum};
    pub(crate) use text::is_unseen;
}

#[expect(dead_code, reason = "the build writes what the library reads")]
#[path = "src/intake"]
mod intake {
    mod code;
    pub(crate) mod compile;
    mod groups;
    mod lists;
    mod normal;
    mod rest;
    mod script;
    mod tables;
    pub(crate) mod tongue;
}

use intake::compile::compile;
use intake::tongue::Tongue;

fn main() -> Result<(), Box<dyn Error>> {
    match tables().and_then(|tables| Ok((tables, stretches()?))) {
        Ok((tables, stretches)) => {
            let folder = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("Cargo names no OUT_DIR")?);
            fs::write(folder.join("letters.txt"), stretches)?;
            Ok(fs::write(folder.join("lexicon.tables"), tables)?)
        }
        Err(error) => {
            let mut cause: Option<&dyn Error> = Some(&*error);
            while let Some(error) = cause {
                error.to_string().lines().for_each(|line| println!("cargo::error={line}"));
                cause = error.source();
            }
            Ok(())
        }
    }
}

/// The tables of all languages. Cargo looks at the modules above by itself, and at the files because they are named.
fn tables() -> Result<Vec<u8>, Box<dyn Error>> {
    let mut files = Vec::new();
    for tongue in Tongue::ALL {
        let path = format!("config/lexicon/{tongue}.toml");
        println!("cargo::rerun-if-changed={path}");
        let text = fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
        files.push((*tongue, text));
    }
    Ok(compile(files.iter().map(|(tongue, text)| (*tongue, text.as_str())))?)
}

/// What our letters say besides what is put into them, in all languages: a line for each stretch between two of those.
fn stretches() -> Result<String, Box<dyn Error>> {
    const FOLDER: &str = "templates/mail";
    println!("cargo::rerun-if-changed={FOLDER}");
    let mut found = BTreeSet::new();
    for language in fs::read_dir(FOLDER)? {
        let language = language?.path();
        if !language.is_dir() {
            continue;
        }
        for file in fs::read_dir(language)? {
            let path = file?.path();
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            if name == "terms.toml" || name.ends_with(".txt.j2") {
                let text = fs::read_to_string(&path)?;
                let words = if name == "terms.toml" { said(&text.parse()?) } else { text };
                found.extend(static_parts(&words).map(str::to_owned));
            }
        }
    }
    Ok(found.into_iter().collect::<Vec<_>>().join("\n"))
}

/// The texts of a table, a line each.
fn said(table: &toml::Table) -> String {
    let texts = table.values().map(|value| match value {
        toml::Value::String(text) => text.clone(),
        toml::Value::Table(table) => said(table),
        _ => String::new(),
    });
    texts.collect::<Vec<_>>().join("\n")
}

/// What stands outside of the braces of a template, without what has no letter.
fn static_parts(template: &str) -> impl Iterator<Item = &str> {
    let outside = template.split('{').map(|part| part.rsplit_once('}').map_or(part, |(_, outside)| outside));
    let lines = outside.flat_map(str::lines).map(str::trim);
    lines.filter(|line| line.contains(char::is_alphabetic))
}
