//! All integration tests in one binary (one link instead of twenty); a file per promise.

mod db_jobs;
mod intake;
mod intake_bounds;
