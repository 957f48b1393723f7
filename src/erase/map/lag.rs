//! Whether the query for the lag can only look: one statement that selects, whatever the store would make of another one.

/// What no query that only looks says, as a bare word.
const WRITES: [&str; 5] = ["delete", "insert", "update", "merge", "into"];

/// Why a query is not one SELECT; `None` where it is.
pub(super) fn fault(sql: &str) -> Option<String> {
    let bare = bare(sql);
    let (first, rest) = bare.split_once(';').unwrap_or((&bare, ""));
    if !rest.trim().is_empty() {
        return Some("there are several statements".to_owned());
    }
    let mut words = first.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty());
    let Some(begins) = words.clone().next().map(str::to_lowercase) else { return Some("it is empty".to_owned()) };
    if !["select", "with"].contains(&begins.as_str()) {
        return Some(format!("it begins with {:?}", begins.to_uppercase()));
    }
    let writes = words.find(|word| WRITES.iter().any(|write| word.eq_ignore_ascii_case(write)))?;
    Some(format!("it says {}", writes.to_uppercase()))
}

/// The query without what stands in quotes and comments.
fn bare(sql: &str) -> String {
    let (mut bare, mut rest) = (String::new(), sql);
    while let Some(c) = rest.chars().next() {
        let (from, until) = match c {
            '\'' | '"' | '`' => (1, [c].iter().collect::<String>()),
            _ if rest.starts_with("--") => (2, "\n".to_owned()),
            _ if rest.starts_with("/*") => (2, "*/".to_owned()),
            c => {
                bare.push(c);
                rest = &rest[c.len_utf8()..];
                continue;
            }
        };
        bare.push(' ');
        // What is not closed is the store's to refuse.
        rest = rest[from..].split_once(until.as_str()).map_or("", |(_, after)| after);
    }
    bare
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_select_and_nothing_else() {
        for good in [
            "SELECT 1",
            " select max(lag) from replicas; ",
            "-- of the replicas\nSELECT 1 /* ; DELETE */",
            "WITH r AS (SELECT 1 AS lag) SELECT lag FROM r",
            "SELECT lag FROM \"update\" WHERE name = 'a; delete'",
        ] {
            assert_eq!(fault(good), None, "{good}");
        }
        for (bad, words) in [
            ("DELETE FROM orders", "begins with \"DELETE\""),
            ("nonsense", "begins with \"NONSENSE\""),
            ("", "is empty"),
            ("-- SELECT 1", "is empty"),
            ("SELECT 1; SELECT 2", "several statements"),
            ("WITH gone AS (DELETE FROM t RETURNING 1) SELECT 1 FROM gone", "says DELETE"),
            ("SELECT 1 INTO t", "says INTO"),
            ("SELECT 1 FROM t FOR UPDATE", "says UPDATE"),
        ] {
            assert!(fault(bad).is_some_and(|fault| fault.contains(words)), "{bad}: {:?}", fault(bad));
        }
    }
}
