//! Keys of one target, held close together: sorted, each once, packed into pages of bytes. A set that must be whole (whose rows
//! are shared, what runs in a circle) costs five bytes for a key that is a number and eighteen for a UUID, where a tree of keys
//! costs a hundred and more; the keys themselves are unpacked a chunk at a time. Never rows.

use std::fmt;
use std::sync::Arc;

use uuid::Uuid;

use crate::stores::{Key, KeyValue};

/// So many bytes are looked through for one key.
const PAGE_BYTES: usize = 1_024;
/// Keys that are gathered before they are sorted and packed.
const GATHERED_MAX: usize = 1_024;

/// Keys in ascending order, each once. A clone shares the bytes.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Packed {
    pages: Vec<Page>,
    keys: usize,
}

#[derive(Clone, PartialEq, Eq)]
struct Page {
    bytes: Arc<[u8]>,
    keys: usize,
    /// Where its last key begins.
    last: usize,
}

impl fmt::Debug for Packed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Packed({} keys)", self.keys)
    }
}

impl Packed {
    /// How many keys there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.keys
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.keys == 0
    }

    /// What they take in memory, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.pages.iter().map(|page| page.bytes.len() + size_of::<Page>() + 2 * size_of::<usize>()).sum()
    }

    /// Whether this key is among them.
    #[must_use]
    pub fn contains(&self, key: &Key) -> bool {
        let wanted = packed(key);
        let after = self.pages.partition_point(|page| page.first() <= wanted.as_slice());
        let page = after.checked_sub(1).and_then(|at| self.pages.get(at));
        page.is_some_and(|page| Entries::of(&page.bytes).any(|entry| entry == wanted.as_slice()))
    }

    /// The keys, one after the other.
    pub fn iter(&self) -> impl Iterator<Item = Key> + Send + '_ {
        self.entries().map(unpacked)
    }

    /// The keys in pieces of this size.
    pub fn chunks(&self, size: usize) -> impl Iterator<Item = Vec<Key>> + Send + '_ {
        let mut rest = self.iter();
        std::iter::from_fn(move || {
            let chunk: Vec<Key> = rest.by_ref().take(size.max(1)).collect();
            (!chunk.is_empty()).then_some(chunk)
        })
    }

    /// Those that are not among the others.
    #[must_use]
    pub fn minus(&self, others: &Self) -> Self {
        if self.is_empty() || others.is_empty() {
            return self.clone();
        }
        self.told_apart(others, false)
    }

    /// Those that are among the others too.
    #[must_use]
    pub fn both(&self, others: &Self) -> Self {
        self.told_apart(others, true)
    }

    fn told_apart(&self, others: &Self, wanted: bool) -> Self {
        let mut others = others.entries().peekable();
        let mut out = Writer::default();
        for entry in self.entries() {
            while others.next_if(|other| *other < entry).is_some() {}
            if (others.peek() == Some(&entry)) == wanted {
                out.push(entry);
            }
        }
        out.finish()
    }

    /// All of both.
    #[must_use]
    pub fn with(self, others: Self) -> Self {
        if self.is_empty() {
            return others;
        }
        if others.is_empty() {
            return self;
        }
        let (mut one, mut other) = (Cursor::over(self), Cursor::over(others));
        let mut out = Writer::default();
        loop {
            if let Some(page) = one.page_before(&other).or_else(|| other.page_before(&one)) {
                out.push_page(page);
                continue;
            }
            let (first, second) = (one.entry(), other.entry());
            let (Some(left), Some(right)) = (first, second) else { break };
            let order = left.cmp(right);
            out.push(if order.is_gt() { right } else { left });
            if order.is_le() {
                one.step();
            }
            if order.is_ge() {
                other.step();
            }
        }
        out.finish()
    }

    fn entries(&self) -> impl Iterator<Item = &[u8]> + Send {
        self.pages.iter().flat_map(|page| Entries::of(&page.bytes))
    }
}

impl FromIterator<Key> for Packed {
    fn from_iter<T: IntoIterator<Item = Key>>(keys: T) -> Self {
        let mut gather = Gather::default();
        keys.into_iter().for_each(|key| gather.add(&key));
        gather.finish()
    }
}

impl From<Key> for Packed {
    fn from(key: Key) -> Self {
        std::iter::once(key).collect()
    }
}

/// Keys that come in any order, and more than once.
#[derive(Default)]
pub struct Gather {
    fresh: Vec<Vec<u8>>,
    /// Sorted, each at least twice as long as the one behind it.
    runs: Vec<Packed>,
}

