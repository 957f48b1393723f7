//! `expunged map draw`: the maps as a picture, from the maps alone.

use crate::cli::exit::Outcome;
use crate::cli::invocation::Invocation;
use crate::daemon::build;
use crate::erase::map::draw::draw;
use crate::output::write_out;

/// Draws all maps of the config.
pub(super) fn run(invocation: &Invocation) -> Outcome {
    let map = build::map(&invocation.config_of_maps()?)?;
    Ok(write_out(draw(&map).trim_end())?)
}
