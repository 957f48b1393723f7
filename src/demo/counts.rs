//! Counts the stores by SQL of the demo's own and says what is not as it must be. It knows nothing of the engine.

use super::shop::{ACCOUNTS, END_USERS_PER_ACCOUNT, USERS_PER_ACCOUNT};
use super::world::World;

/// One number that a store must give.
struct Count {
    what: &'static str,
    store: &'static str,
    sql: &'static str,
    id: i64,
    expected: i64,
}

const fn count(what: &'static str, store: &'static str, sql: &'static str, id: i64, expected: i64) -> Count {
    Count { what, store, sql, id, expected }
}

/// Accounts that were closed.
const CLOSED: [i64; 3] = [1, 2, 17];
/// Users that were erased while their account lives, by account and seat.
const ERASED_USERS: [(i64, i64); 2] = [(5, 1), (3, 1)];
/// Whose request ended without an erasure.
const UNTOUCHED: [i64; 5] = [4, 21, 25, 29, 33];

/// What is not as it must be; empty when everything is.
pub async fn faults(world: &World) -> anyhow::Result<Vec<String>> {
    let mut counts = closed();
    counts.extend(single(world)?);
    counts.extend(untouched());
    counts.extend(totals());
    let mut faults = Vec::new();
    for Count { what, store, sql, id, expected } in counts {
        let found = world.shop.count(store, sql, id).await?;
        if found != expected {
            faults.push(format!("{what} ({store}, {id}): {found} rows where {expected} belong"));
        }
    }
    faults.extend(mailbox(world)?);
    faults.extend(confirmations(world)?);
    Ok(faults)
}

/// Who was erased, or had it done: account and seat, the language that they wrote in, and words of the confirmation.
const CONFIRMED: [(i64, i64, &str, &str); 7] = [
    (1, 0, "en", "HGB §257"),
    (17, 0, "en", "HGB §257"),
    (2, 0, "de", "HGB §257"),
    (5, 0, "en", "HGB §257"),
    (3, 1, "fr", "HGB §257"),
    (9, 1, "en", "erased"),
    (13, 0, "en", "Removed"),
];

/// The confirmation lies in the Maildir of each, once, in their language, and names what is kept and why.
fn confirmations(world: &World) -> anyhow::Result<Vec<String>> {
    let mut faults = Vec::new();
    for (account, seat, language, words) in CONFIRMED {
        let person = world.shop.user(account, seat)?;
        let letters = super::customers::confirmations(&world.customer(&person.email), language, words);
        if letters != 1 {
            faults.push(format!("user {} has {letters} confirmations in {language} with {words:?}", person.id));
        }
    }
    Ok(faults)
}

fn closed() -> Vec<Count> {
    const USERS: &str = "SELECT COUNT(*) FROM orders WHERE (user_id - 1) / 3 + 1 = ?";
    CLOSED
        .iter()
        .flat_map(|account| {
            [
                count("closed account", "shop", "SELECT COUNT(*) FROM accounts WHERE id = ?", *account, 0),
                count("its users", "shop", "SELECT COUNT(*) FROM users WHERE account_id = ?", *account, 0),
                count("its end-users", "shop", "SELECT COUNT(*) FROM end_users WHERE account_id = ?", *account, 0),
                count("orders that still point to it", "sales", USERS, *account, 0),
                count(
                    "its sessions",
                    "sales",
                    "SELECT COUNT(*) FROM sessions WHERE (user_id - 1) / 3 + 1 = ?",
                    *account,
                    0,
                ),
                count(
                    "its searches",
                    "sales",
                    "SELECT COUNT(*) FROM searches WHERE (end_user_id - 1) / 4 + 1 = ?",
                    *account,
                    0,
                ),
                count(
                    "its contacts",
                    "crm",
                    "SELECT COUNT(*) FROM contacts WHERE (user_ref - 1) / 3 + 1 = ?",
                    *account,
                    0,
                ),
                count("its calls", "crm", "SELECT COUNT(*) FROM calls WHERE (contact_id - 1) / 3 + 1 = ?", *account, 0),
            ]
        })
        .collect()
}

fn single(world: &World) -> anyhow::Result<Vec<Count>> {
    let mut counts = Vec::new();
    for (account, seat) in ERASED_USERS {
        let user = world.shop.user(account, seat)?.id;
        counts.extend([
            count("erased user", "shop", "SELECT COUNT(*) FROM users WHERE id = ?", user, 0),
            count("their sessions", "sales", "SELECT COUNT(*) FROM sessions WHERE user_id = ?", user, 0),
            count("orders that still point to them", "sales", "SELECT COUNT(*) FROM orders WHERE user_id = ?", user, 0),
            count("their contact", "crm", "SELECT COUNT(*) FROM contacts WHERE user_ref = ?", user, 0),
            count(
                "their colleagues",
                "shop",
                "SELECT COUNT(*) FROM users WHERE account_id = ?",
                account,
                USERS_PER_ACCOUNT - 1,
            ),
        ]);
    }
    let guest = world.shop.end_user(9, 2)?.id;
    let owner = world.shop.user(13, 0)?.id;
    counts.extend([
        count("erased end-user", "shop", "SELECT COUNT(*) FROM end_users WHERE id = ?", guest, 0),
        count("their searches", "sales", "SELECT COUNT(*) FROM searches WHERE end_user_id = ?", guest, 0),
        count("a phone number that was named", "shop", "SELECT COUNT(phone) FROM users WHERE id = ?", owner, 0),
        count(
            "the rest of that profile",
            "shop",
            "SELECT COUNT(email) + COUNT(full_name) FROM users WHERE id = ?",
            owner,
            2,
        ),
        count("numbers called", "crm", "SELECT COUNT(number) FROM calls WHERE contact_id = ?", owner, 0),
        count("what was said", "crm", "SELECT COUNT(summary) FROM calls WHERE contact_id = ?", owner, 2),
    ]);
    Ok(counts)
}

