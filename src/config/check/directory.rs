//! `[directory]`, `[[authority]]`, `[stores]`: who people are, what they may ask for, and what is erased from.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_spanned::Spanned;

use super::super::error::Problem;
use super::super::raw::{Maybe, RawAuthorityRow, RawDirectory, RawSqlDirectory, RawStores};
use super::super::{AuthorityRow, Directory};
use super::{Checks, Section};

impl Checks<'_> {
    pub(super) fn directory(&mut self, raw: Maybe<RawDirectory>) -> Option<Directory> {
        let why = "add [directory.sql] with store, find, target and owner, [directory.http], [directory.ldap], or [directory.file] with a path";
        let (section, raw) = self.open_required("directory", raw, why)?;
        let mut kinds = [
            raw.sql.as_ref().map(|raw| ("sql", raw.span())),
            raw.http.as_ref().map(|raw| ("http", raw.span())),
            raw.ldap.as_ref().map(|raw| ("ldap", raw.span())),
            raw.file.as_ref().map(|raw| ("file", raw.span())),
        ]
        .into_iter()
        .flatten();
        if let (Some((first, beside)), Some((second, at))) = (kinds.next(), kinds.next()) {
            let problem = Problem::new("there are two directories")
                .at(at, "a second kind")
                .beside(beside, "a first kind")
                .help(format!("keep one of [directory.{first}] and [directory.{second}]"));
            self.note(problem);
            return None;
        }
        if let Some(sql) = raw.sql {
            self.sql_directory(sql)
        } else if let Some(http) = raw.http {
            self.http_directory(http)
        } else if let Some(ldap) = raw.ldap {
            self.ldap_directory(ldap)
        } else if let Some(file) = raw.file {
            let (section, raw) = Self::open("directory.file", Some(file));
            let path = self.path_given(&section, raw.path)?;
            self.file("path", path).map(Directory::File)
        } else {
            self.note_missing(&section, "sql", why);
            None
        }
    }

    fn path_given(&mut self, section: &Section, raw: Maybe<String>) -> Option<Spanned<String>> {
        if raw.is_none() {
            self.note_missing(section, "path", "the TOML file of people");
        }
        raw
    }

    fn sql_directory(&mut self, raw: Spanned<RawSqlDirectory>) -> Option<Directory> {
        let (section, raw) = Self::open("directory.sql", Some(raw));
        let store = self.line_required(&section, "store", raw.store, "the name of a store, as in its data map");
        let find = self.query(&section, "find", raw.find, &["address"]);
        let target = self.query(&section, "target", raw.target, &["account", "identifier"]);
        let owner = self.query(&section, "owner", raw.owner, &["account"]);
        let ended = raw.ended.and_then(|raw| self.query(&section, "ended", Some(raw), &["from"]));
        let accounts = raw.accounts.and_then(|raw| self.query(&section, "accounts", Some(raw), &[]));
        Some(Directory::Sql { store: store?, find: find?, target: target?, owner: owner?, ended, accounts })
    }

    /// A query that uses exactly these parameters.
    pub(super) fn query(
        &mut self,
        section: &Section,
        key: &str,
        raw: Maybe<String>,
        parameters: &[&str],
    ) -> Option<String> {
        let expected: Vec<String> = parameters.iter().map(|parameter| format!(":{parameter}")).collect();
        let expected = if expected.is_empty() { "no parameter".to_owned() } else { expected.join(" and ") };
        let span = raw.as_ref().map(Spanned::span);
        let what = if section.name == "directory.ldap" { "a filter" } else { "a SELECT" };
        let query = self.text(section, key, raw, &format!("{what} with {expected}"))?;
        let used = parameters_of(&query);
        if used.iter().copied().eq(parameters.iter().copied().collect::<BTreeSet<_>>()) {
            return Some(query);
        }
        let problem = Problem::new(format!("the query `{key}` does not use its parameters"))
            .help("parameters are bound by name; without them a query would answer for everybody");
        self.note(match span {
            Some(span) => problem.at(span, format!("expected {expected}, each at least once, and no other")),
            None => problem,
        });
        None
    }

    pub(super) fn authority(&mut self, raw: Option<Vec<Spanned<RawAuthorityRow>>>) -> Vec<AuthorityRow> {
        let mut rows: Vec<AuthorityRow> = Vec::new();
        for raw in raw.unwrap_or_default() {
            let span = raw.span();
            let Some(row) = self.authority_row(raw) else { continue };
            let same =
                |other: &AuthorityRow| (other.role, other.scope, other.target) == (row.role, row.scope, row.target);
            if rows.iter().any(same) {
                let problem = Problem::new("two rows of [[authority]] speak of the same case")
                    .at(span, "role, scope and target of an earlier row")
                    .help("keep one of them");
                self.note(problem);
            }
            rows.push(row);
        }
        // The order of the file says nothing, so it does not change the policy's digest either.
        rows.sort_by_key(|row| (row.role, row.scope, row.target));
        rows
    }

    fn authority_row(&mut self, raw: Spanned<RawAuthorityRow>) -> Option<AuthorityRow> {
        let (section, raw) = Self::open("authority", Some(raw));
        for (key, is_missing) in [
            ("role", raw.role.is_none()),
            ("scope", raw.scope.is_none()),
            ("target", raw.target.is_none()),
            ("rule", raw.rule.is_none()),
        ] {
            if is_missing {
                self.note_missing(&section, key, "a row has role, scope, target and rule");
            }
        }
        let role = raw.role.and_then(|raw| self.word("role", &raw));
        let scope = raw.scope.and_then(|raw| self.word("scope", &raw));
        let target = raw.target.and_then(|raw| self.word("target", &raw));
        let rule = raw.rule.and_then(|raw| self.word("rule", &raw));
        Some(AuthorityRow { role: role?, scope: scope?, target: target?, rule: rule? })
    }

    pub(super) fn stores(&mut self, raw: Maybe<RawStores>) -> Vec<PathBuf> {
        let why = "name the data maps: maps = [\"stores/shop.toml\"]";
        let Some((section, raw)) = self.open_required("stores", raw, why) else { return Vec::new() };
        let maps = raw.maps.unwrap_or_default();
        if maps.is_empty() {
            self.note_missing(&section, "maps", "without a store there is nothing to erase from");
        }
        let mut paths: Vec<PathBuf> = Vec::new();
        for map in maps {
            let span = map.span();
            let Some(path) = self.file("maps", map) else { continue };
            if paths.contains(&path) {
                self.note(Problem::new("a data map is named twice").at(span, "expected each map once"));
            }
            paths.push(path);
        }
        paths
    }
}

