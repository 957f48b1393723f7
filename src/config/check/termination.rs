//! `[termination]`: when accounts whose service has ended are erased. Off without `after_days`.

use serde_spanned::Spanned;

use super::super::error::Problem;
use super::super::raw::{Maybe, RawTermination};
use super::super::{Directory, Schedule, Termination};
use super::Checks;
use super::value::Unit;

impl Checks<'_> {
    pub(super) fn termination(
        &mut self,
        raw: Maybe<RawTermination>,
        directory: Option<&Directory>,
        schedule: &Schedule,
    ) -> Option<Termination> {
        let (_, raw) = Self::open("termination", raw);
        let accounts_per_run_max = self.number("accounts_per_run_max", raw.accounts_per_run_max, 1..=10_000, 500);
        let share_percent_max = self.number("share_percent_max", raw.share_percent_max, 1..=100, 10);
        let span = raw.after_days.as_ref().map(Spanned::span)?;
        let after = self.duration("after_days", raw.after_days, Unit::Days, 0..=3_650, 90);
        if let Some(Directory::Sql { ended, accounts, .. }) = directory {
            for (key, query, help) in [
                ("ended", ended, "a page of the accounts whose service has ended, from :from on"),
                ("accounts", accounts, "how many accounts there are: a wrong `ended` is told by its share of them"),
            ] {
                if query.is_none() && !self.was_taken_out(&format!("directory.sql.{key}")) {
                    let problem =
                        Problem::new(format!("accounts cannot be erased after their service without `{key}`"))
                            .at(span.clone(), format!("this needs the query `{key}` in [directory.sql]"))
                            .help(help);
                    self.note(problem);
                }
            }
        }
        if matches!(directory, Some(Directory::Http { .. } | Directory::Ldap { .. })) {
            let problem = Problem::new("accounts cannot be erased after their service by this directory")
                .at(span.clone(), "this needs [directory.sql] or [directory.file]")
                .help("a service and an LDAP server are not asked whose service has ended");
            self.note(problem);
        }
        if schedule.grace.is_zero() {
            let problem = Problem::new("accounts would be erased before their owners could say anything")
                .at(span, "this needs `grace_days` of at least 1 in [schedule]")
                .help("nobody asked for it: the grace period is all the time that an owner has to stop it");
            self.note(problem);
        }
        Some(Termination { after, accounts_per_run_max, share_percent_max })
    }
}
