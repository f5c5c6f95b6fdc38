//! Which routes a host leaves.

use std::collections::HashMap;

use super::super::conditions::Conditions;
use super::super::host::Host;
use super::RouteSet;

#[derive(Debug, Default)]
pub(super) struct Hosts {
    /// Routes that don't ask.
    unasked: RouteSet,
    exact: HashMap<Box<str>, RouteSet>,
    /// By what comes after `*.`.
    below: HashMap<Box<str>, RouteSet>,
    /// Most labels of a name in `below`.
    most_labels: usize,
}

impl Hosts {
    pub(super) fn new<'c>(all: impl Iterator<Item = (u16, &'c Conditions)>) -> Self {
        let mut hosts = Self::default();
        for (index, conditions) in all {
            let Some(patterns) = &conditions.hosts else {
                hosts.unasked.insert(index);
                continue;
            };
            for pattern in patterns {
                let map = if pattern.is_wildcard() {
                    hosts.most_labels = hosts.most_labels.max(pattern.name().split('.').count());
                    &mut hosts.below
                } else {
                    &mut hosts.exact
                };
                map.entry(Box::from(pattern.name())).or_default().insert(index);
            }
        }
        hosts
    }

    pub(super) fn met(&self, authority: &str, met: &mut [u64]) {
        self.unasked.add_to(met);
        let Some(host) = Host::of(authority) else { return };
        let host = host.as_str();
        if let Some(routes) = self.exact.get(host) {
            routes.add_to(met);
        }
        // From the shortest suffix on; a host's first character can't be the dot before one.
        for (dot, _) in host.rmatch_indices('.').take(self.most_labels) {
            let below = host
                .split_at_checked(dot + 1)
                .filter(|_| dot > 0)
                .and_then(|(_, suffix)| self.below.get(suffix));
            if let Some(routes) = below {
                routes.add_to(met);
            }
        }
    }
}
