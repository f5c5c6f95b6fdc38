//! Paired measurements: A and B in turn, so that a machine whose speed drifts slows both.

/// The pairwise figures of one comparison.
#[derive(Default)]
pub struct Pairs(Vec<(f64, f64)>);

impl Pairs {
    /// One round: what was measured, and the reference beside it.
    pub fn push(&mut self, ours: f64, reference: f64) {
        self.0.push((ours, reference));
    }

    /// Median, minimum and maximum of ours over the reference, pair by pair.
    #[must_use]
    pub fn ratio(&self) -> Spread {
        Spread::of(self.0.iter().map(|(ours, reference)| ours / reference))
    }

    /// Median, minimum and maximum of ours minus the reference, pair by pair.
    #[must_use]
    pub fn difference(&self) -> Spread {
        Spread::of(self.0.iter().map(|(ours, reference)| ours - reference))
    }

    /// Our side alone.
    #[must_use]
    pub fn ours(&self) -> Spread {
        Spread::of(self.0.iter().map(|(ours, _)| *ours))
    }

    /// The reference's side alone.
    #[must_use]
    pub fn reference(&self) -> Spread {
        Spread::of(self.0.iter().map(|(_, reference)| *reference))
    }
}

/// A figure over several rounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// The middle one; of an even number, the mean of the two in the middle.
    pub median: f64,
    /// The least.
    pub min: f64,
    /// The greatest.
    pub max: f64,
}

impl Spread {
    /// Of these values; NaN all over where there are none.
    pub fn of(values: impl Iterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.collect();
        values.sort_by(f64::total_cmp);
        let at = |i: usize| values.get(i).copied().unwrap_or(f64::NAN);
        let n = values.len();
        let median = if n % 2 == 1 {
            at(n / 2)
        } else {
            f64::midpoint(at((n / 2).wrapping_sub(1)), at(n / 2))
        };
        Self {
            median,
            min: at(0),
            max: at(n.wrapping_sub(1)),
        }
    }

    /// `1.07 (1.02–1.13)`.
    #[must_use]
    pub fn show(&self, digits: usize) -> String {
        format!(
            "{:.digits$} ({:.digits$}–{:.digits$})",
            self.median, self.min, self.max
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_of_the_ratios_and_not_the_ratio_of_medians() {
        let mut pairs = Pairs::default();
        for (ours, reference) in [(1.0, 1.0), (20.0, 10.0), (900.0, 300.0)] {
            pairs.push(ours, reference);
        }
        assert_eq!(
            pairs.ratio(),
            Spread {
                median: 2.0,
                min: 1.0,
                max: 3.0
            }
        );
        assert_eq!(pairs.difference().median, 10.0);
    }

    #[test]
    fn nothing_measured_is_no_number() {
        assert!(Pairs::default().ratio().median.is_nan());
    }
}
