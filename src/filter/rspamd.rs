//! rspamd: `POST /checkv2` with the letter, and JSON with the action that its mail server would take.

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::Url;

use super::{FilterError, Opinion};
use crate::outbound::{self, Cut};

/// Bytes of an answer.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;

#[derive(Deserialize)]
struct Answered {
    action: String,
}

/// What it says of a letter.
pub(super) async fn ask(url: &Url, password: Option<&SecretString>, letter: &[u8]) -> Result<Opinion, FilterError> {
    let http = outbound::client().build();
    let place = url.join("checkv2").map_err(|_| FilterError::Unreadable)?;
    let mut request = http.map_err(|_| FilterError::Away)?.post(place).body(letter.to_vec());
    if let Some(password) = password {
        request = request.header("password", password.expose_secret());
    }
    let response = request.send().await.map_err(|_| FilterError::Away)?;
    if !response.status().is_success() {
        return Err(FilterError::Refused(response.status().as_u16()));
    }
    let body = outbound::body(response, ANSWER_BYTES_MAX).await.map_err(|cut| match cut {
        Cut::Broken(_) => FilterError::Away,
        Cut::TooLong => FilterError::Unreadable,
    })?;
    let Answered { action } = serde_json::from_slice(&body).map_err(|_| FilterError::Unreadable)?;
    // "greylist" and "soft reject" say only that a letter shall come once more.
    Ok(match action.as_str() {
        "reject" | "add header" | "rewrite subject" | "quarantine" => Opinion::Spam,
        "no action" | "greylist" | "soft reject" | "accept" => Opinion::Clear,
        _ => return Err(FilterError::Unreadable),
    })
}
