//! Checks the leaves of one case: numbers without gaps, hashes that follow, one case, each address once. Pure: the auditor
//! runs the same check on an export.

use super::leaf::{Leaf, LeafFields};

/// What is wrong with a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Not a leaf, or not canonical.
    #[error("is not a leaf that this program writes")]
    NotALeaf,
    /// Not the next number.
    #[error("does not have the next number")]
    Number,
    /// Does not name the hash of the leaf before it.
    #[error("does not name the hash of the leaf before it")]
    Previous,
    /// Of another case.
    #[error("is of another case")]
    Case,
    /// A second commitment to the same address.
    #[error("commits to an address once more")]
    Address,
    /// A blinding that an earlier leaf has too.
    #[error("has the blinding of an earlier leaf")]
    Blinding,
}

/// Where a chain is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("leaf {position} of the case {fault}")]
pub struct BrokenChain {
    /// The position in what was given, from 1.
    pub position: usize,
    /// What is wrong there.
    pub fault: Fault,
}

/// Checks all leaves of one case, from its first. That nothing was cut off at the end, only the log can show.
///
/// # Errors
/// [`BrokenChain`] with the first leaf that does not fit.
pub fn verify_chain(leaves: &[Leaf]) -> Result<(), BrokenChain> {
    let mut previous = [0_u8; 32];
    let mut case: Option<String> = None;
    let mut addresses = std::collections::HashSet::new();
    let mut blindings = std::collections::HashSet::new();
    for (index, leaf) in leaves.iter().enumerate() {
        let position = index + 1;
        let broken = |fault| BrokenChain { position, fault };
        let fields = leaf.read().map_err(|_| broken(Fault::NotALeaf))?;
        follows(&fields, position, &previous).map_err(broken)?;
        if case.get_or_insert_with(|| fields.case.clone()) != &fields.case {
            return Err(broken(Fault::Case));
        }
        if fields.address.as_ref().is_some_and(|address| !addresses.insert(address.clone())) {
            return Err(broken(Fault::Address));
        }
        if !blindings.insert(fields.blinding) {
            return Err(broken(Fault::Blinding));
        }
        // Computed here, not taken from the leaf: a stored hash is a claim.
        previous = super::leaf_hash(&leaf.json);
        if previous != leaf.hash {
            return Err(broken(Fault::NotALeaf));
        }
    }
    Ok(())
}

