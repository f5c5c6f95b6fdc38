//! The rules for fragments.

use std::collections::{BTreeMap, BTreeSet};

use super::ast::{Definition, Fragment, Inline, Selection, Spread, TypeKind};
use super::walk::{Walked, Walker};

impl<'a> Walker<'a, '_> {
    pub(super) fn on_fragment(&mut self, fragment: &'a Fragment) -> Walked {
        let (pos, name) = (fragment.pos, fragment.name.as_str());
        let condition = &fragment.type_condition;
        let definition = fragment.definition.borrow().clone();
        if definition.as_ref().is_some_and(|of| !of.kind.is_composite()) && !condition.is_empty() {
            self.error(
                pos,
                &format!("Fragment \"{name}\" cannot condition on non composite type \"{condition}\"."),
            )?;
        }
        if definition.is_none() {
            self.error(pos, &format!("Unknown type \"{condition}\"."))?;
        }
        self.cycles(fragment)?;
        self.seen.in_fragments = true;
        if !self.seen.spread.contains(name) {
            self.error(pos, &format!("Fragment \"{name}\" is never used."))?;
        }
        self.overlaps(&fragment.selections)?;
        if !self.seen.fragments.insert(name) {
            self.error(pos, &format!("There can be only one fragment named \"{name}\"."))?;
        }
        Ok(())
    }

    fn cycles(&mut self, fragment: &'a Fragment) -> Walked {
        self.cycles_from(fragment, &mut Vec::new(), &mut BTreeMap::new())
    }

    fn cycles_from(
        &mut self,
        fragment: &'a Fragment,
        path: &mut Vec<&'a Spread>,
        places: &mut BTreeMap<&'a str, usize>,
    ) -> Walked {
        if !self.seen.cycles_from.insert(&fragment.name) {
            return Ok(());
        }
        let spreads = spreads(&fragment.selections);
        self.context.spend(spreads.len().saturating_mul(16))?;
        if spreads.is_empty() {
            return Ok(());
        }
        places.insert(&fragment.name, path.len());
        for spread in spreads {
            path.push(spread);
            match places.get(spread.name.as_str()) {
                None => {
                    self.context.spend(self.document.fragments.len())?;
                    let at = self.document.fragment(&spread.name);
                    if let Some(next) = at.and_then(|at| self.document.fragments.get(at)) {
                        self.deeper(|walker| walker.cycles_from(next, path, places))?;
                    }
                }
                Some(start) => {
                    let circle = path.get(*start..path.len().saturating_sub(1)).unwrap_or_default();
                    let names: Vec<String> = circle.iter().map(|of| format!("\"{}\"", of.name)).collect();
                    let via = match names.as_slice() {
                        [] => String::new(),
                        names => format!(" via {}", names.join(", ")),
                    };
                    let message = format!("Cannot spread fragment \"{}\" within itself{via}.", spread.name);
                    self.error(spread.pos, &message)?;
                }
            }
            path.pop();
        }
        places.remove(fragment.name.as_str());
        Ok(())
    }

    pub(super) fn on_inline(&mut self, inline: &'a Inline) -> Walked {
        let condition = inline.type_condition.as_str();
        let definition = self.named(condition);
        if definition.as_ref().is_some_and(|of| !of.kind.is_composite()) {
            let message = format!("Fragment cannot condition on non composite type \"{condition}\".");
            self.error(inline.pos, &message)?;
        }
        if definition.is_none() && !condition.is_empty() {
            self.error(inline.pos, &format!("Unknown type \"{condition}\"."))?;
        }
        self.overlaps(&inline.selections)?;
        let object = inline.object.borrow().clone();
        if let Some(object) = object.filter(|object| !self.may_be(object, condition)) {
            self.error(inline.pos, &format!(
                "Fragment cannot be spread here as objects of type \"{}\" can never be of type \"{condition}\".",
                object.name
            ))?;
        }
        Ok(())
    }

    pub(super) fn on_spread(&mut self, spread: &'a Spread) -> Walked {
        if !self.seen.in_fragments {
            self.seen.spread.insert(&spread.name);
        }
        let Some(fragment) = self.fragment(spread) else {
            return self.error(spread.pos, &format!("Unknown fragment \"{}\".", spread.name));
        };
        let condition = fragment.type_condition.as_str();
        let object = spread.object.borrow().clone();
        if let Some(object) = object.filter(|object| !self.may_be(object, condition)) {
            self.error(spread.pos, &format!(
                "Fragment \"{}\" cannot be spread here as objects of type \"{}\" can never be of type \"{condition}\".",
                spread.name, object.name
            ))?;
        }
        Ok(())
    }

    /// Whether an object of the one type can be one of the other; true where another rule says what is wrong.
    fn may_be(&self, parent: &Definition, condition: &str) -> bool {
        let Some(fragment) = self.schema.types.get(condition) else {
            return true;
        };
        if !fragment.kind.is_composite() || !parent.kind.is_composite() {
            return true;
        }
        let parents: BTreeSet<&str> = match parent.kind {
            TypeKind::Object => BTreeSet::from([parent.name.as_str()]),
            _ => self
                .schema
                .possible(&parent.name)
                .map(|of| of.name.as_str())
                .collect(),
        };
        self.schema
            .possible(&fragment.name)
            .any(|of| parents.contains(of.name.as_str()))
    }
}

/// All spreads within, in gqlparser's order: those of what comes last are looked for first.
fn spreads(selections: &[Selection]) -> Vec<&Spread> {
    let mut spreads = Vec::new();
    let mut open = vec![selections];
    while let Some(selections) = open.pop() {
        for selection in selections {
            match selection {
                Selection::Spread(spread) => spreads.push(spread),
                Selection::Field(field) => open.push(&field.selections),
                Selection::Inline(inline) => open.push(&inline.selections),
            }
        }
    }
    spreads
}
