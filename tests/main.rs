//! All integration tests in one binary (one link instead of twenty); a file per promise.

mod stores_conformance;
