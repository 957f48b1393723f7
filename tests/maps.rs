//! Maps are proposed, judged, kept up and shown: on schemas that nobody here wrote, on a wide one, and on real servers.

mod added;
mod copies;
mod generated;
mod loose;
mod public;
mod rights;
mod risks;
mod wide;
mod worded;
mod world;
