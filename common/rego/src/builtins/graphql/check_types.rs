//! What must hold of each type of a schema.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;
use std::rc::Rc;

use super::super::Context;
use super::Fault;
use super::ast::{ArgumentDefinition, Definition, Directive, DirectiveDefinition, Kind, Pos, Type, TypeKind};
use super::text::{quoted, type_text};

/// All that a schema defines.
pub(super) struct Types<'a, 'c> {
    pub(super) all: &'a BTreeMap<String, Definition>,
    pub(super) possible: &'a BTreeMap<String, Vec<String>>,
    pub(super) directives: &'a BTreeMap<String, Rc<DirectiveDefinition>>,
    pub(super) context: &'a mut Context<'c>,
}

pub(super) type Checked = Result<(), Fault>;

pub(super) fn wrong<T>(pos: Option<Pos>, message: &str) -> Result<T, Fault> {
    Err(Fault::at(pos, message))
}

pub(super) fn types(types: &mut Types<'_, '_>) -> Checked {
    let all = types.all;
    all.values()
        .try_for_each(|definition| types.definition(definition))
}

impl Types<'_, '_> {
    fn definition(&mut self, definition: &Definition) -> Checked {
        self.fields(definition)?;
        self.members(definition)?;
        for interface in &definition.interfaces {
            self.implements(definition, interface)?;
        }
        self.of_kind(definition)?;
        self.unique(definition)?;
        if !definition.built_in {
            self.name(definition.pos, &definition.name)?;
        }
        let directives: Vec<&Directive> = definition.directives.iter().map(Deref::deref).collect();
        self.directives_of(&directives, definition.kind.name(), None, false)
    }

    fn fields(&mut self, definition: &Definition) -> Checked {
        let location = match definition.kind {
            TypeKind::InputObject => "INPUT_FIELD_DEFINITION",
            _ => "FIELD_DEFINITION",
        };
        for field in &definition.fields {
            self.context.spend(64)?;
            self.name(field.pos, &field.name)?;
            self.type_exists(&field.of)?;
            self.arguments(&field.arguments, None)?;
            self.directives(&field.directives, location, None, true)?;
        }
        Ok(())
    }

    /// Of a union.
    fn members(&mut self, definition: &Definition) -> Checked {
        for name in &definition.types {
            match self.all.get(name) {
                None => return wrong(definition.pos, &format!("Undefined type {}.", quoted(name))),
                Some(of) if of.kind == TypeKind::Object => {}
                Some(_) => {
                    let kind = definition.kind.name();
                    return wrong(
                        definition.pos,
                        &format!("{kind} type {} must be OBJECT.", quoted(name)),
                    );
                }
            }
        }
        Ok(())
    }

    fn of_kind(&mut self, definition: &Definition) -> Checked {
        let (kind, name) = (definition.kind.name(), &definition.name);
        let none = |what: &str| {
            wrong(
                definition.pos,
                &format!("{kind} {name}: must define one or more {what}."),
            )
        };
        match definition.kind {
            TypeKind::Object | TypeKind::Interface | TypeKind::InputObject
                if definition.fields.is_empty() =>
            {
                return none(if definition.kind == TypeKind::InputObject {
                    "input fields"
                } else {
                    "fields"
                });
            }
            TypeKind::Enum if definition.values.is_empty() => return none("unique enum values"),
            TypeKind::Object | TypeKind::Interface => {
                for field in &definition.fields {
                    let of = self.all.get(field.of.name());
                    if of.is_some_and(|of| of.kind == TypeKind::InputObject) {
                        return wrong(
                            field.pos,
                            &format!(
                                "{kind} {name}: field must be one of SCALAR, OBJECT, INTERFACE, UNION, ENUM."
                            ),
                        );
                    }
                }
            }
            TypeKind::InputObject => {
                for field in &definition.fields {
                    let of = self.all.get(field.of.name());
                    if let Some(of) = of.filter(|of| !of.kind.is_input()) {
                        return wrong(
                            field.pos,
                            &format!(
                                "{} {}: field must be one of SCALAR, ENUM, INPUT_OBJECT.",
                                of.kind.name(),
                                field.name
                            ),
                        );
                    }
                }
            }
            TypeKind::Enum => {
                for value in &definition.values {
                    if matches!(value.name.as_str(), "true" | "false" | "null") {
                        let message = format!("{kind} {name}: non-enum value {}.", value.name);
                        return wrong(definition.pos, &message);
                    }
                    self.directives(&value.directives, "ENUM_VALUE", None, true)?;
                }
            }
            TypeKind::Scalar | TypeKind::Union => {}
        }
        Ok(())
    }

