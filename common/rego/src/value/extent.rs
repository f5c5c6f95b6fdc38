//! How deep and how large what a collection holds is, known without a look at it. Parts that are shared count as often
//! as they occur: that is what comparing or printing the value costs.

use super::Value;

/// Of the elements of a collection, together.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Extent {
    /// The deepest nesting there has been among them.
    pub(super) nesting: usize,
    pub(super) weight: u64,
}

impl Extent {
    pub(super) fn of<'v>(values: impl Iterator<Item = &'v Value>) -> Self {
        let mut extent = Extent::default();
        for value in values {
            extent.add(value);
        }
        extent
    }

    #[inline]
    pub(super) fn add(&mut self, value: &Value) {
        self.nesting = self.nesting.max(value.nesting());
        self.weight = self.weight.saturating_add(value.weight());
    }

    pub(super) fn remove(&mut self, weight: u64) {
        self.weight = self.weight.saturating_sub(weight);
    }
}
