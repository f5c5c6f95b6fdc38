//! Documents as values: gqlparser's JSON without what is empty or null, as OPA prunes it.

use super::ast::{
    Argument, ArgumentDefinition, Child, Definition, Described, Directive, DirectiveDefinition, EnumValue,
    FieldDefinition, Kind, Operation, QueryDocument, SchemaDefinition, SchemaDocument, Selection, Type,
    Value as Literal, VariableDefinition,
};
use crate::value::{Object, Value};

/// An object in the making.
#[derive(Default)]
struct Fields(Vec<(Value, Value)>);

impl Fields {
    fn put(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.push((Value::from(name), value.into()));
        self
    }

    fn text(self, name: &str, text: &str) -> Self {
        self.put(name, text)
    }

    fn maybe(self, name: &str, value: Option<Value>) -> Self {
        match value {
            Some(value) => self.put(name, value),
            None => self,
        }
    }

    fn list<T>(self, name: &str, items: impl IntoIterator<Item = T>, write: impl Fn(T) -> Value) -> Self {
        let items: Vec<Value> = items.into_iter().map(write).collect();
        if items.is_empty() {
            self
        } else {
            self.put(name, items)
        }
    }

    fn texts(self, name: &str, texts: &[String]) -> Self {
        self.list(name, texts, |text| Value::from(text.as_str()))
    }

    fn comments(self, name: &str, comments: &[String]) -> Self {
        if comments.is_empty() {
            return self;
        }
        let list = Self::default().list("List", comments, |text| {
            Self::default().text("Value", text).done()
        });
        self.put(name, list.done())
    }

    fn directives<'a>(self, directives: impl IntoIterator<Item = &'a Directive>) -> Self {
        self.list("Directives", directives, directive)
    }

    fn described(self, described: &Described) -> Self {
        self.text("Description", &described.description)
            .comments("BeforeDescriptionComment", &described.before)
            .comments("AfterDescriptionComment", &described.after)
    }

    fn done(self) -> Value {
        Value::Object(Object::from(self.0))
    }
}

pub(super) fn query(document: &QueryDocument) -> Value {
    Fields::default()
        .list("Operations", &document.operations, operation)
        .list("Fragments", &document.fragments, |fragment| {
            Fields::default()
                .text("Name", &fragment.name)
                .list("VariableDefinition", &fragment.variables, |of| variable(of))
                .text("TypeCondition", &fragment.type_condition)
                .directives(&fragment.directives)
                .list("SelectionSet", &fragment.selections, selection)
                .comments("Comment", &fragment.comment)
                .done()
        })
        .comments("Comment", &document.comment)
        .done()
}

fn operation(operation: &Operation) -> Value {
    Fields::default()
        .text("Operation", &operation.operation)
        .text("Name", &operation.name)
        .list("VariableDefinitions", &operation.variables, |of| variable(of))
        .directives(&operation.directives)
        .list("SelectionSet", &operation.selections, selection)
        .comments("Comment", &operation.comment)
        .done()
}

fn variable(variable: &VariableDefinition) -> Value {
    Fields::default()
        .text("Variable", &variable.variable)
        .put("Type", type_of(&variable.of))
        .maybe("DefaultValue", variable.default.as_ref().map(literal))
        .directives(&variable.directives)
        .comments("Comment", &variable.comment)
        .put("Used", false)
        .done()
}

/// Recurses as deep as selections nest, which the parser bounds.
fn selection(selection: &Selection) -> Value {
    match selection {
        Selection::Field(field) => Fields::default()
            .text("Alias", &field.alias)
            .text("Name", &field.name)
            .list("Arguments", &field.arguments, argument)
            .directives(&field.directives)
            .list("SelectionSet", &field.selections, self::selection)
            .comments("Comment", &field.comment),
        Selection::Spread(spread) => Fields::default()
            .text("Name", &spread.name)
            .directives(&spread.directives)
            .comments("Comment", &spread.comment),
        Selection::Inline(inline) => Fields::default()
            .text("TypeCondition", &inline.type_condition)
            .directives(&inline.directives)
            .list("SelectionSet", &inline.selections, self::selection)
            .comments("Comment", &inline.comment),
    }
    .done()
}

