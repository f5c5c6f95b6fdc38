//! Writes a [`Recording`]: which rule an operation belongs to says when rules begin and end, and the last operation that
//! was undefined says where one failed.

use std::cell::RefCell;
use std::collections::HashSet;
use std::rc::Rc;

use super::super::Machine;
use super::super::fault::Fault;
use super::Watch;
use super::reads::{Lookup, Parts};
use super::text::shown;
use crate::error::EvalError;
use crate::program::{Address, Mark, Op, Operand, RuleId};
use crate::record::{Event, Happened, Recording, Skipped};

/// So many skipped rules of one function are named each time.
const MAX_SKIPPED: usize = 64;

/// Lines that were printed and not yet recorded.
pub(in crate::machine) type Lines = Rc<RefCell<Vec<String>>>;

/// Records.
pub(in crate::machine) struct Recorder<'r> {
    recording: &'r mut Recording,
    lines: Lines,
    /// The running functions, the query first.
    running: Vec<Running>,
    parts: Parts,
    /// The paths that each rule, or function, was seen to read.
    told: HashSet<(RuleId, String)>,
    /// What the operation at hand is about to look up.
    lookup: Option<Lookup>,
    /// The value that it gives.
    value: Option<String>,
}

/// A running function.
#[derive(Default)]
struct Running {
    /// The operation that called it.
    called_at: Address,
    rule: Option<Rule>,
    /// What its index calls the first of its rules.
    first_rule: Option<RuleId>,
}

/// The rule that a function is at.
struct Rule {
    id: RuleId,
    is_entered: bool,
    succeeded: bool,
    /// Where an operation was undefined last.
    failed_at: Option<Address>,
    /// How often one was; and how often when each iteration began.
    failures: u64,
    scans: Vec<(u32, u64)>,
}

impl<'r> Recorder<'r> {
    pub(in crate::machine) fn new(recording: &'r mut Recording, lines: Lines) -> Self {
        Recorder {
            recording,
            lines,
            running: vec![Running::default()],
            parts: Parts::default(),
            told: HashSet::new(),
            lookup: None,
            value: None,
        }
    }

    /// What the evaluation says in the end, if that is an error.
    pub(in crate::machine) fn end(self, outcome: Result<(), &EvalError>) {
        if let Err(error) = outcome {
            self.recording.add(Event {
                depth: self.running.len().saturating_sub(1),
                place: error.place().clone(),
                what: Happened::Stopped {
                    error: error.to_string(),
                },
            });
        }
        if self.parts.is_full {
            self.recording.cut();
        }
    }

    fn add(&mut self, place: crate::error::Place, what: Happened) {
        let depth = self.running.len().saturating_sub(1);
        self.recording.add(Event { depth, place, what });
    }

    fn tell(&mut self, machine: &Machine<'_>, at: Address, what: Happened) {
        self.add(machine.program.place(at), what);
    }

    fn tell_of(&mut self, machine: &Machine<'_>, rule: RuleId, what: Happened) {
        self.add(machine.program.rule_place(rule), what);
    }

    /// What was printed since.
    fn print(&mut self, machine: &Machine<'_>, at: Address) {
        let lines = std::mem::take(&mut *self.lines.borrow_mut());
        for line in lines {
            self.tell(machine, at, Happened::Printed { line });
        }
    }

