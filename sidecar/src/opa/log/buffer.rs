//! What waits to be uploaded, in bounds: the oldest goes when there is no room. Never does I/O.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::chunks::Chunks;
use super::counters::{Counter, Counters};
use super::limiter::Limiter;
use super::settings::{BufferType, Reporting};

/// Of all that waits. OPA has no such bound unless `buffer_size_limit_bytes` says so, and ends when memory does.
pub(in crate::opa) const MAX_WAITING_BYTES: usize = 64 << 20;

/// What waits.
#[derive(Debug)]
pub(super) struct Buffer {
    kind: BufferType,
    limiter: Option<Limiter>,
    chunks: Chunks,
    waiting: VecDeque<Item>,
    /// Of what is in `waiting`.
    bytes: usize,
    max_bytes: usize,
    max_items: usize,
    counters: Arc<Counters>,
}

#[derive(Debug)]
enum Item {
    Event(String),
    Chunk(Bytes),
}

impl Item {
    fn len(&self) -> usize {
        match self {
            Self::Event(event) => event.len(),
            Self::Chunk(chunk) => chunk.len(),
        }
    }
}

impl Buffer {
    /// An empty one, at `now` by a clock that never goes back.
    pub(super) fn new(reporting: &Reporting, counters: Arc<Counters>, now: Duration) -> Self {
        let (max_bytes, max_items) = match reporting.buffer_type {
            BufferType::Size => (
                reporting.buffer_size_limit_bytes.unwrap_or(usize::MAX),
                usize::MAX,
            ),
            BufferType::Event => (usize::MAX, reporting.buffer_size_limit_events),
        };
        Self {
            kind: reporting.buffer_type,
            limiter: reporting
                .max_decisions_per_second
                .map(|per_second| Limiter::new(per_second, now)),
            chunks: Chunks::new(reporting.upload_size_limit_bytes, Arc::clone(&counters)),
            waiting: VecDeque::new(),
            bytes: 0,
            max_bytes: max_bytes.min(MAX_WAITING_BYTES),
            max_items,
            counters,
        }
    }

    /// Adds an event's JSON at `now`. Says whether there is now something that could be uploaded at once.
    pub(super) fn push(&mut self, event: String, now: Duration) -> bool {
        if self.limiter.as_mut().is_some_and(|limiter| !limiter.allows(now)) {
            self.counters.add(Counter::RateLimited, 1);
            return false;
        }
        match self.kind {
            BufferType::Event => {
                self.enqueue(Item::Event(event));
                true
            }
            BufferType::Size => {
                let full = self.chunks.add(&event);
                let any = !full.is_empty();
                full.into_iter()
                    .for_each(|chunk| self.enqueue(Item::Chunk(chunk)));
                any
            }
        }
    }

    /// Takes all that waits, as chunks. What hasn't filled one is left where it is unless `flush` is set.
    pub(super) fn take(&mut self, flush: bool) -> VecDeque<Bytes> {
        let mut taken = VecDeque::new();
        for item in std::mem::take(&mut self.waiting) {
            match item {
                Item::Chunk(chunk) => taken.push_back(chunk),
                Item::Event(event) => taken.extend(self.chunks.add(&event)),
            }
        }
        self.bytes = 0;
        if flush {
            taken.extend(self.chunks.flush());
        }
        taken
    }

    /// Puts back what couldn't be uploaded, before what has come since.
    pub(super) fn put_back(&mut self, chunks: VecDeque<Bytes>) {
        for chunk in chunks.into_iter().rev() {
            self.bytes += chunk.len();
            self.waiting.push_front(Item::Chunk(chunk));
        }
        self.make_room();
    }

    /// How much waits: events or chunks, or bytes of chunks.
    pub(super) fn size(&self) -> usize {
        match self.kind {
            BufferType::Event => self.waiting.len(),
            BufferType::Size => self.bytes,
        }
    }

    fn enqueue(&mut self, item: Item) {
        self.bytes += item.len();
        self.waiting.push_back(item);
        self.make_room();
    }

    fn make_room(&mut self) {
        let mut dropped = 0;
        while self.bytes > self.max_bytes || self.waiting.len() > self.max_items {
            let Some(oldest) = self.waiting.pop_front() else {
                break;
            };
            self.bytes = self.bytes.saturating_sub(oldest.len());
            dropped += 1;
        }
        if dropped > 0 {
            self.counters.add(Counter::NoRoom, dropped);
            if self.kind == BufferType::Size {
                self.counters.add(Counter::NoRoomForBytes, dropped);
            }
        }
    }
}

#[cfg(test)]
#[path = "buffer_tests.rs"]
mod tests;
