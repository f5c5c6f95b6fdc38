//! What each statement does to what is known: where the value it writes may come from, and which parts of the
//! documents it looks into. Only a lookup of a member by a constant name narrows; copies keep; everything else that takes a value
//! reads it whole.

use std::sync::Arc;

use super::analysis::Analysis;
use super::origins::Origins;
use crate::plan::{Block, Kind, Operand};

impl<'p> Analysis<'p> {
    /// Takes in one statement of a body and opens the blocks within it; says whether something new came up there.
    pub(super) fn statement(&mut self, at: usize, kind: &'p Kind, open: &mut Vec<&'p Block>) -> bool {
        match kind {
            Kind::Nop
            | Kind::Break { .. }
            | Kind::Unknown { .. }
            | Kind::ResetLocal { .. }
            // Those ask whether a value is there, and of which kind: as much of it is always kept.
            | Kind::IsArray { .. }
            | Kind::IsObject { .. }
            | Kind::IsSet { .. }
            | Kind::IsDefined { .. }
            | Kind::IsUndefined { .. } => false,
            Kind::Block { blocks } => {
                open.extend(blocks);
                false
            }
            Kind::Not { block } => {
                open.push(block);
                false
            }
            Kind::Scan {
                source,
                key,
                value,
                block,
            } => {
                open.push(block);
                self.read(at, Operand::Local(*source));
                let changed = self.made(at, *key);
                self.made(at, *value) | changed
            }
            Kind::With {
                local,
                path,
                value,
                block,
            } => {
                open.push(block);
                self.with(at, *local, path.is_empty(), *value)
            }
            Kind::AssignVar { source, target } => {
                let origins = self.origins(at, *source);
                self.join(at, *target, &origins)
            }
            Kind::AssignVarOnce { source, target } => {
                let origins = self.origins(at, *source);
                let changed = self.join(at, *target, &origins);
                // A second value is compared with the first; where both can only be one, there is nothing to see.
                if !self.origins(at, Operand::Local(*target)).is_settled() {
                    self.read(at, Operand::Local(*target));
                }
                changed
            }
            Kind::AssignInt { target, .. }
            | Kind::MakeArray { target, .. }
            | Kind::MakeNull { target }
            | Kind::MakeNumberInt { target, .. }
            | Kind::MakeNumberRef { target, .. }
            | Kind::MakeObject { target }
            | Kind::MakeSet { target } => self.made(at, *target),
            Kind::Dot { source, key, target } => self.dot(at, *source, *key, *target),
            Kind::Equal { a, b } | Kind::NotEqual { a, b } => {
                // A constant is a scalar, which no object equals, whatever its members.
                if matches!((a, b), (Operand::Local(_), Operand::Local(_))) {
                    self.read(at, *a);
                    self.read(at, *b);
                }
                false
            }
            Kind::Len { source, target } => {
                self.read(at, *source);
                self.made(at, *target)
            }
            Kind::ArrayAppend { value, array: collection } | Kind::SetAdd { value, set: collection } => {
                self.put_into(at, &[*value], *collection)
            }
            Kind::ObjectInsert { key, value, object } | Kind::ObjectInsertOnce { key, value, object } => {
                self.put_into(at, &[*key, *value], *object)
            }
            Kind::ObjectMerge { a, b, target } => self.put_into(at, &[Operand::Local(*a), Operand::Local(*b)], *target),
            Kind::ResultSetAdd { value } => {
                self.read(at, Operand::Local(*value));
                false
            }
            Kind::ReturnLocal { source } => {
                let origins = self.origins(at, Operand::Local(*source));
                self.returned(at, &origins);
                false
            }
            Kind::Call {
                function,
                args,
                result,
            } => match self.function(function) {
                Some(callee) => self.call(at, callee, args, *result),
                None => self.builtin(at, function, args, *result),
            },
            Kind::CallDynamic { path, args, result } => {
                path.iter().for_each(|key| self.read(at, *key));
                let names: Vec<_> = path.iter().map(|key| self.text(*key)).collect();
                let args: Vec<_> = args.iter().map(|arg| Operand::Local(*arg)).collect();
                let mut changed = false;
                for callee in self.at_path(&names, args.len()) {
                    changed |= self.call(at, callee, &args, *result);
                }
                changed
            }
        }
    }

