//! Which of our letters another letter names: by the token of a question, or by a Message-ID that nobody can guess. The one place
//! where either is looked up; what it shows of who wrote is for the caller to say.

use crate::db::challenges::StoredChallenge;
use crate::db::letters::LetterRow;
use crate::db::{Tx, challenges, letters};
use crate::domain::RequestId;
use crate::verify::Token;

use super::error::FlowError;

/// What is named.
pub(super) enum Ours {
    /// A question, by its token.
    Question(Box<StoredChallenge>),
    /// A letter about a request, and no alarm, by its Message-ID.
    Letter(RequestId, Box<LetterRow>),
}

/// What a letter may name, looked up one after the other: the tokens first.
pub(super) struct Names<'l> {
    tokens: std::slice::Iter<'l, String>,
    message_ids: std::vec::IntoIter<&'l String>,
}

impl<'l> Names<'l> {
    pub(super) fn of(tokens: &'l [String], message_ids: impl IntoIterator<Item = &'l String>) -> Self {
        Self { tokens: tokens.iter(), message_ids: message_ids.into_iter().collect::<Vec<_>>().into_iter() }
    }

    /// The next that is ours.
    pub(super) async fn next(&mut self, tx: &mut Tx) -> Result<Option<Ours>, FlowError> {
        for token in self.tokens.by_ref().filter_map(|text| Token::parse(text)) {
            if let Some(asked) = challenges::by_token(tx, &token.hash()).await? {
                return Ok(Some(Ours::Question(Box::new(asked))));
            }
        }
        for message_id in self.message_ids.by_ref() {
            let ours = letters::by_message_id(tx, bare(message_id)).await?.filter(|ours| !ours.kind.is_alarm());
            if let Some((request, ours)) = ours.and_then(|ours| Some((ours.request?, ours))) {
                return Ok(Some(Ours::Letter(request, Box::new(ours))));
            }
        }
        Ok(None)
    }
}

/// A Message-ID without its angle brackets.
pub(super) fn bare(message_id: &str) -> &str {
    message_id.trim().trim_start_matches('<').trim_end_matches('>')
}
