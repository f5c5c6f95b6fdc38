//! Which of the operator's routes a request meets, and what that route asks. First match in the file's order wins, no
//! match denies. Never decides whether a request may pass.

mod conditions;
mod host;
mod path_pattern;
mod peer_rules;
mod route;

use std::fmt;
use std::sync::Arc;

pub use conditions::{Conditions, Target, Unmet};
pub use host::{HostPattern, HostPatternError};
pub use path_pattern::{PathPattern, PathPatternError};
pub use peer_rules::{
    AddressRange, AddressRangeError, PeerRules, SpiffePattern, SpiffePatternError, XfccSender,
};
pub use route::{DpopRule, PathMode, PolicyMode, RequiredClaim, RevocationRule, Route, StepUp, WhenStale};

/// Most routes of one sidecar.
pub const MAX_ROUTES: usize = 4096;

/// All routes, in order.
#[derive(Clone)]
pub struct Routes {
    entries: Box<[(Conditions, Arc<Route>)]>,
}

/// Why routes can't be what they are. Indexes are places in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RoutesError {
    /// Without a route every request would be denied.
    #[error("expected at least one route")]
    None,
    /// More than [`MAX_ROUTES`].
    #[error("expected at most {MAX_ROUTES} routes")]
    TooMany,
    /// Two routes of one name.
    #[error("two routes have one name")]
    DuplicateName {
        /// The later.
        index: usize,
        /// The earlier.
        first: usize,
    },
    /// A route that never matches, because an earlier one takes all that it means.
    #[error("an earlier route takes every request that this one means")]
    Shadowed {
        /// The later.
        index: usize,
        /// The earlier.
        by: usize,
    },
}

impl Routes {
    /// Compiles routes.
    ///
    /// # Errors
    /// When one of them could never match, or can't be told from another.
    pub fn new(entries: Vec<(Conditions, Route)>) -> Result<Self, RoutesError> {
        if entries.is_empty() {
            return Err(RoutesError::None);
        }
        if entries.len() > MAX_ROUTES {
            return Err(RoutesError::TooMany);
        }
        Ok(Self {
            entries: entries
                .into_iter()
                .map(|(conditions, route)| (conditions, Arc::new(route)))
                .collect(),
        })
    }

    /// One route that every request meets.
    pub fn catch_all(route: Route) -> Self {
        Self {
            entries: Box::from([(Conditions::default(), Arc::new(route))]),
        }
    }

    /// The first route that `target` meets.
    pub fn find(&self, target: &Target<'_>) -> Option<&Arc<Route>> {
        self.entries
            .iter()
            .find(|(conditions, _)| conditions.unmet(target).is_none())
            .map(|(_, route)| route)
    }

    /// All routes with their conditions, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&Conditions, &Arc<Route>)> {
        self.entries.iter().map(|(conditions, route)| (conditions, route))
    }
}

impl fmt::Debug for Routes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_list()
            .entries(self.iter().map(|(_, route)| &route.name))
            .finish()
    }
}
