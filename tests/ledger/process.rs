//! Daemons as they run in production: one that holds the mailbox is killed, and another takes over.

use std::process::Stdio;
use std::time::Duration;

use sqlx::{Connection as _, PgConnection};
use tokio::process::{Child, Command};

use crate::support::post::until;
use crate::support::world::{Ground, SUPPORT, plain};

/// A ground whose letters would leave by a mail server, as in production; none listens there.
pub(super) async fn production() -> Ground {
    let ground = Ground::postgres().await;
    let ledger = ground.ledger_url().to_owned();
    ground.with_config(|config| {
        let config =
            config.replace("[mailer.file]\npath = \"customers\"", "[mailer.smtp]\nhost = \"127.0.0.1\"\nport = 9");
        config.replace("{ledger}", &ledger)
    })
}

pub(super) fn start(ground: &Ground) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_expunged"));
    command.arg("--config").arg(ground.path("expunged.toml")).args(["run", "--backfill"]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    command.spawn().unwrap()
}

async fn holder(ledger: &str) -> Option<String> {
    let mut connection = PgConnection::connect(ledger).await.unwrap();
    let sql = "SELECT holder FROM mailbox_leases WHERE mailbox = $1 AND lease_until > now()";
    // The table is not there before the first daemon has made it.
    sqlx::query_scalar(sql).bind(SUPPORT).fetch_optional(&mut connection).await.ok().flatten()
}

async fn judged(ledger: &str) -> i64 {
    let mut connection = PgConnection::connect(ledger).await.unwrap();
    let sql = "SELECT COUNT(*) FROM deliveries WHERE judged_at IS NOT NULL";
    sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap()
}

fn deliver(ground: &Ground, number: u32) {
    let letter = plain("visitor@elsewhere.example", "My order", &format!("Where is my order number {number}?"));
    std::fs::write(ground.path("support/new").join(format!("17990000{number:02}.M1P1.host")), letter).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_holds_the_mailbox_is_killed_and_another_takes_over() {
    let ground = production().await;
    let ledger = ground.ledger_url().to_owned();
    let mut daemons = vec![start(&ground)];
    let first = until("somebody who reads the mailbox", async || holder(&ledger).await, String::new).await;
    daemons.push(start(&ground));
    deliver(&ground, 1);
    until("the first letter", async || (judged(&ledger).await == 1).then_some(()), String::new).await;
    // `host:pid:random`
    let pid = first.split(':').nth(1).unwrap().parse().unwrap();
    let place = daemons.iter().position(|daemon| daemon.id() == Some(pid)).expect("the reader is one of ours");
    let mut dead = daemons.remove(place);
    dead.start_kill().unwrap();
    dead.wait().await.unwrap();
    deliver(&ground, 2);
    // The lease of the dead one runs for a minute; whoever waits looks every quarter of it.
    for _ in 0..400 {
        if judged(&ledger).await == 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    assert_eq!(judged(&ledger).await, 2, "the other one reads on");
    let second = holder(&ledger).await.expect("somebody reads");
    assert_eq!(second.split(':').nth(1).unwrap().parse().ok(), daemons[0].id(), "{first} and then {second}");
}