fn follows(fields: &LeafFields, position: usize, previous: &[u8; 32]) -> Result<(), Fault> {
    if fields.number != position as u64 {
        return Err(Fault::Number);
    }
    if fields.previous != data_encoding::HEXLOWER.encode(previous) {
        return Err(Fault::Previous);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::chance::SeededChance;
    use crate::domain::{CaseId, Timestamp};
    use crate::trail::{Actor, Entry, Event, Fact, Facts, LeafError, Link, PrivateFacts, Stamps, address_commitment};
    use crate::vault::{DataKey, KeyOwner, KeyPurpose};

    const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_123_456);
    const STAMPS: Stamps = Stamps { policy: [1; 32], config: [2; 32], build: [3; 32] };

    fn record_key(seed: u64) -> DataKey {
        let chance = SeededChance::new(seed);
        DataKey::new(KeyOwner::Case(CaseId::new(&chance)), KeyPurpose::Record, NOW, &chance)
    }

    fn chain(key: &DataKey, length: u64) -> Vec<Leaf> {
        let chance = SeededChance::new(42);
        let mut link = Link::START;
        (1..=length)
            .map(|number| {
                let facts = Facts::new().with("rows", Fact::Count(number)).unwrap();
                let private = PrivateFacts::new().with("address", "ann@example.org");
                let mut entry = Entry::new(Event::Outcome, Actor::PROGRAM).facts(facts).private(private);
                if number == 2 {
                    entry = entry.committed_address(address_commitment(key, "Ann@example.org").unwrap());
                }
                let leaf = entry.leaf(link, key, &STAMPS, NOW, &chance).unwrap();
                link = Link { number, hash: leaf.hash };
                leaf
            })
            .collect()
    }

    fn fault(leaves: &[Leaf]) -> (usize, Fault) {
        let broken = verify_chain(leaves).unwrap_err();
        (broken.position, broken.fault)
    }

    #[test]
    fn a_leaf_is_exactly_this() {
        let leaf = &chain(&record_key(1), 2)[1];
        insta::assert_snapshot!(String::from_utf8(leaf.json.clone()).unwrap(), @r#"{"actor":{"kind":"program","pseudonym":"00000000000000000000000000000000"},"address":"2b0ca022b690502c33bb3807c2ca7295a7e5cafa9145f1055e1c16a615328a5d","blinding":"ea9f11f8dfb0ca08a8810f9ea39c3a6afb780859e8d8c7bc37b78e2f9b8d68d9","build":"0303030303030303030303030303030303030303030303030303030303030303","case":"611830d3641a68f94a690dcc25d1f4b0","config":"0202020202020202020202020202020202020202020202020202020202020202","event":"outcome","facts":{"rows":2},"number":2,"policy":"0101010101010101010101010101010101010101010101010101010101010101","previous":"42bcf283805cd724a9d7d6048f775f20e5310b387613ef6d7887e54a2e255d51","private":"325cf05eb6bc50f919fd23d42a7946e730c3772a6db0e4f646d165c6679c3ad4","time":1800000000123,"version":1}"#);
    }

    #[test]
    fn a_chain_holds() {
        verify_chain(&chain(&record_key(1), 7)).unwrap();
        verify_chain(&[]).unwrap();
    }

    #[test]
    fn tampering_is_noticed() {
        let good = chain(&record_key(1), 5);
        let without =
            |n: usize| good.iter().enumerate().filter(|(i, _)| *i != n).map(|(_, l)| l.clone()).collect::<Vec<_>>();
        assert_eq!(fault(&without(0)), (1, Fault::Number));
        assert_eq!(fault(&without(2)), (3, Fault::Number));
        let mut swapped = good.clone();
        swapped.swap(1, 2);
        assert_eq!(fault(&swapped), (2, Fault::Number));
        let mut doubled = good.clone();
        doubled.insert(2, good[1].clone());
        assert_eq!(fault(&doubled), (3, Fault::Number));
        let mut mixed = good.clone();
        mixed[4] = chain(&record_key(2), 5)[4].clone();
        assert_eq!(fault(&mixed), (5, Fault::Previous));
    }

    #[test]
    fn a_rewritten_fact_breaks_the_next_link() {
        let mut leaves = chain(&record_key(1), 3);
        let mut fields = leaves[1].read().unwrap();
        fields.facts.insert("rows".into(), 0.into());
        leaves[1] = Leaf::write(&fields).unwrap();
        assert_eq!(fault(&leaves), (3, Fault::Previous));
    }

    #[test]
    fn one_case_each_address_once_fresh_blindings() {
        let known = chain(&record_key(1), 4)[1].read().unwrap().address;
        assert!(known.is_some());
        let alter = |n: usize, change: &dyn Fn(&mut LeafFields)| {
            let mut leaves = chain(&record_key(1), 4);
            let mut fields = leaves[n].read().unwrap();
            change(&mut fields);
            leaves[n] = Leaf::write(&fields).unwrap();
            fault(&leaves)
        };
        assert_eq!(alter(3, &|f| f.case = "00".repeat(16)), (4, Fault::Case));
        assert_eq!(alter(3, &|f| f.address.clone_from(&known)), (4, Fault::Address));
        let leaves = chain(&record_key(1), 4);
        let mut fields = leaves[3].read().unwrap();
        fields.blinding = leaves[1].read().unwrap().blinding;
        let repeated = [&leaves[..3], &[Leaf::write(&fields).unwrap()]].concat();
        assert_eq!(fault(&repeated), (4, Fault::Blinding));
    }

    #[test]
    fn only_the_record_key_of_the_case_commits() {
        let (key, other) = (record_key(1), record_key(2));
        let fields = chain(&key, 1)[0].read().unwrap();
        let private = PrivateFacts::new().with("address", "ann@example.org");
        assert!(fields.commits_to(&private, &key).unwrap());
        assert!(!fields.commits_to(&PrivateFacts::new(), &key).unwrap());
        assert!(matches!(fields.commits_to(&private, &other), Err(LeafError::ForeignKey)));
        let chance = SeededChance::new(1);
        let letter = DataKey::new(key.owner(), KeyPurpose::Letter, NOW, &chance);
        let leaf = Entry::new(Event::Outcome, Actor::PROGRAM).leaf(Link::START, &letter, &STAMPS, NOW, &chance);
        assert!(matches!(leaf, Err(LeafError::ForeignKey)));
    }

    #[test]
    fn equal_private_facts_and_addresses_do_not_show_as_equal() {
        let leaves = chain(&record_key(1), 2);
        assert_ne!(leaves[0].read().unwrap().private, leaves[1].read().unwrap().private);
        let (one, two) = (record_key(1), record_key(2));
        assert_ne!(address_commitment(&one, "a@b.c").unwrap(), address_commitment(&two, "a@b.c").unwrap());
        assert_eq!(address_commitment(&one, "a@b.c").unwrap(), address_commitment(&one, " A@b.C").unwrap());
    }

    #[test]
    fn a_leaf_stays_below_its_limit_with_the_most_facts() {
        const NAMES: [&str; 64] = {
            let mut names = ["n"; 64];
            let text = "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijkl";
            let mut i = 0;
            while i < 64 {
                names[i] = text.split_at(i + 1).0;
                i += 1;
            }
            names
        };
        let mut facts = Facts::new();
        for name in NAMES {
            facts = facts.with(name, Fact::Word("w".repeat(64))).unwrap();
        }
        let chance = SeededChance::new(1);
        let entry = Entry::new(Event::Outcome, Actor::PROGRAM);
        let leaf = entry.clone().facts(facts).leaf(Link::START, &record_key(1), &STAMPS, NOW, &chance).unwrap();
        assert!(leaf.json.len() <= crate::trail::LEAF_BYTES_MAX);
        let lists = Facts::new()
            .with("a", Fact::Words(vec!["w".repeat(64); 64]))
            .and_then(|facts| facts.with("b", Fact::Words(vec!["w".repeat(64); 64])))
            .unwrap();
        let long = entry.facts(lists).leaf(Link::START, &record_key(1), &STAMPS, NOW, &chance);
        assert!(matches!(long, Err(LeafError::TooLong(_))));
    }

    proptest! {
        #[test]
        fn any_byte_altered_anywhere_is_noticed(at in any::<prop::sample::Index>(), leaf in 0_usize..4, flip in 1_u8..) {
            let mut leaves = chain(&record_key(1), 4);
            // The last leaf is bound by the log, not by the chain.
            leaves.push(chain(&record_key(1), 5)[4].clone());
            let at = at.index(leaves[leaf].json.len());
            let mut json = leaves[leaf].json.clone();
            json[at] ^= flip;
            leaves[leaf] = Leaf::from_json(json);
            prop_assert!(verify_chain(&leaves).is_err());
        }

        #[test]
        fn any_bytes_are_read_without_panic(json in proptest::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(Leaf::from_json(json).read().is_err());
        }
    }
}
