//! Input as the module's own values, written straight into its memory: parsing a text costs a module many times what most
//! policies cost. How values lie in memory is no part of OPA's ABI (`wasm/src/value.h` of OPA; the same since 0.20 at least),
//! so that each module is asked when it is loaded whether it takes what is written here for what it would have parsed
//! itself; one that doesn't is given text ([`super::instance`]).
//!
//! Every block has the header that the module's allocator gives it, since its code looks at it.

use postern_rego::{Number, Part, Sink, Value};

use super::left_out;

const BOOLEAN: u8 = 2;
const NULL: u8 = 1;
const NUMBER: u8 = 3;
const STRING: u8 = 4;
const ARRAY: u8 = 5;
const OBJECT: u8 = 6;

/// A number whose text stands elsewhere, as those are that were parsed.
const NUMBER_BY_TEXT: u8 = 2;
/// How many names are found again.
const NAMES: usize = 32;
const MIN_BUCKETS: u32 = 8;
/// What fits a module's memory, and addresses of 32 bits.
const MOST_BYTES: usize = 1 << 30;

/// Writes one value for one place in memory. Kept and used again for what it has allocated.
#[derive(Debug, Default)]
pub(super) struct Direct {
    /// Where the bytes will begin.
    base: u32,
    bytes: Vec<u8>,
    /// What belongs to collections that are not ended yet.
    elements: Vec<Element>,
    open: Vec<Open>,
    /// Names that were written, each at the place that its hash says, if no later one is there: most names come again.
    names: Vec<Key>,
    root: Option<u32>,
    /// Something can't be written here: a set, a key that is no string, too much.
    is_odd: bool,
}

/// A member or an element.
#[derive(Debug, Clone, Copy)]
struct Element {
    key: Key,
    value: u32,
}

/// Of an object's member: its address, hash, and where its bytes are.
#[derive(Debug, Clone, Copy, Default)]
struct Key {
    address: u32,
    hash: u32,
    start: usize,
    len: usize,
}

/// A collection that isn't ended yet.
#[derive(Debug, Clone, Copy)]
struct Open {
    /// The first of its elements.
    first: usize,
    /// Of the member whose value comes next.
    key: Key,
}

impl Direct {
    /// Begins a value whose bytes will lie at `base`, a multiple of eight.
    pub(super) fn begin(&mut self, base: u32) {
        self.base = base;
        self.bytes.clear();
        self.elements.clear();
        self.open.clear();
        self.names.clear();
        self.names.resize(NAMES, Key::default());
        self.root = None;
        self.is_odd = false;
    }

    /// The bytes, and the address of the value among them. `None` where it can't be written so.
    pub(super) fn end(&self) -> Option<(&[u8], u32)> {
        let root = self.root.filter(|_| !self.is_odd && self.open.is_empty())?;
        Some((&self.bytes, root))
    }

    /// An allocated block: its header, zeroes, and where they begin. Multiples of eight.
    fn block(&mut self, size: usize) -> usize {
        if self.bytes.len().saturating_add(size) > MOST_BYTES {
            self.is_odd = true;
            self.bytes.clear();
        }
        // A header is of twelve bytes; what follows it is aligned for numbers.
        let start = (self.bytes.len() + 12).next_multiple_of(8);
        self.bytes.resize(start + size, 0);
        self.put(start - 12, word(size));
        start
    }

    fn put(&mut self, at: usize, value: u32) {
        if let Some(place) = self.bytes.get_mut(at..at + 4) {
            place.copy_from_slice(&value.to_le_bytes());
        }
    }

    fn put_byte(&mut self, at: usize, value: u8) {
        if let Some(place) = self.bytes.get_mut(at) {
            *place = value;
        }
    }

    fn address(&self, at: usize) -> u32 {
        self.base.wrapping_add(word(at))
    }

    fn text_bytes(&mut self, text: &[u8]) -> usize {
        if self.bytes.len().saturating_add(text.len()) > MOST_BYTES {
            self.is_odd = true;
            self.bytes.clear();
            return self.block(0);
        }
        let start = self.block(0);
        self.bytes.extend_from_slice(text);
        self.put(start - 12, word(text.len()));
        start
    }

    /// A string, and where its bytes are.
    fn string(&mut self, text: &str) -> (u32, usize) {
        let start = self.text_bytes(text.as_bytes());
        let at = self.block(12);
        self.put_byte(at, STRING);
        self.put(at + 4, word(text.len()));
        self.put(at + 8, self.address(start));
        (self.address(at), start)
    }

    fn scalar(&mut self, kind: u8, value: u8) {
        let at = self.block(2);
        self.put_byte(at, kind);
        self.put_byte(at + 1, value);
        let address = self.address(at);
        self.add(address);
    }

    fn number_of(&mut self, text: &str) -> u32 {
        let start = self.text_bytes(text.as_bytes());
        let at = self.block(24);
        self.put_byte(at, NUMBER);
        self.put_byte(at + 1, NUMBER_BY_TEXT);
        self.put(at + 8, self.address(start));
        self.put(at + 12, word(text.len()));
        self.address(at)
    }

    /// The index of an element, which is an integer.
    fn index(&mut self, index: u32) -> u32 {
        let at = self.block(24);
        self.put_byte(at, NUMBER);
        self.put_byte(at + 1, 1);
        self.put(at + 8, index);
        self.address(at)
    }

