//! One function or entrypoint of a plan, lowered to operations: nested blocks become jumps to their ends.

mod asked;
mod calls;
mod patterns;
mod places;
mod rules;
mod search;
mod simple;
mod until;
mod whole;
mod withs;

pub(super) use asked::{MOST_KEYS, params};

use super::build::Builder;
use super::constants::Constants;
use super::index::{self, Keys, Rules, Search};
use super::live::live;
use super::local_set::LocalSet;
use super::locals::{LocalError, Locals};
use super::op::{Address, Local, NOWHERE, Op, Operand};
use super::rules::Mark;
use super::scopes::Scopes;
use crate::error::{LoadError, Place};
use crate::hash::HashMap;
use crate::plan::{self, Block, Kind, Location};

/// `input` and `data`, the first two locals of every body.
const INPUT: Local = 0;
const DATA: Local = 1;

/// An address that is patched later.
const LATER: Address = 0;

/// A body being lowered.
pub(super) struct Body<'b, 'p> {
    builder: &'b mut Builder<'p>,
    locals: Locals,
    scopes: Scopes,
    /// Of the statement being lowered.
    location: Location,
    /// The place among the builder's names.
    name: u32,
    /// Whether something other than a `with` writes `input` or `data`.
    writes_world: bool,
    /// The locals that hold (a part of) the base document, reached from `data` without anything in between.
    base: HashMap<Local, places::Way>,
    /// The locals that something reads, as the plan numbers them.
    live: LocalSet,
    /// The search that the rule being lowered is found by.
    searched: Option<search::Searched>,
    /// The rule being lowered.
    rule: Option<rules::Own>,
    entry: Address,
    /// The keys of each rule, or its value, where some are asked for.
    keys: Vec<Keys<'p>>,
    /// The locals that keep `input` and `data` for after a `with`, as the plan numbers them.
    saved: LocalSet,
    /// The locals that comprehensions make objects in, as the plan numbers them.
    comprehended: LocalSet,
    /// The locals that hold (parts of) keys of the rule at hand, as the plan numbers them, and those of what is asked for there.
    filters: Vec<(i64, Local)>,
}

/// What came of a body.
pub(super) struct Lowered {
    pub(super) entry: Address,
    pub(super) locals: u32,
    pub(super) writes_world: bool,
}

impl<'b, 'p> Body<'b, 'p> {
    /// Lowers `blocks` and ends them with `last`.
    pub(super) fn lower(
        builder: &'b mut Builder<'p>,
        name: u32,
        params: &[i64],
        blocks: &[Block],
        search: Option<(&Rules<'_>, Search<'p>)>,
        last: Op,
    ) -> Result<Lowered, LoadError> {
        let location = Location::default();
        let Some(locals) = Locals::new(params) else {
            let problem = "expected each parameter to be another local, from 0".to_owned();
            return Err(LoadError::Invalid {
                problem,
                place: builder.place(name, location),
            });
        };
        let scopes = Scopes::default();
        let base = HashMap::from_iter([(DATA, places::Way::default())]);
        let live = live(blocks, params);
        let mut body = Body {
            builder,
            locals,
            scopes,
            location,
            name,
            writes_world: false,
            base,
            live,
            searched: None,
            rule: None,
            entry: LATER,
            keys: Vec::new(),
            saved: LocalSet::default(),
            comprehended: LocalSet::default(),
            filters: Vec::new(),
        };
        let entry = body.here()?;
        body.entry = entry;
        match search {
            Some((rules, mut search)) => {
                body.keys = std::mem::take(&mut search.keys);
                body.search(rules, search)?;
            }
            None => body.unsearched(blocks)?,
        }
        body.location = Location::default();
        body.emit(last)?;
        Ok(Lowered {
            entry,
            locals: body.locals.count(),
            writes_world: body.writes_world,
        })
    }

    fn place(&self) -> Place {
        self.builder.place(self.name, self.location)
    }

    fn invalid(&self, problem: impl Into<String>) -> LoadError {
        LoadError::Invalid {
            problem: problem.into(),
            place: self.place(),
        }
    }

