//! The rules for all but values, in the order of their names at each step, as gqlparser asks them.

use std::collections::{BTreeMap, BTreeSet};

use super::ast::{
    Argument, ArgumentDefinition, Directive, Field, FieldDefinition, Operation, Pos, Selection,
    VariableDefinition,
};
use super::text::{quoted, type_text};
use super::walk::{Walked, Walker};
use super::{Fault, refused};

/// How many lists of types introspection may follow.
const MAX_LISTS: usize = 3;

/// What the rules remember of a document.
#[derive(Default)]
pub(super) struct Seen<'a> {
    misused: BTreeSet<(&'a str, i64, i64)>,
    pub(super) cycles_from: BTreeSet<&'a str>,
    pub(super) in_fragments: bool,
    pub(super) spread: BTreeSet<&'a str>,
    pub(super) fragments: BTreeSet<&'a str>,
    operations: BTreeSet<&'a str>,
}

impl<'a> Walker<'a, '_> {
    pub(super) fn on_variable(&mut self, variable: &VariableDefinition) -> Walked {
        let name = variable.of.name();
        if self.named(name).is_none() {
            self.error(variable.pos, &format!("Unknown type \"{name}\"."))?;
        }
        Ok(())
    }

    pub(super) fn on_operation(&mut self, operation: &'a Operation) -> Walked {
        let (pos, name) = (operation.pos, operation.name.as_str());
        if self.root(operation).is_none() {
            let kind = &operation.operation;
            self.error(pos, &format!("Schema does not support operation type \"{kind}\""))?;
        }
        if name.is_empty() && self.document.operations.len() > 1 {
            self.error(
                pos,
                "This anonymous operation must be the only defined operation.",
            )?;
        }
        for variable in operation.variables.iter().filter(|variable| !variable.used.get()) {
            let within = match name {
                "" => String::new(),
                name => format!(" in operation \"{name}\""),
            };
            let message = format!("Variable \"${}\" is never used{within}.", variable.variable);
            self.error(variable.pos, &message)?;
        }
        self.overlaps(&operation.selections)?;
        self.subscription(operation)?;
        if !self.seen.operations.insert(name) {
            self.error(pos, &format!("There can be only one operation named \"{name}\"."))?;
        }
        let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
        for variable in &operation.variables {
            let count = seen.entry(&variable.variable).or_default();
            *count += 1;
            if *count == 2 {
                let message = format!("There can be only one variable named \"${}\".", variable.variable);
                self.error(variable.pos, &message)?;
            }
        }
        for variable in &operation.variables {
            let definition = variable.definition.borrow().clone();
            if definition.is_some_and(|of| !of.kind.is_input()) {
                self.error(
                    variable.pos,
                    &format!(
                        "Variable \"${}\" cannot be non-input type \"{}\".",
                        variable.variable,
                        type_text(&variable.of)
                    ),
                )?;
            }
        }
        Ok(())
    }

    fn subscription(&mut self, operation: &'a Operation) -> Walked {
        if self.schema.subscription.is_none() || operation.operation != "subscription" {
            return Ok(());
        }
        let mut fields = Vec::new();
        self.top_fields(&operation.selections, &mut BTreeSet::new(), &mut fields)?;
        let mut seen = BTreeSet::new();
        fields.retain(|(name, _)| seen.insert(*name));
        let who = match operation.name.as_str() {
            "" => "Anonymous Subscription".to_owned(),
            name => format!("Subscription {}", quoted(name)),
        };
        if let Some((_, pos)) = fields.get(1) {
            self.error(*pos, &format!("{who} must select only one top level field."))?;
        }
        for (_, pos) in fields.iter().filter(|(name, _)| name.starts_with("__")) {
            self.error(
                *pos,
                &format!("{who} must not select an introspection top level field."),
            )?;
        }
        Ok(())
    }

    fn top_fields(
        &mut self,
        selections: &'a [Selection],
        entered: &mut BTreeSet<&'a str>,
        fields: &mut Vec<(&'a str, Option<Pos>)>,
    ) -> Walked {
        for selection in selections {
            match selection {
                Selection::Field(field) => fields.push((&field.name, field.pos)),
                Selection::Inline(inline) => {
                    self.deeper(|walker| walker.top_fields(&inline.selections, entered, fields))?;
                }
                Selection::Spread(spread) => {
                    // What isn't defined ends the search, as in gqlparser.
                    let Some(fragment) = self.fragment(spread) else {
                        return Ok(());
                    };
                    if entered.insert(&fragment.name) {
                        self.deeper(|walker| walker.top_fields(&fragment.selections, entered, fields))?;
                    }
                }
            }
        }
        Ok(())
    }

    pub(super) fn on_field(&mut self, field: &'a Field) -> Walked {
        let object = field.object.borrow().clone();
        let definition = field.definition.borrow().clone();
        if let (Some(object), None) = (&object, &definition) {
            let message = format!(
                "Cannot query field \"{}\" on type \"{}\".",
                field.name, object.name
            );
            self.error(field.pos, &message)?;
        }
        if let (Some(object), Some(definition)) = (&object, &definition) {
            let on = format!("field \"{}.{}\"", object.name, field.name);
            self.known_arguments(&definition.arguments, &field.arguments, field.pos, &on)?;
        }
        if matches!(field.name.as_str(), "__schema" | "__type")
            && self.field_introspects_deep(field, &mut BTreeSet::new(), 0)?
        {
            self.error(field.pos, "Maximum introspection depth exceeded")?;
        }
        // Fragments are looked at where they are spread.
        if self.operation.is_some() {
            self.overlaps(&field.selections)?;
        }
        if let Some(definition) = &definition {
            let what = format!("Field \"{}\"", field.name);
            self.required_arguments(&definition.arguments, &field.arguments, field.pos, &what)?;
            self.leaf(field, definition)?;
        }
        self.unique_arguments(&field.arguments)
    }

    fn leaf(&mut self, field: &Field, definition: &FieldDefinition) -> Walked {
        let Some(of) = self.named(definition.of.name()) else {
            return Ok(());
        };
        let name = &field.name;
        match (of.kind.is_leaf(), field.selections.is_empty()) {
            (true, false) => self.error(field.pos, &format!(
                "Field \"{name}\" must not have a selection since type \"{}\" has no subfields.",
                of.name
            )),
            (false, true) => self.error(field.pos, &format!(
                "Field \"{name}\" of type \"{}\" must have a selection of subfields. Did you mean \"{name} {{ ... }}\"?",
                type_text(&definition.of)
            )),
            _ => Ok(()),
        }
    }

    fn field_introspects_deep(
        &mut self,
        field: &'a Field,
        entered: &mut BTreeSet<&'a str>,
        depth: usize,
    ) -> Result<bool, Fault> {
        let is_list = matches!(
            field.name.as_str(),
            "fields" | "interfaces" | "possibleTypes" | "inputFields"
        );
        let depth = depth + usize::from(is_list);
        if is_list && depth >= MAX_LISTS {
            return Ok(true);
        }
        self.deeper(|walker| walker.selections_introspect_deep(&field.selections, entered, depth))
    }

    fn selections_introspect_deep(
        &mut self,
        selections: &'a [Selection],
        entered: &mut BTreeSet<&'a str>,
        depth: usize,
    ) -> Result<bool, Fault> {
        for selection in selections {
            let is_deep = match selection {
                Selection::Field(field) => self.field_introspects_deep(field, entered, depth)?,
                Selection::Inline(inline) => self
                    .deeper(|walker| walker.selections_introspect_deep(&inline.selections, entered, depth))?,
                Selection::Spread(spread) => match self.fragment(spread) {
                    Some(fragment) if entered.insert(&spread.name) => {
                        let is_deep = self.deeper(|walker| {
                            walker.selections_introspect_deep(&fragment.selections, entered, depth)
                        })?;
                        entered.remove(spread.name.as_str());
                        is_deep
                    }
                    _ => false,
                },
            };
            if is_deep {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn known_arguments(
        &mut self,
        definitions: &[ArgumentDefinition],
        arguments: &[Argument],
        pos: Option<Pos>,
        on: &str,
    ) -> Walked {
        for argument in arguments {
            self.context.spend(definitions.len())?;
            if definitions
                .iter()
                .all(|definition| definition.name != argument.name)
            {
                self.error(pos, &format!("Unknown argument \"{}\" on {on}.", argument.name))?;
            }
        }
        Ok(())
    }

    fn required_arguments(
        &mut self,
        definitions: &[ArgumentDefinition],
        arguments: &[Argument],
        pos: Option<Pos>,
        what: &str,
    ) -> Walked {
        for definition in definitions
            .iter()
            .filter(|of| of.of.non_null && of.default.is_none())
        {
            self.context.spend(arguments.len())?;
            if arguments.iter().all(|argument| argument.name != definition.name) {
                self.error(
                    pos,
                    &format!(
                        "{what} argument \"{}\" of type \"{}\" is required, but it was not provided.",
                        definition.name,
                        type_text(&definition.of)
                    ),
                )?;
            }
        }
        Ok(())
    }

    fn unique_arguments(&mut self, arguments: &[Argument]) -> Walked {
        let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
        for argument in arguments {
            let count = seen.entry(&argument.name).or_default();
            *count += 1;
            if *count == 2 {
                let message = format!("There can be only one argument named \"{}\".", argument.name);
                self.error(argument.pos, &message)?;
            }
        }
        Ok(())
    }

    pub(super) fn on_directive(&mut self, directive: &'a Directive, location: &str) -> Walked {
        let definition = directive.definition.borrow().clone();
        if let Some(definition) = &definition {
            let on = format!("directive \"@{}\"", directive.name);
            self.known_arguments(&definition.arguments, &directive.arguments, directive.pos, &on)?;
        }
        match &definition {
            None => self.error(
                directive.pos,
                &format!("Unknown directive \"@{}\".", directive.name),
            )?,
            Some(definition) if definition.locations.iter().any(|known| known == location) => {}
            Some(_) => {
                let Some(pos) = directive.pos else {
                    return Err(refused(
                        "a misplaced directive of a document given as an object, over which OPA crashes,",
                    ));
                };
                if self.seen.misused.insert((&directive.name, pos.line, pos.column)) {
                    let message = format!("Directive \"@{}\" may not be used on {location}.", directive.name);
                    self.error(directive.pos, &message)?;
                }
            }
        }
        if let Some(definition) = &definition {
            let what = format!("Directive \"@{}\"", definition.name);
            self.required_arguments(&definition.arguments, &directive.arguments, directive.pos, &what)?;
        }
        self.unique_arguments(&directive.arguments)
    }

    pub(super) fn on_directives(&mut self, directives: &[Directive]) -> Walked {
        let mut seen = BTreeSet::new();
        for directive in directives {
            let definition = directive.definition.borrow().clone();
            let repeatable = definition.is_some_and(|of| of.repeatable);
            if !seen.insert(directive.name.as_str()) && !repeatable {
                self.error(
                    directive.pos,
                    &format!(
                        "The directive \"@{}\" can only be used once at this location.",
                        directive.name
                    ),
                )?;
            }
        }
        Ok(())
    }
}
