//! Whether a schema is valid, and what queries are checked against: gqlparser's `ValidateSchemaDocument`.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::super::Context;
use super::Fault;
use super::ast::{
    ArgumentDefinition, Definition, Described, DirectiveDefinition, FieldDefinition, SchemaDefinition,
    SchemaDocument, Type, TypeKind,
};
use super::check_types::{Types, types};
use super::text::quoted;

/// Directives that every schema has, and that it may define again: the last definition is used.
const BUILTIN_DIRECTIVES: [&str; 6] = ["include", "skip", "deprecated", "specifiedBy", "defer", "oneOf"];

/// A valid schema.
pub(super) struct Schema {
    pub(super) types: BTreeMap<String, Rc<Definition>>,
    pub(super) directives: BTreeMap<String, Rc<DirectiveDefinition>>,
    possible: BTreeMap<String, Vec<String>>,
    pub(super) query: Option<Rc<Definition>>,
    pub(super) mutation: Option<Rc<Definition>>,
    pub(super) subscription: Option<Rc<Definition>>,
}

impl Schema {
    pub(super) fn of(&self, of: &Type) -> Option<&Rc<Definition>> {
        self.types.get(of.name())
    }

    /// The types that a type of this name can be.
    pub(super) fn possible(&self, name: &str) -> impl Iterator<Item = &Rc<Definition>> {
        let names = self.possible.get(name).map(Vec::as_slice).unwrap_or_default();
        names.iter().filter_map(|name| self.types.get(name))
    }
}

/// The names of the root types.
#[derive(Default)]
struct Roots {
    query: Option<String>,
    mutation: Option<String>,
    subscription: Option<String>,
}

pub(super) fn check(
    context: &mut Context<'_>,
    prelude: SchemaDocument,
    document: SchemaDocument,
) -> Result<Schema, Fault> {
    let mut all: BTreeMap<String, Definition> = BTreeMap::new();
    // In the order of the document, then what only extensions make.
    let mut order: Vec<String> = Vec::new();
    for definition in prelude.definitions.into_iter().chain(document.definitions) {
        if all.contains_key(&definition.name) {
            let message = format!("Cannot redeclare type {}.", definition.name);
            return Err(Fault::at(definition.pos, &message));
        }
        order.push(definition.name.clone());
        all.insert(definition.name.clone(), definition);
    }
    for extension in document.extensions {
        extend(&mut all, &mut order, extension)?;
    }
    let possible = possible(context, &all, &order)?;
    let directives = directives(prelude.directives.into_iter().chain(document.directives))?;
    if let Some(second) = document.schema.get(1) {
        let message = "Cannot have multiple schema entry points, consider schema extensions instead.";
        return Err(Fault::at(second.pos, message));
    }
    let mut types = Types {
        all: &all,
        possible: &possible,
        directives: &directives,
        context,
    };
    let mut roots = Roots::default();
    for schema in document.schema.iter().chain(&document.extensions_of_schema) {
        root_types(&mut roots, schema, &all)?;
        types.directives(&schema.directives, "SCHEMA", None, true)?;
    }
    self::types(&mut types)?;
    circles(&mut types)?;
    for directive in directives.values() {
        types.name(directive.pos, &directive.name)?;
        types.arguments(&directive.arguments, Some(directive))?;
    }
    if document.schema.is_empty() {
        let named = |name: &str| all.contains_key(name).then(|| name.to_owned());
        roots.query = roots.query.or_else(|| named("Query"));
        roots.mutation = roots.mutation.or_else(|| named("Mutation"));
        roots.subscription = roots.subscription.or_else(|| named("Subscription"));
    }
    if let Some(query) = roots.query.as_ref().and_then(|name| all.get_mut(name)) {
        query.fields.extend(introspection());
    }
    let types: BTreeMap<String, Rc<Definition>> =
        all.into_iter().map(|(name, of)| (name, Rc::new(of))).collect();
    let root = |name: Option<String>| types.get(&name?).cloned();
    Ok(Schema {
        query: root(roots.query),
        mutation: root(roots.mutation),
        subscription: root(roots.subscription),
        types,
        directives,
        possible,
    })
}

fn extend(
    all: &mut BTreeMap<String, Definition>,
    order: &mut Vec<String>,
    extension: Definition,
) -> Result<(), Fault> {
    let definition = all.entry(extension.name.clone()).or_insert_with(|| {
        order.push(extension.name.clone());
        let mut new = Definition::new(extension.kind, extension.pos);
        new.name.clone_from(&extension.name);
        new
    });
    if definition.kind != extension.kind {
        let message = format!(
            "Cannot extend type {} because the base type is a {}, not {}.",
            extension.name,
            definition.kind.name(),
            extension.kind.name()
        );
        return Err(Fault::at(extension.pos, &message));
    }
    definition.directives.extend(extension.directives);
    definition.interfaces.extend(extension.interfaces);
    definition.fields.extend(extension.fields);
    definition.types.extend(extension.types);
    definition.type_positions.extend(extension.type_positions);
    definition.values.extend(extension.values);
    Ok(())
}

