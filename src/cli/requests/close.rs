//! `expunged requests close`: says of a recipient who will not be closed why, before the verb would only miss them.

use crate::cli::exit::{Ended, Exit};
use crate::db::recipients as asked;
use crate::domain::request::Request;
use crate::erase::told;
use crate::flow::operate::Operator;
use crate::flow::{FlowError, House, recipients, verbs};

use super::verbs::now;

/// Closes one.
pub(super) async fn run(
    house: &House,
    request: &Request,
    operator: &Operator,
    (name, because): (&str, &str),
) -> Result<(), Ended> {
    let at = &request.reference;
    let all = asked::of_request(&mut house.db.read().await?, request.id).await?;
    let waits = request.waits;
    // One who is asked in parts is closed as a whole.
    let named: Vec<_> = all.iter().filter(|recipient| told::is_of(&recipient.store, name)).collect();
    let open: Vec<&str> =
        all.iter().filter(|it| !recipients::is_settled(house, it)).map(|recipient| recipient.store.as_str()).collect();
    match named.first() {
        Some(recipient) if named.iter().all(|recipient| recipients::is_settled(house, recipient)) => {
            let state = recipient.state;
            let words = format_args!("{at} does not wait for {name} any more ({state}): there is nothing to close");
            return Err(Ended::saying(Exit::Refused, words));
        }
        None if waits && open.is_empty() => {
            let words = format_args!(
                "{at} waits for no recipient any more: our own stores are searched once more, and then it ends"
            );
            return Err(Ended::saying(Exit::Refused, words));
        }
        None if waits => {
            let words = format_args!("{at} asked no recipient of the name {name:?}; it waits for: {}", open.join(", "));
            return Err(Ended::saying(Exit::NotFound, words));
        }
        _ if !waits => {
            let (standing, now) = (verbs::standing(request), now(house, request).await?);
            let words = format_args!(
                "{at} waits for no recipient: it {standing} ({}); one is closed once the request waits for others who were told. {now}",
                request.state
            );
            return Err(Ended::saying(Exit::Refused, words));
        }
        _ => {}
    }
    match recipients::close(house, at, operator, name, because).await {
        Ok(_) => Ok(()),
        // Settled between our look and the verb.
        Err(error @ (FlowError::Missing(_) | FlowError::Broken(_))) => Err(Ended::new(Exit::Refused, error)),
        Err(error) => Err(error.into()),
    }
}
