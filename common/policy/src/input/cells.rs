//! Where a document keeps what it has made: few values in place, more in memory of their own. A value stays where it is,
//! so that it can be borrowed.

use std::cell::OnceCell;

use postern_rego::Value;

/// So many values need no memory of their own: most policies look at fewer.
const IN_PLACE: usize = 8;

/// A value, `None` where it turned out that there is none.
type Cell = OnceCell<Option<Value>>;

/// Values by number, each made once.
#[derive(Default)]
pub(super) struct Cells {
    first: [Cell; IN_PLACE],
    /// From [`IN_PLACE`] on.
    more: OnceCell<Box<[Cell]>>,
}

impl Cells {
    /// The value at `at` of `size`, made with `make` when it is first asked for.
    pub(super) fn get(&self, at: usize, size: usize, make: impl FnOnce() -> Option<Value>) -> Option<&Value> {
        let cell = match self.first.get(at) {
            Some(cell) => cell,
            None => self
                .more
                .get_or_init(|| {
                    let more = size.saturating_sub(IN_PLACE);
                    std::iter::repeat_with(OnceCell::new).take(more).collect()
                })
                .get(at.checked_sub(IN_PLACE)?)?,
        };
        cell.get_or_init(make).as_ref()
    }
}
