//! The text of a schema.

use std::rc::Rc;

use super::ast::{
    ArgumentDefinition, Definition, Described, DirectiveDefinition, EnumValue, FieldDefinition, RootType,
    SchemaDefinition, SchemaDocument, TypeKind,
};
use super::parser::{Parsed, Parser, unexpected};
use super::token::Token;

const BRACES: [Token; 2] = [Token::BraceL, Token::BraceR];

/// Where a directive may stand.
const LOCATIONS: [&str; 19] = [
    "QUERY",
    "MUTATION",
    "SUBSCRIPTION",
    "FIELD",
    "FRAGMENT_DEFINITION",
    "FRAGMENT_SPREAD",
    "INLINE_FRAGMENT",
    "VARIABLE_DEFINITION",
    "SCHEMA",
    "SCALAR",
    "OBJECT",
    "FIELD_DEFINITION",
    "ARGUMENT_DEFINITION",
    "INTERFACE",
    "UNION",
    "ENUM",
    "ENUM_VALUE",
    "INPUT_OBJECT",
    "INPUT_FIELD_DEFINITION",
];

pub(super) fn parse(text: &str, built_in: bool) -> Parsed<SchemaDocument> {
    let mut parser = Parser::new(text, built_in);
    let mut document = SchemaDocument::default();
    while parser.peek() != Token::Eof {
        let description = description(&mut parser)?;
        if parser.peek() != Token::Name {
            return parser.unexpected();
        }
        match parser.peek_value() {
            "schema" => document.schema.push(schema(&mut parser, description)?),
            "directive" => document.directives.push(directive(&mut parser, description)?),
            "extend" => {
                if let (false, Some(prev)) = (description.description.is_empty(), &parser.prev) {
                    return Err(unexpected(prev));
                }
                extension(&mut parser, &mut document)?;
            }
            word => match type_kind(word) {
                Some(kind) => document
                    .definitions
                    .push(definition(&mut parser, kind, description)?),
                None => return parser.unexpected(),
            },
        }
    }
    document.comment = parser.comment;
    for definition in &mut document.definitions {
        definition.built_in = built_in;
    }
    Ok(document)
}

fn type_kind(word: &str) -> Option<TypeKind> {
    Some(match word {
        "scalar" => TypeKind::Scalar,
        "type" => TypeKind::Object,
        "interface" => TypeKind::Interface,
        "union" => TypeKind::Union,
        "enum" => TypeKind::Enum,
        "input" => TypeKind::InputObject,
        _ => return None,
    })
}

fn word_of(kind: TypeKind) -> &'static str {
    match kind {
        TypeKind::Scalar => "scalar",
        TypeKind::Object => "type",
        TypeKind::Interface => "interface",
        TypeKind::Union => "union",
        TypeKind::Enum => "enum",
        TypeKind::InputObject => "input",
    }
}

/// The description ahead, if there is one, and the comments before it.
fn description(parser: &mut Parser<'_>) -> Parsed<Described> {
    if !matches!(parser.peek(), Token::BlockString | Token::String) {
        return Ok(Described::default());
    }
    let before = parser.comment.clone();
    Ok(Described {
        description: parser.next()?.value,
        before,
        after: Vec::new(),
    })
}

/// As [`description`], of a member; with the comments before the member itself.
fn member_description(parser: &mut Parser<'_>) -> Parsed<Described> {
    let mut described = description(parser)?;
    if described.description.is_empty() {
        described.before = Vec::new();
    }
    parser.peek();
    described.after = parser.comment.clone();
    Ok(described)
}

fn schema(parser: &mut Parser<'_>, mut described: Described) -> Parsed<SchemaDefinition> {
    described.after = parser.keyword("schema")?;
    schema_body(parser, described)
}

fn schema_body(parser: &mut Parser<'_>, described: Described) -> Parsed<SchemaDefinition> {
    let pos = parser.pos();
    let directives = parser.directives(true)?;
    let (operations, end) = parser.some(BRACES, |parser| {
        let pos = parser.pos();
        let comment = parser.comment.clone();
        let operation = parser.operation_type()?;
        parser.expect(Token::Colon)?;
        Ok(RootType {
            operation,
            of: parser.name()?,
            pos,
            comment,
        })
    })?;
    Ok(SchemaDefinition {
        described,
        directives,
        operations,
        pos,
        end,
    })
}

fn definition(parser: &mut Parser<'_>, kind: TypeKind, mut described: Described) -> Parsed<Definition> {
    described.after = parser.keyword(word_of(kind))?;
    let mut definition = Definition::new(kind, parser.pos());
    definition.described = described;
    definition.name = parser.name()?;
    if matches!(kind, TypeKind::Object | TypeKind::Interface) {
        definition.interfaces = interfaces(parser)?;
    }
    body(parser, &mut definition, true)?;
    Ok(definition)
}

