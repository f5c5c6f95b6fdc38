//! The patterns that canonical paths are compared with. All three forms are one inside: segments, then what may follow.
//! Never sees a query or an escape: the canonical form has neither.

use std::fmt;

use crate::path;

/// Most segments of a pattern: it bounds how deep matching goes.
const MAX_SEGMENTS: usize = 64;

/// Paths that are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathPattern {
    segments: Box<[Segment]>,
    tail: Tail,
    /// As it was written.
    written: Box<str>,
}

/// One segment of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Segment {
    /// Exactly this; empty after a trailing slash.
    Literal(Box<str>),
    /// Any but an empty one.
    Any,
}

/// What may come after the segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tail {
    /// Nothing.
    End,
    /// A slash and anything.
    Below,
    /// Either.
    EndOrBelow,
}

/// Why a text is no [`PathPattern`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathPatternError {
    /// No canonical path looks like it.
    #[error("no request can match: {0}; expected a path as routes see it, decoded and without a query")]
    Impossible(path::AmbiguousPath),
    /// The canonical form of it is another.
    #[error("no request can match: routes see this path as `{0}`; write that")]
    NotCanonical(String),
    /// A template with a brace out of place.
    #[error(
        "expected each {{…}} to be a whole segment: {{name}} for one, {{name=**}} for all that follow, as the last"
    )]
    Braces,
    /// A template that names two segments alike.
    #[error("`{{{0}}}` is there twice; give each segment a name of its own")]
    Repeated(String),
    /// Too many segments.
    #[error("expected at most {MAX_SEGMENTS} segments")]
    TooLong,
}

impl PathPattern {
    /// The one path `text`; a trailing slash counts.
    ///
    /// # Errors
    /// When no path could ever match.
    pub fn exact(text: &str) -> Result<Self, PathPatternError> {
        possible(text)?;
        Self::of(literals(text), Tail::End, text)
    }

    /// `text` and all below it: `/a` means `/a` and `/a/b`, not `/ab`; `/a/` means `/a/b` and `/a/`, not `/a`.
    ///
    /// # Errors
    /// When no path could ever match.
    pub fn prefix(text: &str) -> Result<Self, PathPatternError> {
        possible(text)?;
        if text == "*" {
            return Err(PathPatternError::Impossible(path::AmbiguousPath::NoSlash));
        }
        match text.strip_suffix('/') {
            Some(folder) => Self::of(literals(folder), Tail::Below, text),
            None => Self::of(literals(text), Tail::EndOrBelow, text),
        }
    }

    /// Segments of which some are `{name}`, which means any one; the last may be `{name=**}`, which means whatever
    /// follows the slash before it, also nothing.
    ///
    /// # Errors
    /// When a brace is out of place, or no path could ever match.
    pub fn template(text: &str) -> Result<Self, PathPatternError> {
        let mut segments = Vec::new();
        let mut tail = Tail::End;
        let mut names: Vec<&str> = Vec::new();
        let mut example = String::new();
        let mut parts = text.split('/').peekable();
        if parts.next() != Some("") {
            return Err(PathPatternError::Impossible(path::AmbiguousPath::NoSlash));
        }
        while let Some(part) = parts.next() {
            example.push('/');
            let Some(name) = part.strip_prefix('{') else {
                if part.contains(['{', '}']) {
                    return Err(PathPatternError::Braces);
                }
                example.push_str(part);
                segments.push(Segment::Literal(Box::from(part)));
                continue;
            };
            let name = name.strip_suffix('}').ok_or(PathPatternError::Braces)?;
            let (name, rest) = match name.strip_suffix("=**") {
                Some(name) => (name, true),
                None => (name, false),
            };
            if !is_name(name) || rest && parts.peek().is_some() {
                return Err(PathPatternError::Braces);
            }
            if names.contains(&name) {
                return Err(PathPatternError::Repeated(name.to_owned()));
            }
            names.push(name);
            example.push_str("any");
            if rest {
                tail = Tail::Below;
            } else {
                segments.push(Segment::Any);
            }
        }
        possible(&example)?;
        Self::of(segments, tail, text)
    }

    fn of(segments: Vec<Segment>, tail: Tail, written: &str) -> Result<Self, PathPatternError> {
        if segments.len() > MAX_SEGMENTS {
            return Err(PathPatternError::TooLong);
        }
        Ok(Self {
            segments: segments.into(),
            tail,
            written: Box::from(written),
        })
    }

    /// Whether `path`, in its canonical form, is meant.
    pub(crate) fn matches(&self, path: &str) -> bool {
        let mut rest = segments(path);
        for segment in &*self.segments {
            let Some(found) = rest.next() else { return false };
            if !segment.matches(found) {
                return false;
            }
        }
        match (rest.next(), self.tail) {
            (None, Tail::End | Tail::EndOrBelow) | (Some(_), Tail::Below | Tail::EndOrBelow) => true,
            (None, Tail::Below) | (Some(_), Tail::End) => false,
        }
    }

    /// Whether every path that `other` means is meant here too.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        let mut theirs = other.segments.iter();
        for ours in &*self.segments {
            let covered = match (ours, theirs.next()) {
                (Segment::Literal(ours), Some(Segment::Literal(theirs))) => ours == theirs,
                (Segment::Any, Some(Segment::Literal(theirs))) => !theirs.is_empty(),
                (Segment::Any, Some(Segment::Any)) => true,
                (Segment::Literal(_), Some(Segment::Any)) | (_, None) => false,
            };
            if !covered {
                return false;
            }
        }
        match (theirs.next(), self.tail) {
            (Some(_), tail) => tail != Tail::End,
            (None, Tail::EndOrBelow) => true,
            (None, tail) => tail == other.tail,
        }
    }

    /// The segments that a path begins with.
    pub(crate) fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// What may follow them.
    pub(crate) fn tail(&self) -> Tail {
        self.tail
    }

    /// Whether a path that is meant has a form that strict routes take: `%` is only left where it means something else.
    pub(crate) fn is_strict(&self) -> bool {
        !self.written.contains('%')
    }
}

impl Segment {
    fn matches(&self, segment: &str) -> bool {
        match self {
            Self::Literal(literal) => **literal == *segment,
            Self::Any => !segment.is_empty(),
        }
    }
}

impl fmt::Display for PathPattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.written)
    }
}

/// The segments of a canonical path: what follows each slash. `*` (RFC 9112 §3.2.4) has none.
pub(crate) fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.strip_prefix('/')
        .into_iter()
        .flat_map(|rest| rest.split('/'))
}

fn literals(path: &str) -> Vec<Segment> {
    segments(path)
        .map(|segment| Segment::Literal(Box::from(segment)))
        .collect()
}

fn possible(text: &str) -> Result<(), PathPatternError> {
    let canonical = path::canonical(text).map_err(PathPatternError::Impossible)?;
    if canonical.as_str() == text {
        Ok(())
    } else {
        Err(PathPatternError::NotCanonical(canonical.as_str().to_owned()))
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
