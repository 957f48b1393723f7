//! What confirms, what does not, and that nothing without possession ever does.

use proptest::prelude::*;

use super::*;
use crate::chance::SeededChance;
use crate::domain::CaseId;
use crate::vault::{DataKey, KeyEncryptionKey, KeyOwner, KeyPurpose};
use crate::verify::{MessageKey, Token};

const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);
/// Of an answer that is read as soon as it comes.
const AT_ONCE: Timestamp = Timestamp::from_micros(i64::MAX);
const TERMS: Terms = Terms { attempts_max: 5, authority_lives: Duration::from_secs(86_400 * 30) };

struct Scene {
    secret: ChallengeSecret,
    challenge: Challenge,
    codes: Vec<String>,
}

fn scene(addressee: Addressee, scopes: &[Scope], code_required: bool) -> Scene {
    let chance = SeededChance::new(1);
    let secret =
        DataKey::new(KeyOwner::Case(CaseId::new(&chance)), KeyPurpose::Contact, NOW, &chance).challenge_secret();
    let request = RequestId::new(NOW, &chance);
    let of = MessageKey { request, address: "owner@example.org", round: 1 };
    let codes: Vec<Code> = scopes.iter().map(|scope| Code::derive(&secret, of, *scope)).collect();
    let choices = scopes.iter().zip(&codes).enumerate().map(|(n, (scope, code))| Offer {
        scope: *scope,
        plan_digest: [u8::try_from(n).unwrap(); 32],
        code: code.hash(&secret, request, 1),
    });
    let challenge = Challenge {
        request,
        round: 1,
        addressee,
        account_mac: [9; 32],
        choices: choices.collect(),
        token: Token::derive(&secret, of).hash(),
        page: Token::of_page(&secret, of).hash(),
        expires_at: NOW.plus_days(14),
        code_required,
        grace_days: 7,
        attempts: 0,
    };
    Scene { secret, challenge, codes: codes.iter().map(|code| code.as_str().to_owned()).collect() }
}

fn answer(intent: Intent, codes: &[&str]) -> AnswerFacts {
    AnswerFacts {
        intent,
        codes: codes.iter().map(|c| (*c).to_owned()).collect(),
        machine_written: false,
        received_at: AT_ONCE,
    }
}

impl Scene {
    fn rule_at(&self, possession: Possession, answer: &AnswerFacts, now: Timestamp) -> Ruling {
        let chance = SeededChance::new(2);
        let judge = Judge { secret: &self.secret, terms: TERMS, now, chance: &chance };
        let received_at = if answer.received_at == AT_ONCE { now } else { answer.received_at };
        judge_answer(&self.challenge, possession, &AnswerFacts { received_at, ..answer.clone() }, &judge)
    }

    fn rule(&self, answer: &AnswerFacts) -> Ruling {
        self.rule_at(Possession::TokenMatched, answer, NOW)
    }
}

fn confirmed(ruling: &Ruling) -> Option<(Scope, Method, [u8; 32])> {
    match ruling {
        Ruling::Confirmed { scope, authority } => Some((*scope, authority.method(), *authority.plan_digest())),
        _ => None,
    }
}

#[test]
fn a_yes_suffices_for_one_choice_without_code() {
    for scope in [Scope::User, Scope::EndUser, Scope::Data] {
        let scene = scene(Addressee::Asker, &[scope], false);
        for possession in [Possession::TokenMatched, Possession::MessageIdMatched] {
            let ruling = scene.rule_at(possession, &answer(Intent::Yes, &[]), NOW);
            assert_eq!(confirmed(&ruling), Some((scope, Method::Reply, [0; 32])));
        }
        // An order number beside a clear yes takes nothing away from it.
        assert!(confirmed(&scene.rule(&answer(Intent::Yes, &["XK4F7Z"]))).is_some());
    }
}