/// The names of the parameters (`:name`) of a query; quoted text and the casts of PostgreSQL (`::text`) are not among
/// them. Good enough to find a typing error; the store that prepares the query is the judge.
fn parameters_of(query: &str) -> BTreeSet<&str> {
    let mut names = BTreeSet::new();
    let mut quote = None;
    let mut before = ' ';
    for (at, c) in query.char_indices() {
        match (quote, c) {
            (Some(open), close) if open == close => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"' | '`') => quote = Some(c),
            (None, ':') if before != ':' => {
                let rest = query.get(at + 1..).unwrap_or_default();
                let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
                names.extend(rest.get(..end).filter(|name| !name.is_empty()));
            }
            (None, _) => {}
        }
        before = c;
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_found_and_casts_and_quoted_text_are_not() {
        let names = |query| parameters_of(query).into_iter().collect::<Vec<_>>();
        assert_eq!(names("SELECT id::text FROM t WHERE a = :account AND b=:b_2::int"), ["account", "b_2"]);
        assert_eq!(names("SELECT ':no', \":no\", '12:30' FROM t WHERE x=:address"), ["address"]);
        assert_eq!(names("SELECT 'it''s :no' || :yes"), ["yes"]);
        assert!(names("SELECT a[1:2], b ::text").iter().all(|name| *name == "2"));
    }
}