fn untouched() -> Vec<Count> {
    UNTOUCHED
        .iter()
        .flat_map(|account| {
            [
                count(
                    "account of a request that ended",
                    "shop",
                    "SELECT COUNT(*) FROM users WHERE account_id = ? AND phone IS NOT NULL",
                    *account,
                    USERS_PER_ACCOUNT,
                ),
                count(
                    "its end-users",
                    "shop",
                    "SELECT COUNT(*) FROM end_users WHERE account_id = ?",
                    *account,
                    END_USERS_PER_ACCOUNT,
                ),
            ]
        })
        .collect()
}

/// Nothing of anybody else was touched: the totals are exact.
fn totals() -> Vec<Count> {
    let closed = i64::try_from(CLOSED.len()).unwrap_or(0);
    let erased = closed * USERS_PER_ACCOUNT + i64::try_from(ERASED_USERS.len()).unwrap_or(0);
    let users = ACCOUNTS * USERS_PER_ACCOUNT;
    let end_users = ACCOUNTS * END_USERS_PER_ACCOUNT;
    let erased_end_users = closed * END_USERS_PER_ACCOUNT + 1;
    vec![
        count("accounts", "shop", "SELECT COUNT(*) FROM accounts WHERE id > ?", 0, ACCOUNTS - closed),
        count("users", "shop", "SELECT COUNT(*) FROM users WHERE id > ?", 0, users - erased),
        count("end-users", "shop", "SELECT COUNT(*) FROM end_users WHERE id > ?", 0, end_users - erased_end_users),
        count("orders, all kept", "sales", "SELECT COUNT(*) FROM orders WHERE id > ?", 0, 2 * users),
        count(
            "orders that were let go of",
            "sales",
            "SELECT COUNT(*) FROM orders WHERE id > ? AND user_id IS NULL AND ship_name IS NULL AND ship_street IS NULL",
            0,
            2 * erased,
        ),
        count(
            "orders of others",
            "sales",
            "SELECT COUNT(ship_name) FROM orders WHERE id > ? AND user_id IS NOT NULL",
            0,
            2 * (users - erased),
        ),
        count("sessions", "sales", "SELECT COUNT(*) FROM sessions WHERE id > ?", 0, 3 * (users - erased)),
        count("searches", "sales", "SELECT COUNT(*) FROM searches WHERE id > ?", 0, 5 * (end_users - erased_end_users)),
        count("contacts", "crm", "SELECT COUNT(*) FROM contacts WHERE id > ?", 0, users - erased),
        count("calls", "crm", "SELECT COUNT(*) FROM calls WHERE id > ?", 0, 2 * (users - erased)),
    ]
}

/// The newsletter and the ordinary question lie where they lay: unread, in `new`.
fn mailbox(world: &World) -> anyhow::Result<Vec<String>> {
    let mut left = 0;
    for entry in std::fs::read_dir(world.support().join("new"))? {
        let bytes = std::fs::read(entry?.path())?;
        let text = String::from_utf8_lossy(&bytes);
        if text.contains("Subject: Invoice for March") || text.contains("Subject: Ten things") {
            left += 1;
        }
    }
    let stranger = world.customer("nobody.known@elsewhere.example");
    let mut faults = Vec::new();
    if left != 2 {
        faults.push(format!("{left} of 2 ordinary letters are still unread and in place"));
    }
    if stranger.exists() {
        faults.push("a stranger got a letter".to_owned());
    }
    Ok(faults)
}

#[cfg(test)]
mod tests {
    use sqlx::sqlite::SqliteConnectOptions;
    use sqlx::{ConnectOptions as _, Connection as _};

    use super::*;

    /// Nothing happened: what should have been erased is there, and whoever is nobody's business too.
    #[tokio::test]
    async fn what_was_not_erased_and_what_was_erased_too_much_are_faults() {
        let world = World::create(false).await.unwrap();
        let before = faults(&world).await.unwrap();
        for account in CLOSED {
            let fault = format!("closed account (shop, {account}): 1 rows where 0 belong");
            assert!(before.contains(&fault), "{fault}: {before:#?}");
        }
        assert!(before.iter().any(|fault| fault.contains("confirmations")), "{before:#?}");
        let file = SqliteConnectOptions::new().filename(world.shop.file("shop"));
        let mut shop = file.foreign_keys(false).connect().await.unwrap();
        let sql = "DELETE FROM end_users WHERE account_id = $1";
        assert!(sqlx::query(sql).bind(UNTOUCHED[0]).execute(&mut shop).await.unwrap().rows_affected() > 0);
        shop.close().await.unwrap();
        let after = faults(&world).await.unwrap();
        let fresh: Vec<_> = after.iter().filter(|fault| !before.contains(fault)).collect();
        assert!(!fresh.is_empty(), "an erased stranger is a fault: {after:#?}");
    }
}