fn extension(parser: &mut Parser<'_>, document: &mut SchemaDocument) -> Parsed<()> {
    let described = Described {
        after: parser.keyword("extend")?,
        ..Described::default()
    };
    let word = parser.peek_value().to_owned();
    if word == "schema" {
        parser.keyword("schema")?;
        let schema = schema_body(parser, described)?;
        if schema.directives.is_empty() && schema.operations.is_empty() {
            return parser.unexpected();
        }
        document.extensions_of_schema.push(schema);
        return Ok(());
    }
    let Some(kind) = type_kind(&word) else {
        return parser.unexpected();
    };
    parser.keyword(&word)?;
    let mut definition = Definition::new(kind, parser.pos());
    definition.described = described;
    definition.name = parser.name()?;
    // An interface's extension adds no interfaces.
    if kind == TypeKind::Object {
        definition.interfaces = interfaces(parser)?;
    }
    // gqlparser lets variables stand in the directives of an input's extension.
    body(parser, &mut definition, kind != TypeKind::InputObject)?;
    let is_empty = definition.interfaces.is_empty()
        && definition.directives.is_empty()
        && definition.fields.is_empty()
        && definition.types.is_empty()
        && definition.values.is_empty();
    if is_empty {
        return parser.unexpected();
    }
    document.extensions.push(definition);
    Ok(())
}

fn interfaces(parser: &mut Parser<'_>) -> Parsed<Vec<String>> {
    let mut interfaces = Vec::new();
    if parser.peek_value() == "implements" {
        parser.next()?;
        parser.skip(Token::Amp)?;
        interfaces.push(parser.name()?);
        while parser.skip(Token::Amp)? {
            interfaces.push(parser.name()?);
        }
    }
    Ok(interfaces)
}

/// What follows a type's name.
fn body(parser: &mut Parser<'_>, definition: &mut Definition, is_const: bool) -> Parsed<()> {
    let directives = parser.directives(is_const)?;
    definition.directives = directives.into_iter().map(Rc::new).collect();
    match definition.kind {
        TypeKind::Scalar => {}
        TypeKind::Object | TypeKind::Interface => {
            let (fields, end) = parser.some(BRACES, field)?;
            (definition.fields, definition.end) = (fields, end);
        }
        TypeKind::InputObject => {
            let (fields, end) = parser.some(BRACES, input_field)?;
            (definition.fields, definition.end) = (fields, end);
        }
        TypeKind::Enum => {
            let (values, end) = parser.some(BRACES, enum_value)?;
            (definition.values, definition.end) = (values, end);
        }
        TypeKind::Union => {
            if parser.skip(Token::Equals)? {
                parser.skip(Token::Pipe)?;
                loop {
                    definition.type_positions.push(parser.pos());
                    definition.types.push(parser.name()?);
                    if !parser.skip(Token::Pipe)? {
                        break;
                    }
                }
            }
        }
    }
    Ok(())
}

fn field(parser: &mut Parser<'_>) -> Parsed<Rc<FieldDefinition>> {
    let described = member_description(parser)?;
    let pos = parser.pos();
    let name = parser.name()?;
    let arguments = arguments(parser)?;
    parser.expect(Token::Colon)?;
    Ok(Rc::new(FieldDefinition {
        described,
        name,
        arguments,
        default: None,
        of: parser.type_reference()?,
        directives: parser.directives(true)?,
        pos,
    }))
}

fn input_field(parser: &mut Parser<'_>) -> Parsed<Rc<FieldDefinition>> {
    let argument = argument(parser)?;
    Ok(Rc::new(FieldDefinition {
        described: argument.described,
        name: argument.name,
        arguments: Vec::new(),
        default: argument.default,
        of: argument.of,
        directives: argument.directives,
        pos: argument.pos,
    }))
}

fn arguments(parser: &mut Parser<'_>) -> Parsed<Vec<ArgumentDefinition>> {
    Ok(parser.some([Token::ParenL, Token::ParenR], argument)?.0)
}

fn argument(parser: &mut Parser<'_>) -> Parsed<ArgumentDefinition> {
    let described = member_description(parser)?;
    let pos = parser.pos();
    let name = parser.name()?;
    parser.expect(Token::Colon)?;
    let of = parser.type_reference()?;
    let default = match parser.skip(Token::Equals)? {
        true => Some(parser.value(true)?),
        false => None,
    };
    Ok(ArgumentDefinition {
        described,
        name,
        default,
        of,
        directives: parser.directives(true)?,
        pos,
    })
}

fn enum_value(parser: &mut Parser<'_>) -> Parsed<Rc<EnumValue>> {
    Ok(Rc::new(EnumValue {
        described: member_description(parser)?,
        pos: parser.pos(),
        name: parser.name()?,
        directives: parser.directives(true)?,
    }))
}

fn directive(parser: &mut Parser<'_>, mut described: Described) -> Parsed<DirectiveDefinition> {
    described.after = parser.keyword("directive")?;
    parser.expect(Token::At)?;
    let pos = parser.pos();
    let name = parser.name()?;
    let arguments = arguments(parser)?;
    let repeatable = parser.peek() == Token::Name && parser.peek_value() == "repeatable";
    if repeatable {
        parser.next()?;
    }
    parser.keyword("on")?;
    parser.skip(Token::Pipe)?;
    let mut locations = vec![location(parser)?];
    while parser.skip(Token::Pipe)? {
        locations.push(location(parser)?);
    }
    Ok(DirectiveDefinition {
        described,
        name,
        arguments,
        locations,
        repeatable,
        pos,
    })
}

fn location(parser: &mut Parser<'_>) -> Parsed<String> {
    let name = parser.name()?;
    if LOCATIONS.contains(&name.as_str()) {
        return Ok(name);
    }
    match &parser.prev {
        Some(prev) => Err(unexpected(prev)),
        None => parser.unexpected(),
    }
}
