//! The case's safe: what is personal of a case, sealed under the key whose term fits it.
//!
//! One blob of each kind per case; writing it again replaces it.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::db::deliveries::Delivery;
use crate::db::{Tx, keys, sealed};
use crate::domain::request::Request;
use crate::domain::{CaseId, DeliveryId, Retry};
use crate::vault::{DataKey, KeyEncryptionKey, KeyId, KeyOwner, KeyPurpose};

use super::error::FlowError;
use super::facts::{Closing, Contact, Opening, Orders, Subject};
use super::house::House;

const LETTER: &str = "letter";
const OPENING: &str = "opening";
const CONTACT: &str = "contact";
const SUBJECT: &str = "subject";
const CLOSING: &str = "closing";
const ORDERS: &str = "orders";

/// Makes the four keys of a case.
pub(super) async fn create_keys(house: &House, tx: &mut Tx, request: &Request) -> Result<(), FlowError> {
    let owner = KeyOwner::Case(request.case);
    for purpose in [KeyPurpose::Letter, KeyPurpose::Contact, KeyPurpose::Replay, KeyPurpose::Record] {
        keys::create(tx, &house.kek, owner, purpose, house.clock.now(), &*house.chance).await?;
    }
    Ok(())
}

async fn key(house: &House, tx: &mut Tx, case: CaseId, purpose: KeyPurpose) -> Result<DataKey, FlowError> {
    keys::load(tx, &house.kek, KeyOwner::Case(case), purpose).await?.ok_or(FlowError::KeyDestroyed(purpose))
}

/// The key of the trail's private facts and of who and what a case is about.
pub(super) async fn record_key(house: &House, tx: &mut Tx, case: CaseId) -> Result<DataKey, FlowError> {
    key(house, tx, case, KeyPurpose::Record).await
}

/// The key of the reply address, tokens and codes.
pub(super) async fn contact_key(house: &House, tx: &mut Tx, request: &Request) -> Result<DataKey, FlowError> {
    key(house, tx, request.case, KeyPurpose::Contact).await
}

/// The key of what is needed to erase again.
pub(super) async fn replay_key(house: &House, tx: &mut Tx, case: CaseId) -> Result<DataKey, FlowError> {
    key(house, tx, case, KeyPurpose::Replay).await
}

/// Seals the one blob of this kind, in the place of an older one.
pub(super) async fn put<T: Serialize>(
    house: &House,
    tx: &mut Tx,
    key: &DataKey,
    kind: &'static str,
    value: &T,
) -> Result<(), FlowError> {
    sealed::delete_all(tx, key, kind).await?;
    add(house, tx, key, kind, value).await
}

/// Seals one more blob of this kind.
pub(super) async fn add<T: Serialize>(
    house: &House,
    tx: &mut Tx,
    key: &DataKey,
    kind: &'static str,
    value: &T,
) -> Result<(), FlowError> {
    let bytes = serde_json::to_vec(value).map_err(|_| FlowError::Broken("facts that do not serialise"))?;
    sealed::put(tx, key, kind, &bytes, house.clock.now(), &*house.chance).await?;
    Ok(())
}

/// The one blob of this kind; `None` before it was written.
pub(super) async fn get<T: DeserializeOwned>(
    tx: &mut Tx,
    key: &DataKey,
    kind: &'static str,
) -> Result<Option<T>, FlowError> {
    match sealed::list(tx, key, kind, None, 1).await?.pop() {
        // serde's message may quote what it found, so it is dropped.
        Some((_, bytes)) => {
            serde_json::from_slice(&bytes).map(Some).map_err(|_| FlowError::Broken("sealed facts of another shape"))
        }
        None => Ok(None),
    }
}

macro_rules! kept {
    ($put:ident, $get:ident, $kind:ident: $type:ty, $purpose:ident) => {
        #[doc = concat!("Seals the ", stringify!($type), " of a case.")]
        pub(super) async fn $put(
            house: &House,
            tx: &mut Tx,
            request: &Request,
            value: &$type,
        ) -> Result<(), FlowError> {
            let key = key(house, tx, request.case, KeyPurpose::$purpose).await?;
            put(house, tx, &key, $kind, value).await
        }

        #[doc = concat!("The ", stringify!($type), " of a case; empty before it was written.")]
        pub(super) async fn $get(house: &House, tx: &mut Tx, request: &Request) -> Result<$type, FlowError> {
            let key = key(house, tx, request.case, KeyPurpose::$purpose).await?;
            Ok(get(tx, &key, $kind).await?.unwrap_or_default())
        }
    };
}

kept!(put_opening, opening, OPENING: Opening, Letter);
kept!(put_contact, contact, CONTACT: Contact, Contact);
kept!(put_subject, subject, SUBJECT: Subject, Record);
kept!(put_closing, closing, CLOSING: Closing, Record);
kept!(put_orders, orders, ORDERS: Orders, Contact);

/// The [`Subject`] of a case for who only looks at the ledger; `None` where it was forgotten or not written yet.
pub(super) async fn subject_to_look(
    kek: &KeyEncryptionKey,
    tx: &mut Tx,
    case: CaseId,
) -> Result<Option<Subject>, FlowError> {
    looked_at(kek, tx, case, (KeyPurpose::Record, SUBJECT)).await
}

