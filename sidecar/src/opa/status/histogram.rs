//! How often something was how large: counts in buckets that are fixed beforehand.

use std::sync::atomic::{AtomicU64, Ordering};

use super::families::Reading;

/// A histogram.
#[derive(Debug)]
pub(super) struct Histogram {
    /// The upper ends of the buckets, each within it, ascending.
    ends: Vec<f64>,
    /// One for each bucket, and one for what is larger than all of them.
    counts: Vec<AtomicU64>,
    /// The sum of all, as the bits of a double.
    sum: AtomicU64,
}

impl Histogram {
    /// An empty one with these buckets, in whatever order.
    pub(super) fn new(ends: &[f64]) -> Self {
        let mut ends: Vec<f64> = ends.iter().copied().filter(|end| end.is_finite()).collect();
        ends.sort_by(f64::total_cmp);
        ends.dedup();
        Self {
            counts: (0..=ends.len()).map(|_| AtomicU64::new(0)).collect(),
            ends,
            sum: AtomicU64::new(0),
        }
    }

    /// Counts one.
    pub(super) fn record(&self, value: f64) {
        let bucket = self.ends.partition_point(|end| *end < value);
        if let Some(count) = self.counts.get(bucket) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        let add = |bits: u64| Some((f64::from_bits(bits) + value).to_bits());
        // It always has something to say.
        let _ = self.sum.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
    }

    /// What was counted.
    pub(super) fn read(&self) -> Reading {
        let mut so_far = 0;
        let mut counts = self.counts.iter().map(|count| {
            so_far += count.load(Ordering::Relaxed);
            so_far
        });
        let buckets = self.ends.iter().copied().zip(counts.by_ref()).collect();
        Reading::Histogram {
            buckets,
            count: counts.last().unwrap_or_default(),
            sum: f64::from_bits(self.sum.load(Ordering::Relaxed)),
        }
    }
}
