//! Follows the documents through a plan: from an entrypoint's `input` and `data` into every function that can be reached
//! from it, until nothing new comes up. Knows neither order nor branches, so that it holds for every way an evaluation can
//! go.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Reach;
use super::origins::Origins;
use super::tree::{DATA, INPUT, Tree};
use crate::builtins::{self, Effects};
use crate::hash::HashMap;
use crate::plan::{Block, Entrypoint, Function, Plan};
use crate::program::HostBuiltins;

/// So many statements are looked at for all entrypoints of a plan; those that are left then are taken to read
/// everything. A policy of a thousand rules needs some tens of thousands.
const MAX_STATEMENTS: usize = 2_000_000;

/// What each entrypoint can look at, in the plan's order.
pub(crate) fn analyse(plan: &Plan, host: &dyn HostBuiltins) -> Vec<Reach> {
    let mut left = MAX_STATEMENTS;
    let entrypoints = plan.entrypoints.iter();
    entrypoints
        .map(|entrypoint| reach(plan, host, entrypoint, &mut left))
        .collect()
}

fn reach(plan: &Plan, host: &dyn HostBuiltins, entrypoint: &Entrypoint, left: &mut usize) -> Reach {
    *left = left.saturating_sub(plan.functions.len());
    let mut analysis = Analysis::new(plan, host, *left);
    let main = analysis.bodies.len();
    let mut body = Body::of(&entrypoint.blocks);
    body.locals.insert(0, Origins::part(INPUT));
    body.locals.insert(1, Origins::part(DATA));
    analysis.bodies.push(body);
    analysis.reach(main);
    let mut outcome = Some(());
    while let (Some(()), Some(next)) = (outcome, analysis.waiting.pop_first()) {
        outcome = analysis.body(next);
    }
    *left = analysis.left;
    outcome.map_or(Reach::ALL, |()| Reach {
        input: analysis.tree.reads_of(INPUT),
        data: analysis.tree.reads_of(DATA),
        effects: analysis.effects,
    })
}

/// What is known so far.
pub(super) struct Analysis<'p> {
    pub(super) plan: &'p Plan,
    host: &'p dyn HostBuiltins,
    functions: HashMap<&'p str, usize>,
    /// The functions, in the plan's order, then the entrypoint.
    pub(super) bodies: Vec<Body<'p>>,
    /// Bodies to be looked at (again). Callees stand before callers in most plans, and are done with first.
    waiting: BTreeSet<usize>,
    pub(super) tree: Tree,
    /// Of the builtins that were met.
    effects: Effects,
    left: usize,
}

/// A function or entrypoint.
pub(super) struct Body<'p> {
    blocks: &'p [Block],
    pub(super) params: &'p [i64],
    pub(super) locals: HashMap<i64, Origins>,
    /// Of what it returns.
    pub(super) result: Origins,
    pub(super) callers: BTreeSet<usize>,
    reached: bool,
}

impl<'p> Body<'p> {
    fn of(blocks: &'p [Block]) -> Self {
        Body {
            blocks,
            params: &[],
            locals: HashMap::default(),
            result: Origins::default(),
            callers: BTreeSet::new(),
            reached: false,
        }
    }
}

impl<'p> Analysis<'p> {
    fn new(plan: &'p Plan, host: &'p dyn HostBuiltins, left: usize) -> Self {
        let function = |function: &'p Function| Body {
            params: &function.params,
            ..Body::of(&function.blocks)
        };
        let names = plan.functions.iter().zip(0..);
        Analysis {
            plan,
            host,
            functions: names.map(|(function, at)| (function.name.as_ref(), at)).collect(),
            bodies: plan.functions.iter().map(function).collect(),
            waiting: BTreeSet::new(),
            tree: Tree::new(),
            effects: Effects::NONE,
            left,
        }
    }

    /// Looks at a body until nothing changes any more; `None` when that takes too long.
    fn body(&mut self, at: usize) -> Option<()> {
        let blocks = self.bodies.get(at)?.blocks;
        loop {
            let mut changed = false;
            let mut open: Vec<&'p Block> = blocks.iter().collect();
            while let Some(block) = open.pop() {
                for statement in &block.statements {
                    let Some(left) = self.left.checked_sub(1) else {
                        self.left = 0;
                        return None;
                    };
                    self.left = left;
                    changed |= self.statement(at, &statement.kind, &mut open);
                }
            }
            if !changed {
                return Some(());
            }
        }
    }

    /// Has a body looked at, if it wasn't yet.
    pub(super) fn reach(&mut self, at: usize) {
        if let Some(body) = self.bodies.get_mut(at)
            && !body.reached
        {
            body.reached = true;
            self.waiting.insert(at);
        }
    }

    /// Has a body looked at again.
    pub(super) fn revisit(&mut self, at: usize) {
        self.waiting.insert(at);
    }

    pub(super) fn function(&self, name: &str) -> Option<usize> {
        self.functions.get(name).copied()
    }

    /// Takes in what a builtin's answer depends on: of one that the host has, the host's word.
    pub(super) fn depends_on(&mut self, name: &str) {
        let effects = match self.host.builtin(name) {
            Some(_) => self.host.effects(name),
            None => builtins::effects(name),
        };
        self.effects = self.effects.and(effects);
    }

    /// Whether `name` is the builtin of this crate, not one that the host put in its place.
    pub(super) fn is_own_builtin(&self, name: &str) -> bool {
        self.function(name).is_none() && self.host.builtin(name).is_none()
    }

    /// The functions that a dynamic call can reach: of this path, as far as it is known, with so many parameters.
    pub(super) fn at_path(&self, path: &[Option<Arc<str>>], params: usize) -> Vec<usize> {
        let fits = |function: &Function| {
            function.params.len() == params
                && function.path.len() == path.len()
                && std::iter::zip(&function.path, path)
                    .all(|(name, wanted)| wanted.as_ref().is_none_or(|wanted| wanted == name))
        };
        let functions = self.plan.functions.iter().enumerate();
        functions
            .filter(|(_, function)| fits(function))
            .map(|(at, _)| at)
            .collect()
    }
}