impl Gather {
    /// Adds one.
    pub fn add(&mut self, key: &Key) {
        self.fresh.push(packed(key));
        if self.fresh.len() >= GATHERED_MAX {
            self.sort();
        }
    }

    /// About how many there are: one that came twice may count twice.
    #[must_use]
    pub fn about(&self) -> usize {
        self.fresh.len() + self.runs.iter().map(Packed::len).sum::<usize>()
    }

    /// All of them.
    #[must_use]
    pub fn finish(mut self) -> Packed {
        self.sort();
        self.runs.into_iter().rev().fold(Packed::default(), Packed::with)
    }

    fn sort(&mut self) {
        self.fresh.sort_unstable();
        let mut out = Writer::default();
        for entry in self.fresh.drain(..) {
            if out.is_new(&entry) {
                out.push(&entry);
            }
        }
        let mut run = out.finish();
        while let Some(before) = self.runs.pop_if(|before| before.len() < 2 * run.len()) {
            run = before.with(run);
        }
        if !run.is_empty() {
            self.runs.push(run);
        }
    }
}

/// Writes entries that come in order.
#[derive(Default)]
struct Writer {
    pages: Vec<Page>,
    bytes: Vec<u8>,
    keys: usize,
    last: usize,
}

impl Writer {
    /// Whether this is not what was written last.
    fn is_new(&self, entry: &[u8]) -> bool {
        match self.bytes.get(self.last..) {
            Some(last) if !last.is_empty() => last != entry,
            _ => self.pages.last().is_none_or(|page| page.last() != entry),
        }
    }

    fn push(&mut self, entry: &[u8]) {
        if self.bytes.len() + entry.len() > PAGE_BYTES {
            self.turn();
        }
        self.last = self.bytes.len();
        self.bytes.extend_from_slice(entry);
        self.keys += 1;
    }

    /// A page as it is, unless it is small enough to be one with what is before it.
    fn push_page(&mut self, page: Page) {
        if self.bytes.len() + page.bytes.len() <= PAGE_BYTES {
            self.last = self.bytes.len() + page.last;
            self.bytes.extend_from_slice(&page.bytes);
            self.keys += page.keys;
        } else {
            self.turn();
            self.pages.push(page);
        }
    }

    fn turn(&mut self) {
        if !self.bytes.is_empty() {
            self.pages.push(Page { bytes: self.bytes.as_slice().into(), keys: self.keys, last: self.last });
            self.bytes.clear();
            (self.keys, self.last) = (0, 0);
        }
    }

    fn finish(mut self) -> Packed {
        self.turn();
        self.pages.shrink_to_fit();
        Packed { keys: self.pages.iter().map(|page| page.keys).sum(), pages: self.pages }
    }
}

impl Page {
    fn first(&self) -> &[u8] {
        Entries::of(&self.bytes).next().unwrap_or_default()
    }

    fn last(&self) -> &[u8] {
        self.bytes.get(self.last..).unwrap_or_default()
    }
}

/// Where a merge is. What was passed is let go of.
struct Cursor {
    pages: std::vec::IntoIter<Page>,
    page: Option<Page>,
    at: usize,
}

impl Cursor {
    fn over(keys: Packed) -> Self {
        let mut pages = keys.pages.into_iter();
        Self { page: pages.next(), pages, at: 0 }
    }

    fn entry(&self) -> Option<&[u8]> {
        Entries::of(self.page.as_ref()?.bytes.get(self.at..)?).next()
    }

    fn step(&mut self) {
        self.at += self.entry().map_or(0, <[u8]>::len);
        if self.page.as_ref().is_some_and(|page| self.at >= page.bytes.len()) {
            self.turn();
        }
    }

    fn turn(&mut self) -> Option<Page> {
        self.at = 0;
        std::mem::replace(&mut self.page, self.pages.next())
    }

    /// The whole page, where all of it comes before what the other one has.
    fn page_before(&mut self, other: &Self) -> Option<Page> {
        let whole = self.page.as_ref().filter(|_| self.at == 0 || other.page.is_none())?;
        if other.entry().is_some_and(|entry| whole.last() >= entry) {
            return None;
        }
        let at = self.at;
        let page = self.turn()?;
        Some(if at == 0 { page } else { page.from(at) })
    }
}

impl Page {
    /// What is left of it from here on.
    fn from(self, at: usize) -> Self {
        let bytes = self.bytes.get(at..).unwrap_or_default();
        Self { keys: Entries::of(bytes).count(), last: self.last.saturating_sub(at), bytes: bytes.into() }
    }
}

