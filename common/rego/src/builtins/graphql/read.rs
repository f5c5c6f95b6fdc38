//! Queries that come as objects, as `graphql.parse_query` writes them. Go's JSON reader takes much more than that; what
//! has another form than parsing comes to is refused.

use std::rc::Rc;

use super::ast::{
    Argument, Child, Comments, Directive, Field, Fragment, Kind, Operation, QueryDocument, Selection, Type,
    Value as Literal, ValueNotes, VariableDefinition,
};
use super::{Fault, MAX_DEPTH, refused, too_deep};
use crate::value::{Object, Value};

pub(super) type Taken<T> = Result<T, Fault>;

/// An object whose members are looked at by their names; null is as good as absent.
#[derive(Clone, Copy)]
pub(super) struct Node<'a> {
    object: &'a Object,
    depth: usize,
}

pub(super) fn odd<T>(what: &str) -> Taken<T> {
    Err(refused(&format!(
        "a GraphQL document with another {what} than parsing gives"
    )))
}

impl<'a> Node<'a> {
    /// With the names that it may have; Go would find them in any case, too.
    pub(super) fn new(object: &'a Object, depth: usize, names: &[&str]) -> Taken<Self> {
        if depth > MAX_DEPTH {
            return Err(too_deep());
        }
        let known = |key: &Value| key.as_str().is_some_and(|key| names.contains(&key));
        if object.keys().all(known) {
            Ok(Self { object, depth })
        } else {
            odd("member")
        }
    }

    fn get(&self, name: &str) -> Option<&'a Value> {
        self.object
            .get_str(name)
            .filter(|value| !matches!(value, Value::Null))
    }

    pub(super) fn text(&self, name: &str) -> Taken<String> {
        match self.get(name) {
            None => Ok(String::new()),
            Some(Value::String(text)) => Ok(text.as_ref().to_owned()),
            Some(_) => odd(name),
        }
    }

    pub(super) fn flag(&self, name: &str) -> Taken<bool> {
        match self.get(name) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => odd(name),
        }
    }

    /// What only a walk sets.
    pub(super) fn unset(&self, name: &str) -> Taken<()> {
        if self.flag(name)? { odd(name) } else { Ok(()) }
    }

    pub(super) fn list<T>(&self, name: &str, read: impl Fn(&'a Value, usize) -> Taken<T>) -> Taken<Vec<T>> {
        match self.get(name) {
            None => Ok(Vec::new()),
            Some(Value::Array(items)) => items.iter().map(|item| read(item, self.depth + 1)).collect(),
            Some(_) => odd(name),
        }
    }

    pub(super) fn texts(&self, name: &str) -> Taken<Vec<String>> {
        self.list(name, |text, _| match text {
            Value::String(text) => Ok(text.as_ref().to_owned()),
            _ => odd(name),
        })
    }

    pub(super) fn comments(&self, name: &str) -> Taken<Comments> {
        match self.get(name) {
            None => Ok(Comments::new()),
            Some(Value::Object(group)) => Node::new(group, self.depth + 1, &["List"])?
                .list("List", |comment, depth| {
                    node(comment, depth, &["Value"])?.text("Value")
                }),
            Some(_) => odd(name),
        }
    }

    pub(super) fn directives(&self) -> Taken<Vec<Directive>> {
        self.list("Directives", |directive, depth| {
            let node = node(directive, depth, &["Name", "Arguments", "Location"])?;
            Ok(Directive {
                name: node.text("Name")?,
                arguments: node.arguments()?,
                pos: None,
                location: node.text("Location")?,
                definition: None.into(),
            })
        })
    }

    fn arguments(&self) -> Taken<Vec<Argument>> {
        self.list("Arguments", |argument, depth| {
            let node = node(argument, depth, &["Name", "Value", "Comment"])?;
            Ok(Argument {
                name: node.text("Name")?,
                value: node.value("Value", false)?.map_or_else(|| odd("Value"), Ok)?,
                pos: None,
                comment: node.comments("Comment")?,
            })
        })
    }

    pub(super) fn value(&self, name: &str, is_const: bool) -> Taken<Option<Literal>> {
        self.get(name)
            .map(|value| literal(value, self.depth + 1, is_const))
            .transpose()
    }

    pub(super) fn type_of(&self) -> Taken<Rc<Type>> {
        self.get("Type")
            .map_or_else(|| odd("Type"), |of| type_of(of, self.depth + 1))
    }
}

pub(super) fn node<'a>(value: &'a Value, depth: usize, names: &[&str]) -> Taken<Node<'a>> {
    match value {
        Value::Object(object) => Node::new(object, depth, names),
        _ => odd("element"),
    }
}

/// Recurses as deep as types nest, which is bounded.
fn type_of(value: &Value, depth: usize) -> Taken<Rc<Type>> {
    let node = node(value, depth, &["NamedType", "Elem", "NonNull"])?;
    let named = node.text("NamedType")?;
    let elem = node
        .get("Elem")
        .map(|elem| type_of(elem, depth + 1))
        .transpose()?;
    if named.is_empty() == elem.is_none() {
        return odd("Type");
    }
    Ok(Rc::new(Type {
        named,
        elem,
        non_null: node.flag("NonNull")?,
        pos: None,
    }))
}