    fn out_of_range(&self, table: &'static str, index: i64, len: usize) -> LoadError {
        LoadError::IndexOutOfRange {
            table,
            index,
            len,
            place: self.place(),
        }
    }

    fn too_large(&self, what: &'static str) -> LoadError {
        LoadError::TooLarge {
            what,
            bound: Operand::BOUND,
            place: self.place(),
        }
    }

    fn here(&self) -> Result<Address, LoadError> {
        Address::try_from(self.builder.code.len()).map_err(|_| self.too_large("the code"))
    }

    fn emit(&mut self, op: Op) -> Result<Address, LoadError> {
        let at = self.here()?;
        let rule = self.rule.map(|rule| rule.id);
        self.builder.emit(op, self.name, self.location, rule);
        Ok(at)
    }

    /// Emits an operation that, undefined, leaves the innermost block.
    fn emit_failing(&mut self, op: Op) -> Result<(), LoadError> {
        let at = self.emit(op)?;
        self.scopes.wait(0, at);
        Ok(())
    }

    /// Lets the operations in `waiting` jump to the next one emitted.
    fn patch(&mut self, waiting: &[Address]) -> Result<(), LoadError> {
        let here = self.here()?;
        for at in waiting {
            self.builder.patch(*at, here);
        }
        Ok(())
    }

    fn blocks(&mut self, blocks: &[Block]) -> Result<(), LoadError> {
        for block in blocks {
            self.scopes.open_block();
            self.statements(block)?;
            let waiting = self.scopes.close_block();
            self.patch(&waiting)?;
        }
        Ok(())
    }

    fn statements(&mut self, block: &Block) -> Result<(), LoadError> {
        self.first_statements(block, block.statements.len())
    }

    fn first_statements(&mut self, block: &Block, count: usize) -> Result<(), LoadError> {
        self.statements_of(block, 0, count)
    }

    /// Those from `first` on, up to `end`.
    fn statements_of(&mut self, block: &Block, first: usize, end: usize) -> Result<(), LoadError> {
        let mut taken = 0;
        for (statement, at) in block.statements.iter().zip(1..).take(end).skip(first) {
            if taken > 0 {
                taken -= 1;
                continue;
            }
            self.location = statement.location;
            self.builder.check_file(self.name, self.location)?;
            let after = block.statements.get(at..).unwrap_or_default();
            if let Some(more) = self.ask(&statement.kind, after)? {
                taken = more;
                continue;
            }
            self.before_made(&statement.kind, after)?;
            let before = at.checked_sub(2).and_then(|before| block.statements.get(before));
            if let Some(saved) = index::saved(&statement.kind, before.map(|before| &before.kind)) {
                self.saved.insert(saved);
            }
            if let Kind::MakeObject { target } = statement.kind
                && let Some(Kind::Block { blocks }) = after.first().map(|next| &next.kind)
                && let [block] = blocks.as_slice()
                && index::fills(&block.statements, target)
            {
                self.comprehended.insert(target);
            }
            match until::condition(&statement.kind, block.statements.get(at)) {
                Some(condition) => self.until(condition, &statement.kind)?,
                None => self.statement(&statement.kind)?,
            }
        }
        Ok(())
    }

    fn local(&mut self, local: i64) -> Result<Local, LoadError> {
        match self.locals.number(local) {
            Ok(number) => Ok(number),
            Err(LocalError::Negative) => Err(self.out_of_range("local", local, Operand::BOUND)),
            Err(LocalError::TooMany) => Err(self.too_large("the number of locals")),
        }
    }

    /// A local that a statement writes.
    fn target(&mut self, local: i64) -> Result<Local, LoadError> {
        let number = self.local(local)?;
        self.writes_world |= number == INPUT || number == DATA;
        self.base.remove(&number);
        Ok(number)
    }

    fn string(&self, index: i64) -> Result<u32, LoadError> {
        let constants = &self.builder.constants;
        constants
            .string(index)
            .ok_or_else(|| self.out_of_range("string", index, constants.string_count()))
    }

