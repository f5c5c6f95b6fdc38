//! What happened in an evaluation, for people: which rules were tried, which gave a value, and where the others failed.
//! Bounded, and told as it went; the machine writes it (`machine/watch`).

use std::fmt;

use crate::error::Place;

/// How much of an evaluation is kept. What comes after is only counted as cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordLimits {
    /// Events.
    pub max_events: usize,
    /// Bytes of their texts, with 64 for each event.
    pub max_bytes: usize,
}

impl Default for RecordLimits {
    /// Ten thousand events, a mebibyte.
    fn default() -> Self {
        RecordLimits {
            max_events: 10_000,
            max_bytes: 1024 * 1024,
        }
    }
}

/// What an evaluation did, in order. Given to [`Program::evaluate_recorded`](crate::Program::evaluate_recorded).
///
/// It holds values that rules gave, names that were looked up and lines that were printed: as secret as the input and the
/// data are.
#[derive(Debug, Clone, Default)]
pub struct Recording {
    limits: RecordLimits,
    events: Vec<Event>,
    bytes: usize,
    is_cut: bool,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Event {
    /// How many functions were running: 1 for a rule that the query asks for.
    pub depth: usize,
    /// The rule's place, but of [`Happened::Failed`], [`Happened::Conflict`], [`Happened::Stopped`],
    /// [`Happened::Read`] and [`Happened::Printed`] that of the expression. Row 0 where the plan doesn't say.
    pub place: Place,
    /// What.
    pub what: Happened,
}

impl Event {
    /// The rule or function as the policy has it, `data.a.b`; of what the query itself does, the entrypoint.
    #[must_use]
    pub fn rule(&self) -> &str {
        crate::error::rule_name(&self.place.function)
    }
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Happened {
    /// A rule was tried.
    Entered,
    /// A rule gave this value: JSON, the first 128 bytes of it, or what it is where it is large. A rule that adds to a set
    /// or an object does so once for each element.
    Succeeded {
        /// The value, or the element.
        value: String,
    },
    /// A rule gave no value; the place is that of the last expression that wasn't true.
    Failed,
    /// A second value that differs from the first.
    Conflict,
    /// The evaluation ended here with an error.
    Stopped {
        /// The error.
        error: String,
    },
    /// The rule index was asked which of the rules can succeed.
    Indexed {
        /// So many can.
        found: usize,
        /// Of so many.
        of: usize,
        /// Whether the first success ends the search.
        is_early: bool,
    },
    /// A rule wasn't tried.
    Skipped(Skipped),
    /// A part of `input` or `data` was looked up: `input.a.b`, with `[_]` for any element. Once for each rule.
    Read {
        /// The path.
        path: String,
        /// Whether it is there.
        is_defined: bool,
    },
    /// The policy printed a line.
    Printed {
        /// The line.
        line: String,
    },
}

/// Why a rule wasn't tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Skipped {
    /// Its own conditions say that it can't succeed.
    ByIndex,
    /// A rule before it gave the value that it would give, too.
    ByEarlyExit,
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Skipped::ByIndex => "by the index",
            Skipped::ByEarlyExit => "by early exit",
        })
    }
}

impl Recording {
    /// An empty one with bounds.
    #[must_use]
    pub fn new(limits: RecordLimits) -> Self {
        Recording {
            limits,
            ..Recording::default()
        }
    }

    /// What happened, in order.
    #[must_use]
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// Whether there was more than the bounds allow. The end is missing then, not the beginning.
    #[must_use]
    pub const fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// Notes that something is missing.
    pub(crate) fn cut(&mut self) {
        self.is_cut = true;
    }

    pub(crate) fn add(&mut self, event: Event) {
        if self.is_cut {
            return;
        }
        let text = match &event.what {
            Happened::Succeeded { value: text }
            | Happened::Stopped { error: text }
            | Happened::Read { path: text, .. }
            | Happened::Printed { line: text } => text.len(),
            _ => 0,
        };
        let bytes = self.bytes.saturating_add(text).saturating_add(64);
        if self.events.len() >= self.limits.max_events || bytes > self.limits.max_bytes {
            self.is_cut = true;
            return;
        }
        self.bytes = bytes;
        self.events.push(event);
    }
}
