//! `expunged register`: the register of processing (Art. 30 GDPR), from the config and the data maps alone.

use serde::Serialize;

use super::exit::Outcome;
use super::invocation::Invocation;
use crate::daemon::build;
use crate::erase::map::register::{self, Entry};
use crate::output::{Format, write_out};

/// What `register` understands.
#[derive(Debug, clap::Args)]
pub(super) struct RegisterArgs {
    /// How it is written. Default: markdown, and json with `--output json` (`jsonl`: an entry a line).
    #[arg(long = "as", value_enum, value_name = "markdown|json|csv", hide_possible_values = true)]
    form: Option<Form>,
}

/// The forms of the register.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Form {
    Markdown,
    Json,
    Csv,
}

/// The register with who keeps it.
#[derive(Serialize)]
struct Register<'a> {
    controller: &'a str,
    contact: &'a str,
    supervisory_authority: &'a str,
    entries: &'a [Entry],
}

/// One entry on a line of its own, with who keeps the register.
#[derive(Serialize)]
struct Line<'a> {
    controller: &'a str,
    contact: &'a str,
    supervisory_authority: &'a str,
    #[serde(flatten)]
    entry: &'a Entry,
}

/// Writes the register.
pub(super) fn run(invocation: &Invocation, args: &RegisterArgs) -> Outcome {
    let config = invocation.config_of_maps()?;
    let entries = register::register(&build::map(&config)?);
    let service = &config.service;
    let form = args.form.unwrap_or(if invocation.format == Format::Table { Form::Markdown } else { Form::Json });
    if matches!((form, invocation.format), (Form::Json, Format::Jsonl)) {
        for entry in &entries {
            let (controller, contact) = (&service.name, &service.address);
            let supervisory_authority = &service.supervisory_authority;
            write_out(&serde_json::to_string(&Line { controller, contact, supervisory_authority, entry })?)?;
        }
        return Ok(());
    }
    let text = match form {
        Form::Csv => register::csv(&entries),
        Form::Json => serde_json::to_string_pretty(&Register {
            controller: &service.name,
            contact: &service.address,
            supervisory_authority: &service.supervisory_authority,
            entries: &entries,
        })?,
        Form::Markdown => format!(
            "# Register of processing activities (Art. 30 GDPR)\n\n- Controller: {}\n- Contact: {}\n- Supervisory authority: {}\n\n{}",
            service.name,
            service.address,
            service.supervisory_authority,
            register::markdown(&entries)
        ),
    };
    Ok(write_out(text.trim_end())?)
}
