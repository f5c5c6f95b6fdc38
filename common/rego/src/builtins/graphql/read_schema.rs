//! Schemas that come as objects, as `graphql.parse_schema` writes them.

use std::rc::Rc;

use super::ast::{
    ArgumentDefinition, Definition, Described, DirectiveDefinition, EnumValue, FieldDefinition, RootType,
    SchemaDefinition, SchemaDocument, TypeKind,
};
use super::read::{Node, Taken, node, odd};
use crate::value::{Object, Value};

const DESCRIBED: [&str; 4] = [
    "Description",
    "BeforeDescriptionComment",
    "AfterDescriptionComment",
    "Directives",
];

pub(super) fn schema(object: &Object) -> Taken<SchemaDocument> {
    let names = [
        "Schema",
        "SchemaExtension",
        "Directives",
        "Definitions",
        "Extensions",
        "Comment",
    ];
    let root = Node::new(object, 0, &names)?;
    Ok(SchemaDocument {
        schema: root.list("Schema", schema_definition)?,
        extensions_of_schema: root.list("SchemaExtension", schema_definition)?,
        directives: root.list("Directives", directive)?,
        definitions: root.list("Definitions", definition)?,
        extensions: root.list("Extensions", definition)?,
        comment: root.comments("Comment")?,
    })
}

fn described<'a>(value: &'a Value, depth: usize, names: &[&str]) -> Taken<(Node<'a>, Described)> {
    let names: Vec<&str> = DESCRIBED.iter().chain(names).copied().collect();
    let node = node(value, depth, &names)?;
    let described = Described {
        description: node.text("Description")?,
        before: node.comments("BeforeDescriptionComment")?,
        after: node.comments("AfterDescriptionComment")?,
    };
    Ok((node, described))
}

fn schema_definition(value: &Value, depth: usize) -> Taken<SchemaDefinition> {
    let (node, described) = described(value, depth, &["OperationTypes", "EndOfDefinitionComment"])?;
    Ok(SchemaDefinition {
        described,
        directives: node.directives()?,
        operations: node.list("OperationTypes", |root, depth| {
            let node = self::node(root, depth, &["Operation", "Type", "Comment"])?;
            Ok(RootType {
                operation: node.text("Operation")?,
                of: node.text("Type")?,
                pos: None,
                comment: node.comments("Comment")?,
            })
        })?,
        pos: None,
        end: node.comments("EndOfDefinitionComment")?,
    })
}

fn directive(value: &Value, depth: usize) -> Taken<DirectiveDefinition> {
    let names = ["Name", "Arguments", "Locations", "IsRepeatable"];
    let (node, described) = described(value, depth, &names)?;
    Ok(DirectiveDefinition {
        described,
        name: node.text("Name")?,
        arguments: node.list("Arguments", argument)?,
        locations: node.texts("Locations")?,
        repeatable: node.flag("IsRepeatable")?,
        pos: None,
    })
}

fn definition(value: &Value, depth: usize) -> Taken<Definition> {
    let names = [
        "Kind",
        "Name",
        "Interfaces",
        "Fields",
        "Types",
        "EnumValues",
        "BuiltIn",
        "EndOfDefinitionComment",
    ];
    let (node, described) = described(value, depth, &names)?;
    let kind = node.text("Kind")?;
    let kind = TypeKind::ALL.into_iter().find(|known| known.name() == kind);
    Ok(Definition {
        kind: kind.map_or_else(|| odd("Kind"), Ok)?,
        described,
        name: node.text("Name")?,
        directives: node.directives()?.into_iter().map(Rc::new).collect(),
        interfaces: node.texts("Interfaces")?,
        fields: node.list("Fields", field)?,
        types: node.texts("Types")?,
        type_positions: Vec::new(),
        values: node.list("EnumValues", |value, depth| {
            let (node, described) = self::described(value, depth, &["Name"])?;
            Ok(Rc::new(EnumValue {
                described,
                name: node.text("Name")?,
                directives: node.directives()?,
                pos: None,
            }))
        })?,
        pos: None,
        built_in: node.flag("BuiltIn")?,
        end: node.comments("EndOfDefinitionComment")?,
    })
}

fn field(value: &Value, depth: usize) -> Taken<Rc<FieldDefinition>> {
    let names = ["Name", "Arguments", "DefaultValue", "Type"];
    let (node, described) = described(value, depth, &names)?;
    Ok(Rc::new(FieldDefinition {
        described,
        name: node.text("Name")?,
        arguments: node.list("Arguments", argument)?,
        default: node.value("DefaultValue", true)?,
        of: node.type_of()?,
        directives: node.directives()?,
        pos: None,
    }))
}

fn argument(value: &Value, depth: usize) -> Taken<ArgumentDefinition> {
    let (node, described) = described(value, depth, &["Name", "DefaultValue", "Type"])?;
    Ok(ArgumentDefinition {
        described,
        name: node.text("Name")?,
        default: node.value("DefaultValue", true)?,
        of: node.type_of()?,
        directives: node.directives()?,
        pos: None,
    })
}
