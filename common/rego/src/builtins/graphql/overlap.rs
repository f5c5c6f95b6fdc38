//! Whether fields that answer under one name are one: gqlparser's `OverlappingFieldsCanBeMerged`, letters as in its
//! account of the algorithm. Costs statements, since comparisons can be very many.

use std::collections::{BTreeMap, BTreeSet};

use super::Fault;
use super::ast::{Argument, Child, Field, Kind, Pos, Selection, Spread, Type, TypeKind, Value};
use super::text::type_text;
use super::walk::{Walked, Walker};

/// What was compared already.
#[derive(Default)]
pub(super) struct Overlap<'a> {
    /// Pairs of fragments, and whether they were taken to exclude each other.
    pairs: BTreeMap<(&'a str, &'a str), bool>,
    /// Fragments compared with the set of fields at hand.
    fragments: BTreeSet<&'a str>,
}

/// The fields of a set of selections by the names they answer under, in order, and the fragments spread in it.
#[derive(Default)]
struct Collected<'a> {
    names: Vec<&'a str>,
    fields: BTreeMap<&'a str, Vec<&'a Field>>,
    spreads: Vec<&'a Spread>,
}

impl<'a> Collected<'a> {
    fn is_same(&self, other: &Self) -> bool {
        let same = |name: &&str| match (self.fields.get(name), other.fields.get(name)) {
            (Some(a), Some(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| std::ptr::eq(*a, *b)),
            _ => false,
        };
        self.names == other.names && self.names.iter().all(same)
    }

    fn groups(&self) -> impl Iterator<Item = (&'a str, &[&'a Field])> {
        self.names
            .iter()
            .filter_map(|name| Some((*name, self.fields.get(name)?.as_slice())))
    }
}

/// Two fields that can't be one.
struct Conflict<'a> {
    name: &'a str,
    message: String,
    within: Vec<Conflict<'a>>,
    pos: Option<Pos>,
}

impl Conflict<'_> {
    /// Recurses as deep as conflicts were searched.
    fn write(&self, out: &mut String) {
        if self.within.is_empty() {
            out.push_str(&self.message);
        }
        for (at, conflict) in self.within.iter().enumerate() {
            if at > 0 {
                out.push_str(" and ");
            }
            out.push_str("subfields \"");
            out.push_str(conflict.name);
            out.push_str("\" conflict because ");
            conflict.write(out);
        }
    }
}

type Conflicts<'a> = Vec<Conflict<'a>>;

