//! What is read of a letter before anything is judged: its traces, and its bytes without the headers of its way.
#![no_main]

use expunged::intake::{traces, without_trace_headers};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let found = traces(bytes);
    assert!(found.message_ids.iter().all(|id| id.contains('@') && !id.contains(char::is_whitespace)));
    // Content is told by these bytes: a second reading takes nothing more away.
    let once = without_trace_headers(bytes);
    assert_eq!(without_trace_headers(&once), once);
});
