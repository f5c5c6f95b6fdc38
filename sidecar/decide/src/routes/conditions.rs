//! Which requests a route means, as configured, and why a request isn't one of them. What is said here is what the compiled
//! matcher must find: it is compared with this in tests.

use std::fmt;

use crate::view::RequestView;

use super::host::{Host, HostPattern};
use super::path_pattern::PathPattern;

/// What routes are matched on.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// `Host` or `:authority`, as it came.
    pub host: &'a str,
    /// The path in canonical form.
    pub path: &'a str,
    /// The method.
    pub method: &'a str,
    /// Envoy's `context_extensions`.
    pub context_extensions: &'a [(&'a str, &'a str)],
}

impl<'a> Target<'a> {
    /// What a request is matched on, with its path in canonical form.
    pub(crate) fn of(request: &'a RequestView<'a>, path: &'a str) -> Self {
        Self {
            host: request.http.host,
            path,
            method: request.http.method,
            context_extensions: &request.context_extensions,
        }
    }
}

/// Which requests a route means: those that meet all conditions. The default means every request.
#[derive(Debug, Clone, Default)]
pub struct Conditions {
    /// One of these hosts; `None` for any.
    pub hosts: Option<Box<[HostPattern]>>,
    /// Such a path; `None` for any.
    pub path: Option<PathPattern>,
    /// One of these methods, in the case they are sent in; `None` for any.
    pub methods: Option<Box<[Box<str>]>>,
    /// Each of these `context_extensions`, with that value; names once.
    pub context_extensions: Box<[(Box<str>, Box<str>)]>,
}

impl Conditions {
    /// The first condition that `target` doesn't meet; `None` where it meets them all.
    pub fn unmet<'c>(&'c self, target: &Target<'c>) -> Option<Unmet<'c>> {
        if let Some(hosts) = &self.hosts {
            let met = Host::of(target.host).is_some_and(|host| hosts.iter().any(|one| one.matches(&host)));
            if !met {
                return Some(Unmet::Host(hosts));
            }
        }
        if let Some(path) = self.path.as_ref().filter(|path| !path.matches(target.path)) {
            return Some(Unmet::Path(path));
        }
        if let Some(methods) = &self.methods
            && !methods.iter().any(|method| **method == *target.method)
        {
            return Some(Unmet::Method(methods));
        }
        self.context_extensions
            .iter()
            .find(|(name, value)| !target.context_extensions.contains(&(name, value)))
            .map(|(name, expected)| Unmet::ContextExtension { name, expected })
    }

    /// Whether every request that `other` means is meant here too.
    pub fn covers(&self, other: &Self) -> bool {
        let hosts = match (&self.hosts, &other.hosts) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(ours), Some(theirs)) => theirs
                .iter()
                .all(|theirs| ours.iter().any(|ours| ours.covers(theirs))),
        };
        let path = match (&self.path, &other.path) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(ours), Some(theirs)) => ours.covers(theirs),
        };
        let methods = match (&self.methods, &other.methods) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(ours), Some(theirs)) => theirs.iter().all(|method| ours.contains(method)),
        };
        let context = self
            .context_extensions
            .iter()
            .all(|pair| other.context_extensions.contains(pair));
        hosts && path && methods && context
    }
}

/// The first condition of a route that a request doesn't meet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unmet<'c> {
    /// The host is none of these.
    Host(&'c [HostPattern]),
    /// The path isn't meant.
    Path(&'c PathPattern),
    /// The method is none of these.
    Method(&'c [Box<str>]),
    /// The extension isn't there, or has another value.
    ContextExtension {
        /// Its name.
        name: &'c str,
        /// The value that it must have.
        expected: &'c str,
    },
}

impl fmt::Display for Unmet<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(hosts) => write!(formatter, "the host isn't {}", Choice(hosts)),
            Self::Path(path) => write!(formatter, "the path isn't {path}"),
            Self::Method(methods) => write!(formatter, "the method isn't {}", Choice(methods)),
            Self::ContextExtension { name, expected } => {
                write!(formatter, "the context extension {name} isn't {expected}")
            }
        }
    }
}

/// `a, b or c`.
struct Choice<'c, T>(&'c [T]);

impl<T: fmt::Display> fmt::Display for Choice<'_, T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, one) in self.0.iter().enumerate() {
            let before = match index {
                0 => "",
                last if last + 1 == self.0.len() => " or ",
                _ => ", ",
            };
            write!(formatter, "{before}{one}")?;
        }
        Ok(())
    }
}
