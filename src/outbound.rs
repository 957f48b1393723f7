//! What every question by HTTP has in common: no redirects, no proxies, no more of an answer than its limit, and errors that
//! quote nothing of what a server said.

use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, Error, Response};

/// Why an answer was not read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// The connection, by [`why`].
    Broken(&'static str),
    /// It is longer than it may be.
    TooLong,
}

/// A client in the making; only what it connects to may still be said.
pub fn client() -> ClientBuilder {
    // One TLS provider for everything; where it is installed already, it stays.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().redirect(Policy::none()).no_proxy().user_agent("expunged")
}

/// What went wrong, without what a server said.
#[must_use]
pub fn why(error: &Error) -> &'static str {
    if error.is_timeout() {
        "no answer in time"
    } else if error.is_connect() {
        "no connection, or no trusted certificate"
    } else {
        "the connection broke"
    }
}

/// The body of an answer, of this many bytes at most.
///
/// # Errors
/// [`Cut`].
pub async fn body(mut response: Response, bytes_max: usize) -> Result<Vec<u8>, Cut> {
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(|error| Cut::Broken(why(&error)))? {
        if body.len() + piece.len() > bytes_max {
            return Err(Cut::TooLong);
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}