    /// Begins the rule that an operation belongs to, and ends the one before.
    fn follow_rule(&mut self, machine: &Machine<'_>, at: Address, op: &Op) {
        let now = machine.program.rule_at(at);
        let Some(running) = self.running.last_mut() else {
            return;
        };
        if running.rule.as_ref().map(|rule| rule.id) != now {
            self.end_rule(machine);
            if let Some(running) = self.running.last_mut() {
                running.rule = now.map(|id| Rule {
                    id,
                    is_entered: false,
                    succeeded: false,
                    failed_at: None,
                    failures: 0,
                    scans: Vec::new(),
                });
            }
        }
        let Some(rule) = self.running.last_mut().and_then(|running| running.rule.as_mut()) else {
            return;
        };
        // Whether there is a value yet is asked for an `else` and a default rule before they begin.
        let id = rule.id;
        let opens = match op {
            Op::Reset { .. }
            | Op::IsAsked { .. }
            | Op::TakeAsked { .. }
            | Op::AskedIs { .. }
            | Op::AskedPart { .. } => true,
            Op::IsUndefined { .. } => machine.program.opens_rule(at, id),
            _ => false,
        };
        if !opens && !std::mem::replace(&mut rule.is_entered, true) {
            self.tell_of(machine, id, Happened::Entered);
        }
    }

    /// The function goes on behind its rule, or ends.
    fn end_rule(&mut self, machine: &Machine<'_>) {
        let rule = self.running.last_mut().and_then(|running| running.rule.take());
        let Some(rule) = rule.filter(|rule| rule.is_entered && !rule.succeeded) else {
            return;
        };
        match rule.failed_at {
            Some(at) => self.tell(machine, at, Happened::Failed),
            None => self.tell_of(machine, rule.id, Happened::Failed),
        }
    }

    /// A rule's value ends the search: the rules behind it that the index found aren't tried.
    fn exit_early(&mut self, machine: &Machine<'_>, at: Address) {
        if self.recording.is_cut() {
            return;
        }
        let Some(rule) = machine.program.rule_at(at) else {
            return;
        };
        let found = machine.found_rules();
        let first = self.running.last().and_then(|running| running.first_rule);
        let skipped: Vec<RuleId> = machine
            .program
            .rules_after(rule)
            .filter(|other| {
                first.is_none_or(|first| found.binary_search(&other.saturating_sub(first)).is_ok())
            })
            .take(MAX_SKIPPED)
            .collect();
        for other in skipped {
            self.tell_of(machine, other, Happened::Skipped(Skipped::ByEarlyExit));
        }
    }

    /// The index said which rules can succeed.
    fn index(&mut self, machine: &Machine<'_>, at: Address, number: u32) {
        let Some(index) = machine.program.indices.get(number as usize) else {
            return;
        };
        if let Some(running) = self.running.last_mut() {
            running.first_rule = Some(index.first_rule);
        }
        if self.recording.is_cut() {
            return;
        }
        for place in &index.refs {
            if let Some(path) = self.parts.at(machine, place.source, &place.keys) {
                let is_defined = machine.has(place);
                self.read(machine, at, path, is_defined);
            }
        }
        let found = machine.found_rules();
        let what = Happened::Indexed {
            found: found.len(),
            of: index.branches.len(),
            is_early: machine.frame.early || !index.asks_collections,
        };
        self.tell(machine, at, what);
        let others = (0..).take(index.branches.len());
        let others = others.filter(|branch| found.binary_search(branch).is_err());
        let others: Vec<u32> = others.take(MAX_SKIPPED).collect();
        for branch in others {
            let rule = index.first_rule.saturating_add(branch);
            self.tell_of(machine, rule, Happened::Skipped(Skipped::ByIndex));
        }
    }

    /// A path was looked up: it is told once for each rule, of lookups between rules once for all.
    fn read(&mut self, machine: &Machine<'_>, at: Address, path: String, is_defined: bool) {
        if self.recording.is_cut() {
            return;
        }
        let rule = machine.program.rule_at(at).unwrap_or(RuleId::MAX);
        if self.told.insert((rule, path.clone())) {
            self.tell(machine, at, Happened::Read { path, is_defined });
        }
    }

