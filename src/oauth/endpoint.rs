//! One question to a token endpoint: no redirects, no proxy, an end to its time and to its length.

use std::time::Duration;

use oauth2::basic::{BasicClient, BasicTokenResponse};
use oauth2::{
    AuthType, ClientId, ClientSecret, HttpRequest, HttpResponse, RefreshToken, RequestTokenError, Scope, TokenResponse,
    TokenUrl,
};
use secrecy::{ExposeSecret, SecretString};
use tracing::instrument::WithSubscriber;
use tracing::subscriber::NoSubscriber;

use crate::outbound::{self, Cut};

use super::{OauthError, OauthRefusal, OauthSettings};

/// From the look-up of the name to the last byte of the answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);

/// Bytes of an answer.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// What the endpoint gave.
pub(super) struct Granted {
    pub(super) access: SecretString,
    /// How long it lives.
    pub(super) life: Option<Duration>,
    /// A refresh token that replaces the one before it.
    pub(super) refresh: Option<SecretString>,
}

/// Why there was no answer that could be read.
#[derive(Debug, thiserror::Error)]
enum Unanswered {
    #[error("{0}")]
    Away(&'static str),
    #[error("status {0}")]
    Status(u16),
    #[error("too long")]
    TooLong,
}

/// Asks for a token: by this refresh token, or else by the client's own credentials. Nothing of the conversation is logged,
/// because the library's own records may hold what is secret.
pub(super) async fn ask(settings: &OauthSettings, refresh: Option<&SecretString>) -> Result<Granted, OauthError> {
    let asked =
        tokio::time::timeout(ANSWER_WITHIN, exchange(settings, refresh)).with_subscriber(NoSubscriber::default());
    let late = OauthError::Unreachable { host: settings.host(), why: "no answer in time", section: settings.section };
    let answer = asked.await.map_err(|_| late)??;
    let is_newer = |token: &&RefreshToken| refresh.is_some_and(|sent| sent.expose_secret() != token.secret());
    Ok(Granted {
        access: SecretString::from(answer.access_token().secret().as_str()),
        life: answer.expires_in(),
        refresh: answer.refresh_token().filter(is_newer).map(|token| SecretString::from(token.secret().as_str())),
    })
}

async fn exchange(settings: &OauthSettings, refresh: Option<&SecretString>) -> Result<BasicTokenResponse, OauthError> {
    let http = outbound::client().build().map_err(|_| OauthError::Client)?;
    // In the body, which every provider takes; not all take it in a header.
    let mut client = BasicClient::new(ClientId::new(settings.client_id.clone()))
        .set_token_uri(TokenUrl::from_url(settings.endpoint.clone()))
        .set_auth_type(AuthType::RequestBody);
    if let Some(secret) = &settings.client_secret {
        client = client.set_client_secret(ClientSecret::new(secret.expose_secret().to_owned()));
    }
    let scopes = settings.scope.iter().cloned().map(Scope::new);
    let send = |request| send(http.clone(), request);
    let answered = match refresh {
        Some(token) => {
            let token = RefreshToken::new(token.expose_secret().to_owned());
            client.exchange_refresh_token(&token).add_scopes(scopes).request_async(&send).await
        }
        None => client.exchange_client_credentials().add_scopes(scopes).request_async(&send).await,
    };
    answered.map_err(|error| {
        let (host, section) = (settings.host(), settings.section);
        match error {
            RequestTokenError::ServerResponse(said) => {
                OauthError::Refused { host, refusal: OauthRefusal::of(said.error().as_ref()), section }
            }
            RequestTokenError::Request(Unanswered::Away(why)) => OauthError::Unreachable { host, why, section },
            RequestTokenError::Request(Unanswered::Status(status)) => OauthError::Status { host, status, section },
            RequestTokenError::Request(Unanswered::TooLong)
            | RequestTokenError::Parse(..)
            | RequestTokenError::Other(_) => OauthError::Unreadable { host, section },
        }
    })
}

/// Carries one request there and the answer back.
async fn send(client: reqwest::Client, request: HttpRequest) -> Result<HttpResponse, Unanswered> {
    let (head, body) = request.into_parts();
    let request = client.request(head.method, head.uri.to_string()).headers(head.headers).body(body);
    let response = request.send().await.map_err(|error| Unanswered::Away(outbound::why(&error)))?;
    let status = response.status();
    // Only a refusal of the request itself has a body that says why (RFC 6749 §5.2).
    if !status.is_success() && !matches!(status.as_u16(), 400 | 401 | 403) {
        return Err(Unanswered::Status(status.as_u16()));
    }
    let content_type = response.headers().get(reqwest::header::CONTENT_TYPE).cloned();
    let body = outbound::body(response, ANSWER_BYTES_MAX).await.map_err(|cut| match cut {
        Cut::Broken(why) => Unanswered::Away(why),
        Cut::TooLong => Unanswered::TooLong,
    })?;
    let mut answer = HttpResponse::new(body);
    *answer.status_mut() = status;
    answer.headers_mut().extend(content_type.map(|value| (reqwest::header::CONTENT_TYPE, value)));
    Ok(answer)
}