/// Recurses as deep as values nest, which is bounded.
fn literal(value: &Value, depth: usize, is_const: bool) -> Taken<Literal> {
    let names = ["Raw", "Children", "Kind", "Comment", "ExpectedTypeHasDefault"];
    let node = node(value, depth, &names)?;
    node.unset("ExpectedTypeHasDefault")?;
    let kind = match node.get("Kind") {
        None => Some(Kind::Variable),
        Some(kind) => kind
            .as_i64()
            .and_then(|kind| Kind::ALL.get(usize::try_from(kind).ok()?).copied()),
    };
    let kind = kind.map_or_else(|| odd("Kind"), Ok)?;
    let raw = node.text("Raw")?;
    let children = node.list("Children", |child, depth| {
        let node = self::node(child, depth, &["Name", "Value", "Comment"])?;
        Ok(Child {
            name: node.text("Name")?,
            value: node.value("Value", is_const)?.map_or_else(|| odd("Value"), Ok)?,
            pos: None,
            comment: node.comments("Comment")?,
        })
    })?;
    let fits = match kind {
        Kind::Variable => !is_const && children.is_empty(),
        Kind::Int | Kind::Float => is_number(&raw) && children.is_empty(),
        Kind::Boolean => matches!(raw.as_str(), "true" | "false"),
        Kind::String | Kind::Block | Kind::Null | Kind::Enum => children.is_empty(),
        Kind::List | Kind::Object => raw.is_empty(),
    };
    if !fits {
        return odd("value");
    }
    Ok(Literal {
        raw,
        children,
        kind,
        pos: None,
        comment: node.comments("Comment")?,
        found: ValueNotes::default(),
    })
}

/// As GraphQL writes numbers, which is JSON's way.
fn is_number(raw: &str) -> bool {
    matches!(Value::from_json_str(raw), Ok(Value::Number(_))) && raw.trim() == raw
}

pub(super) fn query(object: &Object) -> Taken<QueryDocument> {
    let root = Node::new(object, 0, &["Operations", "Fragments", "Comment"])?;
    Ok(QueryDocument {
        operations: root.list("Operations", operation)?,
        fragments: root.list("Fragments", fragment_of)?,
        comment: root.comments("Comment")?,
    })
}

/// Of comments of operations, fragments and fields, Go reads none.
fn operation(value: &Value, depth: usize) -> Taken<Operation> {
    let names = [
        "Operation",
        "Name",
        "VariableDefinitions",
        "Directives",
        "SelectionSet",
        "Comment",
    ];
    let node = node(value, depth, &names)?;
    let operation = node.text("Operation")?;
    if !matches!(operation.as_str(), "" | "query" | "mutation" | "subscription") {
        return odd("Operation");
    }
    Ok(Operation {
        operation,
        name: node.text("Name")?,
        variables: node.list("VariableDefinitions", variable)?,
        directives: node.directives()?,
        selections: node.list("SelectionSet", field)?,
        pos: None,
        comment: Comments::new(),
    })
}

fn fragment_of(value: &Value, depth: usize) -> Taken<Fragment> {
    let names = [
        "Name",
        "VariableDefinition",
        "TypeCondition",
        "Directives",
        "SelectionSet",
        "Comment",
    ];
    let node = node(value, depth, &names)?;
    Ok(Fragment {
        name: node.text("Name")?,
        variables: node.list("VariableDefinition", variable)?,
        type_condition: node.text("TypeCondition")?,
        directives: node.directives()?,
        selections: node.list("SelectionSet", field)?,
        pos: None,
        comment: Comments::new(),
        definition: None.into(),
    })
}

fn variable(value: &Value, depth: usize) -> Taken<Rc<VariableDefinition>> {
    let names = [
        "Variable",
        "Type",
        "DefaultValue",
        "Directives",
        "Comment",
        "Used",
    ];
    let node = node(value, depth, &names)?;
    node.unset("Used")?;
    Ok(Rc::new(VariableDefinition {
        variable: node.text("Variable")?,
        of: node.type_of()?,
        default: node.value("DefaultValue", true)?,
        directives: node.directives()?,
        pos: None,
        comment: node.comments("Comment")?,
        definition: None.into(),
        used: false.into(),
    }))
}

/// Whatever it was, gqlparser reads every selection as a field: a spread as one of its name, an inline fragment as one
/// without. Recurses as deep as selections nest, which is bounded.
fn field(value: &Value, depth: usize) -> Taken<Selection> {
    let names = [
        "Alias",
        "Name",
        "Arguments",
        "Directives",
        "SelectionSet",
        "Comment",
        "TypeCondition",
    ];
    let node = node(value, depth, &names)?;
    Ok(Selection::Field(Field {
        alias: node.text("Alias")?,
        name: node.text("Name")?,
        arguments: node.arguments()?,
        directives: node.directives()?,
        selections: node.list("SelectionSet", field)?,
        pos: None,
        comment: Comments::new(),
        definition: None.into(),
        object: None.into(),
    }))
}
