//! Raw to checked: every value is judged, every mistake is noted, and only a config without mistakes comes out.
//! Reads the files that the config names (secrets, holidays); opens no connection.

mod authentication;
mod directories;
mod directory;
mod filter;
mod limits;
mod mail;
mod oauth;
mod periods;
mod secret;
mod sender;
mod termination;
mod value;
mod web;

use std::path::PathBuf;

use super::Config;
use super::Surroundings;
use super::error::Problem;
use super::parse::Parsed;
use crate::domain::{Calendar, WorkingDays};
use value::{Checks, Section};

/// The checked config, or all that is wrong with it. `folder` is where relative paths begin.
pub(super) fn check(parsed: Parsed, folder: PathBuf, surroundings: &Surroundings) -> Result<Config, Vec<Problem>> {
    let Parsed { raw, taken_out, problems } = parsed;
    let mut checks = Checks::new(problems, taken_out, folder, surroundings);
    let checks = &mut checks;

    let law = checks.law(raw.law);
    let service = checks.service(raw.service, law.law.as_ref());
    let database = checks.database(raw.database);
    let keys = checks.keys(raw.keys);
    let mailbox = checks.mailbox(raw.mailbox);
    let mailer = checks.mailer(raw.mailer);
    let directory = checks.directory(raw.directory);
    let authentication = checks.authentication(raw.authentication);
    let spam = checks.spam(raw.spam);
    let authority = checks.authority(raw.authority);
    let (challenge, schedule) = checks.periods(raw.challenge, raw.schedule, &law);
    let limits = checks.limits(raw.limits);
    let retention = checks.retention(raw.retention, law.law.as_ref());
    let termination = checks.termination(raw.termination, directory.as_ref(), &schedule);
    let stores = checks.stores(raw.stores);
    let log = checks.log(raw.log);
    let workers = checks.workers(raw.workers);
    let web = checks.web(raw.web);

    let config = || {
        let ((service, time_zone), law) = (service?, law.law?);
        let working_days = WorkingDays::with_holidays(law.holidays.iter().copied());
        Some(Config {
            service,
            database: database?,
            keys: keys?,
            mailbox: mailbox?,
            mailer: mailer?,
            directory: directory?,
            authentication,
            spam,
            authority,
            challenge,
            schedule,
            law,
            calendar: Calendar { time_zone, working_days },
            limits,
            retention: retention?,
            termination,
            stores,
            log,
            workers,
            web,
        })
    };
    match config() {
        Some(config) if checks.problems.is_empty() => Ok(config),
        _ => Err(std::mem::take(&mut checks.problems)),
    }
}
