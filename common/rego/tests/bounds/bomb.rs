//! What runs on, and how it has to end.

use std::fmt::Write as _;

/// How an evaluation ends that can't have an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ends {
    Memory,
    /// At the bound of time, or of statements where a builtin asks for many of them at once.
    Work,
    /// At the bound of how much one value may hold.
    Weight,
    /// At a bound of the builtin's own.
    Refused,
    /// With an answer after all, since the builtin does little for what looks like much.
    Answers,
}

#[derive(Clone, Copy)]
pub(crate) struct Bomb {
    pub(crate) name: &'static str,
    /// What the rule of that name is.
    rule: &'static str,
    pub(crate) ends: Ends,
}

pub(crate) const fn bomb(name: &'static str, ends: Ends, rule: &'static str) -> Bomb {
    Bomb { name, rule, ends }
}

/// Their rules in Rego, behind what `module` has already.
pub(crate) fn rules<'a>(module: &mut String, bombs: impl Iterator<Item = &'a Bomb>) {
    for Bomb { name, rule, .. } in bombs {
        let _ = writeln!(module, "{name} := {rule}");
    }
}
