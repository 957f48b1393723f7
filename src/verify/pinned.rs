//! Every mark of this room with fixed input under a fixed key, as it is and stays. What waits in a database was marked by the
//! program of then: a form that changes has all of it taken for a forgery. The values were computed apart from this program, from
//! the written form: HMAC-SHA-256 over the label and the parts, each preceded by its length as eight bytes, the highest first;
//! numbers and times (µs) with the highest byte first, ids as their sixteen bytes, words as they are stored.
//!
//! A mark that needs one field more gets it behind the last part, and only where it is not what all were before; or a label with
//! the next number, and both are tried. What is keyed elsewhere is pinned there: look-ups, pseudonyms and Message-IDs in
//! `vault/installation.rs`, what a completion tells in `flow/completion/form.rs`, leaves in `trail/chain.rs`.

use std::time::Duration;

use data_encoding::HEXLOWER;
use uuid::Uuid;

use super::*;
use crate::domain::request::Hold;
use crate::domain::{AuthorityId, CaseId, RequestId, Scope, Timestamp};
use crate::vault::{ChallengeSecret, InstallationKeys, Pseudonym};

const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);
const WHO: Pseudonym = Pseudonym::from_bytes([0x33; 16]);

fn request() -> RequestId {
    RequestId::from_uuid(Uuid::from_bytes([0x11; 16]))
}

fn hex(mark: &[u8]) -> String {
    HEXLOWER.encode(mark)
}

fn bytes(hex: &str) -> [u8; 32] {
    HEXLOWER.decode(hex.as_bytes()).unwrap().try_into().unwrap()
}

fn authority() -> AuthorityRecord {
    AuthorityRecord {
        id: AuthorityId::from_uuid(Uuid::from_bytes([0x22; 16])),
        request: request(),
        kind: AuthorityKind::Verified,
        method: Method::Code,
        account_mac: [1; 32],
        plan_digest: [2; 32],
        issued_at: NOW,
        expires_at: NOW.plus_days(30),
        hmac: bytes("d1b7f9ef6e07fd2335cff47fd30b9aa2409ac612bbc4f9ac041588e1deb57bf1"),
    }
}

#[test]
fn what_permits_and_begins_and_ends() {
    let keys = InstallationKeys::pinned();
    let permitted = Authority::from_record(&authority(), keys.gate()).expect("the mark of an authority");
    assert_eq!(permitted.record(keys.gate()), authority());
    let begun = BeginningRecord {
        authority: authority().id,
        request: request(),
        account_mac: [1; 32],
        plan_digest: [2; 32],
        begun_at: NOW.plus_days(7),
        hmac: bytes("710452ea99bfebca00c96b21d05f36ffbace16b478e2e63ad4c23f7d5e0e453b"),
    };
    Beginning::from_record(begun, &permitted, keys.gate()).expect("the mark of a beginning");
    let completed = CompletionRecord {
        authority: authority().id,
        covers: Covers::Stores,
        request: request(),
        account_mac: [1; 32],
        plan_digest: [2; 32],
        held_anything: true,
        completed_at: NOW.plus_days(8),
        mark: [0; 32],
    };
    let mark = completed.marked(b"what is told", keys.gate()).mark;
    assert_eq!(hex(&mark), "9fa3fd9ba8ad4cea31f3aaefecc659315819638fd0050da5b27bed16a25b4de9");
    let kept = KeptRecord {
        case: CaseId::from_bytes([0x77; 16]),
        request: request(),
        authority: authority().id,
        account_mac: [1; 32],
        plan_digest: [2; 32],
        completed_at: NOW.plus_days(8),
        mark: bytes("aa61469afb3d62495eae53327a09cf07869b88ce7b8cfd02edc52a2077db5fe7"),
    };
    assert_eq!(kept.check(keys.gate()), Ok(()), "the mark of what is kept");
    let ended = EndedRecord {
        request: request(),
        account_mac: [1; 32],
        ended_at: NOW,
        round: 1,
        mark: bytes("2fb5c93d9d4f72fc0c7ebfe49c478eca16e2fab8e3d8a16f54b033122ac3f755"),
    };
    assert_eq!(ended.check(keys.gate()), Ok(()), "the mark of an end of service");
    let settled = Settled { request: request(), store: "parcels/2", answers: 3, state: "completed", need: "", at: NOW };
    assert_eq!(hex(&settled.mark(keys.gate())), "b8f5df492f7c10f503040af96a31e7835a48724c70560eeb597b9ea3977ef974");
}

