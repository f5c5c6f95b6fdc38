//! A query against a schema: one walk that notes what everything refers to, and asks the rules at each step, in the
//! order of gqlparser's walk.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::super::Context;
use super::ast::{
    Argument, ArgumentDefinition, Definition, Described, Directive, Field, FieldDefinition, Fragment, Inline,
    Kind, Operation, Pos, QueryDocument, Selection, Spread, Type, Value, find_argument,
};
use super::check::Schema;
use super::overlap::Overlap;
use super::rules::Seen;
use super::{Fault, MAX_DEPTH, too_deep};

pub(super) struct Walker<'a, 'c> {
    pub(super) context: &'a mut Context<'c>,
    pub(super) schema: &'a Schema,
    pub(super) document: &'a QueryDocument,
    pub(super) operation: Option<&'a Operation>,
    /// Fragments whose contents were walked in this operation or fragment.
    walked: BTreeSet<&'a str>,
    depth: usize,
    pub(super) seen: Seen<'a>,
    pub(super) overlap: Overlap<'a>,
    errors: String,
    typename: Rc<FieldDefinition>,
}

pub(super) type Walked = Result<(), Fault>;

/// # Errors
/// All that is wrong, in gqlparser's words but for what it suggests instead.
pub(super) fn validate(context: &mut Context<'_>, schema: &Schema, document: &QueryDocument) -> Walked {
    let mut walker = Walker {
        context,
        schema,
        document,
        operation: None,
        walked: BTreeSet::new(),
        depth: 0,
        seen: Seen::default(),
        overlap: Overlap::default(),
        errors: String::new(),
        typename: typename(),
    };
    for operation in &document.operations {
        walker.walked.clear();
        walker.walk_operation(operation)?;
    }
    for fragment in &document.fragments {
        walker.walked.clear();
        walker.walk_fragment(fragment)?;
    }
    match walker.errors {
        errors if errors.is_empty() => Ok(()),
        errors => Err(Fault::Wrong(errors)),
    }
}

