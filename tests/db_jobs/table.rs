//! The table: claims, fences, rescue, unique keys, dead letters, cancelling.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use expunged::chance::OsChance;
use expunged::db::jobs::{self, JobState};
use expunged::db::{Db, DbError};
use expunged::domain::{JobId, RequestId};
use expunged::params;
use expunged::queue::{AfterFailure, Claim, JobTable as _, Lease, NewJob, Priority, QueueError};
use serde_json::json;

use super::world::{job, on_both, request};

on_both! {
    async fn sixteen_tasks_claim_ten_thousand_jobs_each_exactly_once(world) {
        let new: Vec<_> = (0..10_000).map(|n| NewJob { payload: json!({ "n": n }), ..job(world.now) }).collect();
        for batch in new.chunks(2_500) {
            assert_eq!(world.enqueue(batch).await.len(), 2_500);
        }
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..16 {
            let (table, now) = (Arc::clone(&world.jobs), world.now);
            tasks.spawn(async move {
                let (worker, mut mine) = (format!("worker {number}"), Vec::new());
                loop {
                    let claim =
                        Claim { worker: &worker, kinds: &["a"], count_max: 25, lease: Duration::from_secs(60) };
                    let leases = table.claim(claim, now).await.unwrap();
                    if leases.is_empty() {
                        return mine;
                    }
                    mine.extend(leases.iter().map(|lease| lease.job().payload["n"].as_i64().unwrap()));
                    assert_eq!(table.complete(leases).await.unwrap(), []);
                }
            });
        }
        let claimed: Vec<i64> = tasks.join_all().await.into_iter().flatten().collect();
        assert_eq!(claimed.len(), 10_000, "no job was claimed twice");
        assert_eq!(claimed.into_iter().collect::<HashSet<_>>().len(), 10_000, "no job was left out");
        assert_eq!(world.count("completed").await, 10_000);
        assert_eq!(world.count("waiting").await + world.count("running").await, 0);
    }

    async fn a_late_worker_settles_nothing(world) {
        world.enqueue(&[job(world.now)]).await;
        let late = world.claim_and_oversleep().await;
        assert_eq!(world.jobs.rescue(world.now).await.unwrap(), 1);
        let current = world.claim(1).await.pop().unwrap();
        assert_eq!(current.job().id, late.job().id);
        assert_eq!(current.job().attempt, 2, "the lost attempt counts");

        let held = late.held();
        assert_eq!(world.jobs.extend(&[held, current.held()], Duration::from_secs(30)).await.unwrap(), [held]);
        let mut tx = world.db.write().await.unwrap();
        assert!(matches!(jobs::complete_in(&mut tx, &late).await, Err(DbError::LostLease)));
        assert!(matches!(jobs::snooze_in(&mut tx, &late, world.now).await, Err(DbError::LostLease)));
        tx.rollback().await.unwrap();
        let failed = world.jobs.fail(late, "late", AfterFailure::At(world.now)).await;
        assert!(matches!(failed, Err(QueueError::LostLease(id)) if id == current.job().id));
        assert_eq!(world.count("running").await, 1, "the current worker still has it");
        assert_eq!(world.jobs.complete(vec![current]).await.unwrap(), []);
        assert_eq!(world.count("completed").await, 1);
    }

    async fn a_lease_that_ran_out_is_lost_even_before_anybody_takes_the_job(world) {
        world.enqueue(&[job(world.now)]).await;
        let late = world.claim_and_oversleep().await;
        let id = late.job().id;
        assert_eq!(world.jobs.extend(&[late.held()], Duration::from_secs(9)).await.unwrap(), [late.held()]);
        assert_eq!(world.jobs.complete(vec![late]).await.unwrap(), [id]);
        assert_eq!(world.count("running").await, 1);
    }

    /// A heartbeat may come between the commit of a job's own transaction and the end of its task.
    async fn a_lease_under_which_its_job_was_settled_is_not_lost(world) {
        world.enqueue(&vec![job(world.now); 4]).await;
        let leases = world.claim(4).await;
        let held: Vec<_> = leases.iter().map(Lease::held).collect();
        let mut tx = world.db.write().await.unwrap();
        jobs::complete_in(&mut tx, &leases[0]).await.unwrap();
        jobs::snooze_in(&mut tx, &leases[1], world.now.plus(Duration::from_secs(9))).await.unwrap();
        jobs::fail_in(&mut tx, &leases[2], "ordered", AfterFailure::Never).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(world.jobs.extend(&held, Duration::from_secs(60)).await.unwrap(), []);

        // Snoozed after it had come back from a dead worker: what that one had is lost, and the second lease is not.
        world.sql("DELETE FROM jobs").await;
        world.enqueue(&[job(world.now)]).await;
        let late = world.claim_and_oversleep().await;
        assert_eq!(world.jobs.rescue(world.now).await.unwrap(), 1);
        assert_eq!(world.jobs.extend(&[late.held()], Duration::from_secs(60)).await.unwrap(), [late.held()]);
        let second = world.claim(1).await.pop().unwrap();
        let mut tx = world.db.write().await.unwrap();
        jobs::snooze_in(&mut tx, &second, world.now.plus(Duration::from_secs(9))).await.unwrap();
        tx.commit().await.unwrap();
        let lost = world.jobs.extend(&[late.held(), second.held()], Duration::from_secs(60)).await.unwrap();
        assert_eq!(lost, [late.held()]);
    }

    async fn an_extended_lease_outlives_its_first_term(world) {
        world.enqueue(&[job(world.now)]).await;
        let lease = world.claim_at(world.now, &["a"], 1, Duration::from_millis(500)).await.pop().unwrap();
        assert_eq!(world.jobs.extend(&[lease.held()], Duration::from_secs(30)).await.unwrap(), []);
        tokio::time::sleep(Duration::from_millis(600)).await;
        assert_eq!(world.jobs.rescue(world.now).await.unwrap(), 0);
        assert_eq!(world.jobs.complete(vec![lease]).await.unwrap(), []);
    }

    async fn a_batch_settles_what_is_held_and_names_what_was_lost(world) {
        world.enqueue(&[job(world.now)]).await;
        let late = world.claim_and_oversleep().await;
        let lost = late.job().id;
        world.enqueue(&vec![job(world.now); 50]).await;
        let mut leases = world.claim(100).await;
        assert_eq!(leases.len(), 50);
        leases.insert(20, late);
        assert_eq!(world.jobs.complete(leases).await.unwrap(), [lost]);
        assert_eq!(world.count("completed").await, 50);
    }

    async fn the_last_attempt_ends_in_a_dead_letter_and_a_person_puts_it_back(world) {
        let id = world.enqueue(&[NewJob { attempts_max: 2, ..job(world.now) }]).await[0];
        drop(world.claim_and_oversleep().await);
        assert_eq!(world.jobs.rescue(world.now).await.unwrap(), 1);
        let second = world.claim(1).await.pop().unwrap();
        world.jobs.fail(second, "store_unreachable", AfterFailure::At(world.now)).await.unwrap();
        let last = world.claim(1).await.pop().unwrap();
        assert!(last.job().is_exhausted(), "claimed once more to be ended, not to be tried");
        world.jobs.fail(last, "store_unreachable", AfterFailure::Never).await.unwrap();
        assert_eq!((world.count("dead").await, world.claim(1).await.len()), (1, 0));

        let mut tx = world.db.write().await.unwrap();
        let rows = jobs::list(&mut tx, &[JobState::Dead], None, 10).await.unwrap();
        assert_eq!((rows[0].id, rows[0].attempts, rows[0].reason.as_deref()), (id, 3, Some("store_unreachable")));
        assert!(jobs::retry(&mut tx, id, world.now).await.unwrap());
        assert!(!jobs::retry(&mut tx, id, world.now).await.unwrap(), "only a dead job is put back");
        tx.commit().await.unwrap();
        assert_eq!(world.claim(1).await[0].job().attempt, 1);
    }

    async fn a_job_whose_worker_always_dies_comes_back_until_it_is_ended(world) {
        world.enqueue(&[NewJob { attempts_max: 1, ..job(world.now) }]).await;
        drop(world.claim_and_oversleep().await);
        assert_eq!(world.jobs.rescue(world.now).await.unwrap(), 1);
        for _ in 0..3 {
            let exhausted = world.claim_and_oversleep().await;
            assert!(exhausted.job().is_exhausted());
            assert_eq!(world.jobs.rescue(world.now).await.unwrap(), 1);
            assert_eq!(world.count("dead").await, 0, "nobody would hear of it");
        }
        let exhausted = world.claim(1).await.pop().unwrap();
        world.jobs.fail(exhausted, "database", AfterFailure::At(world.now)).await.unwrap();
        assert_eq!((world.count("dead").await, world.claim(1).await.len()), (0, 1), "its end failed: it comes back");
    }

    async fn a_failure_for_good_is_dead_at_once(world) {
        world.enqueue(&[job(world.now)]).await;
        let lease = world.claim(1).await.pop().unwrap();
        world.jobs.fail(lease, "map_rejected", AfterFailure::Never).await.unwrap();
        assert_eq!(world.count("dead").await, 1);
    }

    async fn a_failed_job_waits_for_its_backoff(world) {
        world.enqueue(&[job(world.now)]).await;
        let lease = world.claim(1).await.pop().unwrap();
        let later = world.now.plus(Duration::from_secs(40));
        world.jobs.fail(lease, "busy", AfterFailure::At(later)).await.unwrap();
        assert_eq!(world.claim(1).await.len(), 0);
        let just_before = later.minus(Duration::from_micros(1));
        assert_eq!(world.claim_at(just_before, &["a"], 1, Duration::from_secs(9)).await.len(), 0);
        assert_eq!(world.claim_at(later, &["a"], 1, Duration::from_secs(9)).await[0].job().attempt, 2);
    }

    async fn snoozing_and_releasing_cost_no_attempt(world) {
        world.enqueue(&[job(world.now)]).await;
        let lease = world.claim(1).await.pop().unwrap();
        let later = world.now.plus(Duration::from_secs(60));
        world.jobs.snooze(lease, later).await.unwrap();
        assert_eq!(world.claim(1).await.len(), 0);
        let again = world.claim_at(later, &["a"], 1, Duration::from_secs(9)).await.pop().unwrap();
        assert_eq!(again.job().attempt, 1);
        world.jobs.release(vec![again]).await.unwrap();
        assert_eq!(world.claim_at(later, &["a"], 1, Duration::from_secs(9)).await[0].job().attempt, 1);
    }

    async fn a_unique_key_is_held_by_one_live_job(world) {
        let keyed = NewJob { unique_key: Some("poll:inbox".into()), attempts_max: 1, ..job(world.now) };
        assert_eq!(world.enqueue(&[keyed.clone(), keyed.clone(), job(world.now)]).await.len(), 2);
        assert_eq!(world.enqueue(std::slice::from_ref(&keyed)).await, []);
        let lease = world.claim(2).await.into_iter().min_by_key(|lease| lease.job().attempts_max).unwrap();
        assert_eq!(world.enqueue(std::slice::from_ref(&keyed)).await, [], "a running job is live");

        // A job enqueues its own successor: complete first, then enqueue, in one transaction.
        let mut tx = world.db.write().await.unwrap();
        jobs::complete_in(&mut tx, &lease).await.unwrap();
        let next = jobs::enqueue(&mut tx, std::slice::from_ref(&keyed), world.now, &OsChance).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(next.len(), 1);

        let lease = world.claim(1).await.pop().unwrap();
        world.jobs.fail(lease, "x", AfterFailure::Never).await.unwrap();
        assert_eq!(world.enqueue(std::slice::from_ref(&keyed)).await.len(), 1, "a dead job is not live");
        let mut tx = world.db.write().await.unwrap();
        let error = jobs::retry(&mut tx, next[0], world.now).await.unwrap_err();
        assert!(error.is_unique_violation(), "{error:?}");
    }

    async fn racing_transactions_enqueue_one_job_of_a_key(world) {
        let keyed = NewJob { unique_key: Some("wake".into()), ..job(world.now) };
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..12 {
            let (db, now, keyed) = (world.db.clone(), world.now, keyed.clone());
            tasks.spawn(async move {
                let mut tx = db.write().await.unwrap();
                let added = jobs::enqueue(&mut tx, &[keyed], now, &OsChance).await.unwrap().len();
                tx.commit().await.unwrap();
                added
            });
        }
        assert_eq!(tasks.join_all().await.into_iter().sum::<usize>(), 1);
        assert_eq!(world.count("waiting").await, 1);
    }

    async fn a_claim_takes_the_urgent_then_the_preferred_kind_then_the_oldest(world) {
        let at = |seconds| world.now.minus(Duration::from_secs(seconds));
        let named = |kind: &str, name: &str, seconds, priority| NewJob {
            payload: json!(name), priority, ..NewJob::new(kind, json!(null), at(seconds))
        };
        world.enqueue(&[
            named("a", "a young", 1, Priority::Normal),
            named("b", "b old", 90, Priority::Normal),
            named("a", "a old", 50, Priority::Normal),
            named("a", "bulk", 100, Priority::Bulk),
            named("b", "urgent", 0, Priority::Urgent),
            named("c", "not asked for", 99, Priority::Urgent),
            NewJob { run_at: world.now.plus(Duration::from_micros(1)), ..named("a", "not yet", 0, Priority::Urgent) },
        ]).await;
        let names = |leases: Vec<expunged::queue::Lease>| -> Vec<String> {
            leases.iter().map(|lease| lease.job().payload.as_str().unwrap().to_owned()).collect()
        };
        let first = world.claim_at(world.now, &["a", "b"], 2, Duration::from_secs(9)).await;
        assert_eq!(names(first), ["urgent", "a old"]);
        let rest = world.claim_at(world.now, &["b", "a"], 10, Duration::from_secs(9)).await;
        assert_eq!(names(rest), ["b old", "a young", "bulk"]);
    }

    async fn a_job_that_is_older_than_what_was_claimed_is_found(world) {
        world.enqueue(&[job(world.now)]).await;
        let lease = world.claim(1).await.pop().unwrap();
        world.jobs.complete(vec![lease]).await.unwrap();
        world.enqueue(&[job(world.now.minus(Duration::from_secs(86_400)))]).await;
        assert_eq!(world.claim(10).await.len(), 1);
    }

    async fn cancelling_takes_what_nobody_works_on(world) {
        let (ours, other) = (request(world.now), request(world.now));
        let of = |request: RequestId, kind: &str| NewJob { request: Some(request), kind: kind.into(), ..job(world.now) };
        world.enqueue(&[of(ours, "a")]).await;
        let running = world.claim(1).await.pop().unwrap();
        world.enqueue(&[of(ours, "a"), of(ours, "b"), of(ours, "c"), of(other, "a")]).await;
        let dead = world.claim_at(world.now, &["b"], 1, Duration::from_secs(9)).await.pop().unwrap();
        world.jobs.fail(dead, "x", AfterFailure::Never).await.unwrap();

        let mut tx = world.db.write().await.unwrap();
        assert_eq!(jobs::cancel(&mut tx, ours, &["a", "b"]).await.unwrap(), 2);
        tx.commit().await.unwrap();
        let mut tx = world.db.read().await.unwrap();
        let states = |rows: Vec<jobs::JobRow>| -> Vec<(String, JobState)> {
            let mut states: Vec<_> = rows.into_iter().map(|row| (row.kind, row.state)).collect();
            states.sort();
            states
        };
        let listed = states(jobs::list(&mut tx, JobState::ALL, Some(ours), 10).await.unwrap());
        let expected = [("a", JobState::Running), ("a", JobState::Cancelled), ("b", JobState::Cancelled), ("c", JobState::Waiting)];
        assert_eq!(listed, expected.map(|(kind, state)| (kind.to_owned(), state)));
        drop(tx);
        assert_eq!(world.claim(10).await.len(), 1, "the other request's job is untouched");
        assert_eq!(world.jobs.complete(vec![running]).await.unwrap(), []);
    }

    async fn what_somebody_should_look_at_first_is_listed_first(world) {
        let at = |kind: &str, hours: u64| NewJob { kind: kind.into(), run_at: world.now.plus(Duration::from_secs(hours * 3_600)), ..job(world.now) };
        world.enqueue(&["done", "dead", "running"].map(|kind| at(kind, 0))).await;
        world.enqueue(&[at("due", 0), at("in a year", 8_760), at("in an hour", 1), at("in a day", 24)]).await;
        let mut taken = Vec::new();
        for kind in ["done", "dead", "running"] {
            taken.extend(world.claim_at(world.now, &[kind], 1, Duration::from_secs(30)).await);
        }
        let running = taken.pop().unwrap();
        world.jobs.fail(taken.pop().unwrap(), "x", AfterFailure::Never).await.unwrap();
        assert_eq!(world.jobs.complete(taken).await.unwrap(), []);
        // What was made last is no news: timers of the future would hide all else.
        let mut tx = world.db.read().await.unwrap();
        let listed: Vec<_> = jobs::list(&mut tx, JobState::ALL, None, 10).await.unwrap().into_iter().map(|job| job.kind).collect();
        assert_eq!(listed, ["dead", "running", "due", "in an hour", "in a day", "in a year", "done"]);
        drop((tx, running));
    }

    async fn a_settlement_stands_or_falls_with_its_transaction(world) {
        let request = request(world.now);
        world.enqueue(&[NewJob { request: Some(request), ..job(world.now) }]).await;
        let lease = world.claim(1).await.pop().unwrap();
        let mut tx = world.db.write().await.unwrap();
        jobs::complete_in(&mut tx, &lease).await.unwrap();
        jobs::enqueue(&mut tx, &[job(world.now)], world.now, &OsChance).await.unwrap();
        drop(tx);
        assert_eq!((world.count("running").await, world.count("waiting").await), (1, 0));

        let mut tx = world.db.write().await.unwrap();
        jobs::complete_in(&mut tx, &lease).await.unwrap();
        assert!(matches!(jobs::complete_in(&mut tx, &lease).await, Err(DbError::LostLease)), "once only");
        tx.commit().await.unwrap();
        let mut tx = world.db.read().await.unwrap();
        let sql = "SELECT kind, outcome, request_id, attempts, payload, claimed_at, finished_at, holder FROM jobs_done";
        let row = tx.one(sql, params![]).await.unwrap();
        assert_eq!((row.text("kind").unwrap(), row.text("outcome").unwrap()), ("a".into(), "completed".into()));
        assert_eq!(row.uuid("request_id").unwrap(), request.as_uuid());
        assert_eq!((row.json("payload").unwrap(), row.text("holder").unwrap()), (json!({ "n": 1 }), "tester".into()));
        assert!(row.time("finished_at").unwrap() >= row.time("claimed_at").unwrap());
    }

    async fn enqueued_work_wakes_a_waiting_worker(world) {
        let (table, other) = (Arc::clone(&world.jobs), world.db.clone());
        let waiting = tokio::task::JoinSet::from_iter([async move {
            let start = Instant::now();
            table.wait_for_work(Duration::from_secs(20)).await;
            start.elapsed()
        }]);
        tokio::time::sleep(Duration::from_millis(300)).await;
        let mut tx = other.write().await.unwrap();
        jobs::enqueue(&mut tx, &[job(world.now)], world.now, &OsChance).await.unwrap();
        tx.commit().await.unwrap();
        let waited = waiting.join_all().await[0];
        assert!(waited >= Duration::from_millis(250), "nothing woke it before: {waited:?}");
        assert!(waited < Duration::from_secs(5), "the commit woke it: {waited:?}");
    }

    async fn a_wait_ends_by_itself_and_what_another_process_enqueued_is_claimed_then(world) {
        let start = Instant::now();
        world.jobs.wait_for_work(Duration::from_millis(200)).await;
        assert!((150..3_000).contains(&start.elapsed().as_millis()));
        // As a command line beside a daemon does: the same database, opened anew.
        let other = Db::open(&world.settings).await.unwrap();
        let mut tx = other.write().await.unwrap();
        jobs::enqueue(&mut tx, &[job(world.now)], world.now, &OsChance).await.unwrap();
        tx.commit().await.unwrap();
        other.close().await;
        world.jobs.wait_for_work(Duration::from_millis(200)).await;
        assert_eq!(world.claim(10).await.len(), 1);
    }

    async fn a_payload_that_is_too_large_is_refused_whole(world) {
        // Not compressible, so that PostgreSQL stores it as large as it is.
        let noise = data_encoding::BASE64.encode(&(0..70_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()).collect::<Vec<_>>());
        let mut tx = world.db.write().await.unwrap();
        let jobs = [job(world.now), NewJob { payload: json!(noise), ..job(world.now) }];
        let error = jobs::enqueue(&mut tx, &jobs, world.now, &OsChance).await.unwrap_err();
        assert!(matches!(error, DbError::Sql(_)));
        let shown = format!("{error:?} {error}");
        assert!(!shown.contains(&noise[..40]), "an error never quotes a payload");
        drop(tx);
        assert_eq!(world.count("waiting").await, 0);
    }

    async fn nothing_asked_for_is_nothing_done(world) {
        assert_eq!(world.enqueue(&[]).await, Vec::<JobId>::new());
        assert!(world.claim(0).await.is_empty());
        assert!(world.claim_at(world.now, &[], 5, Duration::from_secs(1)).await.is_empty());
        assert_eq!(world.jobs.complete(vec![]).await.unwrap(), []);
        assert_eq!(world.jobs.extend(&[], Duration::from_secs(1)).await.unwrap(), []);
        world.jobs.release(vec![]).await.unwrap();
    }

    /// The answer to a claim was lost with the connection: nobody works on what it took, and nobody died of it.
    async fn what_a_worker_holds_without_knowing_it_is_given_back_and_costs_no_attempt(world) {
        world.enqueue(&[job(world.now), job(world.now)]).await;
        let mut claimed = world.claim(2).await;
        let (known, unknown) = (claimed.remove(0), claimed.remove(0));
        assert_eq!(world.jobs.put_right("another", &["a"], &[], &[]).await.unwrap(), 0, "only under its own name");
        assert_eq!(world.jobs.put_right("tester", &["b"], &[], &[]).await.unwrap(), 0, "and of its own kinds");
        assert_eq!(world.jobs.put_right("tester", &["a"], &[known.held()], &[]).await.unwrap(), 1);
        assert_eq!(world.jobs.complete(vec![known]).await.unwrap(), []);
        let again = world.claim(2).await;
        assert_eq!(again.len(), 1);
        assert_eq!((again[0].job().id, again[0].job().attempt), (unknown.job().id, 1));
    }

    async fn a_lease_that_runs_out_under_a_worker_that_lives_is_no_attempt(world) {
        world.enqueue(&[job(world.now)]).await;
        let lost = world.claim_and_oversleep().await.held();
        assert_eq!(world.jobs.rescue(world.now).await.unwrap(), 1);
        assert_eq!(world.jobs.put_right("tester", &["a"], &[], &[lost]).await.unwrap(), 1);
        assert_eq!(world.jobs.put_right("tester", &["a"], &[], &[lost]).await.unwrap(), 0, "once");
        let lost = world.claim_and_oversleep().await;
        assert_eq!(lost.job().attempt, 1);
        // Somebody else has it by the time that this is said.
        assert_eq!(world.jobs.rescue(world.now).await.unwrap(), 1);
        let other = world.claim(1).await.pop().unwrap();
        assert_eq!(other.job().attempt, 2);
        assert_eq!(world.jobs.put_right("nobody", &["a"], &[], &[lost.held()]).await.unwrap(), 1);
        world.jobs.fail(other, "ordered", AfterFailure::At(world.now)).await.unwrap();
        assert_eq!(world.claim(1).await[0].job().attempt, 2, "one was, and one was none");
    }

    /// A worker that died says nothing, and then it counts.
    async fn a_lease_that_runs_out_without_a_word_is_an_attempt(world) {
        world.enqueue(&[job(world.now)]).await;
        for attempt in 1..=3 {
            assert_eq!(world.claim_and_oversleep().await.job().attempt, attempt);
            assert_eq!(world.jobs.rescue(world.now).await.unwrap(), 1);
        }
    }
}
