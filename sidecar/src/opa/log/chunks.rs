//! Events into chunks: gzip-compressed JSON arrays, none larger than the service takes (OPA's `v1/plugins/logs/encoder.go`).
//! How much fits into one before it is compressed is learned: it begins at the limit itself, grows while chunks come out
//! small, and shrinks when one comes out too large, which is then halved until it fits.

use std::io::Write;
use std::sync::Arc;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use postern_policy::Value;

use super::counters::{Counter, Counters};

/// Of the uncompressed events of one chunk, whatever is learned.
const MAX_OPEN_BYTES: usize = 32 << 20;

/// The chunk that is being filled.
#[derive(Debug)]
pub(super) struct Chunks {
    /// Of a compressed chunk, bytes.
    limit: usize,
    /// Of an open one, uncompressed.
    open_limit: usize,
    /// The events of the open one, joined by commas.
    open: Vec<u8>,
    /// Where each ends.
    ends: Vec<usize>,
    counters: Arc<Counters>,
}

impl Chunks {
    /// None yet; of at most `limit` bytes each.
    pub(super) fn new(limit: usize, counters: Arc<Counters>) -> Self {
        Self {
            limit,
            open_limit: limit.min(MAX_OPEN_BYTES),
            open: Vec::new(),
            ends: Vec::new(),
            counters,
        }
    }

    /// Adds an event's JSON. Gives the chunks that are full.
    pub(super) fn add(&mut self, event: &str) -> Vec<Bytes> {
        let mut full = Vec::new();
        // Two brackets, and a comma before each but the first.
        if self.open.len() + event.len() + 3 > self.open_limit && !self.ends.is_empty() {
            self.close(&mut full);
        }
        if !self.ends.is_empty() {
            self.open.push(b',');
        }
        self.open.extend_from_slice(event.as_bytes());
        self.ends.push(self.open.len());
        if self.open.len() + 2 > self.open_limit {
            self.close(&mut full);
        }
        full
    }

    /// All that hasn't filled a chunk.
    pub(super) fn flush(&mut self) -> Vec<Bytes> {
        let mut full = Vec::new();
        self.close(&mut full);
        full
    }

    fn close(&mut self, full: &mut Vec<Bytes>) {
        let open = std::mem::take(&mut self.open);
        let ends = std::mem::take(&mut self.ends);
        if ends.is_empty() {
            return;
        }
        let mut events = Vec::with_capacity(ends.len());
        let mut begin = 0;
        for end in ends {
            events.push(open.get(begin..end).unwrap_or_default());
            begin = end + 1;
        }
        let size = self.pack(&events, full);
        if size > self.limit {
            self.open_limit = (self.open_limit / 2).max(self.limit.min(MAX_OPEN_BYTES));
        } else if size < self.limit / 10 * 9 {
            self.open_limit = self.open_limit.saturating_mul(2).min(MAX_OPEN_BYTES);
        }
    }

    /// Compresses these events into as few halves as are small enough. Gives the size of all in one.
    fn pack(&self, events: &[&[u8]], full: &mut Vec<Bytes>) -> usize {
        let chunk = compressed(events);
        let size = chunk.len();
        if size <= self.limit {
            full.push(chunk);
            return size;
        }
        match events {
            [] => {}
            [event] => self.without_nd_builtin_cache(event, full),
            _ => {
                let (first, second) = events.split_at(events.len() / 2);
                self.pack(first, full);
                self.pack(second, full);
            }
        }
        size
    }

    fn without_nd_builtin_cache(&self, event: &[u8], full: &mut Vec<Bytes>) {
        self.counters.add(Counter::TooLarge, 1);
        let smaller = Value::from_json_slice(event).ok().and_then(|event| {
            let members = event.as_object()?;
            members.get_str("nd_builtin_cache")?;
            let others = members
                .iter()
                .filter(|(name, _)| name.as_str() != Some("nd_builtin_cache"));
            let others = others.map(|(name, value)| (name.clone(), value.clone()));
            Some(Value::Object(others.collect()).to_json())
        });
        let chunk = smaller.map(|event| compressed(&[event.as_bytes()]));
        let limit = self.limit;
        match chunk {
            Some(chunk) if chunk.len() <= limit => {
                self.counters.add(Counter::WithoutNdBuiltinCache, 1);
                tracing::warn!(
                    limit,
                    "a decision-log event went without nd_builtin_cache: with it, it is larger than \
                     decision_logs.reporting.upload_size_limit_bytes"
                );
                full.push(chunk);
            }
            _ => {
                self.counters.add(Counter::NotEncoded, 1);
                tracing::error!(
                    bytes = event.len(),
                    limit,
                    "a decision-log event is lost: compressed, it is larger than \
                     decision_logs.reporting.upload_size_limit_bytes; raise that, or mask what is large"
                );
            }
        }
    }
}

fn compressed(events: &[&[u8]]) -> Bytes {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    let mut between: &[u8] = b"[";
    for event in events {
        // Writing to memory doesn't fail.
        let _ = gzip.write_all(between).and_then(|()| gzip.write_all(event));
        between = b",";
    }
    let _ = gzip.write_all(b"]");
    gzip.finish().unwrap_or_default().into()
}

#[cfg(test)]
#[path = "chunks_tests.rs"]
pub(in crate::opa) mod tests;
