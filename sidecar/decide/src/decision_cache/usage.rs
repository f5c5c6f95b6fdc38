//! Whether answers of a policy are remembered, and why not: told to people.

use postern_policy::Effects;
use postern_policy::input::InputReads;

use super::limits::DecisionCacheLimits;

/// Whether answers of a policy are remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DecisionCacheUse {
    /// All of them, each for as long as it holds.
    On,
    /// Only those that say for how long (`postern.cache_seconds`).
    WhereStated {
        /// What they depend on.
        why: String,
    },
    /// None of them.
    Off {
        /// Why.
        why: String,
    },
}

impl DecisionCacheUse {
    pub(super) fn of(reads: &InputReads, effects: Effects, limits: DecisionCacheLimits) -> Self {
        if limits.entries == 0 || limits.bytes == 0 {
            return Self::Off {
                why: "policy.cache.entries is 0".to_owned(),
            };
        }
        if let Some(path) = reads.never_the_same() {
            return Self::Off {
                why: format!("the policy reads {path}, of which each request has another"),
            };
        }
        if !hangs_on_more_than_the_clock(effects) {
            return Self::On;
        }
        let Effects {
            clock: _,
            randomness,
            network,
            host,
        } = effects;
        let all = [
            (randomness, "randomness"),
            (network, "the network"),
            (host, "what the host says of itself"),
        ];
        let named: Vec<_> = all
            .iter()
            .filter(|(does, _)| *does)
            .map(|(_, name)| *name)
            .collect();
        Self::WhereStated {
            why: format!("the policy's answers may depend on {}", named.join(", ")),
        }
    }

    /// `on`, `where_stated` or `off`.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::On => "on",
            Self::WhereStated { .. } => "where_stated",
            Self::Off { .. } => "off",
        }
    }

    /// Why it isn't on.
    #[must_use]
    pub fn why(&self) -> Option<&str> {
        match self {
            Self::On => None,
            Self::WhereStated { why } | Self::Off { why } => Some(why),
        }
    }
}

/// Whether answers depend on what no span says anything of.
pub(super) fn hangs_on_more_than_the_clock(effects: Effects) -> bool {
    let Effects {
        clock: _,
        randomness,
        network,
        host,
    } = effects;
    randomness || network || host
}
