//! The promise: what cannot be done as it was promised stops or waits, with a reason that a person understands; nothing
//! of it is called done, nothing half is lost, and when the cause is gone it is finished.
//!
//! A row per cause; [`driver`] takes a whole daemon through it, on a PostgreSQL shop with a login of its own.

mod driver;
mod shop;

use expunged::domain::State;
use expunged::domain::request::ReviewReason;

use driver::{Case, Comes, Stop};
use shop::Deed::{Fill, Lock, Server, Shop, Unlock};
use shop::Setting;

/// A trigger of that body before each row of a table.
macro_rules! trigger {
    ($event:literal, $table:literal, $body:literal) => {
        concat!(
            "CREATE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN ",
            $body,
            " END $$; CREATE TRIGGER meddle BEFORE ",
            $event,
            " ON ",
            $table,
            " FOR EACH ROW EXECUTE FUNCTION meddle()"
        )
    };
}

const NO_TRIGGER: &str = "DROP FUNCTION meddle() CASCADE";

/// A test per cause: its name, and the row of the table.
macro_rules! table {
    ($($name:ident: $case:expr;)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            driver::fails_closed(&$case).await;
        }
    )*};
}

table! {
    an_unmapped_column: Case {
        setting: Setting::Usual,
        comes: Comes::BeforeTheLetter,
        cause: Shop("ALTER TABLE users ADD COLUMN birthday DATE"),
        cure: Shop("ALTER TABLE users DROP COLUMN birthday"),
        stop: Stop::Review(ReviewReason::MapDefects),
        says: &["shop.users.birthday: the column is not mapped", "restart the daemon first", "confirmed anew: expunged requests scope"],
        check: &["birthday", "unmapped"],
    };
    the_schema_changed_between_plan_and_step: Case {
        setting: Setting::Usual,
        comes: Comes::AfterTheProof,
        cause: Shop("ALTER TABLE users ADD COLUMN birthday DATE"),
        cure: Shop("ALTER TABLE users DROP COLUMN birthday"),
        stop: Stop::Review(ReviewReason::MapDefects),
        says: &["shop.users.birthday: the column is not mapped", "confirmed anew: expunged requests scope"],
        check: &["birthday", "unmapped"],
    };
    an_unknown_word_of_a_polymorphic_column: Case {
        setting: Setting::Usual,
        comes: Comes::AfterTheProof,
        cause: Shop("INSERT INTO notes VALUES ('n9', 'robot', 'u1', 'Beep')"),
        cure: Shop("UPDATE notes SET kind = 'thing' WHERE kind = 'robot'"),
        stop: Stop::Review(ReviewReason::MapDefects),
        says: &["shop.notes.kind: 1 row holds a word that the data map does not know; add it to words"],
        check: &["1 row holds a word that the data map does not know", "SELECT DISTINCT kind FROM notes"],
    };
    an_unreachable_store: Case {
        setting: Setting::Usual,
        comes: Comes::AfterTheProof,
        cause: Server(
            "ALTER DATABASE {name} ALLOW_CONNECTIONS false;
             SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'",
        ),
        cure: Server("ALTER DATABASE {name} ALLOW_CONNECTIONS true"),
        stop: Stop::Waits(State::Scheduled),
        says: &["cannot be reached", "the directory", "it is closed for now"],
        check: &[],
    };
    a_missing_grant: Case {
        setting: Setting::Usual,
        comes: Comes::AfterTheProof,
        cause: Shop("REVOKE DELETE ON end_users FROM {login}"),
        cure: Shop("GRANT DELETE ON end_users TO {login}"),
        stop: Stop::Fails,
        says: &["Table: end_users", "permission denied for table end_users", "jobs retry"],
        check: &["the login may not DELETE", "GRANT DELETE ON end_users"],
    };
    a_mask_that_a_check_may_refuse: Case {
        setting: Setting::Usual,
        comes: Comes::AfterTheProof,
        cause: Shop("ALTER TABLE orders ADD CONSTRAINT named CHECK (ship_name IS NOT NULL)"),
        cure: Shop("ALTER TABLE orders DROP CONSTRAINT named"),
        stop: Stop::Review(ReviewReason::MapDefects),
        says: &["shop.orders.ship_name: the mask does not fit: a CHECK of the table may want a value"],
        check: &["ship_name", "a CHECK of the table may want a value"],
    };
    // No catalogue tells what this one makes of NULL.
    a_mask_that_a_check_refuses: Case {
        setting: Setting::Usual,
        comes: Comes::AfterTheProof,
        cause: Shop("ALTER TABLE orders ADD CONSTRAINT named CHECK (coalesce(ship_name, '') <> '')"),
        cure: Shop("ALTER TABLE orders DROP CONSTRAINT named"),
        stop: Stop::Fails,
        says: &["Table: orders", "constraint named", "a CHECK refuses the new value", "jobs retry"],
        check: &[],
    };
    // For each user that goes, the store itself reads all orders for one that still points to them.
    a_missing_index: Case {
        setting: Setting::Large,
        comes: Comes::AfterTheProof,
        cause: Shop("DROP INDEX orders_user_id"),
        cure: Shop("CREATE INDEX orders_user_id ON orders (user_id)"),
        stop: Stop::Waits(State::Erasing),
        says: &["Table: users", "it took longer than a statement may"],
        check: &[
            "no index begins with it",
            "some 1 s at a million rows a second",
            "CREATE INDEX orders_user_id ON orders (user_id)",
        ],
    };
    a_foreign_key_of_a_table_that_came_later: Case {
        setting: Setting::Usual,
        comes: Comes::AfterTheProof,
        cause: Shop(
            "CREATE TABLE vouchers (id INT PRIMARY KEY, user_id TEXT REFERENCES users (id));
             INSERT INTO vouchers VALUES (1, 'u1')",
        ),
        cure: Shop("DROP TABLE vouchers"),
        stop: Stop::Review(ReviewReason::MapDefects),
        says: &["shop.vouchers: the table is not mapped"],
        check: &["vouchers", "unmapped"],
    };
    // It comes while the erasing runs, after the catalogue was read.
    a_foreign_key_that_blocks: Case {
        setting: Setting::Usual,
        comes: Comes::AfterTheProof,
        cause: Shop(trigger!(
            "DELETE",
            "end_users",
            "CREATE TABLE vouchers (id INT PRIMARY KEY, user_id TEXT REFERENCES users (id));
             INSERT INTO vouchers VALUES (1, 'u1'); RETURN OLD;"
        )),
        cure: Shop("DROP FUNCTION meddle() CASCADE; DROP TABLE vouchers"),
        stop: Stop::Fails,
        says: &["Table: users", "table vouchers", "another row still points to the row", "jobs retry"],
        check: &["vouchers", "unmapped"],
    };
    a_trigger_that_writes_back: Case {
        setting: Setting::Usual,
        comes: Comes::AfterTheProof,
        cause: Shop(trigger!("UPDATE", "orders", "NEW.ship_name := OLD.ship_name; RETURN NEW;")),
        cure: Shop(NO_TRIGGER),
        stop: Stop::Fails,
        says: &["Table: orders", "1 row was still found after the erasing", "jobs retry"],
        check: &[],
    };
    a_row_that_somebody_has_locked: Case {
        setting: Setting::Usual,
        comes: Comes::AfterTheProof,
        cause: Lock("SELECT 1 FROM end_users WHERE id = 'e1' FOR UPDATE"),
        cure: Unlock,
        stop: Stop::Waits(State::Erasing),
        says: &["cannot do its part for now", "Table: end_users", "somebody else has locked rows of it"],
        check: &[],
    };
    a_trigger_that_forbids: Case {
        setting: Setting::Usual,
        comes: Comes::AfterTheProof,
        cause: Shop(trigger!("DELETE", "end_users", "RAISE EXCEPTION 'never %', OLD.email;")),
        cure: Shop(NO_TRIGGER),
        stop: Stop::Fails,
        says: &["Table: end_users", "a trigger of the table, or a function that it calls, refuses it", "jobs retry"],
        check: &[],
    };
    // The orders lie on a file system that holds no page more.
    a_full_disk: Case {
        setting: Setting::SmallDisk,
        comes: Comes::AfterTheProof,
        cause: Fill,
        cure: Server("DROP TABLE ballast"),
        stop: Stop::Waits(State::Erasing),
        says: &["cannot do its part for now", "Table: orders", "its disk is full"],
        check: &[],
    };
}
