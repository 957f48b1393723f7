//! What a request is and how it lives: pure types, no I/O, no async, no SQL.
//!
//! Everything else in the house may depend on this room, and it depends on nothing but [`crate::chance`] as a
//! trait (ids are drawn, never guessed).

mod deadline;
mod ids;
mod nearest;
pub mod request;
mod retry;
mod scope;
mod stored;
mod subject;
mod text;
mod time;

pub use deadline::{Articles, Calendar, Deadlines, ExtensionRefused, LawPack, Period, WorkingDays};
pub use ids::{AuthorityId, CaseId, DeliveryId, JobId, LetterId, NotAReference, Reference, RequestId};
pub use nearest::nearest;
pub use request::{Request, State};
pub use retry::Retry;
pub use scope::{Language, LetterKind, Part, RecipientKind, Role, Scope};
pub use stored::UnknownWord;
pub(crate) use stored::stored_enum;
pub use subject::SubjectKind;
pub use text::is_unseen;
pub use time::Timestamp;
