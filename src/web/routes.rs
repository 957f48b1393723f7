//! The routes: what is asked for, behind its limits, and the headers of every answer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use tracing::{error, warn};

use super::{Peer, guard, rates};
use crate::config;
use crate::domain::{Language, Retry};
use crate::flow::page::{self, Saying, Shown};
use crate::flow::{FlowError, House, chain};
use crate::reply::pages::{Ask, Notice, Page};
use crate::verify::Token;

/// The largest form, in bytes: a code, a button and a number.
const BODY_BYTES_MAX: usize = 4 * 1024;
/// When to try again where something of ours is away, in seconds.
const AWAY_SECONDS: u64 = 60;
const STYLE: &str = include_str!("../../templates/web/assets/style.css");

/// What the routes stand on.
struct Desk {
    house: Arc<House>,
    settings: config::Web,
    addresses: rates::Rates<[u8; 16]>,
    pages: rates::Rates<[u8; 32]>,
}

/// All routes, with the headers that every answer has.
pub(super) fn all(house: Arc<House>, settings: config::Web) -> Router {
    let desk = Desk {
        addresses: rates::Rates::new(settings.address_requests_per_minute),
        pages: rates::Rates::new(settings.token_requests_per_minute),
        house,
        settings,
    };
    Router::new()
        .route(&format!("{}{{token}}", config::PAGES), get(show).post(take))
        .route("/assets/style.css", get(style))
        .fallback(nothing)
        .method_not_allowed_fallback(other_method)
        .layer(map_response(with_headers))
        .with_state(Arc::new(desk))
}

/// Shows a page. Changes nothing, whoever follows the link.
async fn show(
    State(desk): State<Arc<Desk>>,
    Extension(Peer(from)): Extension<Peer>,
    Path(token): Path<String>,
    headers: HeaderMap,
) -> Response {
    let token = match desk.admit(&headers, from, &token) {
        Ok(token) => token,
        Err(seconds) => return desk.later(&headers, StatusCode::TOO_MANY_REQUESTS, seconds),
    };
    let shown = match &token {
        Some(token) => page::look(&desk.house, token).await,
        None => Ok(None),
    };
    desk.answer(&headers, shown)
}

/// Takes what was said on a page.
async fn take(
    State(desk): State<Arc<Desk>>,
    Extension(Peer(from)): Extension<Peer>,
    Path(token): Path<String>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let headers = parts.headers;
    let token = match desk.admit(&headers, from, &token) {
        Ok(token) => token,
        Err(seconds) => return desk.later(&headers, StatusCode::TOO_MANY_REQUESTS, seconds),
    };
    if !guard::is_own_form(&headers, &desk.settings.public_url) {
        return desk.notice(&headers, StatusCode::FORBIDDEN, Notice::Refused);
    }
    let saying = match form(&headers, body, desk.settings.read).await {
        Ok(saying) => saying,
        Err(status) => return desk.notice(&headers, status, Notice::Refused),
    };
    let said = match &token {
        Some(token) => page::say(&desk.house, token, &saying).await,
        None => Ok(None),
    };
    desk.answer(&headers, said)
}

/// Reads a form, as far as it may go and as long as it may take.
async fn form(headers: &HeaderMap, body: Body, read: Duration) -> Result<Saying, StatusCode> {
    if !guard::is_form(headers) {
        return Err(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    let bytes = match tokio::time::timeout(read, to_bytes(body, BODY_BYTES_MAX)).await {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(_)) => return Err(StatusCode::PAYLOAD_TOO_LARGE),
        Err(_) => return Err(StatusCode::REQUEST_TIMEOUT),
    };
    let (mut act, mut code, mut tries) = (String::new(), String::new(), None);
    for (name, value) in url::form_urlencoded::parse(&bytes) {
        match &*name {
            "act" => act = value.into_owned(),
            "code" => code = value.into_owned(),
            "tries" => tries = value.parse().ok(),
            _ => {}
        }
    }
    match act.as_str() {
        "confirm" => Ok(Saying::Confirm { code, tries }),
        "no" => Ok(Saying::No),
        "stop" => Ok(Saying::Stop),
        _ => Err(StatusCode::BAD_REQUEST),
    }
}

/// The one style sheet.
async fn style() -> Response {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], STYLE).into_response()
}