fn argument(argument: &Argument) -> Value {
    Fields::default()
        .text("Name", &argument.name)
        .put("Value", literal(&argument.value))
        .comments("Comment", &argument.comment)
        .done()
}

fn directive(directive: &Directive) -> Value {
    Fields::default()
        .text("Name", &directive.name)
        .list("Arguments", &directive.arguments, argument)
        .text("Location", &directive.location)
        .done()
}

/// Recurses as deep as values nest, which the parser bounds.
fn literal(value: &Literal) -> Value {
    let kind = Kind::ALL.iter().position(|kind| *kind == value.kind).unwrap_or(0);
    Fields::default()
        .text("Raw", &value.raw)
        .list("Children", &value.children, child)
        .put("Kind", kind as u64)
        .comments("Comment", &value.comment)
        .put("ExpectedTypeHasDefault", false)
        .done()
}

fn child(child: &Child) -> Value {
    Fields::default()
        .text("Name", &child.name)
        .put("Value", literal(&child.value))
        .comments("Comment", &child.comment)
        .done()
}

/// Recurses as deep as types nest, which the parser bounds.
fn type_of(of: &Type) -> Value {
    Fields::default()
        .text("NamedType", &of.named)
        .maybe("Elem", of.elem.as_deref().map(type_of))
        .put("NonNull", of.non_null)
        .done()
}

pub(super) fn schema(document: &SchemaDocument) -> Value {
    Fields::default()
        .list("Schema", &document.schema, schema_definition)
        .list(
            "SchemaExtension",
            &document.extensions_of_schema,
            schema_definition,
        )
        .list("Directives", &document.directives, directive_definition)
        .list("Definitions", &document.definitions, definition)
        .list("Extensions", &document.extensions, definition)
        .comments("Comment", &document.comment)
        .done()
}

fn schema_definition(schema: &SchemaDefinition) -> Value {
    Fields::default()
        .described(&schema.described)
        .directives(&schema.directives)
        .list("OperationTypes", &schema.operations, |root| {
            Fields::default()
                .text("Operation", &root.operation)
                .text("Type", &root.of)
                .comments("Comment", &root.comment)
                .done()
        })
        .comments("EndOfDefinitionComment", &schema.end)
        .done()
}

fn directive_definition(directive: &DirectiveDefinition) -> Value {
    Fields::default()
        .described(&directive.described)
        .text("Name", &directive.name)
        .list("Arguments", &directive.arguments, argument_definition)
        .texts("Locations", &directive.locations)
        .put("IsRepeatable", directive.repeatable)
        .done()
}

fn definition(definition: &Definition) -> Value {
    Fields::default()
        .text("Kind", definition.kind.name())
        .described(&definition.described)
        .text("Name", &definition.name)
        .directives(definition.directives.iter().map(AsRef::as_ref))
        .texts("Interfaces", &definition.interfaces)
        .list("Fields", &definition.fields, |of| field_definition(of))
        .texts("Types", &definition.types)
        .list("EnumValues", &definition.values, |of| enum_value(of))
        .put("BuiltIn", definition.built_in)
        .comments("EndOfDefinitionComment", &definition.end)
        .done()
}

fn field_definition(field: &FieldDefinition) -> Value {
    Fields::default()
        .described(&field.described)
        .text("Name", &field.name)
        .list("Arguments", &field.arguments, argument_definition)
        .maybe("DefaultValue", field.default.as_ref().map(literal))
        .put("Type", type_of(&field.of))
        .directives(&field.directives)
        .done()
}

fn argument_definition(argument: &ArgumentDefinition) -> Value {
    Fields::default()
        .described(&argument.described)
        .text("Name", &argument.name)
        .maybe("DefaultValue", argument.default.as_ref().map(literal))
        .put("Type", type_of(&argument.of))
        .directives(&argument.directives)
        .done()
}

fn enum_value(value: &EnumValue) -> Value {
    Fields::default()
        .described(&value.described)
        .text("Name", &value.name)
        .directives(&value.directives)
        .done()
}
