//! Text that is known beforehand, shared with whoever keeps it, or made for one answer: names and values of headers, of which
//! few need a copy.

use std::cmp::Ordering;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use crate::caller::Told;
use crate::verified_caller::VerifiedCaller;

/// A text, read as `&str`.
#[derive(Clone)]
pub enum Text {
    /// Written here.
    Static(&'static str),
    /// Of a route, the configuration.
    Shared(Arc<str>),
    /// Of a token, by way of the whole of it: that needs no hold on each of its texts, which lie far from each other.
    Claimed(Arc<VerifiedCaller>, Told),
    /// Made for one answer.
    Owned(Box<str>),
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Self::Static(text) => text,
            Self::Shared(text) => text,
            Self::Claimed(token, what) => token.told(*what).unwrap_or_default(),
            Self::Owned(text) => text,
        }
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Text {}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        **self == **other
    }
}

impl Ord for Text {
    fn cmp(&self, other: &Self) -> Ordering {
        (**self).cmp(&**other)
    }
}

impl PartialOrd for Text {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, formatter)
    }
}

impl From<&'static str> for Text {
    fn from(text: &'static str) -> Self {
        Self::Static(text)
    }
}

impl From<&Arc<str>> for Text {
    fn from(text: &Arc<str>) -> Self {
        Self::Shared(Arc::clone(text))
    }
}

impl From<Arc<str>> for Text {
    fn from(text: Arc<str>) -> Self {
        Self::Shared(text)
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self::Owned(text.into())
    }
}

impl From<Text> for String {
    fn from(text: Text) -> Self {
        match text {
            Text::Owned(text) => text.into(),
            Text::Static(text) => text.to_owned(),
            Text::Shared(text) => text.as_ref().to_owned(),
            claimed @ Text::Claimed(..) => (*claimed).to_owned(),
        }
    }
}
