//! A way out that a letter offers to whoever reads it: "to remove your address from this list, go to https://…".
//!
//! It stands at the end of what is sent to many, and is no objection of who sent it. A link is near, the sentence speaks of nothing
//! of the writer's own, and whatever it asks for it asks under a condition ("if you wish to leave this list, please use the link").

use super::lexicon::Group;
use super::signals::{Hit, Signals};

/// Words behind the sentence within which the link stands.
const LINK_WORDS_MAX: usize = 16;

/// Whether the words of an objection only offer a way out to the reader.
pub(super) fn is_offered(hit: &Hit, found: &Signals) -> bool {
    const OWN: [Group; 4] = [Group::ContactMine, Group::DataMine, Group::AccountMine, Group::ForgetMe];
    let sentence = found.sentence_of(hit.first);
    if !found.has_link(sentence.start..(sentence.end + LINK_WORDS_MAX).min(found.words)) {
        return false;
    }
    let own = OWN.iter().any(|group| found.beside(hit, *group));
    // "I object" asks by itself; "remove from the list" does so by who asks.
    let asks = hit.is(Group::Object) || found.around(hit, Group::Request).any(|request| request.first < hit.first);
    !own && (!asks || found.beside(hit, Group::Conditional))
}

#[cfg(test)]
mod tests {
    use super::super::intent::Intent;
    use super::super::judge::{Texts, judge};
    use super::super::lexicon::for_tests;

    fn intent(text: &str) -> Intent {
        judge(&Texts::of(None, text, for_tests())).intent
    }

    #[test]
    fn an_offer_to_the_reader_is_no_objection_of_the_writer() {
        for text in [
            "Save up to 70% on car warranties.\n\nTo easily remove your address from the list, go to: http://ads.example/stop\n\
             Please allow 48 hours.",
            "Have a wonderful day.\n\nIf you wish to leave this list please use the link below.\nhttp://ads.example/out",
            "You have opted in to offers of our partners. If you do not wish to receive further e-mails, see http://ads.example",
        ] {
            assert_ne!(intent(text), Intent::ObjectionOptout, "{text}");
        }
    }

    #[test]
    fn a_person_objects_with_a_link_as_well() {
        for text in [
            "Please take me off your mailing list: https://shop.example/news",
            "Remove me from the list that I joined at https://shop.example/news.",
            "I object to direct marketing, see https://shop.example/privacy.",
            "Unsubscribe me from https://shop.example/newsletter",
            "Please remove my address from your list. I found it on http://shop.example.",
        ] {
            assert_eq!(intent(text), Intent::ObjectionOptout, "{text}");
        }
    }
}
