//! What a schema consists of.

use std::rc::Rc;

use super::ast::{Comments, Directive, Pos, Type, Value};

#[derive(Debug, Default)]
pub(super) struct SchemaDocument {
    pub(super) schema: Vec<SchemaDefinition>,
    pub(super) extensions_of_schema: Vec<SchemaDefinition>,
    pub(super) directives: Vec<DirectiveDefinition>,
    pub(super) definitions: Vec<Definition>,
    pub(super) extensions: Vec<Definition>,
    pub(super) comment: Comments,
}

/// A description, and the comments around it.
#[derive(Debug, Default)]
pub(super) struct Described {
    pub(super) description: String,
    pub(super) before: Comments,
    pub(super) after: Comments,
}

#[derive(Debug)]
pub(super) struct SchemaDefinition {
    pub(super) described: Described,
    pub(super) directives: Vec<Directive>,
    pub(super) operations: Vec<RootType>,
    pub(super) pos: Option<Pos>,
    pub(super) end: Comments,
}

#[derive(Debug)]
pub(super) struct RootType {
    pub(super) operation: String,
    pub(super) of: String,
    pub(super) pos: Option<Pos>,
    pub(super) comment: Comments,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TypeKind {
    Scalar,
    Object,
    Interface,
    Union,
    Enum,
    InputObject,
}

impl TypeKind {
    pub(super) const ALL: [Self; 6] = [
        Self::Scalar,
        Self::Object,
        Self::Interface,
        Self::Union,
        Self::Enum,
        Self::InputObject,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Scalar => "SCALAR",
            Self::Object => "OBJECT",
            Self::Interface => "INTERFACE",
            Self::Union => "UNION",
            Self::Enum => "ENUM",
            Self::InputObject => "INPUT_OBJECT",
        }
    }

    pub(super) fn is_leaf(self) -> bool {
        matches!(self, Self::Enum | Self::Scalar)
    }

    pub(super) fn is_composite(self) -> bool {
        matches!(self, Self::Object | Self::Interface | Self::Union)
    }

    pub(super) fn is_input(self) -> bool {
        matches!(self, Self::Scalar | Self::Enum | Self::InputObject)
    }
}

/// A type, or an extension of one.
#[derive(Debug)]
pub(super) struct Definition {
    pub(super) kind: TypeKind,
    pub(super) described: Described,
    pub(super) name: String,
    pub(super) directives: Vec<Rc<Directive>>,
    pub(super) interfaces: Vec<String>,
    pub(super) fields: Vec<Rc<FieldDefinition>>,
    pub(super) types: Vec<String>,
    pub(super) type_positions: Vec<Option<Pos>>,
    pub(super) values: Vec<Rc<EnumValue>>,
    pub(super) pos: Option<Pos>,
    pub(super) built_in: bool,
    pub(super) end: Comments,
}

impl Definition {
    pub(super) fn new(kind: TypeKind, pos: Option<Pos>) -> Self {
        Self {
            kind,
            described: Described::default(),
            name: String::new(),
            directives: Vec::new(),
            interfaces: Vec::new(),
            fields: Vec::new(),
            types: Vec::new(),
            type_positions: Vec::new(),
            values: Vec::new(),
            pos,
            built_in: false,
            end: Vec::new(),
        }
    }

    pub(super) fn field(&self, name: &str) -> Option<&Rc<FieldDefinition>> {
        self.fields.iter().find(|field| field.name == name)
    }
}

#[derive(Debug)]
pub(super) struct FieldDefinition {
    pub(super) described: Described,
    pub(super) name: String,
    pub(super) arguments: Vec<ArgumentDefinition>,
    pub(super) default: Option<Value>,
    pub(super) of: Rc<Type>,
    pub(super) directives: Vec<Directive>,
    pub(super) pos: Option<Pos>,
}

#[derive(Debug)]
pub(super) struct ArgumentDefinition {
    pub(super) described: Described,
    pub(super) name: String,
    pub(super) default: Option<Value>,
    pub(super) of: Rc<Type>,
    pub(super) directives: Vec<Directive>,
    pub(super) pos: Option<Pos>,
}

#[derive(Debug)]
pub(super) struct EnumValue {
    pub(super) described: Described,
    pub(super) name: String,
    pub(super) directives: Vec<Directive>,
    pub(super) pos: Option<Pos>,
}

#[derive(Debug)]
pub(super) struct DirectiveDefinition {
    pub(super) described: Described,
    pub(super) name: String,
    pub(super) arguments: Vec<ArgumentDefinition>,
    pub(super) locations: Vec<String>,
    pub(super) repeatable: bool,
    pub(super) pos: Option<Pos>,
}

impl DirectiveDefinition {
    pub(super) fn argument(&self, name: &str) -> Option<&ArgumentDefinition> {
        find_argument(&self.arguments, name)
    }
}

pub(super) fn find_argument<'a>(
    arguments: &'a [ArgumentDefinition],
    name: &str,
) -> Option<&'a ArgumentDefinition> {
    arguments.iter().find(|argument| argument.name == name)
}