/// A path is read by more eyes than a letter: on a page only the code confirms, and what it confirms says so.
#[test]
fn a_page_needs_the_code() {
    for scope in [Scope::User, Scope::Account] {
        let scene = scene(Addressee::Asker, &[scope], false);
        let by_page = |answer: &AnswerFacts| scene.rule_at(Possession::PageMatched, answer, NOW);
        assert_eq!(by_page(&answer(Intent::Yes, &[])), Ruling::AskForCode { attempts: 0 });
        assert_eq!(by_page(&answer(Intent::Yes, &["XK4F7Z"])), Ruling::AskForCode { attempts: 1 });
        let ruling = by_page(&answer(Intent::None, &[&scene.codes[0]]));
        assert_eq!(confirmed(&ruling), Some((scope, Method::Page, [0; 32])));
        assert_eq!(by_page(&answer(Intent::No, &[])), Ruling::Denied);
        assert_eq!(by_page(&answer(Intent::Withdraw, &[])), Ruling::Withdraw { proven: true });
    }
}

#[test]
fn closing_an_account_needs_the_code() {
    let scene = scene(Addressee::Asker, &[Scope::Account], false);
    assert_eq!(scene.rule(&answer(Intent::Yes, &[])), Ruling::AskForCode { attempts: 0 });
    let ruling = scene.rule(&answer(Intent::None, &[&scene.codes[0]]));
    assert_eq!(confirmed(&ruling), Some((Scope::Account, Method::Code, [0; 32])));
}

#[test]
fn what_the_settings_list_needs_the_code() {
    let scene = scene(Addressee::Asker, &[Scope::User], true);
    assert_eq!(scene.rule(&answer(Intent::Yes, &[])), Ruling::AskForCode { attempts: 0 });
    assert!(confirmed(&scene.rule(&answer(Intent::None, &[&scene.codes[0]]))).is_some());
}

#[test]
fn a_code_beside_a_condition_is_no_yes() {
    for scope in [Scope::Account, Scope::User] {
        let scene = scene(Addressee::Asker, &[scope], false);
        assert_eq!(scene.rule(&answer(Intent::Unclear, &[&scene.codes[0]])), Ruling::Unclear);
        assert_eq!(scene.rule(&answer(Intent::Unclear, &[])), Ruling::Unclear);
        // Nor is it a try: an order number in a question is none, and questions find out no code.
        assert_eq!(scene.rule(&answer(Intent::Unclear, &["XK4F7Z"])), Ruling::Unclear);
    }
}

#[test]
fn words_are_no_tries_and_whatever_may_be_a_code_is_one() {
    let scene = scene(Addressee::Asker, &[Scope::Account], false);
    for word in ["delete", "DELETE", "please", "LÖSCHEN", "123456", "200101", "ABCDEF"] {
        for intent in [Intent::Yes, Intent::None] {
            assert_eq!(scene.rule(&answer(intent, &[word])), Ruling::AskForCode { attempts: 0 }, "{word}");
        }
        // No code of ours reads so: nobody who tries them finds one.
        assert!(scene.codes.iter().all(|code| Code::parse(code).is_some()) && Code::parse(word).is_none(), "{word}");
    }
    for (typed, attempts) in
        [(&["de1e7e"][..], 1), (&["DE-1E7E"], 1), (&["XK4F7Z", "xk4f7z", "XK4-F7Z"], 1), (&["XK4F7Z", "XK4F7A"], 2)]
    {
        assert_eq!(scene.rule(&answer(Intent::None, typed)), Ruling::AskForCode { attempts }, "{typed:?}");
    }
}

#[test]
fn of_two_choices_the_code_says_which() {
    let scene = scene(Addressee::Asker, &[Scope::Data, Scope::Account], false);
    assert_eq!(scene.rule(&answer(Intent::Yes, &[])), Ruling::AskForCode { attempts: 0 });
    for (n, scope) in [Scope::Data, Scope::Account].into_iter().enumerate() {
        let ruling = scene.rule(&answer(Intent::Yes, &[&scene.codes[n]]));
        assert_eq!(confirmed(&ruling), Some((scope, Method::Code, [u8::try_from(n).unwrap(); 32])));
    }
    let both = answer(Intent::Yes, &[&scene.codes[0], &scene.codes[1]]);
    assert_eq!(scene.rule(&both), Ruling::AskForCode { attempts: 0 });
}

#[test]
fn wrong_codes_are_counted_up_to_a_limit() {
    let mut scene = scene(Addressee::Asker, &[Scope::Account], false);
    assert_eq!(scene.rule(&answer(Intent::Yes, &["XK4F7Z"])), Ruling::AskForCode { attempts: 1 });
    scene.challenge.attempts = 4;
    assert_eq!(scene.rule(&answer(Intent::Yes, &["XK4F7Z"])), Ruling::TooManyAttempts { attempts: 5 });
    scene.challenge.attempts = 5;
    let right = answer(Intent::Yes, &[&scene.codes[0]]);
    assert_eq!(scene.rule(&right), Ruling::TooManyAttempts { attempts: 5 }, "the right code comes too late");
}