    /// The first of all members that comes again, at the place where it does.
    fn unique(&mut self, definition: &Definition) -> Checked {
        let name = &definition.name;
        let twice = |names: Vec<&str>| -> Option<usize> {
            let mut places: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
            for (at, name) in names.iter().enumerate() {
                places.entry(name).or_default().push(at);
            }
            let repeated = places.values().filter_map(|at| Some((at.first()?, *at.get(1)?)));
            repeated.min().map(|(_, second)| second)
        };
        let fields = definition
            .fields
            .iter()
            .map(|field| field.name.as_str())
            .collect();
        if let Some(field) = twice(fields).and_then(|at| definition.fields.get(at)) {
            return wrong(
                field.pos,
                &format!("Field {name}.{} can only be defined once.", field.name),
            );
        }
        let values = definition
            .values
            .iter()
            .map(|value| value.name.as_str())
            .collect();
        if let Some(value) = twice(values).and_then(|at| definition.values.get(at)) {
            let message = format!("Enum value {name}.{} can only be defined once.", value.name);
            return wrong(value.pos, &message);
        }
        let members = definition.types.iter().map(String::as_str).collect();
        if let Some(at) = twice(members) {
            let aligned = definition.type_positions.len() == definition.types.len();
            let pos = definition
                .type_positions
                .get(at)
                .copied()
                .flatten()
                .filter(|_| aligned);
            let member = definition.types.get(at).map(String::as_str).unwrap_or_default();
            let message = format!("Union type {name} can only include type {member} once.");
            return wrong(pos.or(definition.pos), &message);
        }
        Ok(())
    }

    fn type_exists(&self, of: &Type) -> Checked {
        if self.all.contains_key(of.name()) {
            return Ok(());
        }
        wrong(of.pos, &format!("Undefined type {}.", of.name()))
    }

    pub(super) fn name(&self, pos: Option<Pos>, name: &str) -> Checked {
        if !name.starts_with("__") {
            return Ok(());
        }
        wrong(
            pos,
            &format!(
                "Name \"{name}\" must not begin with \"__\", which is reserved by GraphQL introspection."
            ),
        )
    }

    pub(super) fn arguments(
        &mut self,
        arguments: &[ArgumentDefinition],
        directive: Option<&DirectiveDefinition>,
    ) -> Checked {
        for argument in arguments {
            self.name(argument.pos, &argument.name)?;
            self.type_exists(&argument.of)?;
            let kind = self.all.get(argument.of.name()).map(|of| of.kind);
            if let Some(kind) = kind.filter(|kind| !kind.is_input()) {
                return wrong(
                    argument.pos,
                    &format!(
                        "cannot use {} as argument {} because {} is not a valid input type",
                        type_text(&argument.of),
                        argument.name,
                        kind.name()
                    ),
                );
            }
            self.directives(&argument.directives, "ARGUMENT_DEFINITION", directive, true)?;
        }
        Ok(())
    }

    pub(super) fn directives(
        &mut self,
        directives: &[Directive],
        location: &str,
        within: Option<&DirectiveDefinition>,
        one_place: bool,
    ) -> Checked {
        let directives: Vec<&Directive> = directives.iter().collect();
        self.directives_of(&directives, location, within, one_place)
    }

    /// `one_place` is false where directives of a type and of its extensions come together.
    fn directives_of(
        &mut self,
        directives: &[&Directive],
        location: &str,
        within: Option<&DirectiveDefinition>,
        one_place: bool,
    ) -> Checked {
        let mut seen = BTreeSet::new();
        for directive in directives {
            let name = &directive.name;
            self.context.spend(directive.arguments.len().saturating_mul(16))?;
            self.name(directive.pos, name)?;
            if within.is_some_and(|within| within.name == *name) {
                return wrong(
                    directive.pos,
                    &format!("Directive {name} cannot refer to itself."),
                );
            }
            let Some(definition) = self.directives.get(name) else {
                return wrong(directive.pos, &format!("Undefined directive {name}."));
            };
            if one_place && !seen.insert(name) && !definition.repeatable {
                let message = format!("The directive {name} can only be used once at this location.");
                return wrong(directive.pos, &message);
            }
            if !definition.locations.iter().any(|known| known == location) {
                let message = format!("Directive {name} is not applicable on {location}.");
                return wrong(directive.pos, &message);
            }
            for argument in &directive.arguments {
                if definition.argument(&argument.name).is_none() {
                    return wrong(
                        argument.pos,
                        &format!("Undefined argument {} for directive {name}.", argument.name),
                    );
                }
            }
            for wanted in &definition.arguments {
                let given = directive.arguments.iter().find(|given| given.name == wanted.name);
                let is_null = given.is_none_or(|given| given.value.kind == Kind::Null);
                if wanted.of.non_null && wanted.default.is_none() && is_null {
                    return wrong(
                        directive.pos,
                        &format!("Argument {} for directive {name} cannot be null.", wanted.name),
                    );
                }
            }
        }
        Ok(())
    }
}