impl<'a> Walker<'a, '_> {
    pub(super) fn error(&mut self, pos: Option<Pos>, message: &str) -> Walked {
        self.context.spend(message.len().saturating_add(16))?;
        let place = pos.map(|pos| format!(":{}:{}", pos.line, pos.column));
        self.errors.push_str("input");
        self.errors.push_str(&place.unwrap_or_default());
        self.errors.push_str(": ");
        self.errors.push_str(message);
        self.errors.push('\n');
        Ok(())
    }

    /// Goes a level down: what recurses counts here.
    pub(super) fn deeper<T>(&mut self, walk: impl FnOnce(&mut Self) -> Result<T, Fault>) -> Result<T, Fault> {
        self.context.spend(64)?;
        if self.depth >= MAX_DEPTH {
            return Err(too_deep());
        }
        self.depth += 1;
        let walked = walk(self);
        self.depth -= 1;
        walked
    }

    fn definition(&self, of: &Type) -> Option<Rc<Definition>> {
        self.schema.of(of).cloned()
    }

    pub(super) fn named(&self, name: &str) -> Option<Rc<Definition>> {
        self.schema.types.get(name).cloned()
    }

    pub(super) fn root(&self, operation: &Operation) -> Option<Rc<Definition>> {
        match operation.operation.as_str() {
            "mutation" => self.schema.mutation.clone(),
            "subscription" => self.schema.subscription.clone(),
            _ => self.schema.query.clone(),
        }
    }

    fn walk_operation(&mut self, operation: &'a Operation) -> Walked {
        self.operation = Some(operation);
        for variable in &operation.variables {
            let definition = self.definition(&variable.of);
            variable.definition.replace(definition.clone());
            self.on_variable(variable)?;
            if let Some(default) = &variable.default {
                default.found.expected.replace(Some(variable.of.clone()));
                default.found.definition.replace(definition);
            }
        }
        for variable in &operation.variables {
            if let Some(default) = &variable.default {
                self.walk_value(default)?;
            }
            self.walk_directives(&variable.directives, "VARIABLE_DEFINITION")?;
        }
        let location = match operation.operation.as_str() {
            "mutation" => "MUTATION",
            "subscription" => "SUBSCRIPTION",
            _ => "QUERY",
        };
        let definition = self.root(operation);
        self.walk_directives(&operation.directives, location)?;
        self.walk_selections(definition.as_ref(), &operation.selections)?;
        self.on_operation(operation)?;
        self.operation = None;
        Ok(())
    }

    fn walk_fragment(&mut self, fragment: &'a Fragment) -> Walked {
        let definition = self.named(&fragment.type_condition);
        fragment.definition.replace(definition.clone());
        self.walk_directives(&fragment.directives, "FRAGMENT_DEFINITION")?;
        self.walk_selections(definition.as_ref(), &fragment.selections)?;
        self.on_fragment(fragment)
    }

    fn walk_directives(&mut self, directives: &'a [Directive], location: &str) -> Walked {
        for directive in directives {
            let definition = self.schema.directives.get(&directive.name);
            directive.definition.replace(definition.cloned());
            for argument in &directive.arguments {
                let argument_definition = definition.and_then(|of| of.argument(&argument.name));
                self.walk_argument(argument_definition, argument)?;
            }
            self.on_directive(directive, location)?;
        }
        self.on_directives(directives)
    }

    fn walk_argument(&mut self, definition: Option<&ArgumentDefinition>, argument: &'a Argument) -> Walked {
        let value = &argument.value;
        if let Some(definition) = definition {
            value.found.expected.replace(Some(definition.of.clone()));
            value
                .found
                .expected_has_default
                .set(has_default(definition.default.as_ref()));
            value.found.definition.replace(self.definition(&definition.of));
        }
        self.walk_value(value)
    }

    fn walk_value(&mut self, value: &'a Value) -> Walked {
        self.deeper(|walker| walker.walk_value_here(value))
    }

    fn walk_value_here(&mut self, value: &'a Value) -> Walked {
        if let (Kind::Variable, Some(operation)) = (value.kind, self.operation) {
            let variable = operation
                .variables
                .iter()
                .find(|variable| variable.variable == value.raw);
            if let Some(variable) = variable {
                variable.used.set(true);
            }
            value.found.variable.replace(variable.cloned());
        }
        let definition = value.found.definition.borrow().clone();
        match value.kind {
            Kind::Object => {
                for child in &value.children {
                    self.context.spend(16)?;
                    let field = definition.as_ref().and_then(|of| of.field(&child.name));
                    if let Some(field) = field {
                        let found = &child.value.found;
                        found.expected.replace(Some(field.of.clone()));
                        found
                            .expected_has_default
                            .set(has_default(field.default.as_ref()));
                        found.definition.replace(self.definition(&field.of));
                    }
                    self.walk_value(&child.value)?;
                }
            }
            Kind::List => {
                let expected = value.found.expected.borrow().clone();
                let elem = expected.and_then(|of| of.elem.clone());
                for child in &value.children {
                    if let Some(elem) = &elem {
                        child.value.found.expected.replace(Some(elem.clone()));
                        child.value.found.definition.replace(definition.clone());
                    }
                    self.walk_value(&child.value)?;
                }
            }
            _ => {}
        }
        self.on_value(value)
    }

    fn walk_selections(&mut self, parent: Option<&Rc<Definition>>, selections: &'a [Selection]) -> Walked {
        self.deeper(|walker| {
            selections.iter().try_for_each(|selection| match selection {
                Selection::Field(field) => walker.walk_field(parent, field),
                Selection::Inline(inline) => walker.walk_inline(parent, inline),
                Selection::Spread(spread) => walker.walk_spread(parent, spread),
            })
        })
    }

    fn walk_field(&mut self, parent: Option<&Rc<Definition>>, field: &'a Field) -> Walked {
        self.context
            .spend(parent.map_or(0, |parent| parent.fields.len()))?;
        let definition = match field.name.as_str() {
            "__typename" => Some(self.typename.clone()),
            name => parent.and_then(|parent| parent.field(name)).cloned(),
        };
        field.definition.replace(definition.clone());
        field.object.replace(parent.cloned());
        let next = definition.as_ref().and_then(|of| self.definition(&of.of));
        for argument in &field.arguments {
            let of = definition
                .as_ref()
                .and_then(|of| find_argument(&of.arguments, &argument.name));
            self.walk_argument(of, argument)?;
        }
        self.walk_directives(&field.directives, "FIELD")?;
        self.walk_selections(next.as_ref(), &field.selections)?;
        self.on_field(field)
    }

    fn walk_inline(&mut self, parent: Option<&Rc<Definition>>, inline: &'a Inline) -> Walked {
        inline.object.replace(parent.cloned());
        let next = match inline.type_condition.as_str() {
            "" => parent.cloned(),
            name => self.named(name),
        };
        self.walk_directives(&inline.directives, "INLINE_FRAGMENT")?;
        self.walk_selections(next.as_ref(), &inline.selections)?;
        self.on_inline(inline)
    }

    fn walk_spread(&mut self, parent: Option<&Rc<Definition>>, spread: &'a Spread) -> Walked {
        self.context
            .spend(self.document.fragments.len().saturating_mul(4))?;
        let at = self.document.fragment(&spread.name);
        spread.definition.set(at);
        spread.object.replace(parent.cloned());
        let fragment = self.fragment(spread);
        self.walk_directives(&spread.directives, "FRAGMENT_SPREAD")?;
        if let Some(fragment) = fragment.filter(|fragment| !self.walked.contains(fragment.name.as_str())) {
            let next = self.named(&fragment.type_condition);
            self.walked.insert(&fragment.name);
            self.walk_directives(&fragment.directives, "FRAGMENT_DEFINITION")?;
            self.walk_selections(next.as_ref(), &fragment.selections)?;
        }
        self.on_spread(spread)
    }

    /// What a spread that was walked refers to.
    pub(super) fn fragment(&self, spread: &Spread) -> Option<&'a Fragment> {
        self.document.fragments.get(spread.definition.get()?)
    }
}

fn has_default(default: Option<&Value>) -> bool {
    default.is_some_and(|default| default.kind != Kind::Null)
}

/// The field that every type has.
fn typename() -> Rc<FieldDefinition> {
    Rc::new(FieldDefinition {
        described: Described::default(),
        name: "__typename".to_owned(),
        arguments: Vec::new(),
        default: None,
        of: Rc::new(Type {
            named: "String".to_owned(),
            elem: None,
            non_null: false,
            pos: None,
        }),
        directives: Vec::new(),
        pos: None,
    })
}
