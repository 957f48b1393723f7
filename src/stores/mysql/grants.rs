//! Whether the login sees every table of its database.

use super::MysqlConnection;
use crate::stores::StoreError;
use crate::stores::sql::Connection as _;

/// A login that has no privilege on the database as a whole sees only the tables that it has one on.
///
/// # Errors
/// [`StoreError::HiddenTables`], which says what to grant.
pub(super) async fn sees_all(connection: &MysqlConnection) -> Result<(), StoreError> {
    let row = connection.read("SELECT CONVERT(DATABASE(), CHAR), CONVERT(CURRENT_USER(), CHAR)", &[]).await?.pop();
    let [Some(database), Some(login)] =
        <[Option<String>; 2]>::try_from(row.unwrap_or_default()).map_err(|_| StoreError::Catalogue)?
    else {
        return Err(StoreError::BadUrl { expected: "mysql://user:password@host/name, with the name of a database" });
    };
    let grants = connection.read("SHOW GRANTS", &[]).await?;
    if grants.iter().flatten().flatten().any(|grant| opens(grant, &database)) {
        return Ok(());
    }
    let (user, host) = login.rsplit_once('@').unwrap_or((&login, "%"));
    Err(StoreError::HiddenTables { grant: format!("GRANT REFERENCES ON `{database}`.* TO '{user}'@'{host}'") })
}

/// Whether a line of SHOW GRANTS gives a privilege on all tables of this database.
fn opens(grant: &str, database: &str) -> bool {
    let Some((privileges, object)) = grant.strip_prefix("GRANT ").and_then(|rest| rest.split_once(" ON ")) else {
        return false;
    };
    let is_enough = |privilege: &str| matches!(privilege.trim(), "SELECT" | "REFERENCES" | "ALL PRIVILEGES" | "ALL");
    if !privileges.split(',').any(is_enough) {
        return false;
    }
    let object = object.split_once(" TO ").map_or(object, |(object, _)| object);
    match object.strip_suffix(".*") {
        Some("*") => true,
        Some(quoted) => {
            let pattern = quoted.trim_matches('`').replace("``", "`");
            matches(&pattern.chars().collect::<Vec<_>>(), &database.chars().collect::<Vec<_>>())
        }
        None => false,
    }
}

/// SQL's LIKE, which the names of databases in grants are.
fn matches(pattern: &[char], name: &[char]) -> bool {
    match (pattern, name) {
        ([], []) => true,
        (['%', rest @ ..], _) => (0..=name.len()).any(|skip| matches(rest, &name[skip..])),
        (['\\', one, rest @ ..], [first, others @ ..]) => one == first && matches(rest, others),
        (['_', rest @ ..], [_, others @ ..]) => matches(rest, others),
        ([one, rest @ ..], [first, others @ ..]) => one == first && matches(rest, others),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_grant_on_the_whole_database_opens_it() {
        for (grant, opens_it) in [
            ("GRANT ALL PRIVILEGES ON *.* TO `root`@`%` WITH GRANT OPTION", true),
            ("GRANT SELECT, INSERT ON `shop`.* TO `erase`@`%`", true),
            ("GRANT REFERENCES ON `sh%`.* TO `erase`@`%`", true),
            ("GRANT REFERENCES ON `s\\_op`.* TO `erase`@`%`", false),
            ("GRANT USAGE ON *.* TO `erase`@`%`", false),
            ("GRANT DELETE ON `shop`.* TO `erase`@`%`", false),
            ("GRANT SELECT ON `other`.* TO `erase`@`%`", false),
            ("GRANT SELECT, DELETE ON `shop`.`users` TO `erase`@`%`", false),
            ("GRANT SELECT (id) ON `shop`.`users` TO `erase`@`%`", false),
        ] {
            assert_eq!(opens(grant, "shop"), opens_it, "{grant}");
        }
    }
}
