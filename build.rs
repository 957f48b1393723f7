//! Makes the lexicon files into the tables that the program carries (see `src/intake/tables.rs`), by the very modules that
//! its tests hold them against. A file that is no lexicon ends the build.

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
    match tables() {
        Ok(tables) => {
            let folder = std::env::var_os("OUT_DIR").ok_or("Cargo names no OUT_DIR")?;
            Ok(fs::write(PathBuf::from(folder).join("lexicon.tables"), tables)?)
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