#[test]
fn what_stops() {
    let keys = InstallationKeys::pinned();
    let hold = HoldRecord::place(request(), &[], Hold::Operator, NOW, keys.gate());
    assert_eq!(hex(&hold.hmac), "50af5428080e2ed48786683f3059b51060eef58020212c4d6eb9894a40c24cdf");
    let lifted = hold.lifted(NOW.plus_days(1), keys.gate()).release.unwrap();
    assert_eq!(hex(&lifted.hmac), "4485e7bcde8f89c35ce745a47c1054d7f5c7ee10b75378af41404ea184eec9a4");
    let legal = LegalHoldRecord {
        id: Uuid::from_bytes([0x66; 16]),
        kind: HeldKind::Account,
        target_mac: [1; 32],
        reference: "12 O 34".to_owned(),
        placed_by: *WHO.as_bytes(),
        placed_at: NOW,
        hmac: bytes("6ab194069831c823083c990e925f117946164fe014909bd9c0ebc1bca9379281"),
        released_at: None,
        release_hmac: None,
    };
    assert_eq!(legal.stands(keys.gate()), Ok(true));
    let ended = legal.lifted(NOW.plus_days(1), keys.gate()).release_hmac.unwrap();
    assert_eq!(hex(&ended), "dfc530dd2c9f6cfb9c8278ad65e813615a84b91dbb30a8e5f0e4a5415a1d0e47");
}

#[test]
fn what_is_asked_and_answered() {
    let keys = InstallationKeys::pinned();
    let offer = |scope, plan, code| Offer { scope, plan_digest: [plan; 32], code: CodeHash::from_bytes([code; 32]) };
    let challenge = Challenge {
        request: request(),
        round: 2,
        addressee: Addressee::Asker,
        account_mac: [1; 32],
        choices: vec![offer(Scope::Data, 2, 4), offer(Scope::Account, 5, 6)],
        token: TokenHash::from_bytes([3; 32]),
        page: TokenHash::from_bytes([7; 32]),
        expires_at: NOW.plus_days(14),
        code_required: true,
        grace_days: 7,
        attempts: 1,
    };
    assert_eq!(hex(&challenge.hmac(keys.gate())), "eb9fb8656f8208f8127db72beab98a5aced1aff872ca8bfa31a5ddeb3e6d32db");
    let secret = ChallengeSecret::pinned();
    let of = MessageKey { request: request(), address: "owner@example.org", round: 2 };
    let token = Token::derive(&secret, of);
    assert_eq!(token.as_str(), "u2mgoigbbiijulca35idivouzs");
    assert_eq!(hex(token.hash().as_bytes()), "00ac0b17948fdee7367265c24041da34025d4383c32addea95c067945b610034");
    assert_eq!(Token::of_page(&secret, of).as_str(), "nebwo3cketnat4aqv2pcme5tcy");
    assert_eq!(Token::of_recipient(&secret, request(), "parcels").as_str(), "6otoj4ig4hjgniwwu72js3ziwz");
    let code = Code::derive(&secret, of, Scope::Account);
    assert_eq!(code.as_str(), "J947SR");
    assert_eq!(
        hex(code.hash(&secret, request(), 2).as_bytes()),
        "c64b781378c7fc1c2b152dc0870c4d7ddc2d05bb05f6fa13e306d61eb48f95ab"
    );
}

#[test]
fn what_operators_vouch_for() {
    let keys = InstallationKeys::pinned();
    let vouched = Vouched {
        request: request(),
        account_mac: [1; 32],
        plan_digest: [2; 32],
        addressee: Addressee::Asker,
        round: 2,
        proof: ProofKind::CalledBack,
        note_digest: [3; 32],
    };
    let claimed = [0x44, 0x55].map(|byte| Pseudonym::from_bytes([byte; 16])).to_vec();
    for (claimed, mark) in [
        (Vec::new(), "ebddbd9a5b2cc186709d695c35f24a946d8e9455e4a50eb3d752ce31b9b31b47"),
        (claimed, "a82079cefeb58d2c4526272617807b38311c9c092241ade44feb42d06f05eeea"),
    ] {
        let record = EvidenceRecord::new(vouched, Hand { person: WHO, claimed }, NOW, keys.gate()).unwrap();
        assert_eq!(hex(&record.hmac), mark);
        let second = Hand::of(Pseudonym::from_bytes([0x99; 16]));
        let step = (Addressee::Asker, 2);
        let lives = Duration::from_secs(1);
        record.approve(&second, step, lives, keys.gate(), NOW, &crate::chance::SeededChance::new(1)).unwrap();
    }
}
