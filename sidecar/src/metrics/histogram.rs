//! How often something took how long: counts in buckets that are fixed beforehand, as Prometheus has them. The exporter's own
//! histogram keeps each measurement until it is folded, 16 bytes for each check; this one is a few counters and never grows.

use std::fmt::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A histogram of durations.
#[derive(Debug)]
pub(crate) struct Histogram {
    /// The upper ends of the buckets, each within it (`le`), ascending.
    ends: &'static [Duration],
    /// One for each bucket, and one for what is longer than all of them.
    counts: Box<[AtomicU64]>,
    /// In all, nanoseconds. Goes round after 584 years of measured time.
    sum_ns: AtomicU64,
}

impl Histogram {
    /// An empty one with these buckets.
    pub(crate) fn new(ends: &'static [Duration]) -> Self {
        Self {
            ends,
            counts: (0..=ends.len()).map(|_| AtomicU64::new(0)).collect(),
            sum_ns: AtomicU64::new(0),
        }
    }

    /// Counts one duration.
    pub(crate) fn record(&self, took: Duration) {
        let bucket = self.ends.iter().take_while(|end| **end < took).count();
        if let Some(count) = self.counts.get(bucket) {
            count.fetch_add(1, Ordering::Relaxed);
            let ns = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
            self.sum_ns.fetch_add(ns, Ordering::Relaxed);
        }
    }

    /// Whether nothing was counted yet.
    pub(crate) fn is_empty(&self) -> bool {
        self.counts.iter().all(|count| count.load(Ordering::Relaxed) == 0)
    }

    /// The samples of this histogram as metric `name`, in Prometheus' text format; `labels` as they stand in it, without
    /// braces.
    ///
    /// # Errors
    /// Those of `out`.
    pub(crate) fn write_samples(&self, out: &mut impl Write, name: &str, labels: &str) -> fmt::Result {
        let comma = if labels.is_empty() { "" } else { "," };
        let mut ends = self.ends.iter();
        let mut so_far = 0;
        for count in &self.counts {
            so_far += count.load(Ordering::Relaxed);
            match ends.next() {
                Some(end) => {
                    let le = end.as_secs_f64();
                    writeln!(out, "{name}_bucket{{{labels}{comma}le=\"{le}\"}} {so_far}")?;
                }
                None => writeln!(out, "{name}_bucket{{{labels}{comma}le=\"+Inf\"}} {so_far}")?,
            }
        }
        let sum = Duration::from_nanos(self.sum_ns.load(Ordering::Relaxed)).as_secs_f64();
        let braced = match labels {
            "" => String::new(),
            labels => format!("{{{labels}}}"),
        };
        writeln!(out, "{name}_sum{braced} {sum}")?;
        writeln!(out, "{name}_count{braced} {so_far}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENDS: &[Duration] = &[Duration::from_micros(5), Duration::from_millis(1)];

    #[test]
    fn buckets_hold_what_is_no_longer_than_their_end_and_all_before() {
        let histogram = Histogram::new(ENDS);
        assert!(histogram.is_empty());
        for ns in [0, 5_000, 5_001, 1_000_000, 2_000_000_000] {
            histogram.record(Duration::from_nanos(ns));
        }
        let mut text = String::new();
        histogram.write_samples(&mut text, "a_seconds", "").unwrap();
        assert_eq!(
            text,
            "a_seconds_bucket{le=\"0.000005\"} 2\n\
             a_seconds_bucket{le=\"0.001\"} 4\n\
             a_seconds_bucket{le=\"+Inf\"} 5\n\
             a_seconds_sum 2.001010001\n\
             a_seconds_count 5\n"
        );
    }

    #[test]
    fn labels_stand_before_the_bucket() {
        let histogram = Histogram::new(ENDS.get(..1).unwrap());
        histogram.record(Duration::from_micros(1));
        let mut text = String::new();
        histogram
            .write_samples(&mut text, "a_seconds", "stage=\"x\"")
            .unwrap();
        assert_eq!(
            text,
            "a_seconds_bucket{stage=\"x\",le=\"0.000005\"} 1\n\
             a_seconds_bucket{stage=\"x\",le=\"+Inf\"} 1\n\
             a_seconds_sum{stage=\"x\"} 0.000001\n\
             a_seconds_count{stage=\"x\"} 1\n"
        );
    }
}