/// The entries of a page. An entry is the number of values, and each value as its tag and its bytes.
struct Entries<'a>(&'a [u8]);

impl<'a> Entries<'a> {
    const fn of(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let mut end = 1;
        for _ in 0..*self.0.first()? {
            end += 1 + value_bytes(self.0.get(end..)?);
        }
        let (entry, rest) = self.0.split_at_checked(end)?;
        self.0 = rest;
        Some(entry)
    }
}

/// A whole number of no bytes that is 0; one more byte is the next tag. Below it are those under 0, from -1 down.
const INT: u8 = 0x10;
const BELOW_ZERO: u8 = INT - 1;
const UUID_TEXT: u8 = 0x20;
const TEXT: u8 = 0x21;
const BYTES: u8 = 0x22;
const UUID: u8 = 0x23;
const UUID_BYTES: usize = 16;
/// Texts and bytes end with this; a zero in them is followed by [`ZERO`].
const END: [u8; 2] = [0, 0];
const ZERO: u8 = 0xff;

/// How many bytes follow the tag that this begins with.
fn value_bytes(value: &[u8]) -> usize {
    match value.first().copied().unwrap_or(INT) {
        UUID | UUID_TEXT => UUID_BYTES,
        TEXT | BYTES => {
            let mut at = 1;
            // What follows a zero belongs to it.
            while let Some(byte) = value.get(at) {
                at += if *byte == 0 { 2 } else { 1 };
                if value.get(at - 2..at) == Some(&END) && *byte == 0 {
                    break;
                }
            }
            at - 1
        }
        tag => usize::from(if tag >= INT { tag - INT } else { BELOW_ZERO.saturating_sub(tag) }),
    }
}

/// A key as bytes that sort as the key does.
fn packed(key: &Key) -> Vec<u8> {
    let mut out = Vec::with_capacity(8);
    out.push(u8::try_from(key.0.len()).unwrap_or(u8::MAX));
    for value in key.0.iter().take(usize::from(u8::MAX)) {
        match value {
            KeyValue::Int(number) => {
                let (bytes, empty) = (number.to_be_bytes(), if *number < 0 { 0xff } else { 0 });
                let skip = bytes.iter().take_while(|byte| **byte == empty).count();
                let len = (bytes.len() - skip) as u8;
                out.push(if *number < 0 { BELOW_ZERO - len } else { INT + len });
                out.extend_from_slice(bytes.get(skip..).unwrap_or_default());
            }
            KeyValue::Text(text) => match as_uuid(text) {
                Some(uuid) => tagged(&mut out, UUID_TEXT, uuid.as_bytes()),
                None => ended(&mut out, TEXT, text.as_bytes()),
            },
            KeyValue::Bytes(bytes) => ended(&mut out, BYTES, bytes),
            KeyValue::Uuid(uuid) => tagged(&mut out, UUID, uuid.as_bytes()),
        }
    }
    out
}

/// The UUID that a text is in the one way in which they are written mostly.
fn as_uuid(text: &str) -> Option<Uuid> {
    if text.len() != uuid::fmt::Hyphenated::LENGTH {
        return None;
    }
    let uuid = Uuid::parse_str(text).ok()?;
    (uuid.hyphenated().encode_lower(&mut Uuid::encode_buffer()) == text).then_some(uuid)
}

fn tagged(out: &mut Vec<u8>, tag: u8, bytes: &[u8]) {
    out.push(tag);
    out.extend_from_slice(bytes);
}

fn ended(out: &mut Vec<u8>, tag: u8, bytes: &[u8]) {
    out.push(tag);
    for byte in bytes {
        out.push(*byte);
        if *byte == 0 {
            out.push(ZERO);
        }
    }
    out.extend_from_slice(&END);
}

fn unpacked(entry: &[u8]) -> Key {
    let mut rest = entry.get(1..).unwrap_or_default();
    let mut values = Vec::with_capacity(1);
    while let Some(tag) = rest.first().copied() {
        let (value, others) = rest.split_at(1 + value_bytes(rest).min(rest.len() - 1));
        rest = others;
        values.push(value_of(tag, value.get(1..).unwrap_or_default()));
    }
    Key(values)
}

