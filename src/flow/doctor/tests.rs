//! What a run comes to, by what became of its letters.

use super::*;

const REPLY: Obstacle = Obstacle::Reply(550);
const REFUSED: SendError = SendError::Permanent { reached: Reached::Message, obstacle: REPLY };

/// A letter, whether something is forged in it, and what became of it.
fn probe(is_forged: bool, sent: Option<Result<(), SendError>>, delivered: Option<Delivered>) -> Probe {
    let forged = || forgeries("mx.shop.example", "b.example", "k3v9x").remove(0);
    let outgoing =
        Outgoing { message_id: String::new(), envelope_from: String::new(), to: String::new(), bytes: Vec::new() };
    let forgery = if is_forged { forged() } else { Forgery::none(PLAIN[0]) };
    Probe { forgery, outgoing, marker: String::new(), sent, uids: Vec::new(), delivered }
}

/// One of which nothing is forged, one forged letter of this fate, and again one of which nothing is.
fn found(sent: Result<(), SendError>, delivered: Option<Delivered>) -> Verdict {
    let own = Delivered { forged: Forged::Stripped, own: true };
    verdict(&[
        probe(false, Some(Ok(())), Some(own)),
        probe(true, Some(sent), delivered),
        probe(false, Some(Ok(())), Some(own)),
    ])
}

#[test]
fn one_letter_that_is_let_through_or_lacks_results_is_enough() {
    let delivered = |forged, own| Some(Delivered { forged, own });
    assert_eq!(found(Ok(()), delivered(Forged::Stripped, true)), Verdict::Proven);
    assert_eq!(found(Ok(()), delivered(Forged::Renamed, true)), Verdict::Proven);
    assert_eq!(found(Ok(()), delivered(Forged::Stripped, false)), Verdict::Unsigned);
    // What is forged counts also where the MX puts its own above it.
    for own in [true, false] {
        assert_eq!(found(Ok(()), delivered(Forged::LeftInPlace, own)), Verdict::Forgeable);
    }
}

#[test]
fn only_a_refusal_for_good_of_what_it_has_seen_is_an_answer() {
    assert_eq!(found(Err(REFUSED), None), Verdict::Proven);
    assert_eq!(found(Ok(()), None), Verdict::Untold, "a letter that is missing");
    assert_eq!(found(Err(SendError::Ambiguous { obstacle: Obstacle::Timeout }), None), Verdict::Untold);
    for reached in [Reached::Server, Reached::Sender, Reached::Recipient] {
        assert_eq!(found(Err(SendError::Permanent { reached, obstacle: REPLY }), None), Verdict::Untold, "{reached}");
    }
    let later = SendError::Transient { reached: Reached::Message, obstacle: Obstacle::Reply(451) };
    assert_eq!(found(Err(later), None), Verdict::Untold);
}

#[test]
fn an_mx_that_takes_nothing_from_us_proves_nothing() {
    let own = Some(Delivered { forged: Forged::Stripped, own: true });
    let first = || probe(false, Some(Ok(())), own);
    let refused = |is_forged| probe(is_forged, Some(Err(REFUSED)), None);
    assert_eq!(verdict(&[refused(false), probe(true, None, None)]), Verdict::Unreached);
    // It had enough of us by then: what it refused before may have been for that.
    assert_eq!(verdict(&[first(), refused(true), refused(false)]), Verdict::Untold);
    assert_eq!(verdict(&[first(), refused(true), probe(false, Some(Ok(())), None)]), Verdict::Untold);
}