    /// What is replaced becomes another document, of the members of the first and of this value. Only where the value
    /// is one that the local is known to hold, it is that one again: the planner so returns from one `with` to before
    /// it.
    fn with(&mut self, at: usize, local: i64, all_of_it: bool, value: Operand) -> bool {
        let origins = self.origins(at, value);
        if all_of_it && origins.is_within(&self.origins(at, Operand::Local(local))) {
            return false;
        }
        origins.read_whole(&mut self.tree);
        self.made(at, local)
    }

    fn dot(&mut self, at: usize, source: Operand, key: Operand, target: i64) -> bool {
        let origins = self.origins(at, source);
        let found = match self.text(key) {
            Some(name) => origins.member(&name, &mut self.tree),
            None => {
                origins.read_whole(&mut self.tree);
                self.read(at, key);
                Origins::elsewhere()
            }
        };
        self.join(at, target, &found)
    }

    /// Values put into a collection can be reached through it from now on, which isn't followed.
    fn put_into(&mut self, at: usize, values: &[Operand], collection: i64) -> bool {
        values.iter().for_each(|value| self.read(at, *value));
        self.read(at, Operand::Local(collection));
        self.made(at, collection)
    }

    fn call(&mut self, at: usize, callee: usize, args: &[Operand], result: i64) -> bool {
        let params = self.bodies.get(callee).map_or(&[][..], |body| body.params);
        let mut grew = false;
        for (param, arg) in std::iter::zip(params, args) {
            let origins = self.origins(at, *arg);
            grew |= self.join(callee, *param, &origins);
        }
        self.reach(callee);
        if grew {
            self.revisit(callee);
        }
        let Some(body) = self.bodies.get_mut(callee) else {
            return false;
        };
        body.callers.insert(at);
        let returned = body.result.clone();
        self.join(at, result, &returned)
    }

    fn builtin(&mut self, at: usize, name: &str, args: &[Operand], result: i64) -> bool {
        self.depends_on(name);
        // `object.get(document, "name", default)` is a lookup too, and how policies read headers.
        if let ("object.get", [object, key, default]) = (name, args)
            && let (Some(key), true) = (self.text(*key), self.is_own_builtin(name))
        {
            let mut found = self.origins(at, *object).member(&key, &mut self.tree);
            let default = self.origins(at, *default);
            let _ = found.join(&default, &mut self.tree);
            return self.join(at, result, &found);
        }
        args.iter().for_each(|arg| self.read(at, *arg));
        self.made(at, result)
    }

    fn returned(&mut self, at: usize, origins: &Origins) {
        let Some(body) = self.bodies.get_mut(at) else {
            return;
        };
        if body.result.join(origins, &mut self.tree) {
            let callers: Vec<usize> = body.callers.iter().copied().collect();
            callers.into_iter().for_each(|caller| self.revisit(caller));
        }
    }

    /// Where what an operand holds may come from.
    fn origins(&self, at: usize, operand: Operand) -> Origins {
        match operand {
            Operand::Local(local) => self
                .bodies
                .get(at)
                .and_then(|body| body.locals.get(&local))
                .cloned()
                .unwrap_or_default(),
            Operand::String(_) | Operand::Bool(_) => Origins::elsewhere(),
        }
    }

    fn join(&mut self, at: usize, local: i64, origins: &Origins) -> bool {
        let Some(body) = self.bodies.get_mut(at) else {
            return false;
        };
        let known = body.locals.entry(local).or_default();
        known.join(origins, &mut self.tree)
    }

    /// A local is given something that the evaluation made.
    fn made(&mut self, at: usize, local: i64) -> bool {
        self.join(at, local, &Origins::elsewhere())
    }

    /// All of what an operand holds may be read.
    fn read(&mut self, at: usize, operand: Operand) {
        self.origins(at, operand).read_whole(&mut self.tree);
    }

    /// The text of a constant.
    fn text(&self, operand: Operand) -> Option<Arc<str>> {
        match operand {
            Operand::String(index) => {
                let index = usize::try_from(index).ok()?;
                self.plan.strings.get(index).cloned()
            }
            Operand::Local(_) | Operand::Bool(_) => None,
        }
    }
}
