//! The values of a conflict, for its message. OPA's evaluator stops at the first conflict and then evaluates the rules once
//! more, each as far as its first value that differs, so that the error can list them (`v1/topdown/conflicts.go`). The
//! same is done here, in the place where the conflict was: nothing is spent on it unless there is one.

use std::fmt::{self, Write};

use super::Machine;
use super::fault::Fault;
use super::slot::Slot;
use super::watch::Watch;
use crate::builtins::host::rego_text;
use crate::error::{Conflicting, ConflictingValue};
use crate::program::{Address, Op};
use crate::value::Value;

/// So many values are told.
const MOST_VALUES: usize = 10;

/// So many characters of each.
const MOST_CHARACTERS: usize = 80;

/// Notes the first value that the function's rules give.
#[derive(Default)]
struct First {
    at: Option<Address>,
    text: String,
}

impl Watch for First {
    fn begin(&mut self, _: &Machine<'_>) {}

    fn before(&mut self, machine: &Machine<'_>, at: Address, op: &Op) {
        if let Op::AssignOnce { source, .. } = *op
            && self.at.is_none()
            && machine.scratch.frames.is_empty()
            && let Some(value) = machine.read(source)
        {
            self.at = Some(at);
            self.text = Text::of(value);
        }
    }

    fn after(&mut self, _: &Machine<'_>, _: Address, _: Address) {}

    fn fault(&mut self, _: &Machine<'_>, _: Address, _: &Fault) {}
}

impl Machine<'_> {
    /// The values that the rules of the running function give, of which one conflicted at `at`; nothing where they don't
    /// conflict again. The evaluation is over then.
    #[cold]
    pub(super) fn conflicting(&mut self, mut at: Address) -> Conflicting {
        let program = self.program;
        let mut found = Conflicting::default();
        let functions = program.functions.iter().filter(|function| function.entry <= at);
        let Some(function) = functions.max_by_key(|function| function.entry) else {
            return found;
        };
        // OPA knows its own conflicts by their rule's place, which optimized rules don't have.
        if program.place_of_rule_at(at).row == 0 {
            return found;
        }
        let base = self.frame.base;
        let params: Vec<Slot<'_>> = (0..function.params)
            .map(|param| self.slot(param).cloned().unwrap_or_default())
            .collect();
        // Where the function returns, it ends.
        self.scratch.frames.clear();
        self.scratch.stack.truncate(base);
        self.scratch.stack.extend(params.iter().cloned());
        self.scratch
            .stack
            .resize_with(base + function.locals as usize, Slot::default);
        self.scratch.found.truncate(self.frame.found);
        (self.frame.next, self.frame.early) = (0, false);
        let failure = self.failure.take();
        let mut first = First::default();
        let mut others: Vec<ConflictingValue> = Vec::new();
        at = function.entry;
        loop {
            self.scratch.cursors.truncate(self.frame.cursors);
            self.scratch.saved.truncate(self.frame.saved);
            self.scratch.worlds.truncate(self.frame.worlds);
            for (param, value) in (0..).zip(&params) {
                self.set(param, value.clone());
            }
            if !matches!(self.execute(&mut at, &mut first), Err(Fault::ValueConflict)) {
                break;
            }
            let Some(&Op::AssignOnce { source, .. }) = program.code.get(at as usize) else {
                break;
            };
            let Some(value) = self.read(source).filter(|_| self.scratch.frames.is_empty()) else {
                break;
            };
            if others.len() + 1 == MOST_VALUES {
                found.more = true;
                break;
            }
            others.push(ConflictingValue {
                value: Text::of(value),
                place: program.place_of_rule_at(at),
            });
            let Some(next) = program.end_of_rule_at(at) else {
                break;
            };
            at = next;
        }
        self.failure = failure;
        if let Some(at) = first.at.filter(|_| !others.is_empty()) {
            found.values.push(ConflictingValue {
                value: first.text,
                place: program.place_of_rule_at(at),
            });
            found.values.append(&mut others);
            found.values.sort_by(|a, b| a.place.order().cmp(&b.place.order()));
        }
        found
    }
}

/// A value as OPA shows it in one line of a message.
#[derive(Default)]
struct Text {
    text: String,
    characters: usize,
    /// Whether space came that isn't written yet.
    space: bool,
}

impl Text {
    fn of(value: &Value) -> String {
        let mut text = Text::default();
        // It ends where there is enough of it.
        let _ = text.write_str(&rego_text(value));
        text.text
    }
}

impl Write for Text {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        for character in more.chars() {
            if character.is_whitespace() {
                self.space = !self.text.is_empty();
                continue;
            }
            for character in self.space.then_some(' ').into_iter().chain([character]) {
                if self.characters == MOST_CHARACTERS {
                    self.text.push_str("...");
                    return Err(fmt::Error);
                }
                self.text.push(character);
                self.characters += 1;
            }
            self.space = false;
        }
        Ok(())
    }
}
