//! Makes the challenges: tokens and codes are derived from the case's secret, so that a resend is the same letter.

use crate::db::Tx;
use crate::db::challenges::{self, StoredChallenge};
use crate::domain::request::{Request, approval_ends, challenge_ends};
use crate::domain::{Scope, Timestamp};
use crate::vault::ChallengeSecret;
use crate::verify::{Addressee, Challenge, Code, MessageKey, Offer, Token};

use super::error::FlowError;
use super::facts::Subject;
use super::house::House;
use super::{note, promise, safe};

/// The token and the codes of a round, as a letter prints them.
pub(super) struct Printed {
    /// The token.
    pub(super) token: Token,
    /// The token of the page on which the round can be answered.
    pub(super) page: Token,
    /// The code of each scope.
    pub(super) codes: Vec<(Scope, Code)>,
}

/// Derives what a letter of this round prints.
pub(super) fn printed(
    secret: &ChallengeSecret,
    request: &Request,
    round: u32,
    address: &str,
    scopes: &[Scope],
) -> Printed {
    let of = MessageKey { request: request.id, address, round };
    Printed {
        token: Token::derive(secret, of),
        page: Token::of_page(secret, of),
        codes: scopes.iter().map(|scope| (*scope, Code::derive(secret, of, *scope))).collect(),
    }
}

/// Writes the challenge of the asker's round.
pub(super) async fn ask_asker(
    house: &House,
    tx: &mut Tx,
    request: &Request,
    subject: &Subject,
    digests: &[(Scope, [u8; 32])],
    address: &str,
    now: Timestamp,
) -> Result<(), FlowError> {
    let approval = request.ask.as_ref().is_some_and(|ask| ask.approval);
    let addressee = if approval { Addressee::AskerBeforeOwner } else { Addressee::Asker };
    let account = subject.account.as_deref().ok_or(FlowError::Missing("the account of an identified request"))?;
    let account_mac = house.keys.account_mac(account);
    write(house, tx, request, addressee, account_mac, digests, address, now).await
}

/// Writes the challenge of the owner's round, for the one scope that the asker confirmed.
pub(super) async fn ask_owner(
    house: &House,
    tx: &mut Tx,
    request: &Request,
    asked: &StoredChallenge,
    scope: Scope,
    now: Timestamp,
) -> Result<(), FlowError> {
    let contact = safe::contact(house, tx, request).await?;
    let owner = contact.owner.ok_or(FlowError::Missing("the owner's address of a request that needs approval"))?;
    let digests: Vec<_> = asked
        .challenge
        .choices
        .iter()
        .filter(|offer| offer.scope == scope)
        .map(|offer| (offer.scope, offer.plan_digest))
        .collect();
    let account_mac = asked.challenge.account_mac;
    write(house, tx, request, Addressee::ApprovingOwner, account_mac, &digests, &owner, now).await
}

/// Puts the question of the last round anew, to whom it was put then: its waits begin anew, its codes no longer count.
pub(super) async fn ask_anew(house: &House, tx: &mut Tx, request: &Request, now: Timestamp) -> Result<(), FlowError> {
    let last = challenges::load(tx, request.id, request.round.saturating_sub(1)).await?;
    let last = last.ok_or(FlowError::Missing("the question that is put anew"))?;
    last.challenge.check(house.keys.gate(), &last.hmac)?;
    let asked = last.challenge;
    let contact = safe::contact(house, tx, request).await?;
    let address = match asked.addressee {
        Addressee::ApprovingOwner => contact.owner,
        Addressee::Asker | Addressee::AskerBeforeOwner => contact.asker,
    };
    let address = address.ok_or(FlowError::Missing("the address of a question that is put anew"))?;
    let digests: Vec<_> = asked.choices.iter().map(|offer| (offer.scope, offer.plan_digest)).collect();
    write(house, tx, request, asked.addressee, asked.account_mac, &digests, &address, now).await
}

#[expect(clippy::too_many_arguments, reason = "each is one column of the row that is written")]
async fn write(
    house: &House,
    tx: &mut Tx,
    request: &Request,
    addressee: Addressee,
    account_mac: [u8; 32],
    digests: &[(Scope, [u8; 32])],
    address: &str,
    now: Timestamp,
) -> Result<(), FlowError> {
    // The same instant as that of the wake which ends the wait: `now` is that of the move.
    let expires_at = match addressee {
        Addressee::ApprovingOwner => approval_ends(&request.deadlines, &house.policy, now)
            .ok_or(FlowError::Broken("an owner is asked when no time is left to approve"))?,
        Addressee::Asker | Addressee::AskerBeforeOwner => challenge_ends(&house.policy, now),
    };
    let key = safe::contact_key(house, tx, request).await?;
    let secret = key.challenge_secret();
    let scopes: Vec<Scope> = digests.iter().map(|(scope, _)| *scope).collect();
    let printed = printed(&secret, request, request.round, address, &scopes);
    let choices = digests
        .iter()
        .zip(&printed.codes)
        .map(|((scope, plan_digest), (_, code))| Offer {
            scope: *scope,
            plan_digest: *plan_digest,
            code: code.hash(&secret, request.id, request.round),
        })
        .collect();
    let challenge = Challenge {
        request: request.id,
        round: request.round,
        addressee,
        account_mac,
        choices,
        token: printed.token.hash(),
        page: printed.page.hash(),
        expires_at,
        code_required: scopes.iter().any(|scope| house.config.challenge.code_for.contains(scope)),
        // What an earlier round said stands beside what the settings say now.
        grace_days: promise::days(promise::grace(house, tx, request.id).await?),
        attempts: 0,
    };
    let hmac = challenge.hmac(house.keys.gate());
    challenges::insert(tx, &challenge, &hmac, &house.keys.lookup_mac(address), now).await?;
    note::asked(house, tx, request, &challenge, address).await
}
