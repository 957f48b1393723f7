//! What was found of our own MX: plain SQL neither changes it nor proves anything, and letters of a run are answered by nobody.

use std::time::Duration;

use expunged::config::Authentication;
use expunged::db::deliveries::Disposition;
use expunged::db::mx_runs::{self, Run, Verdict};
use expunged::flow::our_mx::{self, Standing};
use expunged::params;
use serde_json::json;
use uuid::Uuid;

use super::plain_sql::refused;
use super::{OWNERS, on_both};
use crate::support::world::{START, SUPPORT, World};

const MX: &str = "mx.shop.example";
const STAYS: &str = "what was found of our MX stays so";

/// How our MX stands in this world's ledger.
async fn standing(world: &World) -> Option<Standing> {
    let proof = Duration::from_secs(86_400);
    let settings = Authentication { trusted_mx: Some(MX.to_owned()), proof, dns_timeout: Duration::from_secs(1) };
    let mut tx = world.house.db.read().await.unwrap();
    our_mx::standing(&mut tx, world.house.keys.gate(), &settings, START).await.unwrap()
}

on_both! {
    async fn what_was_found_of_our_mx_stays_and_counts_with_our_mark_alone(world) {
        assert_eq!(standing(world).await, Some(Standing::Never));
        let id = Uuid::from_u128(7);
        let probes = ["first@probe.example".to_owned(), "second@probe.example".to_owned()];
        let run = Run {
            id,
            authserv_id: MX.to_owned(),
            server: "mx:25".to_owned(),
            began_at: START,
            ended_at: START,
            verdict: Verdict::Proven,
            mark: [7; 32],
        };
        let mut tx = world.house.db.write().await.unwrap();
        mx_runs::begin(&mut tx, id, (MX, "mx:25"), START, &probes).await.unwrap();
        assert_eq!(mx_runs::ended(&mut tx, MX).await.unwrap(), []);
        mx_runs::end(&mut tx, &run, &json!([])).await.unwrap();
        assert_eq!(mx_runs::ended(&mut tx, MX).await.unwrap(), [run]);
        assert!(mx_runs::is_probe(&mut tx, &probes[1]).await.unwrap());
        assert!(!mx_runs::is_probe(&mut tx, "third@probe.example").await.unwrap());
        tx.commit().await.unwrap();
        // It says that it is proven, and bears no mark of ours.
        let failed = Standing::Failed { at: START, verdict: Verdict::Untold };
        assert_eq!(standing(world).await, Some(failed));
        for sql in ["UPDATE mx_runs SET verdict = 'untold'", "DELETE FROM mx_runs"] {
            refused(world, sql, params![], STAYS).await;
        }
    }

    /// By its Message-ID, whatever it says.
    async fn a_letter_of_a_run_is_answered_by_nobody(world) {
        let mut tx = world.house.db.write().await.unwrap();
        mx_runs::begin(&mut tx, Uuid::from_u128(8), (MX, "mx:25"), START, &["one@probe.example".to_owned()]).await.unwrap();
        tx.commit().await.unwrap();
        let letter = |id: &str| {
            let from = OWNERS[0];
            format!("From: <{from}>\r\nTo: <{SUPPORT}>\r\nSubject: Goodbye\r\nMessage-ID: <{id}>\r\n\r\nPlease delete my account.\r\n")
        };
        world.live(async {
            assert_eq!(world.receive(letter("one@probe.example").as_bytes()).await, (Disposition::Probe, None));
            assert!(world.fresh(OWNERS[0]).is_empty());
            let (other, request) = world.receive(letter("other@probe.example").as_bytes()).await;
            assert_eq!((other, request.is_some()), (Disposition::Opened, true));
        }).await;
    }
}