/// What each type can be: itself, the members of a union, what implements an interface. Names that no type has are
/// among them.
fn possible(
    context: &mut Context<'_>,
    all: &BTreeMap<String, Definition>,
    order: &[String],
) -> Result<BTreeMap<String, Vec<String>>, Fault> {
    let mut possible: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut add = |of: &str, name: &str| possible.entry(of.to_owned()).or_default().push(name.to_owned());
    for definition in order.iter().filter_map(|name| all.get(name)) {
        let name = &definition.name;
        context.spend(definition.interfaces.len().saturating_add(definition.types.len()))?;
        match definition.kind {
            TypeKind::Union => definition.types.iter().for_each(|of| add(name, of)),
            TypeKind::InputObject | TypeKind::Object | TypeKind::Interface => {
                definition.interfaces.iter().for_each(|of| add(of, name));
                if definition.kind != TypeKind::Interface {
                    add(name, name);
                }
            }
            TypeKind::Scalar | TypeKind::Enum => {}
        }
    }
    Ok(possible)
}

fn directives(
    all: impl Iterator<Item = DirectiveDefinition>,
) -> Result<BTreeMap<String, Rc<DirectiveDefinition>>, Fault> {
    let mut directives = BTreeMap::new();
    for directive in all {
        if directives.contains_key(&directive.name) && !BUILTIN_DIRECTIVES.contains(&directive.name.as_str())
        {
            let message = format!("Cannot redeclare directive {}.", directive.name);
            return Err(Fault::at(directive.pos, &message));
        }
        directives.insert(directive.name.clone(), Rc::new(directive));
    }
    Ok(directives)
}

fn root_types(
    roots: &mut Roots,
    schema: &SchemaDefinition,
    all: &BTreeMap<String, Definition>,
) -> Result<(), Fault> {
    for root in &schema.operations {
        if !all.contains_key(&root.of) {
            let message = format!(
                "Schema root {} refers to a type {} that does not exist.",
                root.operation, root.of
            );
            return Err(Fault::at(root.pos, &message));
        }
        let place = match root.operation.as_str() {
            "query" => &mut roots.query,
            "mutation" => &mut roots.mutation,
            "subscription" => &mut roots.subscription,
            _ => continue,
        };
        *place = Some(root.of.clone());
    }
    Ok(())
}

/// Inputs that need each other, so that none can be written.
fn circles(types: &mut Types<'_, '_>) -> Result<(), Fault> {
    let all = types.all;
    let mut visited = BTreeSet::new();
    for start in all.values().filter(|of| of.kind == TypeKind::InputObject) {
        // Without recursion: each open input, with the fields that are left of it.
        let mut path: Vec<&FieldDefinition> = Vec::new();
        let mut at: BTreeMap<&str, usize> = BTreeMap::new();
        if !visited.insert(start.name.as_str()) {
            continue;
        }
        at.insert(&start.name, 0);
        let mut open = vec![(start, start.fields.iter())];
        while let Some((definition, fields)) = open.last_mut() {
            types.context.spend(16)?;
            let Some(field) = fields.next() else {
                at.remove(definition.name.as_str());
                open.pop();
                path.pop();
                continue;
            };
            if !field.of.non_null || field.of.named.is_empty() {
                continue;
            }
            let next = all
                .get(&field.of.named)
                .filter(|of| of.kind == TypeKind::InputObject);
            let Some(next) = next else { continue };
            path.push(field);
            if let Some(start) = at.get(next.name.as_str()) {
                let circle = path.get(*start..).unwrap_or_default();
                let names: Vec<&str> = circle.iter().map(|field| field.name.as_str()).collect();
                let message = format!(
                    "Cannot reference Input Object {} within itself through a series of non-null fields: {}.",
                    quoted(&next.name),
                    quoted(&names.join("."))
                );
                return Err(Fault::at(circle.first().and_then(|field| field.pos), &message));
            }
            if visited.insert(&next.name) {
                at.insert(&next.name, path.len());
                open.push((next, next.fields.iter()));
            } else {
                path.pop();
            }
        }
    }
    Ok(())
}

/// The fields that every query's root has.
fn introspection() -> [Rc<FieldDefinition>; 2] {
    let named = |name: &str, non_null| {
        Rc::new(Type {
            named: name.to_owned(),
            elem: None,
            non_null,
            pos: None,
        })
    };
    let field = |name: &str, of, arguments| {
        Rc::new(FieldDefinition {
            described: Described::default(),
            name: name.to_owned(),
            arguments,
            default: None,
            of,
            directives: Vec::new(),
            pos: None,
        })
    };
    let name = ArgumentDefinition {
        described: Described::default(),
        name: "name".to_owned(),
        default: None,
        of: named("String", true),
        directives: Vec::new(),
        pos: None,
    };
    [
        field("__schema", named("__Schema", true), Vec::new()),
        field("__type", named("__Type", false), vec![name]),
    ]
}
