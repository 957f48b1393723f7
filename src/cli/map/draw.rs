//! `expunged map draw`: the maps as a picture, from the maps alone.

use crate::cli::exit::{Ended, Exit, Outcome};
use crate::cli::invocation::Invocation;
use crate::daemon::build;
use crate::erase::map::draw::draw;
use crate::output::{Format, write_out};

/// Draws all maps of the config.
pub(super) fn run(invocation: &Invocation) -> Outcome {
    if invocation.format != Format::Table {
        let words = "a picture is written as Mermaid and in no other format: leave --output out; 'expunged register -o json' has what the \
                     maps say as data";
        return Err(Ended::saying(Exit::Usage, words));
    }
    let map = build::map(&invocation.config_of_maps()?)?;
    Ok(write_out(draw(&map).trim_end())?)
}
