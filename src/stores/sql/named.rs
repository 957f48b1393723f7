//! Named parameters of configured queries: `:address` becomes a bound parameter. The value never enters the text.

use super::statements::Statement;
use super::{Dialect, StoreError};

/// Replaces every `:name` outside quotes and comments; `::type` is left alone.
pub(super) fn bind<D: Dialect>(sql: &str, given: &[(&str, &str)]) -> Result<Statement, StoreError> {
    let mut bound = Statement { sql: String::with_capacity(sql.len() + 16), params: Vec::new() };
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let verbatim = verbatim_length(rest, first);
        if verbatim > 0 {
            bound.sql.push_str(&rest[..verbatim]);
            rest = &rest[verbatim..];
            continue;
        }
        let name = parameter_name(rest);
        if name.is_empty() {
            bound.sql.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        }
        let value = given.iter().find(|(known, _)| *known == name);
        let (_, value) = value.ok_or_else(|| StoreError::UnknownParameter { name: name.to_owned() })?;
        bound.params.push((*value).to_owned());
        bound.sql.push_str(&D::parameter(bound.params.len()));
        rest = &rest[1 + name.len()..];
    }
    Ok(bound)
}

/// How many bytes at the start are a quoted text, a comment or a cast, and stay as they are.
fn verbatim_length(rest: &str, first: char) -> usize {
    let until = |end: &str, from: usize| rest[from..].find(end).map_or(rest.len(), |at| from + at + end.len());
    match first {
        '\'' => until("'", 1),
        '"' => until("\"", 1),
        '`' => until("`", 1),
        '-' if rest.starts_with("--") => until("\n", 2),
        '/' if rest.starts_with("/*") => until("*/", 2),
        ':' if rest.starts_with("::") => 2,
        _ => 0,
    }
}

fn parameter_name(rest: &str) -> &str {
    let Some(after) = rest.strip_prefix(':') else { return "" };
    let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len());
    if after.starts_with(|c: char| c.is_ascii_digit()) { "" } else { &after[..end] }
}

#[cfg(test)]
mod tests {
    use super::super::super::postgres::PostgresDialect;
    use super::*;

    #[test]
    fn names_become_parameters_and_nothing_else_does() {
        let sql =
            "SELECT ':a', \":b\", x::text -- :c\n FROM t WHERE y = :who AND z = :who /* :d */ AND w = ':' || :what";
        let bound = bind::<PostgresDialect>(sql, &[("who", "A"), ("what", "B"), ("unused", "C")]).unwrap();
        assert_eq!(
            bound.sql,
            "SELECT ':a', \":b\", x::text -- :c\n FROM t WHERE y = $1 AND z = $2 /* :d */ AND w = ':' || $3"
        );
        assert_eq!(bound.params, ["A", "A", "B"]);
    }

    #[test]
    fn a_name_that_nobody_gives_is_an_error() {
        let error = bind::<PostgresDialect>("SELECT 1 WHERE a = :addres", &[("address", "x")]).err().unwrap();
        assert!(matches!(error, StoreError::UnknownParameter { name } if name == "addres"));
    }
}
