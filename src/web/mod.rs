//! The pages on which a customer can answer what we ask: a small listener of plain HTTP behind the operator's own TLS proxy.
//!
//! A request's path names a token, which shows possession; `flow::page` does the rest. This room knows of connections, forms,
//! headers and limits, and of no state: what it remembers are counts of the last minute. It never logs a path, an address or a
//! body, never sets a cookie, runs no script and loads nothing from outside, and a GET changes nothing.
//!
//! | path | does |
//! |---|---|
//! | `GET /r/{token}` | shows what would be erased, or how far it is |
//! | `POST /r/{token}` | takes a code, a no, or a stop |
//! | `GET /assets/style.css` | the one style sheet |
//! | all else | the page that says that there is none, as for a token that is unknown, expired or over |
//!
//! # How to add a page
//! 1. What it shows and what it takes: in `flow::page`, from the same functions that a letter has.
//! 2. Its facts and templates: the recipe in [`reply::pages`](crate::reply::pages).
//! 3. Its route in `routes`, behind the same limits; a form is taken only through `guard::is_own_form`.
//! 4. A test in `tests/web.rs` that opens it twice and finds the ledger as it was.

mod guard;
mod rates;
mod routes;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use crate::config;
use crate::flow::House;

/// The longest header of a request, in bytes: a path with its token, and what browsers and proxies say of themselves.
const HEADER_BYTES_MAX: usize = 16 * 1024;
/// Fields of a header.
const HEADER_FIELDS_MAX: usize = 64;
/// A connection beyond the times for header and body: the answer is made and taken within this.
const ANSWER_TIME: Duration = Duration::from_secs(30);
/// How long a listener rests that could not accept (out of file descriptors, for one).
const REST: Duration = Duration::from_millis(200);

/// Why there are no pages.
#[derive(Debug, thiserror::Error)]
pub enum WebError {
    /// The address cannot be listened at.
    #[error("{address} ([web] listen) cannot be listened at")]
    Listen {
        /// As configured.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
}

/// A listener that nobody has been answered by yet.
pub struct Listening {
    listener: TcpListener,
    house: Arc<House>,
    settings: config::Web,
}

/// Listens where the configuration says; `None` where it has no pages.
///
/// # Errors
/// [`WebError::Listen`].
pub async fn listen(house: &Arc<House>) -> Result<Option<Listening>, WebError> {
    let Some(settings) = house.config.web.clone() else { return Ok(None) };
    let listener = bind(settings.listen).await?;
    info!(address = %settings.listen, "pages are served");
    Ok(Some(Listening { listener, house: Arc::clone(house), settings }))
}

/// Whether an address could be listened at now. Nothing is answered.
///
/// # Errors
/// [`WebError::Listen`].
pub async fn try_listen(address: SocketAddr) -> Result<(), WebError> {
    bind(address).await.map(drop)
}

async fn bind(address: SocketAddr) -> Result<TcpListener, WebError> {
    TcpListener::bind(address).await.map_err(|source| WebError::Listen { address, source })
}

impl Listening {
    /// Serves until the shutdown; then no connection is taken any more, and those that were are answered.
    pub async fn serve(self, shutdown: CancellationToken) {
        let Self { listener, house, settings } = self;
        let connections_max = usize::try_from(settings.connections_max).unwrap_or(64);
        let read = settings.read;
        let free = Arc::new(Semaphore::new(connections_max));
        let routes = routes::all(house, settings);
        let mut connections = JoinSet::new();
        loop {
            let next = async {
                let permit = Arc::clone(&free).acquire_owned().await;
                (permit, listener.accept().await)
            };
            let (permit, accepted) = tokio::select! {
                next = next => next,
                () = shutdown.cancelled() => break,
            };
            match (permit, accepted) {
                (Ok(permit), Ok((stream, from))) => {
                    let routes = routes.clone().layer(Extension(Peer(from)));
                    connections.spawn(converse(stream, routes, read, permit, shutdown.clone()));
                }
                (Ok(_), Err(error)) => {
                    warn!(%error, "no connection could be taken");
                    tokio::select! {
                        () = tokio::time::sleep(REST) => {}
                        () = shutdown.cancelled() => break,
                    }
                }
                // Nobody closes it.
                (Err(_), _) => break,
            }
            while connections.try_join_next().is_some() {}
        }
        drop(listener);
        while connections.join_next().await.is_some() {}
    }
}

/// Who connected.
#[derive(Clone, Copy)]
struct Peer(SocketAddr);

/// One request, and its answer. A proxy opens a connection for each: then none is held by who says nothing.
async fn converse(
    stream: TcpStream,
    routes: Router,
    read: Duration,
    permit: OwnedSemaphorePermit,
    shutdown: CancellationToken,
) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(read)
        .keep_alive(false)
        .max_buf_size(HEADER_BYTES_MAX)
        .max_headers(HEADER_FIELDS_MAX)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(routes));
    let mut connection = std::pin::pin!(connection);
    let whole = async {
        tokio::select! {
            ended = connection.as_mut() => ended,
            () = shutdown.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.as_mut().await
            }
        }
    };
    match tokio::time::timeout(read.saturating_mul(2) + ANSWER_TIME, whole).await {
        Ok(Ok(())) => {}
        // What a stranger did wrong, and no word of it.
        Ok(Err(error)) => debug!(timeout = error.is_timeout(), parse = error.is_parse(), "a connection broke"),
        Err(_) => debug!("a connection took too long"),
    }
    drop(permit);
}