impl<'a> Walker<'a, '_> {
    pub(super) fn overlaps(&mut self, selections: &'a [Selection]) -> Walked {
        if selections.is_empty() {
            return Ok(());
        }
        let here = self.collect(selections)?;
        let mut conflicts = Vec::new();
        // A
        for (_, fields) in here.groups() {
            for (at, a) in fields.iter().enumerate() {
                for b in fields.iter().skip(at + 1) {
                    conflicts.extend(self.conflict(false, a, b)?);
                }
            }
        }
        self.overlap.fragments.clear();
        for (at, a) in here.spreads.iter().enumerate() {
            // B
            self.with_fragment(&mut conflicts, false, &here, a)?;
            // C
            for b in here.spreads.iter().skip(at + 1) {
                self.between_fragments(&mut conflicts, false, a, b)?;
            }
        }
        for conflict in conflicts {
            let mut because = String::new();
            conflict.write(&mut because);
            let message = format!(
                "Fields \"{}\" conflict because {because}. Use different aliases on the fields to fetch both if this was intentional.",
                conflict.name
            );
            self.error(conflict.pos, &message)?;
        }
        Ok(())
    }

    fn collect(&mut self, selections: &'a [Selection]) -> Result<Collected<'a>, Fault> {
        let mut collected = Collected::default();
        let mut open = vec![selections.iter()];
        while let Some(selections) = open.last_mut() {
            self.context.spend(16)?;
            match selections.next() {
                None => drop(open.pop()),
                Some(Selection::Spread(spread)) => collected.spreads.push(spread),
                Some(Selection::Inline(inline)) => open.push(inline.selections.iter()),
                Some(Selection::Field(field)) => {
                    let name = field.response_name();
                    let fields = collected.fields.entry(name).or_default();
                    if fields.is_empty() {
                        collected.names.push(name);
                    }
                    fields.push(field);
                }
            }
        }
        Ok(collected)
    }

    fn with_fragment(
        &mut self,
        conflicts: &mut Conflicts<'a>,
        exclusive: bool,
        fields: &Collected<'a>,
        spread: &'a Spread,
    ) -> Walked {
        self.deeper(|walker| {
            if !walker.overlap.fragments.insert(&spread.name) {
                return Ok(());
            }
            let Some(fragment) = walker.fragment(spread) else {
                return Ok(());
            };
            let other = walker.collect(&fragment.selections)?;
            if fields.is_same(&other) {
                return Ok(());
            }
            // D
            walker.between(conflicts, exclusive, fields, &other)?;
            // E
            for next in other.spreads.iter().filter(|next| next.name != spread.name) {
                walker.with_fragment(conflicts, exclusive, fields, next)?;
            }
            Ok(())
        })
    }

    fn between_fragments(
        &mut self,
        conflicts: &mut Conflicts<'a>,
        exclusive: bool,
        a: &'a Spread,
        b: &'a Spread,
    ) -> Walked {
        self.deeper(|walker| {
            let pair = (a.name.as_str(), b.name.as_str());
            let known = walker.overlap.pairs.get(&pair).copied();
            // What was compared as if both could be there needn't be again.
            if a.name == b.name || known.is_some_and(|known| exclusive || !known) {
                return Ok(());
            }
            walker.overlap.pairs.insert(pair, exclusive);
            walker.overlap.pairs.insert((pair.1, pair.0), exclusive);
            let (Some(of_a), Some(of_b)) = (walker.fragment(a), walker.fragment(b)) else {
                return Ok(());
            };
            let of_a = walker.collect(&of_a.selections)?;
            let of_b = walker.collect(&of_b.selections)?;
            // F
            walker.between(conflicts, exclusive, &of_a, &of_b)?;
            // G
            for next in &of_b.spreads {
                walker.between_fragments(conflicts, exclusive, a, next)?;
            }
            for next in &of_a.spreads {
                walker.between_fragments(conflicts, exclusive, next, b)?;
            }
            Ok(())
        })
    }

    fn between(
        &mut self,
        conflicts: &mut Conflicts<'a>,
        exclusive: bool,
        a: &Collected<'a>,
        b: &Collected<'a>,
    ) -> Walked {
        for (name, fields) in a.groups() {
            let Some(others) = b.fields.get(name) else {
                continue;
            };
            for field in fields {
                for other in others {
                    conflicts.extend(self.conflict(exclusive, field, other)?);
                }
            }
        }
        Ok(())
    }

    fn conflict(
        &mut self,
        exclusive: bool,
        a: &'a Field,
        b: &'a Field,
    ) -> Result<Option<Conflict<'a>>, Fault> {
        self.deeper(|walker| walker.conflict_here(exclusive, a, b))
    }

    fn conflict_here(
        &mut self,
        exclusive: bool,
        a: &'a Field,
        b: &'a Field,
    ) -> Result<Option<Conflict<'a>>, Fault> {
        let objects = (a.object.borrow().clone(), b.object.borrow().clone());
        let (Some(object_a), Some(object_b)) = objects else {
            return Ok(None);
        };
        let definitions = (a.definition.borrow().clone(), b.definition.borrow().clone());
        let are_objects = object_a.kind == TypeKind::Object && object_b.kind == TypeKind::Object;
        let are_known = definitions.0.is_some() && definitions.1.is_some();
        let exclusive = exclusive || (object_a.name != object_b.name && are_objects && are_known);
        let conflict = |message: String, within| {
            Some(Conflict {
                name: a.response_name(),
                message,
                within,
                pos: b.pos,
            })
        };
        if !exclusive {
            if a.name != b.name {
                let message = format!("\"{}\" and \"{}\" are different fields", a.name, b.name);
                return Ok(conflict(message, Vec::new()));
            }
            if !self.same_arguments(&a.arguments, &b.arguments)? {
                return Ok(conflict("they have differing arguments".to_owned(), Vec::new()));
            }
        }
        if let (Some(of_a), Some(of_b)) = definitions
            && self.types_conflict(&of_a.of, &of_b.of)
        {
            return Ok(conflict(
                format!(
                    "they return conflicting types \"{}\" and \"{}\"",
                    type_text(&of_a.of),
                    type_text(&of_b.of)
                ),
                Vec::new(),
            ));
        }
        let within = self.between_selections(exclusive, &a.selections, &b.selections)?;
        Ok(if within.is_empty() {
            None
        } else {
            conflict(String::new(), within)
        })
    }

    fn between_selections(
        &mut self,
        exclusive: bool,
        a: &'a [Selection],
        b: &'a [Selection],
    ) -> Result<Conflicts<'a>, Fault> {
        let (a, b) = (self.collect(a)?, self.collect(b)?);
        let mut conflicts = Vec::new();
        // H
        self.between(&mut conflicts, exclusive, &a, &b)?;
        // I
        for (fields, spreads) in [(&a, &b.spreads), (&b, &a.spreads)] {
            for spread in spreads {
                self.overlap.fragments.clear();
                self.with_fragment(&mut conflicts, exclusive, fields, spread)?;
            }
        }
        // J
        for of_a in &a.spreads {
            for of_b in &b.spreads {
                self.between_fragments(&mut conflicts, exclusive, of_a, of_b)?;
            }
        }
        Ok(conflicts)
    }

    fn types_conflict(&self, a: &Type, b: &Type) -> bool {
        let (mut a, mut b) = (a, b);
        while let (Some(of_a), Some(of_b)) = (&a.elem, &b.elem) {
            (a, b) = (of_a, of_b);
        }
        if a.elem.is_some() || b.elem.is_some() || a.non_null != b.non_null {
            return true;
        }
        let (of_a, of_b) = (self.named(&a.named), self.named(&b.named));
        match (of_a, of_b) {
            (Some(a), Some(b)) => a.kind.is_leaf() && b.kind.is_leaf() && a.name != b.name,
            _ => false,
        }
    }

    fn same_arguments(&mut self, a: &'a [Argument], b: &'a [Argument]) -> Result<bool, Fault> {
        if a.len() != b.len() {
            return Ok(false);
        }
        for one in a {
            let mut matched = false;
            for other in b.iter().filter(|other| other.name == one.name) {
                matched = matched || self.same_value(&one.value, &other.value)?;
            }
            if !matched {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn same_value(&mut self, a: &'a Value, b: &'a Value) -> Result<bool, Fault> {
        if a.kind != b.kind || a.raw != b.raw || a.children.len() != b.children.len() {
            return Ok(false);
        }
        let sorted = |value: &'a Value| -> Vec<&'a Child> {
            let mut children: Vec<&Child> = value.children.iter().collect();
            if value.kind == Kind::Object {
                children.sort_by_key(|child| child.name.as_str());
            }
            children
        };
        for (a, b) in sorted(a).into_iter().zip(sorted(b)) {
            if a.name != b.name || !self.deeper(|walker| walker.same_value(&a.value, &b.value))? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
