//! All integration tests in one binary (one link instead of twenty); a file per promise.

#[cfg(test)]
mod db_jobs;