/// The [`Opening`] of a case for who only looks at the ledger; `None` where it was forgotten or not written yet.
pub(super) async fn opening_to_look(
    kek: &KeyEncryptionKey,
    tx: &mut Tx,
    case: CaseId,
) -> Result<Option<Opening>, FlowError> {
    looked_at(kek, tx, case, (KeyPurpose::Letter, OPENING)).await
}

/// The [`Closing`] of a case for who only looks at the ledger; `None` where it was forgotten or not written yet.
pub(super) async fn closing_to_look(
    kek: &KeyEncryptionKey,
    tx: &mut Tx,
    case: CaseId,
) -> Result<Option<Closing>, FlowError> {
    looked_at(kek, tx, case, (KeyPurpose::Record, CLOSING)).await
}

async fn looked_at<T: DeserializeOwned>(
    kek: &KeyEncryptionKey,
    tx: &mut Tx,
    case: CaseId,
    (purpose, kind): (KeyPurpose, &'static str),
) -> Result<Option<T>, FlowError> {
    match keys::load(tx, kek, KeyOwner::Case(case), purpose).await? {
        Some(key) => get(tx, &key, kind).await,
        None => Ok(None),
    }
}

/// Seals a letter's bytes under the key of the delivery, before anybody has judged it.
pub(super) async fn put_delivery(house: &House, tx: &mut Tx, id: DeliveryId, bytes: &[u8]) -> Result<KeyId, FlowError> {
    let (now, owner) = (house.clock.now(), KeyOwner::Delivery(id));
    let key = keys::create(tx, &house.kek, owner, KeyPurpose::Delivery, now, &*house.chance).await?;
    sealed::put(tx, &key, LETTER, bytes, now, &*house.chance).await?;
    Ok(key.id())
}

/// The bytes of a letter that is to be judged.
pub(super) async fn delivery_bytes(house: &House, tx: &mut Tx, delivery: &Delivery) -> Result<Vec<u8>, FlowError> {
    let key = keys::load(tx, &house.kek, KeyOwner::Delivery(delivery.id), KeyPurpose::Delivery)
        .await?
        .ok_or(FlowError::KeyDestroyed(KeyPurpose::Delivery))?;
    let letter = sealed::list(tx, &key, LETTER, None, 1).await?.pop();
    letter.map(|(_, bytes)| bytes).ok_or(FlowError::Missing("the sealed bytes of a letter"))
}

/// Destroys the key of a judged letter, and with it our copy.
pub(super) async fn forget_delivery(house: &House, tx: &mut Tx, delivery: &Delivery) -> Result<(), FlowError> {
    keys::destroy_of(tx, KeyOwner::Delivery(delivery.id), KeyPurpose::Delivery, house.clock.now()).await?;
    Ok(())
}

/// A case adopts the letter that opened it.
pub(super) async fn put_letter(house: &House, tx: &mut Tx, request: &Request, bytes: &[u8]) -> Result<(), FlowError> {
    let key = key(house, tx, request.case, KeyPurpose::Letter).await?;
    sealed::put(tx, &key, LETTER, bytes, house.clock.now(), &*house.chance).await?;
    Ok(())
}

/// Letters of a case that are shown at once.
const LETTERS_MAX: u32 = 20;

/// The letters that a case adopted.
pub(super) async fn letters(house: &House, tx: &mut Tx, request: &Request) -> Result<Vec<Vec<u8>>, FlowError> {
    let key = key(house, tx, request.case, KeyPurpose::Letter).await?;
    Ok(sealed::list(tx, &key, LETTER, None, LETTERS_MAX).await?.into_iter().map(|(_, bytes)| bytes).collect())
}

/// A case adopts a letter that could not be judged, so that it is forgotten with the case. `false` where its bytes
/// cannot be had any more.
pub(super) async fn adopt(
    house: &House,
    tx: &mut Tx,
    request: &Request,
    delivery: &Delivery,
) -> Result<bool, FlowError> {
    let bytes = match delivery_bytes(house, tx, delivery).await {
        Ok(bytes) => bytes,
        Err(error) if error.retry() == Retry::Permanent => return Ok(false),
        Err(error) => return Err(error),
    };
    put_letter(house, tx, request, &bytes).await?;
    forget_delivery(house, tx, delivery).await?;
    Ok(true)
}

/// Destroys one key of a case, and with it all that it sealed. `false` where it is gone already.
pub(super) async fn destroy(house: &House, tx: &mut Tx, case: CaseId, purpose: KeyPurpose) -> Result<bool, FlowError> {
    Ok(keys::destroy_of(tx, KeyOwner::Case(case), purpose, house.clock.now()).await?)
}

/// Whether a key of a case still lives.
pub(super) async fn has_key(house: &House, tx: &mut Tx, case: CaseId, purpose: KeyPurpose) -> Result<bool, FlowError> {
    Ok(keys::load(tx, &house.kek, KeyOwner::Case(case), purpose).await?.is_some())
}