async fn nothing(State(desk): State<Arc<Desk>>, headers: HeaderMap) -> Response {
    desk.notice(&headers, StatusCode::NOT_FOUND, Notice::Gone)
}

async fn other_method(State(desk): State<Arc<Desk>>, headers: HeaderMap) -> Response {
    desk.notice(&headers, StatusCode::METHOD_NOT_ALLOWED, Notice::Refused)
}

impl Desk {
    /// Counts a request. Its token, `None` for what is none; where there were too many, the seconds to wait.
    fn admit(&self, headers: &HeaderMap, from: SocketAddr, token: &str) -> Result<Option<Token>, u64> {
        let now = self.house.clock.now();
        let token = Token::parse(token);
        let client = guard::client(headers, self.settings.client_address_header.as_deref(), from);
        let by_client = client.map_or(Ok(()), |client| self.addresses.take(rates::client(client), now));
        let by_page = || token.as_ref().map_or(Ok(()), |token| self.pages.take(*token.hash().as_bytes(), now));
        by_client.and_then(|()| by_page()).map(|()| token)
    }

    /// A page, or that there is none; of what went wrong the codes are logged.
    fn answer(&self, headers: &HeaderMap, shown: Result<Option<Shown>, FlowError>) -> Response {
        match shown {
            Ok(Some(Shown { page, language })) => {
                let is_refused = matches!(&page, Page::Ask(ask) if is_wrong(ask));
                let status = if is_refused { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
                self.rendered(status, &page, language)
            }
            Ok(None) | Err(FlowError::KeyDestroyed(_)) => self.notice(headers, StatusCode::NOT_FOUND, Notice::Gone),
            Err(error) if error.retry() == Retry::Transient => {
                warn!(route = ROUTE, code = error.code(), error = %chain(&error), "a page waits");
                self.later(headers, StatusCode::SERVICE_UNAVAILABLE, AWAY_SECONDS)
            }
            Err(error) => {
                error!(route = ROUTE, code = error.code(), error = %chain(&error), "a page failed");
                self.later(headers, StatusCode::INTERNAL_SERVER_ERROR, AWAY_SECONDS)
            }
        }
    }

    fn later(&self, headers: &HeaderMap, status: StatusCode, seconds: u64) -> Response {
        let mut response = self.notice(headers, status, Notice::Later);
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        response
    }

    /// A page that says nothing of anybody, in the language of the browser.
    fn notice(&self, headers: &HeaderMap, status: StatusCode, notice: Notice) -> Response {
        let service = &self.house.config.service;
        let language = guard::language(headers).unwrap_or(service.language);
        self.rendered(status, &Page::Notice { notice, service_name: service.name.clone() }, language)
    }

    fn rendered(&self, status: StatusCode, page: &Page, language: Language) -> Response {
        match page.render(&self.house.templates, language) {
            Ok(html) => (status, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response(),
            Err(error) => {
                error!(route = ROUTE, %error, "a page cannot be written");
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        }
    }
}

/// What logs say in the place of a path.
const ROUTE: &str = "/r/{token}";

const fn is_wrong(ask: &Ask) -> bool {
    ask.note.is_some()
}

/// The headers of every answer: nothing runs, nothing is loaded from elsewhere, nobody frames, keeps, finds or passes on a page.
const HEADERS: [(HeaderName, &str); 5] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "no-store"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (HeaderName::from_static("x-robots-tag"), "noindex"),
];

async fn with_headers(mut response: Response) -> Response {
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
