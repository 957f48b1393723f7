//! The kinds of jobs, by name, and the limits that some of them wait for. To add one: a name here, a file with its work, an arm in `flow::desk`.

/// Judge one stored letter.
pub const JUDGE: &str = "judge";
/// Ask the directory who the asker is.
pub const IDENTIFY: &str = "identify";
/// Look whether all addresses that a letter names as its writer's have a request, after it was repeated.
pub const OTHERS: &str = "others";
/// Check again what was true at the proof, then begin.
pub const BEGIN: &str = "begin";
/// Save keys, erase, read back.
pub const ERASE: &str = "erase";
/// Send one letter of the outbox.
pub const SEND: &str = "send";
/// Wake a request at a time.
pub const WAKE: &str = "wake";
/// Search the stores again for what a completed request had erased.
pub const SWEEP: &str = "sweep";
/// Look at the canary of a store.
pub const CANARY: &str = "canary";
/// Ask a recipient to erase, or how far they are.
pub const ASK: &str = "ask";
/// Look whether rows that an erasure kept on a ground may stay no longer.
pub const RETENTION: &str = "retention";
/// Ask the directory whose service has ended, and open what is due.
pub const TERMINATION: &str = "termination";
/// Destroy keys and take our letters out of the mailbox.
pub const FORGET: &str = "forget";

/// Why a letter over a limit of the hour waits.
pub const CAPPED: &str = "letters_per_hour";
/// Why an alarm waits for its turn.
pub const GATHERED: &str = "alarms_gathered";
/// Why a request waits whose address was asked for another one a short while ago.
pub const ASKED_LATELY: &str = "asked_lately";

/// By what the job is known that judges this letter.
pub fn judging(letter: crate::domain::DeliveryId) -> String {
    format!("{JUDGE}:{letter}")
}

/// All of them: what a worker claims.
pub const ALL: &[&str] =
    &[JUDGE, IDENTIFY, OTHERS, BEGIN, ERASE, SEND, WAKE, SWEEP, CANARY, ASK, RETENTION, TERMINATION, FORGET];
/// Those that erase, ask others to, or take what was decided for decided: none is begun while our own database is behind what it was.
pub const ERASING: &[&str] = &[BEGIN, ERASE, SWEEP, ASK, RETENTION, TERMINATION, FORGET];
/// Those that work through whole stores: they have workers of their own, so that they hold up no answer to anybody.
pub const LONG: &[&str] = &[ERASE, SWEEP, RETENTION, TERMINATION];
