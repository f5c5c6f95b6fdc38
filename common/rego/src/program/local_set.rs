//! A set of locals. Plans number them from 0 up, so that a bit for each does; what a stranger's plan numbers otherwise is kept
//! apart.

use crate::hash::HashSet;

/// Locals below this have a bit each.
const NEAR: usize = 1 << 16;

/// A set of locals, as the plan numbers them.
#[derive(Debug, Default)]
pub(super) struct LocalSet {
    near: Vec<u64>,
    far: HashSet<i64>,
}

impl LocalSet {
    /// Adds a local; says whether it is new.
    pub(super) fn insert(&mut self, local: i64) -> bool {
        let Some((word, bit)) = place(local) else {
            return self.far.insert(local);
        };
        if self.near.len() <= word {
            self.near.resize(word + 1, 0);
        }
        let Some(word) = self.near.get_mut(word) else {
            return false;
        };
        let is_new = *word & bit == 0;
        *word |= bit;
        is_new
    }

    /// Whether a local is among them.
    pub(super) fn contains(&self, local: i64) -> bool {
        match place(local) {
            Some((word, bit)) => self.near.get(word).is_some_and(|word| word & bit != 0),
            None => self.far.contains(&local),
        }
    }
}

impl FromIterator<i64> for LocalSet {
    fn from_iter<I: IntoIterator<Item = i64>>(locals: I) -> Self {
        let mut set = Self::default();
        for local in locals {
            set.insert(local);
        }
        set
    }
}

fn place(local: i64) -> Option<(usize, u64)> {
    let local = usize::try_from(local).ok().filter(|local| *local < NEAR)?;
    Some((local / 64, 1 << (local % 64)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_set_of_locals_is_a_set(
            steps in prop::collection::vec(
                (any::<bool>(), prop_oneof![0..200_i64, 65_500..65_600_i64, any::<i64>()]),
                0..200,
            ),
        ) {
            let (mut set, mut wanted) = (LocalSet::default(), HashSet::default());
            for (_, local) in steps.iter().filter(|(adds, _)| *adds) {
                prop_assert_eq!(set.insert(*local), wanted.insert(*local));
            }
            for (_, local) in &steps {
                prop_assert_eq!(set.contains(*local), wanted.contains(local));
            }
        }
    }
}
