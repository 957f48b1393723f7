//! A mailbox in memory whose numbers, letters and faults a test decides.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use expunged::daemon::{self, Running};
use expunged::domain::Timestamp;
use expunged::mailbox::{Fetched, FolderState, IsSame, Listed, Listing, Mailbox, MailboxError, Status};
use tokio_util::sync::CancellationToken;

use crate::support::world::{START, World};

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The server answers NO to every FETCH that names one of these.
    FetchOf(Vec<u32>),
    /// The server answers NO to every STORE that names this one.
    MarkOf(u32),
    /// The password is refused.
    Login,
    /// The folder opens, but the server does not say what is in it.
    List,
    /// The server takes the question what is in it, and never answers.
    Silence,
}

#[derive(Default)]
struct State {
    uid_validity: u32,
    uid_next: u32,
    letters: BTreeMap<u32, (Timestamp, Vec<u8>)>,
    marked: Vec<u32>,
    moved: Vec<u32>,
    fault: Option<Fault>,
}

/// The same shelf for everybody who has a clone.
#[derive(Clone)]
pub struct Shelf(Arc<Mutex<State>>);

impl Default for Shelf {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(State { uid_validity: 7, uid_next: 1, ..State::default() })))
    }
}

impl Shelf {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// A letter arrives at that time.
    pub fn put_at(&self, received_at: Timestamp, letter: &[u8]) {
        let mut state = self.state();
        let uid = state.uid_next;
        state.letters.insert(uid, (received_at, letter.to_vec()));
        state.uid_next += 1;
    }

    /// A letter arrives.
    pub fn put(&self, letter: &[u8]) {
        self.put_at(START.plus(Duration::from_secs(1)), letter);
    }

    /// A letter that arrived before the daemon was first started.
    pub fn put_old(&self, letter: &[u8]) {
        self.put_at(START.minus(Duration::from_secs(86_400)), letter);
    }

    /// A colleague takes a letter away.
    pub fn remove(&self, uid: u32) {
        self.state().letters.remove(&uid).unwrap();
    }

    /// The server numbers the folder anew, from 1 and without gaps.
    pub fn renumber(&self, uid_validity: u32) {
        let mut state = self.state();
        let letters = std::mem::take(&mut state.letters);
        state.letters = (1..).zip(letters.into_values()).collect();
        state.uid_next = u32::try_from(state.letters.len()).unwrap() + 1;
        state.uid_validity = uid_validity;
        state.marked.clear();
    }

    /// The server forgets what came after this number, and gives the numbers to others.
    pub fn restore(&self, last: u32) {
        let mut state = self.state();
        state.letters.split_off(&(last + 1));
        state.uid_next = last + 1;
    }

    pub fn fault(&self, fault: Option<Fault>) {
        self.state().fault = fault;
    }

    pub fn marked(&self) -> Vec<u32> {
        let mut marked = self.state().marked.clone();
        marked.sort_unstable();
        marked.dedup();
        marked
    }

    pub fn moved(&self) -> Vec<u32> {
        self.state().moved.clone()
    }
}

/// Runs the daemon on the shelf for as long as the story takes.
pub async fn live<T>(world: &World, shelf: &Shelf, story: impl Future<Output = T>) -> T {
    live_and_look(world, shelf, Duration::from_secs(30), story).await
}

/// The same, and it looks as often as that whether the mailbox is silent.
pub async fn live_and_look<T>(world: &World, shelf: &Shelf, look: Duration, story: impl Future<Output = T>) -> T {
    let shutdown = CancellationToken::new();
    let mut running = Running::of_demo(&world.house);
    running.watch.backoff = Duration::from_millis(20);
    running.watch.look = look;
    let mailbox = Box::new(shelf.clone());
    let daemon = Box::pin(daemon::run(Arc::clone(&world.house), mailbox, running, shutdown.clone()));
    let told = async {
        let told = story.await;
        shutdown.cancel();
        told
    };
    let (ran, told) = tokio::join!(daemon, told);
    ran.expect("the daemon ends in peace");
    told
}