    fn operand(&mut self, operand: plan::Operand) -> Result<Operand, LoadError> {
        Ok(match operand {
            plan::Operand::Local(local) => Operand::local(self.local(local)?),
            plan::Operand::String(index) => self.builder.constants.operand(self.string(index)?),
            plan::Operand::Bool(flag) => self.builder.constants.operand(Constants::bool(flag)),
        })
    }

    fn operands(&mut self, operands: &[plan::Operand]) -> Result<Box<[Operand]>, LoadError> {
        operands.iter().map(|operand| self.operand(*operand)).collect()
    }

    /// Lowers a statement. The ones with blocks stand apart, so that recursion doesn't go through the large frame of
    /// the others.
    fn statement(&mut self, kind: &Kind) -> Result<(), LoadError> {
        match kind {
            Kind::Block { blocks } => self.blocks(blocks),
            Kind::Not { block } => self.not(block),
            Kind::Scan {
                source,
                key,
                value,
                block,
            } => self.scan([*source, *key, *value], block, None),
            Kind::With {
                local,
                path,
                value,
                block,
            } => self.with(*local, path, *value, block, false),
            simple => self.simple(simple),
        }
    }

    /// Jumps to the end of the `index`-th block around, closing what is open in between.
    fn break_from(&mut self, index: i64) -> Result<(), LoadError> {
        let block = usize::try_from(index).ok();
        let unwinding = block.and_then(|block| Some((block, self.scopes.unwinding(block)?)));
        let Some((block, unwinding)) = unwinding else {
            return Err(self.invalid(format!("BreakStmt: there is no block {index} around it")));
        };
        for op in unwinding {
            self.emit(op)?;
        }
        let at = self.emit(Op::Jump { to: LATER })?;
        self.scopes.wait(block, at);
        Ok(())
    }

    /// Defined where the block isn't: its end is where the block goes when undefined.
    fn not(&mut self, block: &Block) -> Result<(), LoadError> {
        self.scopes.open_block();
        self.whole(block)?;
        let waiting = self.scopes.close_block();
        self.emit_failing(Op::Jump { to: LATER })?;
        self.builder.mark(Mark::Leaves);
        self.patch(&waiting)
    }

    /// The block once for each element; never undefined itself. With `done`, until it holds to its end, from where it goes there.
    fn scan(
        &mut self,
        [source, key, value]: [i64; 3],
        block: &Block,
        done: Option<&mut Vec<Address>>,
    ) -> Result<(), LoadError> {
        let source = self.local(source)?;
        let way = self.way(Operand::local(source));
        let has_key = self.live.contains(key) || (way.is_some() && self.asks_by_index(block, value));
        let (key_local, is_base) = (key, way.is_some());
        let place = way.as_ref().map_or(Ok(NOWHERE), |way| self.place_at(way))?;
        let (key, value) = (self.target(key)?, self.target(value)?);
        if let Some(way) = way {
            self.base
                .insert(value, way.to(has_key.then_some(Operand::local(key))));
        }
        let asked = self.asked_key(key_local, block);
        let slot = self.scopes.open_scan();
        self.emit(match asked {
            Some(asked) => Op::ScanAsked {
                source,
                asked,
                base: is_base,
                place,
                slot,
            },
            None => Op::ScanStart { source, slot },
        })?;
        let next = self.emit(Op::ScanNext {
            slot,
            key: has_key.then_some(key),
            value,
            done: LATER,
        })?;
        self.scopes.open_block();
        match done {
            Some(done) => {
                self.whole(block)?;
                self.emit(Op::ScanEnd { slot })?;
                done.push(self.emit(Op::Jump { to: LATER })?);
            }
            None => {
                self.statements(block)?;
                self.emit(Op::Jump { to: next })?;
            }
        }
        for at in self.scopes.close_block() {
            self.builder.patch(at, next);
        }
        self.scopes.close_scan();
        self.patch(&[next])
    }
}