#[test]
fn one_letter_with_many_codes_is_no_way_in() {
    let scene = scene(Addressee::Asker, &[Scope::Account], false);
    let mut many: Vec<String> = (0..1000).map(|n| format!("XK{n:04}")).filter(|c| Code::parse(c).is_some()).collect();
    many.push(scene.codes[0].clone());
    let facts = AnswerFacts { intent: Intent::Yes, codes: many, machine_written: false, received_at: NOW };
    assert_eq!(scene.rule(&facts), Ruling::TooManyAttempts { attempts: 5 });
}

#[test]
fn a_code_of_another_round_or_case_is_wrong() {
    let mut scene = scene(Addressee::Asker, &[Scope::Account], false);
    let right = answer(Intent::Yes, &[&scene.codes[0].clone()]);
    scene.challenge.round = 2;
    assert_eq!(scene.rule(&right), Ruling::AskForCode { attempts: 1 });
}

#[test]
fn a_users_word_waits_for_the_owner() {
    let scene = scene(Addressee::AskerBeforeOwner, &[Scope::User], false);
    let ruling = scene.rule(&answer(Intent::Yes, &[]));
    assert_eq!(ruling, Ruling::AwaitsApproval { scope: Scope::User, plan_digest: [0; 32] });
}

#[test]
fn the_owners_approval_is_an_authority() {
    let scene = scene(Addressee::ApprovingOwner, &[Scope::User], false);
    let ruling = scene.rule(&answer(Intent::Yes, &[]));
    assert_eq!(confirmed(&ruling), Some((Scope::User, Method::OwnerApproval, [0; 32])));
    assert_eq!(scene.rule(&answer(Intent::No, &[])), Ruling::Denied);
}

#[test]
fn no_is_no_and_stop_is_heard_from_everybody() {
    let scene = scene(Addressee::Asker, &[Scope::User], false);
    assert_eq!(scene.rule(&answer(Intent::No, &[&scene.codes[0]])), Ruling::Denied);
    let stop = answer(Intent::Withdraw, &[]);
    let late = NOW.plus_days(20);
    assert_eq!(scene.rule_at(Possession::TokenMatched, &stop, late), Ruling::Withdraw { proven: true });
    assert_eq!(scene.rule_at(Possession::None, &stop, NOW), Ruling::Withdraw { proven: false });
    assert_eq!(scene.rule_at(Possession::TokenMatched, &answer(Intent::No, &[]), late), Ruling::Denied);
}

#[test]
fn what_comes_too_late_confirms_nothing() {
    let scene = scene(Addressee::Asker, &[Scope::User], false);
    let yes = answer(Intent::Yes, &[&scene.codes[0]]);
    let last = scene.challenge.expires_at.minus(Duration::from_micros(1));
    assert!(confirmed(&scene.rule_at(Possession::TokenMatched, &yes, last)).is_some());
    assert_eq!(scene.rule_at(Possession::TokenMatched, &yes, scene.challenge.expires_at), Ruling::Expired);
    // Late is what reaches the mailbox late, not what is read late.
    let read_late = scene.challenge.expires_at.plus_days(3);
    let in_time = AnswerFacts { received_at: last, ..yes };
    assert!(confirmed(&scene.rule_at(Possession::TokenMatched, &in_time, read_late)).is_some());
    let late = AnswerFacts { received_at: scene.challenge.expires_at, ..in_time };
    assert_eq!(scene.rule_at(Possession::TokenMatched, &late, read_late), Ruling::Expired);
}