const fn refused(command: &'static str) -> MailboxError {
    MailboxError::Refused { command, status: Status::No, code: None }
}

#[async_trait]
impl Mailbox for Shelf {
    async fn open(&mut self) -> Result<FolderState, MailboxError> {
        let state = self.state();
        if state.fault == Some(Fault::Login) {
            return Err(MailboxError::LoginRefused { host: "imap.example.org".into(), port: 993, code: None });
        }
        Ok(FolderState { uid_validity: state.uid_validity, uid_next: state.uid_next })
    }

    async fn list(&mut self, after: u32, count_max: u32) -> Result<Listing, MailboxError> {
        if self.state().fault == Some(Fault::Silence) {
            std::future::pending::<()>().await;
        }
        let state = self.state();
        if state.fault == Some(Fault::List) {
            return Err(MailboxError::TimedOut { command: "UID SEARCH", after: Duration::from_secs(60) });
        }
        let facts = |(uid, (received_at, letter)): (&u32, &(Timestamp, Vec<u8>))| Listed {
            uid: *uid,
            size_bytes: letter.len() as u64,
            received_at: Some(*received_at),
        };
        let letters: Vec<Listed> = state.letters.range(after + 1..).take(count_max as usize).map(facts).collect();
        let cut = letters.len() == count_max as usize;
        let through = letters.last().filter(|_| cut).map_or(state.uid_next - 1, |letter| letter.uid);
        Ok(Listing { letters, through })
    }

    async fn fetch(&mut self, uids: &[u32]) -> Result<Vec<Fetched>, MailboxError> {
        let state = self.state();
        if matches!(&state.fault, Some(Fault::FetchOf(bad)) if bad.iter().any(|uid| uids.contains(uid))) {
            return Err(refused("UID FETCH"));
        }
        let letters = uids.iter().filter_map(|uid| Some((*uid, state.letters.get(uid)?)));
        Ok(letters.map(|(uid, (_, bytes))| Fetched { uid, bytes: bytes.clone() }).collect())
    }

    async fn fetch_header(&mut self, uid: u32, bytes_max: u64) -> Result<Option<Fetched>, MailboxError> {
        let state = self.state();
        let Some((_, letter)) = state.letters.get(&uid) else { return Ok(None) };
        let end = letter.windows(4).position(|bytes| bytes == b"\r\n\r\n").map_or(letter.len(), |end| end + 4);
        let end = end.min(usize::try_from(bytes_max).unwrap());
        Ok(Some(Fetched { uid, bytes: letter[..end].to_vec() }))
    }

    async fn mark(&mut self, uids: &[u32]) -> Result<(), MailboxError> {
        let mut state = self.state();
        if matches!(state.fault, Some(Fault::MarkOf(bad)) if uids.contains(&bad)) {
            return Err(refused("UID STORE"));
        }
        state.marked.extend_from_slice(uids);
        Ok(())
    }

    async fn move_to(&mut self, uids: &[u32], _: &str) -> Result<(), MailboxError> {
        let mut state = self.state();
        state.letters.retain(|uid, _| !uids.contains(uid));
        state.moved.extend_from_slice(uids);
        Ok(())
    }

    async fn expunge(&mut self, uids: &[u32]) -> Result<(), MailboxError> {
        self.state().letters.retain(|uid, _| !uids.contains(uid));
        Ok(())
    }

    async fn expunge_alike(&mut self, _: &str, _: u64, _: &IsSame<'_>) -> Result<u32, MailboxError> {
        Ok(0)
    }

    async fn expunge_by_message_id(&mut self, _: &str, _: &str) -> Result<u32, MailboxError> {
        Ok(0)
    }

    async fn count_by_message_id(&mut self, _: &str, _: &str) -> Result<u32, MailboxError> {
        Ok(0)
    }

    async fn append(&mut self, _: &str, _: &[u8]) -> Result<(), MailboxError> {
        Ok(())
    }

    async fn wait(&mut self, at_most: Duration) -> Result<(), MailboxError> {
        tokio::time::sleep(at_most).await;
        Ok(())
    }
}