fn value_of(tag: u8, bytes: &[u8]) -> KeyValue {
    let uuid = || Uuid::from_slice(bytes).unwrap_or_default();
    let plain = || {
        let mut plain = Vec::with_capacity(bytes.len());
        let mut after_zero = false;
        for byte in bytes.get(..bytes.len().saturating_sub(END.len())).unwrap_or_default() {
            if !after_zero {
                plain.push(*byte);
            }
            after_zero = *byte == 0 && !after_zero;
        }
        plain
    };
    match tag {
        UUID => KeyValue::Uuid(uuid()),
        UUID_TEXT => KeyValue::Text(uuid().hyphenated().to_string()),
        TEXT => KeyValue::Text(String::from_utf8(plain()).unwrap_or_default()),
        BYTES => KeyValue::Bytes(plain()),
        tag => {
            let mut number = [if tag < INT { 0xff } else { 0 }; 8];
            let start = number.len().saturating_sub(bytes.len());
            number.iter_mut().skip(start).zip(bytes).for_each(|(to, from)| *to = *from);
            KeyValue::Int(i64::from_be_bytes(number))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn value() -> impl Strategy<Value = KeyValue> {
        prop_oneof![
            any::<i64>().prop_map(KeyValue::Int),
            (-300_i64..300).prop_map(KeyValue::Int),
            "[a\0é]{0,4}".prop_map(KeyValue::Text),
            any::<u128>().prop_map(|n| KeyValue::Text(Uuid::from_u128(n).to_string())),
            any::<u128>().prop_map(|n| KeyValue::Text(Uuid::from_u128(n).simple().to_string())),
            proptest::collection::vec(prop_oneof![Just(0), Just(0xff), any::<u8>()], 0..4).prop_map(KeyValue::Bytes),
            any::<u128>().prop_map(|n| KeyValue::Uuid(Uuid::from_u128(n))),
        ]
    }

    fn keys(of: usize) -> impl Strategy<Value = Vec<Key>> {
        let small = (0_i64..400).prop_map(Key::from);
        let key = prop_oneof![small, proptest::collection::vec(value(), 0..3).prop_map(Key)];
        proptest::collection::vec(key, 0..of)
    }

    fn tree(keys: &[Key]) -> BTreeSet<Key> {
        keys.iter().cloned().collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn it_holds_what_a_tree_holds(one in keys(2_500), other in keys(600), size in 1_usize..700) {
            let (packed, others): (Packed, Packed) = (one.iter().cloned().collect(), other.iter().cloned().collect());
            let (tree, other_tree) = (tree(&one), tree(&other));
            let back = |keys: &Packed| keys.iter().collect::<BTreeSet<Key>>();
            prop_assert_eq!(packed.len(), tree.len());
            prop_assert_eq!(packed.iter().count(), tree.len());
            prop_assert_eq!(back(&packed), tree.clone());
            prop_assert!(other.iter().all(|key| packed.contains(key) == tree.contains(key)));
            prop_assert_eq!(back(&packed.minus(&others)), &tree - &other_tree);
            prop_assert_eq!(back(&packed.both(&others)), &tree & &other_tree);
            let all = packed.clone().with(others);
            prop_assert_eq!(all.len(), (&tree | &other_tree).len());
            prop_assert_eq!(back(&all), &tree | &other_tree);
            let chunks: Vec<Vec<Key>> = packed.chunks(size).collect();
            prop_assert!(chunks.iter().all(|chunk| chunk.len() <= size));
            prop_assert_eq!(chunks.into_iter().flatten().collect::<BTreeSet<Key>>(), tree);
        }

        #[test]
        fn numbers_and_texts_stay_in_their_order(mut numbers in proptest::collection::vec(any::<i64>(), 0..50), text in "[a\0z]{0,3}", other in "[a\0z]{0,3}") {
            let sorted: Vec<Key> = numbers.iter().copied().map(Key::from).collect::<Packed>().iter().collect();
            numbers.sort_unstable();
            numbers.dedup();
            prop_assert_eq!(sorted, numbers.into_iter().map(Key::from).collect::<Vec<_>>());
            prop_assert_eq!(packed(&text.as_str().into()).cmp(&packed(&other.as_str().into())), text.cmp(&other));
        }
    }

    #[test]
    fn many_keys_take_few_bytes_each() {
        const MANY: i64 = 100_000;
        let bytes = |of: &dyn Fn(i64) -> Key| {
            let keys: Packed = (0..MANY).map(|n| of((n * 7_919) % MANY)).collect();
            assert_eq!(keys.len(), MANY as usize);
            keys.bytes() / MANY as usize
        };
        assert!(bytes(&|n| Key::from(n)) <= 5);
        let uuid =
            |n: i64| Uuid::from_u128(u128::from(n as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835));
        assert!(bytes(&|n| Key(vec![KeyValue::Uuid(uuid(n))])) <= 19);
        assert!(bytes(&|n| Key::from(uuid(n).to_string().as_str())) <= 19);
    }
}
