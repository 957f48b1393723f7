//! Several daemons.
