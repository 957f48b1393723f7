//! What the queries of another program take while an account of many customers is erased, beside what they take while nothing
//! is: a thread and a connection of its own, one query after the other by an index, with a pause between them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use expunged::stores::StoreKind;

use super::shop::Shop;

/// Between two queries.
const PAUSE: Duration = Duration::from_millis(2);

/// Where the shop is.
#[derive(Clone)]
pub enum At {
    /// A SQLite file.
    File(std::path::PathBuf),
    /// A server.
    Server(StoreKind, String),
}

impl At {
    async fn open(&self) -> Result<Shop> {
        match self {
            Self::File(file) => Shop::sqlite(file).await,
            Self::Server(StoreKind::Postgres, url) => Shop::postgres(url).await,
            Self::Server(_, url) => Shop::mysql(url).await,
        }
    }
}

/// Somebody who asks until they are told to stop.
pub struct Neighbour {
    stop: Arc<AtomicBool>,
    asks: JoinHandle<Result<Vec<Duration>>>,
}

impl Neighbour {
    /// Begins to ask for orders of these customers.
    pub fn begin(at: &At, customers: u64) -> Self {
        let (stop, at) = (Arc::new(AtomicBool::new(false)), at.clone());
        let told = Arc::clone(&stop);
        let asks = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let shop = at.open().await?;
                let (mut took, mut customer) = (Vec::new(), 1);
                while !told.load(Relaxed) {
                    let start = Instant::now();
                    shop.orders_of(customer).await?;
                    took.push(start.elapsed());
                    customer = customer * 7_919 % customers + 1;
                    tokio::time::sleep(PAUSE).await;
                }
                shop.close().await;
                Ok(took)
            })
        });
        Self { stop, asks }
    }

    /// How long nineteen of twenty queries took at most.
    pub fn end(self) -> Result<Duration> {
        self.stop.store(true, Relaxed);
        let mut took = self.asks.join().map_err(|_| anyhow::anyhow!("the neighbour panicked"))??;
        took.sort();
        took.get(took.len() * 95 / 100).copied().context("the neighbour never asked")
    }
}
