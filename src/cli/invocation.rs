//! What every command is given, and the smallest thing that it can do its work with: config, ledger or house.

use std::path::PathBuf;
use std::sync::Arc;

use crate::chance::OsChance;
use crate::clock::SystemClock;
use crate::config::{self, Config, Purpose, Surroundings};
use crate::daemon::build::{self, Choices};
use crate::db::requests::{self, Stored};
use crate::db::{Db, Tx};
use crate::domain::Reference;
use crate::erase::DataMap;
use crate::flow::House;
use crate::flow::legal::{self, HeldTarget};
use crate::flow::operate::Operator;
use crate::flow::sighted::{self, Sight};

use super::actor::{self, Login};
use super::exit::{Ended, Exit};
use crate::output::{Format, say};
use crate::vault::KeyEncryptionKey;

/// One call of the program.
#[derive(Debug)]
pub(super) struct Invocation {
    /// Where the config lies.
    pub(super) config_file: PathBuf,
    /// Whether somebody named it, on the command line or in the environment.
    pub(super) config_is_named: bool,
    /// How data are written.
    pub(super) format: Format,
    /// How often `-v` was given.
    pub(super) verbose: u8,
}

/// Our own database, without any store.
pub(super) struct Ledger {
    pub(super) config: Config,
    pub(super) db: Db,
    pub(super) kek: KeyEncryptionKey,
}

impl Invocation {
    /// The checked config of the daemon.
    pub(super) fn config(&self) -> Result<Config, Ended> {
        self.config_for(Purpose::Production)
    }

    /// The checked config for a command that looks at the mail servers too: nothing is sent from there.
    pub(super) fn config_to_look(&self) -> Result<Config, Ended> {
        self.config_for(Purpose::Looking)
    }

    /// The same for a command that reaches no mail server.
    pub(super) fn config_beside(&self) -> Result<Config, Ended> {
        self.config_for(Purpose::Beside)
    }

    /// The same for a command that knows the data maps and their stores alone.
    pub(super) fn config_of_maps(&self) -> Result<Config, Ended> {
        self.config_for(Purpose::Maps)
    }

    fn config_for(&self, purpose: Purpose) -> Result<Config, Ended> {
        let surroundings = Surroundings::new(purpose, std::env::var_os("CREDENTIALS_DIRECTORY"));
        Ok(config::load(&self.config_file, &surroundings)?)
    }

    /// Where systemd has put the credentials of our unit.
    pub(super) fn credentials() -> Option<PathBuf> {
        Surroundings::new(Purpose::Production, std::env::var_os("CREDENTIALS_DIRECTORY")).credentials_directory
    }

    /// What a command chooses that looks or acts beside the daemon.
    pub(super) fn choices() -> Choices {
        Choices {
            clock: Arc::new(SystemClock),
            chance: Arc::new(OsChance),
            mailer: None,
            credentials: Self::credentials(),
            backfill: false,
            may_create: false,
            program: None,
        }
    }

    /// Our own database to look at: it cannot be written, and no store is opened.
    pub(super) async fn ledger(&self) -> Result<Ledger, Ended> {
        let config = self.config_beside()?;
        let (db, kek) = build::ledger_to_look(&config).await?;
        Ok(Ledger { config, db, kek })
    }

    /// What a verb needs that acts on the ledger alone, and who asks for it: no store is opened. What it has to send, the daemon
    /// sends, so that a config without a mailer that sends will do.
    pub(super) async fn desk(&self) -> Result<(House, Operator), Ended> {
        Ok(with_operator(build::house_of_ledger(self.config_beside()?, Self::choices()).await?))
    }

    /// The same for a verb that looks into the support mailbox as well.
    pub(super) async fn desk_with_mailbox(&self) -> Result<(House, Operator), Ended> {
        Ok(with_operator(build::house_of_ledger(self.config_to_look()?, Self::choices()).await?))
    }

    /// The same for a verb that has rows counted.
    pub(super) async fn desk_with_stores(&self) -> Result<(House, Operator), Ended> {
        Ok(with_operator(build::house_of_stores(self.config_beside()?, Self::choices()).await?))
    }

    /// The same beside those of the stores that know what is to be held, where they answer; what does not answer is said.
    pub(super) async fn desk_to_hold(&self, target: &HeldTarget) -> Result<(House, Operator), Ended> {
        let wanted = |config: &Config, map: &DataMap| legal::stores_asked(config, map, target);
        let (house, away) = build::house_of_what_answers(self.config_beside()?, Self::choices(), wanted).await?;
        for error in away {
            say(&format!("{:#}", anyhow::Error::new(error)));
        }
        Ok(with_operator(house))
    }

    /// Records that the operator sees personal data that belong to no case, before they are shown.
    ///
    /// # Errors
    /// Where there is no database to record it in, nothing is revealed.
    pub(super) async fn record(&self, sight: Sight) -> Result<(), Ended> {
        let (house, operator) = match self.desk().await {
            Err(ended) if ended.exit == Exit::NotFound => {
                let words = "nothing is revealed that cannot be recorded, and the daemon has made no database yet; leave out --reveal";
                return Err(Ended::new(Exit::Refused, ended.error.context(words)));
            }
            desk => desk?,
        };
        sighted::record(&house, &operator, sight).await?;
        house.db.close().await;
        Ok(())
    }

    /// The same for a verb that asks the directory.
    pub(super) async fn desk_with_directory(&self) -> Result<(House, Operator), Ended> {
        Ok(with_operator(build::house_of_directory(self.config_beside()?, Self::choices()).await?))
    }
}

fn with_operator(house: House) -> (House, Operator) {
    let Login { name, person, claimed } = actor::login();
    let operator = Operator::of(&house, &name, &person, &claimed);
    (house, operator)
}

/// The request that people call so.
pub(super) async fn request(tx: &mut Tx, reference: &Reference) -> Result<Stored, Ended> {
    requests::by_reference(tx, reference).await?.ok_or_else(|| {
        Ended::saying(
            Exit::NotFound,
            format_args!("there is no request {reference}; 'expunged requests list --all' shows all of them"),
        )
    })
}
