//! Which routes a method leaves.

use std::collections::HashMap;

use super::super::conditions::Conditions;
use super::RouteSet;

#[derive(Debug, Default)]
pub(super) struct Methods {
    /// Routes that don't ask.
    unasked: RouteSet,
    exact: HashMap<Box<str>, RouteSet>,
}

impl Methods {
    pub(super) fn new<'c>(all: impl Iterator<Item = (u16, &'c Conditions)>) -> Self {
        let mut methods = Self::default();
        for (index, conditions) in all {
            match &conditions.methods {
                None => methods.unasked.insert(index),
                Some(names) => {
                    for name in names {
                        methods.exact.entry(name.clone()).or_default().insert(index);
                    }
                }
            }
        }
        methods
    }

    pub(super) fn met(&self, method: &str, met: &mut [u64]) {
        self.unasked.add_to(met);
        if let Some(routes) = self.exact.get(method) {
            routes.add_to(met);
        }
    }
}
