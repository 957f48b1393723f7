//! The demo's world: a temporary folder with a support mailbox, customers' mailboxes, a ledger and a shop.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tempfile::TempDir;

use super::shop::Shop;
use crate::chance::{Chance, OsChance};
use crate::clock::{Clock, FixedClock, SystemClock};
use crate::config::{self, Purpose, Surroundings};
use crate::daemon::build::{self, Choices};
use crate::db::requests;
use crate::domain::State;
use crate::flow::House;
use crate::mailbox::Mailbox;
use crate::mailbox::maildir;
use crate::output::say;

/// Where the customers write to.
pub const SUPPORT: &str = "privacy@shop.example";

const MAPS: &[(&str, &str)] = &[
    ("shop", include_str!("../../config/stores/demo/shop.toml")),
    ("sales", include_str!("../../config/stores/demo/sales.toml")),
    ("crm", include_str!("../../config/stores/demo/crm.toml")),
];

const CONFIG: &str = include_str!("../../config/demo.toml");

/// The world and the house that works in it.
pub struct World {
    /// The house.
    pub house: Arc<House>,
    /// The clock that is moved by hand.
    pub clock: Arc<FixedClock>,
    /// The shop's three stores.
    pub shop: Shop,
    folder: PathBuf,
    temporary: Option<TempDir>,
}

impl World {
    /// Makes the world; a kept one stays on disk, also where it could only be begun.
    pub async fn create(keep: bool) -> anyhow::Result<Self> {
        let temporary = tempfile::Builder::new().prefix("expunged-demo-").tempdir().context("no temporary folder")?;
        let folder = temporary.path().to_owned();
        let temporary = if keep {
            let _ = temporary.keep();
            None
        } else {
            Some(temporary)
        };
        let begun = Self::create_in(folder.clone(), temporary).await;
        if keep && begun.is_err() {
            say(&format!("what was made of the world is kept in {}", folder.display()));
        }
        begun
    }

    async fn create_in(folder: PathBuf, temporary: Option<TempDir>) -> anyhow::Result<Self> {
        let shop = Shop::create(&folder.join("stores")).await?;
        for (name, map) in MAPS {
            // The map's own url is for reading; the demo's file lies in its own folder.
            let here = map.replace(&format!("sqlite:{name}.db"), &format!("sqlite://{}", shop.file(name).display()));
            std::fs::write(folder.join(format!("{name}.toml")), here).context("cannot write a data map")?;
        }
        std::fs::write(folder.join("expunged.toml"), CONFIG).context("cannot write the config")?;
        for name in ["cur", "new", "tmp"] {
            std::fs::create_dir_all(folder.join("support").join(name))?;
        }
        let clock = Arc::new(FixedClock::at(SystemClock.now()));
        let config = config::load(&folder.join("expunged.toml"), &Surroundings::new(Purpose::Demo, None))?;
        let choices = Choices {
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            chance: Arc::new(OsChance),
            mailer: None,
            credentials: None,
            backfill: true,
            may_create: true,
            program: None,
        };
        let house = Arc::new(build::house(config, choices).await?);
        Ok(Self { house, clock, shop, folder, temporary })
    }

    /// The support mailbox as the daemon reads it.
    pub fn mailbox(&self) -> Box<dyn Mailbox> {
        build::mailbox(&self.house.config, &self.house.clock, &self.house.chance)
    }

    /// The Maildir of the support mailbox.
    pub fn support(&self) -> PathBuf {
        self.folder.join("support")
    }

    /// The Maildir of a customer.
    pub fn customer(&self, address: &str) -> PathBuf {
        self.folder.join("customers").join(address.to_lowercase())
    }

    /// A letter reaches the support mailbox.
    pub fn deliver(&self, bytes: &[u8]) -> anyhow::Result<()> {
        let chance: &dyn Chance = &OsChance;
        Ok(maildir::deliver(&self.support(), bytes, chance, self.clock.now())?)
    }

    /// Time passes.
    pub fn days_pass(&self, days: u64) {
        self.clock.advance(Duration::from_secs(days * 86_400 + 60));
    }

    /// Leaves the world: it is deleted, or stays with a word on how to look at it.
    pub async fn leave(self) {
        if self.temporary.is_some() {
            return;
        }
        let at = self.folder.display();
        say(&format!(
            "\nThe world is kept in {at}:\n  letters to customers  {at}/customers/*/new/\n  the support mailbox   {at}/support/\n  \
             the stores            {at}/stores/*.db (SQLite)\n\n  export EXPUNGED_CONFIG={at}/expunged.toml"
        ));
        // What is begun only, or cannot be read, has nothing to show but its files.
        for line in self.commands().await.unwrap_or_default() {
            say(&format!("  expunged {line}"));
        }
        say(
            "\nEverything that looks works there, and so do the team's verbs: what they decide is written down. No daemon runs on \
             it, so that no letter leaves and nothing is erased; 'expunged run' refuses its mailer, which only writes files.",
        );
    }

    /// Commands to look at it with, as they can be typed.
    async fn commands(&self) -> anyhow::Result<Vec<String>> {
        let mut tx = self.house.db.read().await?;
        let mut lines = vec!["requests list --all".to_owned()];
        for (state, verbs) in [
            (State::Completed, &["requests show", "trail show", "requests note"][..]),
            (State::NotFound, &["requests account"]),
        ] {
            let Some(stored) = requests::list(&mut tx, &[state], true, 1).await?.pop() else { continue };
            let at = &stored.request.reference;
            let line = |verb: &&str| match *verb {
                "requests note" => format!("requests note {at} Seen       # sealed, and in the trail as a commitment"),
                "requests account" => format!("requests account {at} 25    # says whose it is, and so opens it anew"),
                verb => format!("{verb} {at}"),
            };
            lines.extend(verbs.iter().map(line));
        }
        lines.extend([format!("plan {}", self.shop.user(25, 0)?.email), "check".to_owned()]);
        lines.extend(["jobs list", "mailbox status"].map(str::to_owned));
        Ok(lines)
    }
}
