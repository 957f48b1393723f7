//! A directory that is queries on a store: three, and two more where accounts are erased whose service has ended.
//!
//! The queries are the engineer's; their parameters are bound by name (`:address`, `:account`, `:identifier`, `:from`), never
//! pasted. Columns are read by name: `account`, `role`, `person` (the key), `address`, `label`, `locale`, `changed_at`.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::tz::TimeZone;
use serde::Deserialize;

use crate::domain::{Retry, Role, Timestamp};
use crate::stores::StoreError;

use super::{Directory, DirectoryError, Ended, Membership, MissingColumn, Person, asked};

/// One row of an answer: column to text, or NULL.
pub type Row = BTreeMap<String, Option<String>>;

/// What a store, or whoever else is asked, said instead of an answer.
#[derive(Debug, thiserror::Error)]
#[error("{}", said(*.retry, *.refusal))]
pub struct QueryError {
    /// Whether to ask again.
    pub retry: Retry,
    /// That nobody is answered before a person has mended something. What runs already waits for that; nothing starts on it.
    pub refusal: Option<Refusal>,
    /// What it said.
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

/// What whoever is asked does not take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Us: a password, a secret, a right.
    Login,
    /// The question, or where it is put; or what answers is no directory.
    Question,
}

const fn said(retry: Retry, refusal: Option<Refusal>) -> &'static str {
    match (refusal, retry) {
        (Some(Refusal::Login), _) => "it does not let us in",
        (Some(Refusal::Question), _) | (None, Retry::Permanent) => "it does not take the query",
        (None, Retry::Transient) => "it does not answer for now",
    }
}

impl QueryError {
    /// Of a store: what its error says.
    #[must_use]
    pub fn of_store(error: StoreError) -> Self {
        let refusal = error.is_refused().then_some(Refusal::Question);
        Self { retry: error.retry(), refusal, source: Box::new(error) }
    }
}

/// What a directory asks of a store, a service or a server: one read-only query with named text parameters.
#[async_trait]
pub trait Lookup: Send + Sync {
    /// The rows, every value as text.
    ///
    /// # Errors
    /// [`QueryError`] where the store does not answer.
    async fn lookup(&self, sql: &str, params: &[(&str, &str)]) -> Result<Vec<Row>, QueryError>;

    /// The names of the columns that the query answers, without running it.
    ///
    /// # Errors
    /// [`QueryError`] where the store does not answer, or does not understand the query.
    async fn describe(&self, sql: &str, params: &[&str]) -> Result<Vec<String>, QueryError>;
}

/// `[directory]` of the configuration: the queries.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Queries {
    /// `:address` to `account, role, person, address` and, if known, `locale, changed_at`.
    pub find: String,
    /// `:account, :identifier` to `account, role, person, label` and, if known, `address, locale`.
    pub target: String,
    /// `:account` to the same columns for its one owner.
    pub owner: String,
    /// `:from` to a page of `account, ended_at`, by account, of those from this one on whose service has ended.
    #[serde(default)]
    pub ended: Option<String>,
    /// How many accounts there are, as `accounts`.
    #[serde(default)]
    pub accounts: Option<String>,
    /// The most rows that one question may bring.
    #[serde(default = "default_rows_max")]
    pub rows_max: usize,
}

const fn default_rows_max() -> usize {
    50
}

/// The directory over a store.
pub struct SqlDirectory {
    store: Arc<dyn Lookup>,
    queries: Queries,
    /// Where a bare date begins.
    zone: TimeZone,
}

impl std::fmt::Debug for SqlDirectory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SqlDirectory")
    }
}

impl SqlDirectory {
    /// A directory that puts these queries to this store.
    #[must_use]
    pub const fn new(store: Arc<dyn Lookup>, queries: Queries) -> Self {
        Self { store, queries, zone: TimeZone::UTC }
    }

