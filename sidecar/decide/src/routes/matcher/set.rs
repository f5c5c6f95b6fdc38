//! A set of routes by their places: a short list, or bits where it is long. Built once, then only added to others.

/// Up to here a list is less to add than bits are.
const FEW: usize = 8;

#[derive(Debug)]
pub(super) enum RouteSet {
    Few(Vec<u16>),
    Many(Vec<u64>),
}

impl Default for RouteSet {
    fn default() -> Self {
        Self::Few(Vec::new())
    }
}

impl RouteSet {
    /// Puts a route into the set.
    pub(super) fn insert(&mut self, index: u16) {
        match self {
            Self::Few(list) if list.contains(&index) => {}
            Self::Few(list) if list.len() < FEW => list.push(index),
            Self::Few(list) => {
                let mut bits = Vec::new();
                for &index in list.iter().chain([&index]) {
                    set(&mut bits, index);
                }
                *self = Self::Many(bits);
            }
            Self::Many(bits) => set(bits, index),
        }
    }

    /// Sets the bits of all routes in the set.
    pub(super) fn add_to(&self, met: &mut [u64]) {
        match self {
            Self::Few(list) => {
                for &index in list {
                    if let Some(word) = met.get_mut(usize::from(index / 64)) {
                        *word |= 1 << (index % 64);
                    }
                }
            }
            Self::Many(bits) => {
                for (met, bits) in met.iter_mut().zip(bits) {
                    *met |= bits;
                }
            }
        }
    }
}

fn set(bits: &mut Vec<u64>, index: u16) {
    let at = usize::from(index / 64);
    if bits.len() <= at {
        bits.resize(at + 1, 0);
    }
    if let Some(word) = bits.get_mut(at) {
        *word |= 1 << (index % 64);
    }
}
