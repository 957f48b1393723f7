//! Sizes of MariaDB's and MySQL's tables by their own statistics, and rights that erasing never needs.

use super::MysqlConnection;
use crate::stores::StoreError;
use crate::stores::sql::{Connection as _, TextRow};

const SIZES: &str = "SELECT CONVERT(t.TABLE_NAME, CHAR), CONVERT(t.TABLE_ROWS, CHAR)
    FROM information_schema.TABLES t
    WHERE t.TABLE_SCHEMA = DATABASE() AND t.TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED')";

/// What erasing needs, and what only shows names.
const NEEDED: [&str; 6] = ["SELECT", "UPDATE", "DELETE", "REFERENCES", "USAGE", "SHOW VIEW"];

/// Sizes as InnoDB estimates them.
pub(super) async fn sizes(connection: &MysqlConnection) -> Result<Vec<TextRow>, StoreError> {
    connection.read(SIZES, &[]).await
}

/// The rest of what SHOW GRANTS lists, role by role as the server resolves them.
pub(super) async fn beyond(connection: &MysqlConnection) -> Result<Vec<String>, StoreError> {
    let grants = connection.read("SHOW GRANTS", &[]).await?;
    Ok(grants.iter().flatten().flatten().filter_map(|grant| excess(grant)).collect())
}

/// `INSERT, DROP ON shop.*` of a line that grants more than is needed. Never the line itself: it may hold the hash of
/// a password.
fn excess(grant: &str) -> Option<String> {
    let (privileges, rest) = grant.strip_prefix("GRANT ")?.split_once(" ON ")?;
    let (object, rest) = rest.split_once(" TO ").unwrap_or((rest, ""));
    // Columns in brackets belong to the privilege before them.
    let mut depth = 0_i32;
    let apart = |c: char| {
        depth += i32::from(c == '(') - i32::from(c == ')');
        c == ',' && depth == 0
    };
    let listed = privileges.split(apart).map(str::trim);
    let mut more: Vec<_> =
        listed.filter(|word| !NEEDED.contains(&word.split('(').next().unwrap_or(word).trim())).collect();
    if rest.contains("WITH GRANT OPTION") {
        more.push("GRANT OPTION");
    }
    (!more.is_empty()).then(|| format!("{} ON {}", more.join(", "), object.replace('`', "")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_not_needed_is_told() {
        for (grant, more) in [
            ("GRANT USAGE ON *.* TO `erase`@`%` IDENTIFIED BY PASSWORD '*AB'", None),
            ("GRANT SELECT, UPDATE (email, name), DELETE ON `shop`.`users` TO `erase`@`%`", None),
            (
                "GRANT SELECT, INSERT (email, name), DROP ON `shop`.* TO `erase`@`%`",
                Some("INSERT (email, name), DROP ON shop.*"),
            ),
            (
                "GRANT ALL PRIVILEGES ON *.* TO `root`@`%` WITH GRANT OPTION",
                Some("ALL PRIVILEGES, GRANT OPTION ON *.*"),
            ),
            ("GRANT `reader` TO `erase`@`%`", None),
        ] {
            assert_eq!(excess(grant).as_deref(), more, "{grant}");
        }
    }
}
