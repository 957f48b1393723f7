//! rspamd: `POST /checkv2` with the letter, and JSON with the action that its mail server would take.

use reqwest::redirect::Policy;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::Url;

use super::{FilterError, Opinion};

/// Bytes of an answer.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;

#[derive(Deserialize)]
struct Answered {
    action: String,
}

/// What it says of a letter.
pub(super) async fn ask(url: &Url, password: Option<&SecretString>, letter: &[u8]) -> Result<Opinion, FilterError> {
    // One TLS provider for everything; where it is installed already, it stays.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let http = reqwest::Client::builder().redirect(Policy::none()).no_proxy().user_agent("expunged").build();
    let place = url.join("checkv2").map_err(|_| FilterError::Unreadable)?;
    let mut request = http.map_err(|_| FilterError::Away)?.post(place).body(letter.to_vec());
    if let Some(password) = password {
        request = request.header("password", password.expose_secret());
    }
    let mut response = request.send().await.map_err(|_| FilterError::Away)?;
    if !response.status().is_success() {
        return Err(FilterError::Refused(response.status().as_u16()));
    }
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(|_| FilterError::Away)? {
        if body.len() + piece.len() > ANSWER_BYTES_MAX {
            return Err(FilterError::Unreadable);
        }
        body.extend_from_slice(&piece);
    }
    let Answered { action } = serde_json::from_slice(&body).map_err(|_| FilterError::Unreadable)?;
    // "greylist" and "soft reject" say only that a letter shall come once more.
    Ok(match action.as_str() {
        "reject" | "add header" | "rewrite subject" | "quarantine" => Opinion::Spam,
        "no action" | "greylist" | "soft reject" | "accept" => Opinion::Clear,
        _ => return Err(FilterError::Unreadable),
    })
}