    /// The same where a date without a time is a day of this zone, as the letters name it; UTC where nothing is said.
    #[must_use]
    pub fn in_zone(self, zone: TimeZone) -> Self {
        Self { zone, ..self }
    }

    async fn ask(
        &self,
        query: &'static str,
        sql: &str,
        params: &[(&str, &str)],
    ) -> Result<Vec<Answer>, DirectoryError> {
        let rows = self.store.lookup(sql, params).await.map_err(|source| DirectoryError::Query { query, source })?;
        if rows.len() > self.queries.rows_max {
            return Err(DirectoryError::TooManyRows { query, rows_max: self.queries.rows_max });
        }
        Ok(rows.into_iter().map(|row| Answer { query, row, zone: self.zone.clone() }).collect())
    }
}

/// The columns without which a row is an error, by query.
const MEMBERSHIP: [&str; 4] = ["account", "role", "person", "address"];
const PERSON: [&str; 4] = ["account", "role", "person", "label"];
const ENDED: [&str; 2] = ["account", "ended_at"];
const ACCOUNTS: [&str; 1] = ["accounts"];

#[async_trait]
impl Directory for SqlDirectory {
    async fn missing(&self) -> Result<Vec<MissingColumn>, DirectoryError> {
        let Queries { find, target, owner, ended, accounts, .. } = &self.queries;
        let mut missing = Vec::new();
        let known: [(_, Option<&String>, &[&str], &[&'static str]); 5] = [
            ("find", Some(find), &["address"], &MEMBERSHIP),
            ("target", Some(target), &["account", "identifier"], &PERSON),
            ("owner", Some(owner), &["account"], &PERSON),
            ("ended", ended.as_ref(), &["from"], &ENDED),
            ("accounts", accounts.as_ref(), &[], &ACCOUNTS),
        ];
        for (query, sql, params, needed) in known {
            let Some(sql) = sql else { continue };
            let described = self.store.describe(sql, params).await;
            let columns = described.map_err(|source| DirectoryError::Query { query, source })?;
            let lacks = needed.iter().filter(|needed| !columns.iter().any(|column| column == *needed));
            missing.extend(lacks.map(|column| MissingColumn { query, column }));
        }
        Ok(missing)
    }

    async fn find(&self, address: &str) -> Result<Vec<Membership>, DirectoryError> {
        let Some(address) = asked(address) else { return Ok(Vec::new()) };
        let mut rows = self.ask("find", &self.queries.find, &[("address", address)]).await?;
        // People write their own address in any case, and a query may compare letter by letter. The challenge goes to
        // the address on file in any case.
        let folded = address.to_lowercase();
        if rows.is_empty() && folded != address {
            rows = self.ask("find", &self.queries.find, &[("address", &folded)]).await?;
        }
        rows.into_iter().map(Answer::membership).collect()
    }

    async fn target(&self, account: &str, identifier: &str) -> Result<Vec<Person>, DirectoryError> {
        let Some(identifier) = asked(identifier) else { return Ok(Vec::new()) };
        let params = [("account", account), ("identifier", identifier)];
        let mut rows = self.ask("target", &self.queries.target, &params).await?;
        let folded = identifier.to_lowercase();
        if rows.is_empty() && identifier.contains('@') && folded != identifier {
            let params = [("account", account), ("identifier", folded.as_str())];
            rows = self.ask("target", &self.queries.target, &params).await?;
        }
        rows.into_iter().map(|row| row.person(account)).collect()
    }

    async fn ended(&self, from: &str) -> Result<Vec<Ended>, DirectoryError> {
        self.page_of_ended(from).await
    }

    async fn accounts(&self) -> Result<u64, DirectoryError> {
        self.number_of_accounts().await
    }

    async fn owner(&self, account: &str) -> Result<Option<Person>, DirectoryError> {
        let rows = self.ask("owner", &self.queries.owner, &[("account", account)]).await?;
        let mut people = rows.into_iter().map(|row| row.person(account)).collect::<Result<Vec<_>, _>>()?;
        match (people.pop(), people.is_empty()) {
            (None, _) => Ok(None),
            (Some(owner), true) if owner.role == Role::Owner => Ok(Some(owner)),
            _ => Err(DirectoryError::NotOneOwner { query: "owner" }),
        }
    }
}

impl SqlDirectory {
    async fn page_of_ended(&self, from: &str) -> Result<Vec<Ended>, DirectoryError> {
        let sql = self.queries.ended.as_ref().ok_or(DirectoryError::NoQuery { query: "ended" })?;
        let rows = self.ask("ended", sql, &[("from", from)]).await?;
        rows.into_iter().map(Answer::ended).collect()
    }

    async fn number_of_accounts(&self) -> Result<u64, DirectoryError> {
        let query = "accounts";
        let sql = self.queries.accounts.as_ref().ok_or(DirectoryError::NoQuery { query })?;
        let column = query;
        let row = self.ask(query, sql, &[]).await?.pop().ok_or(DirectoryError::Missing { query, column })?;
        row.number(column)
    }
}

/// One row, with the name of the query that an error tells.
struct Answer {
    query: &'static str,
    row: Row,
    zone: TimeZone,
}

impl Answer {
    fn membership(mut self) -> Result<Membership, DirectoryError> {
        Ok(Membership {
            account: self.take("account")?,
            role: self.role()?,
            person_key: self.take("person")?,
            address_on_file: self.take("address")?,
            locale: self.maybe("locale"),
            changed_at: self.time("changed_at")?,
        })
    }

    fn person(mut self, account: &str) -> Result<Person, DirectoryError> {
        let person = Person {
            account: self.take("account")?,
            role: self.role()?,
            key: self.take("person")?,
            address_on_file: self.maybe("address"),
            label: self.take("label")?,
            locale: self.maybe("locale"),
        };
        // A query without its WHERE must not reach into another customer's account.
        if person.account == account { Ok(person) } else { Err(DirectoryError::OtherAccount { query: self.query }) }
    }

    /// One date that cannot be read keeps no other account waiting: that account has none.
    fn ended(mut self) -> Result<Ended, DirectoryError> {
        let account = self.take("account")?;
        Ok(Ended::new(account, self.time("ended_at").unwrap_or_default()))
    }

    fn number(mut self, column: &'static str) -> Result<u64, DirectoryError> {
        let bad = DirectoryError::BadNumber { query: self.query, column };
        self.take(column)?.trim().parse().map_err(|_| bad)
    }

    /// A value that may be missing; an empty text is none.
    fn maybe(&mut self, column: &str) -> Option<String> {
        self.row.remove(column).flatten().filter(|text| !text.trim().is_empty())
    }

    fn take(&mut self, column: &'static str) -> Result<String, DirectoryError> {
        self.maybe(column).ok_or(DirectoryError::Missing { query: self.query, column })
    }

    fn role(&mut self) -> Result<Role, DirectoryError> {
        self.take("role")?.parse().map_err(|_| DirectoryError::UnknownRole { query: self.query })
    }

    fn time(&mut self, column: &'static str) -> Result<Option<Timestamp>, DirectoryError> {
        let bad = DirectoryError::BadTime { query: self.query, column };
        self.maybe(column).map(|text| read_time(&text, &self.zone).ok_or(bad)).transpose()
    }
}

/// RFC 3339; or what databases print for a time without zone, taken as UTC; or a bare date, which is the beginning of that day in the
/// zone that letters name days in.
pub(super) fn read_time(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(time) = text.parse::<jiff::Timestamp>() {
        return Some(Timestamp::from_jiff(time));
    }
    let is_bare = text.len() == DATE_CHARS;
    if let Some(day) = is_bare.then(|| text.parse::<jiff::civil::Date>().ok()).flatten() {
        let begins = day.to_zoned_datetime(zone.clone());
        return begins.ok().map(|begins| Timestamp::from_jiff(begins.timestamp()));
    }
    let local: jiff::civil::DateTime = text.parse().ok()?;
    TimeZone::UTC.to_timestamp(local).ok().map(Timestamp::from_jiff)
}

/// `2026-03-05`.
const DATE_CHARS: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;

    /// A store that answers every query with the same rows and checks what it was given.
    struct Fixed(Vec<Row>);

    #[async_trait]
    impl Lookup for Fixed {
        async fn lookup(&self, sql: &str, params: &[(&str, &str)]) -> Result<Vec<Row>, QueryError> {
            if sql == "down" {
                let source = "connection refused".into();
                return Err(QueryError { retry: Retry::Transient, refusal: None, source });
            }
            for (name, value) in params {
                assert!(sql.contains(&format!(":{name}")), "parameters are bound, not pasted");
                assert!(!sql.contains(value));
            }
            Ok(self.0.clone())
        }

        async fn describe(&self, _: &str, _: &[&str]) -> Result<Vec<String>, QueryError> {
            Ok(self.0.iter().flat_map(|row| row.keys().cloned()).collect())
        }
    }

    fn row(columns: &[(&str, &str)]) -> Row {
        columns.iter().map(|(name, value)| ((*name).to_owned(), Some((*value).to_owned()))).collect()
    }

    fn directory(rows: Vec<Row>) -> SqlDirectory {
        let queries = Queries {
            find: "q :address".into(),
            target: "q :account :identifier".into(),
            owner: "q :account".into(),
            ended: Some("q :from".into()),
            accounts: Some("q".into()),
            rows_max: 3,
        };
        SqlDirectory::new(Arc::new(Fixed(rows)), queries)
    }

    const OWNER: [(&str, &str); 5] =
        [("account", "A1"), ("role", "owner"), ("person", "7"), ("address", "ann@example.org"), ("label", "Ann")];

    #[tokio::test]
    async fn rows_become_memberships() {
        let mut columns = row(&OWNER);
        columns.insert("changed_at".into(), Some("2026-03-05 10:00:00".into()));
        columns.insert("locale".into(), Some("de-AT".into()));
        let found = directory(vec![columns]).find("Ann@example.org").await.unwrap();
        assert_eq!(found[0].address_on_file, "ann@example.org");
        assert_eq!(found[0].changed_at.unwrap().to_string(), "2026-03-05T10:00:00Z");
        assert_eq!(format!("{:?}", found[0]), "Membership(owner, …)");
    }

    #[tokio::test]
    async fn what_is_missing_or_unknown_is_an_error_and_tells_no_value() {
        for (column, value) in
            [("role", "secretname"), ("role", ""), ("person", " "), ("address", ""), ("changed_at", "secretname")]
        {
            let mut columns = row(&OWNER);
            columns.insert(column.into(), Some(value.into()));
            let error = directory(vec![columns]).find("x@example.org").await.unwrap_err();
            assert!(!format!("{error} {error:?}").contains("secretname"));
            assert_eq!(error.retry(), Retry::Permanent);
        }
    }

    #[tokio::test]
    async fn columns_that_are_needed_are_missed_before_a_row_comes() {
        let mut whole = row(&OWNER);
        whole.extend(row(&[("ended_at", "2026-03-05"), ("accounts", "12")]));
        assert_eq!(directory(vec![whole]).missing().await.unwrap(), []);
        let missing = directory(vec![row(&OWNER[..4])]).missing().await.unwrap();
        let missing: Vec<_> = missing.iter().map(|missing| (missing.query, missing.column)).collect();
        let needed = [("ended", "ended_at"), ("accounts", "accounts")];
        assert_eq!(missing, [&[("target", "label"), ("owner", "label")][..], &needed].concat());
    }

    #[tokio::test]
    async fn an_account_has_one_owner() {
        assert!(directory(vec![]).owner("A1").await.unwrap().is_none());
        assert_eq!(directory(vec![row(&OWNER)]).owner("A1").await.unwrap().unwrap().key, "7");
        let two = directory(vec![row(&OWNER), row(&OWNER)]).owner("A1").await;
        assert!(matches!(two, Err(DirectoryError::NotOneOwner { .. })));
        let mut user = row(&OWNER);
        user.insert("role".into(), Some("user".into()));
        assert!(matches!(directory(vec![user]).owner("A1").await, Err(DirectoryError::NotOneOwner { .. })));
    }

    #[tokio::test]
    async fn a_person_of_another_account_is_never_returned() {
        let answer = directory(vec![row(&OWNER)]).target("A2", "Bo").await;
        assert!(matches!(answer, Err(DirectoryError::OtherAccount { .. })));
    }

    #[tokio::test]
    async fn limits_hold() {
        let many = directory(vec![row(&OWNER); 4]).find("x@example.org").await;
        assert!(matches!(many, Err(DirectoryError::TooManyRows { rows_max: 3, .. })));
        for nothing in ["", "  ", "a\r\nb@example.org", &"x".repeat(321)] {
            assert!(directory(vec![row(&OWNER)]).find(nothing).await.unwrap().is_empty());
        }
    }

    #[test]
    fn a_bare_date_is_a_day_where_the_letters_count_days() {
        let zones = ["UTC", "America/New_York", "Pacific/Auckland"].map(|zone| TimeZone::get(zone).unwrap());
        let of = |text: &str| zones.each_ref().map(|zone| read_time(text, zone).unwrap().to_string());
        assert_eq!(of("2026-03-05"), ["2026-03-05T00:00:00Z", "2026-03-05T05:00:00Z", "2026-03-04T11:00:00Z"]);
        assert_eq!(of("2026-03-05 10:00:00"), ["2026-03-05T10:00:00Z"; 3]);
        assert_eq!(of("2026-03-05T10:00:00+01:00"), ["2026-03-05T09:00:00Z"; 3]);
        assert!(["2026-03-32", "soon", ""].iter().all(|text| read_time(text, &zones[0]).is_none()));
    }

    #[tokio::test]
    async fn a_store_that_is_down_is_asked_again() {
        let down = || "down".to_owned();
        let queries =
            Queries { find: down(), target: down(), owner: down(), ended: Some(down()), accounts: None, rows_max: 3 };
        let directory = SqlDirectory::new(Arc::new(Fixed(vec![])), queries);
        assert_eq!(directory.find("x@example.org").await.unwrap_err().retry(), Retry::Transient);
        assert_eq!(directory.ended("").await.unwrap_err().retry(), Retry::Transient);
        assert!(matches!(directory.accounts().await, Err(DirectoryError::NoQuery { query: "accounts" })));
    }

    #[tokio::test]
    async fn an_end_without_a_date_that_can_be_read_keeps_no_other_waiting() {
        let with = |date| row(&[("account", "A1"), ("ended_at", date), ("accounts", "12")]);
        let rows = ["2026-03-05", "2026-03-05 10:00:00", "soon", ""].map(with);
        let one = |row: &Row| directory(vec![row.clone()]);
        let mut dates = Vec::new();
        for row in &rows {
            dates.push(one(row).ended("A0").await.unwrap()[0].ended_at().map(|at| at.to_string()));
        }
        let known = |text: &str| Some(text.to_owned());
        assert_eq!(dates, [known("2026-03-05T00:00:00Z"), known("2026-03-05T10:00:00Z"), None, None]);
        assert_eq!(one(&rows[0]).accounts().await.unwrap(), 12);
        let nameless = directory(vec![row(&[("ended_at", "2026-03-05"), ("accounts", "many")])]);
        assert!(matches!(nameless.ended("A0").await, Err(DirectoryError::Missing { column: "account", .. })));
        assert!(matches!(nameless.accounts().await, Err(DirectoryError::BadNumber { .. })));
    }
}