#[test]
fn a_clock_that_is_set_back_lengthens_nothing() {
    let scene = scene(Addressee::Asker, &[Scope::User], false);
    let (ends, minute) = (scene.challenge.expires_at, Duration::from_secs(60));
    let late = AnswerFacts { received_at: ends.plus_days(3), ..answer(Intent::Yes, &[&scene.codes[0]]) };
    for now in [NOW, ends.minus(minute)] {
        assert_eq!(scene.rule_at(Possession::TokenMatched, &late, now), Ruling::Expired);
    }
    // A mail server is a little ahead, and ours shows that there is time left.
    let ahead = AnswerFacts { received_at: ends.plus(minute), ..late };
    assert!(confirmed(&scene.rule_at(Possession::TokenMatched, &ahead, ends.minus(minute))).is_some());
    assert_eq!(scene.rule_at(Possession::TokenMatched, &ahead, ends), Ruling::Expired);
}

#[test]
fn a_slipped_in_challenge_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let kek = KeyEncryptionKey::open_or_create(&folder.path().join("kek"), &SeededChance::new(1)).unwrap();
    let keys = kek.installation_keys();
    let scene = scene(Addressee::Asker, &[Scope::User], true);
    let hmac = scene.challenge.hmac(keys.gate());
    let mut counted = scene.challenge.clone();
    counted.attempts = 3;
    counted.check(keys.gate(), &hmac).unwrap();
    let alterations: [fn(&mut Challenge); 9] = [
        |c| c.page = TokenHash::from_bytes([0; 32]),
        |c| c.token = TokenHash::from_bytes([0; 32]),
        |c| c.choices[0].scope = Scope::Account,
        |c| c.choices[0].plan_digest = [1; 32],
        |c| c.account_mac = [1; 32],
        |c| c.code_required = false,
        |c| c.addressee = Addressee::ApprovingOwner,
        |c| c.grace_days = 0,
        |c| c.expires_at = c.expires_at.plus_days(1),
    ];
    for alter in alterations {
        let mut forged = scene.challenge.clone();
        alter(&mut forged);
        assert_eq!(forged.check(keys.gate(), &hmac), Err(ForgedChallenge(forged.request)));
    }
}

#[test]
fn answers_do_not_print_their_codes() {
    assert!(!format!("{:?}", answer(Intent::Yes, &["K7Q2MD"])).contains("K7Q2MD"));
}

fn any_of<T: Copy + std::fmt::Debug + 'static>(all: &'static [T]) -> impl Strategy<Value = T> {
    proptest::sample::select(all)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    /// The whole table: whatever is offered and answered, a confirmation has possession, a person behind it, time
    /// left, attempts left, and a yes or the right code; and where a code is needed, the right code.
    #[test]
    fn nothing_confirms_without_proof(
        addressee in any_of(Addressee::ALL),
        scopes in proptest::sample::subsequence(Scope::ALL.to_vec(), 0..=3),
        code_required: bool,
        possession in any_of(Possession::ALL),
        intent in any_of(Intent::ALL),
        typed in proptest::sample::subsequence(vec![0_usize, 1, 2, 10, 11], 0..=3),
        machine_written: bool,
        attempts in 0_u32..7,
        days in 0_u32..20,
    ) {
        let mut scene = scene(addressee, &scopes, code_required);
        scene.challenge.attempts = attempts;
        let codes: Vec<String> = typed
            .iter()
            .map(|n| scene.codes.get(*n).cloned().unwrap_or_else(|| if *n == 10 { "XK4F7Z".into() } else { "yes".into() }))
            .collect();
        let right = typed.iter().filter(|n| **n < scopes.len()).count();
        let facts = AnswerFacts { intent, codes, machine_written, received_at: AT_ONCE };
        let ruling = scene.rule_at(possession, &facts, NOW.plus_days(days));
        let says_go = matches!(ruling, Ruling::Confirmed { .. } | Ruling::AwaitsApproval { .. });
        if says_go {
            prop_assert!(possession != Possession::None);
            prop_assert!(!machine_written);
            prop_assert!(days < 14 && attempts < TERMS.attempts_max);
            prop_assert!(intent == Intent::Yes || intent == Intent::None);
            prop_assert!(right == 1 || intent == Intent::Yes);
            if code_required || scopes.len() > 1 || scopes.contains(&Scope::Account) {
                prop_assert_eq!(right, 1);
            }
        }
        if addressee == Addressee::AskerBeforeOwner {
            prop_assert!(confirmed(&ruling).is_none());
        }
        if let Ruling::AskForCode { attempts: after } | Ruling::TooManyAttempts { attempts: after } = ruling {
            prop_assert!(after >= attempts, "attempts are never given back");
        }
    }
}
