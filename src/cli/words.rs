//! Words that are options: every stored enum lists its own words in `--help` and in errors.

use clap::builder::{PossibleValuesParser, TypedValueParser};

use crate::db::jobs::JobState;
use crate::domain::{Scope, State};
use crate::erase::Recognised;
use crate::flow::operate::ExtensionGround;
use crate::verify::ProofKind;

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident: $type:ty),+ $(,)?) => {
        $($(#[$doc])*
        pub(super) fn $name() -> impl TypedValueParser<Value = $type> {
            let known = <$type>::ALL.iter().map(|word| word.as_str());
            PossibleValuesParser::new(known).try_map(|word| word.parse::<$type>())
        })+
    };
}

words! {
    /// How much is to be erased.
    scope: Scope,
    /// Where a request stands.
    state: State,
    /// Where a job stands.
    job_state: JobState,
    /// What kind of reason an answer takes longer for.
    extension_ground: ExtensionGround,
    /// How a person was verified by other means.
    proof: ProofKind,
}

/// What becomes of rows of the same person under another key; that they are residue is nobody's decision.
pub(super) fn recognised() -> impl TypedValueParser<Value = Recognised> {
    let known = [Recognised::Stays, Recognised::Goes].map(Recognised::as_str);
    PossibleValuesParser::new(known).try_map(|word| word.parse::<Recognised>())
}

/// How many rows are listed at most.
pub(super) fn limit() -> impl TypedValueParser<Value = u32> {
    clap::value_parser!(u32).range(0..)
}