    /// An operation was undefined: that may be where its rule fails.
    fn note_failure(&mut self, machine: &Machine<'_>, at: Address, op: &Op) {
        let Some(rule) = self.running.last_mut().and_then(|running| running.rule.as_mut()) else {
            return;
        };
        let counts = match op {
            Op::Jump { .. } => machine.program.mark_at(at) == Mark::Leaves,
            // At the end of an iteration what failed in it says more.
            Op::ScanNext { slot, .. } => {
                let began = rule.scans.iter().rev().find(|(other, _)| other == slot);
                began.is_none_or(|(_, failures)| *failures == rule.failures)
            }
            _ => true,
        };
        if counts {
            rule.failures += 1;
            rule.failed_at = Some(at);
        }
    }

    fn begin_scan(&mut self, slot: u32) {
        if let Some(rule) = self.running.last_mut().and_then(|running| running.rule.as_mut()) {
            rule.scans.retain(|(other, _)| *other != slot);
            rule.scans.push((slot, rule.failures));
        }
    }

    fn succeed(&mut self, machine: &Machine<'_>, value: String) {
        let rule = self.running.last_mut().and_then(|running| running.rule.as_mut());
        if let Some(rule) = rule {
            rule.succeeded = true;
            let id = rule.id;
            self.tell_of(machine, id, Happened::Succeeded { value });
        }
    }
}

impl Watch for Recorder<'_> {
    fn begin(&mut self, machine: &Machine<'_>) {
        self.parts.begin(machine);
    }

    fn fault(&mut self, machine: &Machine<'_>, at: Address, fault: &Fault) {
        self.print(machine, at);
        if matches!(fault, Fault::ValueConflict | Fault::KeyConflict) {
            self.tell(machine, at, Happened::Conflict);
        }
    }

    fn before(&mut self, machine: &Machine<'_>, at: Address, op: &Op) {
        self.follow_rule(machine, at, op);
        self.lookup = self.parts.lookup(machine, op);
        self.value = None;
        match *op {
            Op::ScanStart { slot, .. } => self.begin_scan(slot),
            Op::Return { .. } | Op::ReturnUndefined => {
                if matches!(op, Op::Return { .. }) {
                    self.exit_early(machine, at);
                }
                self.end_rule(machine);
            }
            _ if machine.program.mark_at(at) == Mark::Gives => self.value = given(machine, op),
            _ => {}
        }
    }

    fn after(&mut self, machine: &Machine<'_>, at: Address, next: Address) {
        let frames = machine.scratch.frames.len() + 1;
        let lookup = self.lookup.take();
        if let Some(lookup) = &lookup {
            self.parts.found(machine, lookup);
        }
        let Some(op) = machine.program.code.get(at as usize) else {
            return;
        };
        if frames > self.running.len() {
            self.running.push(Running {
                called_at: at,
                ..Running::default()
            });
            return;
        }
        if frames < self.running.len() {
            let ended = self.running.pop();
            // The caller's expression fails with what it called.
            if let Some(from) = ended.map(|ended| ended.called_at).filter(|from| from + 1 != next) {
                self.note_failure(machine, from, &Op::Nothing);
            }
            return;
        }
        let went_on = next == at + 1;
        if let Some(lookup) = lookup.filter(|lookup| lookup.is_told) {
            self.read(machine, at, lookup.path.to_string(), went_on);
        }
        match *op {
            Op::CallBuiltin { .. } => self.print(machine, at),
            Op::Select { index, .. } => return self.index(machine, at, index),
            Op::Group { .. } | Op::Branch { .. } | Op::IsEarly { .. } => return,
            _ => {}
        }
        if !went_on {
            self.note_failure(machine, at, op);
        } else if let Some(value) = self.value.take() {
            self.succeed(machine, value);
        }
    }
}

/// The value that an operation gives its rule: of an object's member, key and value.
fn given(machine: &Machine<'_>, op: &Op) -> Option<String> {
    let text = |operand: Operand| machine.read(operand).map(shown);
    match *op {
        Op::AssignOnce { source, .. } => text(source),
        Op::SetAdd { value, .. } => text(value),
        Op::ObjectInsertOnce { key, value, .. } => Some(format!("{}: {}", text(key)?, text(value)?)),
        _ => None,
    }
}
