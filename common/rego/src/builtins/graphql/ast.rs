//! GraphQL documents as gqlparser has them. What a field is called here, its JSON calls so too.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

pub(super) use super::definitions::{
    ArgumentDefinition, Definition, Described, DirectiveDefinition, EnumValue, FieldDefinition, RootType,
    SchemaDefinition, SchemaDocument, TypeKind, find_argument,
};

/// Where something starts, as gqlparser counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pos {
    pub(super) line: i64,
    /// Can be negative: of a text that spans lines.
    pub(super) column: i64,
    /// In the definitions that every schema has.
    pub(super) prelude: bool,
}

/// The comments before something; none is as good as no group.
pub(super) type Comments = Vec<String>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Variable,
    Int,
    Float,
    String,
    Block,
    Boolean,
    Null,
    Enum,
    List,
    Object,
}

impl Kind {
    pub(super) const ALL: [Self; 10] = [
        Self::Variable,
        Self::Int,
        Self::Float,
        Self::String,
        Self::Block,
        Self::Boolean,
        Self::Null,
        Self::Enum,
        Self::List,
        Self::Object,
    ];
}

#[derive(Debug)]
pub(super) struct Value {
    pub(super) raw: String,
    pub(super) children: Vec<Child>,
    pub(super) kind: Kind,
    pub(super) pos: Option<Pos>,
    pub(super) comment: Comments,
    pub(super) found: ValueNotes,
}

/// What a walk over the query has found out about a value.
#[derive(Debug, Default)]
pub(super) struct ValueNotes {
    pub(super) definition: RefCell<Option<Rc<Definition>>>,
    pub(super) variable: RefCell<Option<Rc<VariableDefinition>>>,
    pub(super) expected: RefCell<Option<Rc<Type>>>,
    pub(super) expected_has_default: Cell<bool>,
}

impl Value {
    pub(super) fn child(&self, name: &str) -> Option<&Value> {
        self.children
            .iter()
            .find(|child| child.name == name)
            .map(|child| &child.value)
    }
}

#[derive(Debug)]
pub(super) struct Child {
    pub(super) name: String,
    pub(super) value: Value,
    pub(super) pos: Option<Pos>,
    pub(super) comment: Comments,
}

#[derive(Debug)]
pub(super) struct Type {
    /// Empty for a list.
    pub(super) named: String,
    pub(super) elem: Option<Rc<Type>>,
    pub(super) non_null: bool,
    pub(super) pos: Option<Pos>,
}

impl Type {
    pub(super) fn name(&self) -> &str {
        let mut here = self;
        while let (true, Some(elem)) = (here.named.is_empty(), &here.elem) {
            here = elem;
        }
        &here.named
    }

    pub(super) fn is_compatible(&self, other: &Self, other_non_null: bool) -> bool {
        if self.named != other.named {
            return false;
        }
        let elements = match (&self.elem, &other.elem) {
            (Some(_), None) => false,
            (Some(a), Some(b)) => a.is_compatible(b, b.non_null),
            (None, _) => true,
        };
        elements && (!other_non_null || self.non_null)
    }
}

#[derive(Debug)]
pub(super) struct Argument {
    pub(super) name: String,
    pub(super) value: Value,
    pub(super) pos: Option<Pos>,
    pub(super) comment: Comments,
}

#[derive(Debug)]
pub(super) struct Directive {
    pub(super) name: String,
    pub(super) arguments: Vec<Argument>,
    pub(super) pos: Option<Pos>,
    /// As an AST that came as an object had it.
    pub(super) location: String,
    pub(super) definition: RefCell<Option<Rc<DirectiveDefinition>>>,
}

#[derive(Debug, Default)]
pub(super) struct QueryDocument {
    pub(super) operations: Vec<Operation>,
    pub(super) fragments: Vec<Fragment>,
    pub(super) comment: Comments,
}

impl QueryDocument {
    /// The place of the first fragment of this name.
    pub(super) fn fragment(&self, name: &str) -> Option<usize> {
        self.fragments.iter().position(|fragment| fragment.name == name)
    }
}

#[derive(Debug)]
pub(super) struct Operation {
    pub(super) operation: String,
    pub(super) name: String,
    pub(super) variables: Vec<Rc<VariableDefinition>>,
    pub(super) directives: Vec<Directive>,
    pub(super) selections: Vec<Selection>,
    pub(super) pos: Option<Pos>,
    pub(super) comment: Comments,
}

#[derive(Debug)]
pub(super) struct VariableDefinition {
    pub(super) variable: String,
    pub(super) of: Rc<Type>,
    pub(super) default: Option<Value>,
    pub(super) directives: Vec<Directive>,
    pub(super) pos: Option<Pos>,
    pub(super) comment: Comments,
    pub(super) definition: RefCell<Option<Rc<Definition>>>,
    pub(super) used: Cell<bool>,
}

#[derive(Debug)]
pub(super) enum Selection {
    Field(Field),
    Spread(Spread),
    Inline(Inline),
}

#[derive(Debug)]
pub(super) struct Field {
    pub(super) alias: String,
    pub(super) name: String,
    pub(super) arguments: Vec<Argument>,
    pub(super) directives: Vec<Directive>,
    pub(super) selections: Vec<Selection>,
    pub(super) pos: Option<Pos>,
    pub(super) comment: Comments,
    pub(super) definition: RefCell<Option<Rc<FieldDefinition>>>,
    pub(super) object: RefCell<Option<Rc<Definition>>>,
}

impl Field {
    pub(super) fn response_name(&self) -> &str {
        if self.alias.is_empty() {
            &self.name
        } else {
            &self.alias
        }
    }
}

#[derive(Debug)]
pub(super) struct Spread {
    pub(super) name: String,
    pub(super) directives: Vec<Directive>,
    pub(super) pos: Option<Pos>,
    pub(super) comment: Comments,
    /// Its place among the document's fragments.
    pub(super) definition: Cell<Option<usize>>,
    pub(super) object: RefCell<Option<Rc<Definition>>>,
}

#[derive(Debug)]
pub(super) struct Inline {
    pub(super) type_condition: String,
    pub(super) directives: Vec<Directive>,
    pub(super) selections: Vec<Selection>,
    pub(super) pos: Option<Pos>,
    pub(super) comment: Comments,
    pub(super) object: RefCell<Option<Rc<Definition>>>,
}

#[derive(Debug)]
pub(super) struct Fragment {
    pub(super) name: String,
    pub(super) variables: Vec<Rc<VariableDefinition>>,
    pub(super) type_condition: String,
    pub(super) directives: Vec<Directive>,
    pub(super) selections: Vec<Selection>,
    pub(super) pos: Option<Pos>,
    pub(super) comment: Comments,
    pub(super) definition: RefCell<Option<Rc<Definition>>>,
}
