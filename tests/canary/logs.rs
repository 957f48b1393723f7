//! Hears all that is logged in this process, by us and by libraries, at `trace`.
//!
//! A process has one listener. Under cargo-nextest each test is a process of its own; where many tests share one, what
//! the others log is heard too, and is searched for words that only this test knows.

use std::io;
use std::sync::{Mutex, OnceLock};

use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::FmtSpan;
use tracing_subscriber::util::SubscriberInitExt;

use super::needles::Net;

static HEARD: OnceLock<Ear> = OnceLock::new();

/// What was heard.
#[derive(Default)]
pub struct Ear(Mutex<Vec<u8>>);

/// A line that is being written.
pub struct Line(&'static Ear);

impl io::Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for &'static Ear {
    type Writer = Line;

    fn make_writer(&self) -> Line {
        Line(self)
    }
}

/// Begins to listen, once per process.
pub fn listen() -> &'static Ear {
    let mut first = false;
    let ear = HEARD.get_or_init(|| {
        first = true;
        Ear::default()
    });
    if first {
        tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_span_events(FmtSpan::FULL)
            .with_ansi(false)
            .with_writer(ear)
            .finish()
            .try_init()
            .expect("nobody else listens in this process");
    }
    ear
}

impl Ear {
    /// All that was heard so far.
    pub fn heard(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).expect("logs are text")
    }

    pub fn find(&self, net: &Net) -> Option<String> {
        net.find_in_log(&self.0.lock().unwrap())
    }

    /// Fails where a planted word was logged, or where nothing was heard.
    pub fn check(&self, net: &Net) {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).expect("logs are text");
        for target in ["expunged::flow::desk", "sqlx::query"] {
            assert!(text.contains(target), "nothing of {target} was heard");
        }
        // Of which request a job was, and whether it is done, is told by a line of its own.
        assert!(text.lines().any(|line| line.contains("job done") && line.contains("request=\"EXP-")), "no request");
        assert!(text.contains("TRACE") || text.contains("DEBUG"), "only loud things were heard");
        if let Some(around) = self.find(net) {
            panic!("personal data in the log:\n{around}");
        }
    }
}
