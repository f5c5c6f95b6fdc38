//! How long each stage of a check took, of one check in sixteen: reading the clock after every stage would cost more than
//! some of the stages. Of a decision that waits, too, each stage is told once.

use std::time::Duration;

use postern_decide::{Stage, Stages};

use crate::clock::Stopwatch;

/// One check in this many is measured; a power of two.
const ONE_IN: u8 = 16;

/// The laps of one check.
#[derive(Debug, Default)]
pub(crate) struct Laps(Option<Measured>);

#[derive(Debug)]
struct Measured {
    began: Stopwatch,
    /// When each stage was passed, from the beginning; in the order in which they were.
    passed: [Option<(Stage, Duration)>; Stage::ALL.len()],
    count: usize,
}

impl Laps {
    /// Laps for a check that begins now. `chance` is any random byte: whether this check is measured hangs on it.
    pub(crate) fn of_check(chance: u8) -> Self {
        Self((chance & (ONE_IN - 1) == 0).then(|| Measured {
            began: Stopwatch::start(),
            passed: [None; Stage::ALL.len()],
            count: 0,
        }))
    }

    /// Each stage that was passed, and how long it took.
    pub(crate) fn each(&self) -> impl Iterator<Item = (Stage, Duration)> + '_ {
        let passed = self
            .0
            .iter()
            .flat_map(|measured| measured.passed.iter().flatten());
        passed.scan(Duration::ZERO, |before, &(stage, at)| {
            let took = at.saturating_sub(*before);
            *before = at;
            Some((stage, took))
        })
    }
}

impl Stages for Laps {
    fn passed(&mut self, stage: Stage) {
        // A decision that was interrupted goes through its first stages again: that, and the waiting, is the work of the stage
        // that it waited in.
        let again = |measured: &Measured| measured.passed.iter().flatten().any(|&(known, _)| known == stage);
        if let Some(measured) = &mut self.0
            && !again(measured)
            && let Some(lap) = measured.passed.get_mut(measured.count)
        {
            *lap = Some((stage, measured.began.elapsed()));
            measured.count += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_check_in_sixteen_is_measured() {
        let measured = |chance| {
            let mut laps = Laps::of_check(chance);
            laps.passed(Stage::Route);
            laps.each().count()
        };
        assert_eq!((0..=u8::MAX).map(measured).sum::<usize>(), 256 / 16);
    }

    #[test]
    fn stages_that_are_gone_through_again_count_for_the_one_that_was_waited_in() {
        let mut laps = Laps::of_check(0);
        for stage in [Stage::Route, Stage::Peer] {
            laps.passed(stage);
        }
        let before: Vec<_> = laps.each().collect();
        for stage in Stage::ALL {
            laps.passed(stage);
        }
        let all: Vec<_> = laps.each().collect();
        assert_eq!(
            all.iter().map(|(stage, _)| *stage).collect::<Vec<_>>(),
            Stage::ALL
        );
        assert_eq!(all[..2], before);
    }

    #[test]
    fn laps_come_in_order_and_add_up() {
        let mut laps = Laps::of_check(0);
        for stage in Stage::ALL {
            laps.passed(stage);
        }
        let stages: Vec<_> = laps.each().map(|(stage, _)| stage).collect();
        assert_eq!(stages, Stage::ALL);
        let last = laps
            .0
            .as_ref()
            .and_then(|measured| measured.passed.last().copied().flatten());
        let sum: Duration = laps.each().map(|(_, took)| took).sum();
        assert_eq!(last.map(|(_, at)| at), Some(sum));
    }
}
