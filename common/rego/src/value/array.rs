//! An array: a shared vector that knows how deep it nests.

use std::sync::Arc;

use super::Value;
use super::extent::Extent;

/// An array of values. A clone shares the elements; a change copies them only when they are shared.
#[derive(Clone, Default)]
pub struct Array {
    shared: Arc<Elements>,
}

#[derive(Clone, Default)]
struct Elements {
    items: Vec<Value>,
    inner: Extent,
}

impl Array {
    /// An empty array with room for `capacity` elements.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Array {
            shared: Arc::new(Elements {
                items: Vec::with_capacity(capacity),
                inner: Extent::default(),
            }),
        }
    }

    /// How many elements.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shared.items.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.shared.items.is_empty()
    }

    /// The element at `index`, from 0.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<&Value> {
        self.shared.items.get(index)
    }

    /// All elements.
    #[must_use]
    pub fn as_slice(&self) -> &[Value] {
        &self.shared.items
    }

    /// The elements in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Value> {
        self.shared.items.iter()
    }

    /// Appends `value`; amortised constant time while this is the only holder.
    pub fn push(&mut self, value: Value) {
        let elements = Arc::make_mut(&mut self.shared);
        elements.inner.add(&value);
        elements.items.push(value);
    }

    /// Whether others hold the same elements, so that a change would copy them.
    pub(crate) fn is_shared(&self) -> bool {
        Arc::strong_count(&self.shared) > 1
    }

    /// How deep it nests: 1 for `[]`.
    #[must_use]
    pub fn nesting(&self) -> usize {
        self.shared.inner.nesting.saturating_add(1)
    }

    pub(crate) fn weight(&self) -> u64 {
        self.shared.inner.weight.saturating_add(1)
    }

    pub(super) fn same(&self, other: &Array) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }
}

impl From<Vec<Value>> for Array {
    fn from(items: Vec<Value>) -> Self {
        let inner = Extent::of(items.iter());
        Array {
            shared: Arc::new(Elements { items, inner }),
        }
    }
}

impl FromIterator<Value> for Array {
    fn from_iter<I: IntoIterator<Item = Value>>(iter: I) -> Self {
        iter.into_iter().collect::<Vec<_>>().into()
    }
}

impl<'a> IntoIterator for &'a Array {
    type Item = &'a Value;
    type IntoIter = std::slice::Iter<'a, Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
