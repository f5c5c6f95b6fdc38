//! Which of the operator's routes a request meets, and what that route asks. First match in the file's order wins, no
//! match denies. Never decides whether a request may pass.

mod conditions;
mod host;
mod matcher;
mod path_pattern;
mod peer_rules;
mod route;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use matcher::Matcher;

pub use conditions::{Conditions, Target, Unmet};
pub use host::{HostPattern, HostPatternError};
pub use path_pattern::{PathPattern, PathPatternError};
pub use peer_rules::{
    AddressRange, AddressRangeError, PeerRules, SpiffePattern, SpiffePatternError, XfccSender,
};
pub use route::{
    DpopRule, OnPolicyError, PathMode, PolicyMode, RequiredClaim, RevocationRule, Route, StepUp, WhenStale,
};

/// Most routes of one sidecar.
pub const MAX_ROUTES: usize = 4096;

/// All routes, in order, compiled.
pub struct Routes {
    entries: Box<[(Conditions, Arc<Route>)]>,
    matcher: Matcher,
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
    /// A route that takes strict paths only, and means one that never is.
    #[error(
        "a strict route refuses every path with `%` in its canonical form, so it can't mean one; say `paths: compat`"
    )]
    NeverStrict {
        /// The route.
        index: usize,
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
        let mut names = HashMap::with_capacity(entries.len());
        for (index, (_, route)) in entries.iter().enumerate() {
            if let Some(first) = names.insert(Arc::clone(&route.name), index) {
                return Err(RoutesError::DuplicateName { index, first });
            }
        }
        for (index, (conditions, route)) in entries.iter().enumerate() {
            let is_strict = conditions.path.as_ref().is_none_or(PathPattern::is_strict);
            if route.paths == PathMode::Strict && !is_strict {
                return Err(RoutesError::NeverStrict { index });
            }
            let by = entries
                .iter()
                .take(index)
                .position(|(earlier, _)| earlier.covers(conditions));
            if let Some(by) = by {
                return Err(RoutesError::Shadowed { index, by });
            }
        }
        Ok(Self::compiled(entries))
    }

    /// One route that every request meets.
    pub fn catch_all(route: Route) -> Self {
        Self::compiled(vec![(Conditions::default(), route)])
    }

    fn compiled(entries: Vec<(Conditions, Route)>) -> Self {
        Self {
            matcher: Matcher::new(&entries.iter().map(|(conditions, _)| conditions)),
            entries: entries
                .into_iter()
                .map(|(conditions, route)| (conditions, Arc::new(route)))
                .collect(),
        }
    }

    /// The first route that `target` meets. Allocates nothing.
    pub fn find(&self, target: &Target<'_>) -> Option<&Arc<Route>> {
        self.matcher
            .first(target)
            .and_then(|index| self.entries.get(index))
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
