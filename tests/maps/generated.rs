//! A schema of 1,000 tables and 2,000 foreign keys, with circles and links to oneself; for tests and for the bench.

use std::fmt::Write as _;

/// How many tables there are.
pub const TABLES: usize = 1_000;

/// Table 0 is `users`; every other belongs to an earlier one, and has links to others besides.
pub fn script() -> String {
    let mut sql =
        "CREATE TABLE users (id INTEGER NOT NULL PRIMARY KEY, email VARCHAR(100) NOT NULL, full_name VARCHAR(80));"
            .to_owned();
    let mut later = String::new();
    for table in 1..TABLES {
        let owner = table / 3;
        let (owner, key) = if owner == 0 { ("users".to_owned(), "id") } else { (format!("t{owner}"), "id") };
        let _ = write!(
            sql,
            "CREATE TABLE t{table} (id INTEGER NOT NULL PRIMARY KEY, owner_id INTEGER NOT NULL, other_id INTEGER,
             phone VARCHAR(30), total NUMERIC(10, 2), made_at {{time}}, FOREIGN KEY (owner_id) REFERENCES {owner} ({key}));"
        );
        // Some point back up, which closes circles, some to themselves, most to a neighbour.
        let other = match table % 7 {
            0 => table,
            1 => (table * 3 + 1) % (TABLES - 1) + 1,
            _ => table % (TABLES - 1) + 1,
        };
        let _ = write!(later, "ALTER TABLE t{table} ADD FOREIGN KEY (other_id) REFERENCES t{other} (id);");
    }
    sql + &later
}

/// SQLite adds no foreign key to a table, and minds no table that is not there yet.
pub fn of_sqlite(script: &str) -> String {
    let mut links = std::collections::BTreeMap::new();
    let mut tables = Vec::new();
    for statement in script.split(';') {
        match statement.split_once(" ADD ") {
            Some((alter, link)) => {
                drop(links.insert(alter.replace("ALTER TABLE ", "").trim().to_owned(), link.to_owned()))
            }
            None => tables.push(statement.to_owned()),
        }
    }
    let with = |table: &String| {
        let name = table.split_whitespace().nth(2).unwrap_or_default();
        match links.get(name) {
            Some(link) => format!("{}, {link})", table.trim_end().trim_end_matches(')').to_owned() + ")"),
            None => table.clone(),
        }
    };
    tables.iter().map(with).collect::<Vec<_>>().join(";")
}