    fn begin_collection(&mut self) {
        self.open.push(Open {
            first: self.elements.len(),
            key: Key::default(),
        });
    }

    /// A value is finished: it is the next of what is open, or all there is.
    fn add(&mut self, value: u32) {
        match self.open.last() {
            Some(open) => self.elements.push(Element { key: open.key, value }),
            None => self.root = Some(value),
        }
    }

    fn ended(&mut self) -> usize {
        self.open.pop().map_or(0, |open| open.first)
    }

    /// Puts the members from `first` on into buckets, as inserting one after the other would have.
    fn buckets(&mut self, first: usize) -> (u32, u32, u32) {
        let Self { bytes, elements, .. } = self;
        let key = |element: &Element| bytes.get(element.key.start..element.key.start + element.key.len);
        let members = elements.get_mut(first..).unwrap_or_default();
        // By hash to find those that come twice: the last value stands.
        members.sort_by(|a, b| a.key.hash.cmp(&b.key.hash).then_with(|| key(a).cmp(&key(b))));
        let mut kept = first;
        for at in first..elements.len() {
            let Some(element) = elements.get(at).copied() else {
                break;
            };
            let next = elements.get(at + 1);
            if next.is_some_and(|next| next.key.hash == element.key.hash && key(next) == key(&element)) {
                continue;
            }
            if let Some(place) = elements.get_mut(kept) {
                *place = element;
            }
            kept += 1;
        }
        elements.truncate(kept);
        let count = word(kept - first);
        let mut n = MIN_BUCKETS;
        // count > 0.7 n
        while u64::from(count) * 10 > u64::from(n) * 7 {
            n *= 2;
        }
        let members = elements.get_mut(first..).unwrap_or_default();
        members.sort_by(|a, b| {
            (a.key.hash % n)
                .cmp(&(b.key.hash % n))
                .then_with(|| key(a).cmp(&key(b)))
        });
        let table = self.block(n as usize * 4);
        let mut last: Option<(u32, usize)> = None;
        for at in first..self.elements.len() {
            let Some(Element { key, value }) = self.elements.get(at).copied() else {
                break;
            };
            let element = self.block(12);
            self.put(element, key.address);
            self.put(element + 4, value);
            let bucket = key.hash % n;
            let link = match last {
                Some((same, before)) if same == bucket => before + 8,
                _ => table + bucket as usize * 4,
            };
            self.put(link, self.address(element));
            last = Some((bucket, element));
        }
        (self.address(table), n, count)
    }
}

impl Sink for Direct {
    fn null(&mut self) {
        self.scalar(NULL, 0);
    }

    fn bool(&mut self, flag: bool) {
        self.scalar(BOOLEAN, flag.into());
    }

    fn number(&mut self, number: &Number) {
        let value = self.number_of(&number.as_str());
        self.add(value);
    }

    fn text(&mut self, text: &str) {
        let (value, _) = self.string(text);
        self.add(value);
    }

    fn begin_array(&mut self) {
        self.begin_collection();
    }

    fn end_array(&mut self) {
        let first = self.ended();
        let count = self.elements.len() - first;
        let at = self.block(16);
        let list = if count == 0 {
            None
        } else {
            Some(self.block(count * 8))
        };
        for n in 0..count {
            let Some(value) = self.elements.get(first + n).map(|element| element.value) else {
                break;
            };
            let index = self.index(word(n));
            if let Some(list) = list {
                self.put(list + n * 8, index);
                self.put(list + n * 8 + 4, value);
            }
        }
        self.elements.truncate(first);
        self.put_byte(at, ARRAY);
        self.put(at + 4, list.map_or(0, |list| self.address(list)));
        self.put(at + 8, word(count));
        self.put(at + 12, word(count));
        let value = self.address(at);
        self.add(value);
    }

    fn begin_object(&mut self) {
        self.begin_collection();
    }

    fn key(&mut self, name: &str) {
        let hash = fnv1a(name.as_bytes());
        let place = hash as usize % NAMES;
        let known = self.names.get(place).copied().unwrap_or_default();
        let is_known = known.hash == hash
            && known.address != 0
            && self.bytes.get(known.start..known.start + known.len) == Some(name.as_bytes());
        let key = if is_known {
            known
        } else {
            let (address, start) = self.string(name);
            let key = Key {
                address,
                hash,
                start,
                len: name.len(),
            };
            if let Some(place) = self.names.get_mut(place) {
                *place = key;
            }
            key
        };
        if let Some(open) = self.open.last_mut() {
            open.key = key;
        }
    }

    fn end_object(&mut self) {
        let first = self.ended();
        let at = self.block(16);
        let (table, n, count) = self.buckets(first);
        self.elements.truncate(first);
        self.put_byte(at, OBJECT);
        self.put(at + 4, table);
        self.put(at + 8, n);
        self.put(at + 12, count);
        let value = self.address(at);
        self.add(value);
    }

    fn odd(&mut self, _: &Value) {
        self.is_odd = true;
        self.null();
    }

    fn left_out(&mut self, part: Part) {
        self.add(left_out::address(part));
    }
}

/// Of what is bounded by [`MOST_BYTES`].
fn word(size: usize) -> u32 {
    u32::try_from(size).unwrap_or(u32::MAX)
}

/// `fnv1a32` of OPA's `value.c`, which multiplies before it adds.
fn fnv1a(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash: u32, byte| {
        hash.wrapping_mul(0x0100_0193) ^ u32::from(*byte)
    })
}
