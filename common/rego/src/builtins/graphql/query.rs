//! The text of a query.

use std::rc::Rc;

use super::ast::{Field, Fragment, Inline, Operation, QueryDocument, Selection, Spread, VariableDefinition};
use super::parser::{Parsed, Parser};
use super::token::Token;

const BRACES: [Token; 2] = [Token::BraceL, Token::BraceR];

pub(super) fn parse(text: &str) -> Parsed<QueryDocument> {
    let mut parser = Parser::new(text, false);
    let mut document = QueryDocument::default();
    loop {
        match parser.peek() {
            Token::Eof => return Ok(document),
            Token::BraceL => document.operations.push(anonymous(&mut parser)?),
            Token::Name => match parser.peek_value() {
                "query" | "mutation" | "subscription" => document.operations.push(operation(&mut parser)?),
                "fragment" => document.fragments.push(fragment(&mut parser)?),
                _ => return parser.unexpected(),
            },
            _ => return parser.unexpected(),
        }
    }
}

fn anonymous(parser: &mut Parser<'_>) -> Parsed<Operation> {
    Ok(Operation {
        pos: parser.pos(),
        // gqlparser looks for comments when it is too late.
        comment: Vec::new(),
        operation: "query".to_owned(),
        name: String::new(),
        variables: Vec::new(),
        directives: Vec::new(),
        selections: required_selections(parser)?,
    })
}

fn operation(parser: &mut Parser<'_>) -> Parsed<Operation> {
    let pos = parser.pos();
    let comment = parser.comment.clone();
    let operation = parser.operation_type()?;
    let name = match parser.peek() {
        Token::Name => parser.name()?,
        _ => String::new(),
    };
    Ok(Operation {
        operation,
        name,
        variables: variables(parser)?,
        directives: parser.directives(false)?,
        selections: required_selections(parser)?,
        pos,
        comment,
    })
}

fn variables(parser: &mut Parser<'_>) -> Parsed<Vec<Rc<VariableDefinition>>> {
    let (variables, _) = parser.some([Token::ParenL, Token::ParenR], |parser| {
        let pos = parser.pos();
        let comment = parser.comment.clone();
        let variable = parser.variable()?;
        parser.expect(Token::Colon)?;
        let of = parser.type_reference()?;
        let default = match parser.skip(Token::Equals)? {
            true => Some(parser.value(true)?),
            false => None,
        };
        Ok(Rc::new(VariableDefinition {
            variable,
            of,
            default,
            directives: parser.directives(false)?,
            pos,
            comment,
            definition: None.into(),
            used: false.into(),
        }))
    })?;
    Ok(variables)
}

fn required_selections(parser: &mut Parser<'_>) -> Parsed<Vec<Selection>> {
    match parser.peek() {
        Token::BraceL => parser.deeper(selections),
        other => parser.error(&format!("Expected {{, found {}", other.text())),
    }
}

fn selections(parser: &mut Parser<'_>) -> Parsed<Vec<Selection>> {
    let (selections, _) = parser.some(BRACES, |parser| match parser.peek() {
        Token::Spread => spread(parser),
        _ => Ok(Selection::Field(field(parser)?)),
    })?;
    Ok(selections)
}

fn field(parser: &mut Parser<'_>) -> Parsed<Field> {
    let pos = parser.pos();
    let comment = parser.comment.clone();
    let alias = parser.name()?;
    let name = match parser.skip(Token::Colon)? {
        true => parser.name()?,
        false => alias.clone(),
    };
    Ok(Field {
        alias,
        name,
        arguments: parser.arguments(false)?,
        directives: parser.directives(false)?,
        selections: match parser.peek() {
            Token::BraceL => parser.deeper(selections)?,
            _ => Vec::new(),
        },
        pos,
        comment,
        definition: None.into(),
        object: None.into(),
    })
}

fn spread(parser: &mut Parser<'_>) -> Parsed<Selection> {
    let (_, comment) = parser.expect(Token::Spread)?;
    let pos = parser.pos();
    if parser.peek() == Token::Name && parser.peek_value() != "on" {
        return Ok(Selection::Spread(Spread {
            name: parser.name()?,
            directives: parser.directives(false)?,
            pos,
            comment,
            definition: None.into(),
            object: None.into(),
        }));
    }
    let mut type_condition = String::new();
    // Of any kind: a string will do.
    if parser.peek_value() == "on" {
        parser.next()?;
        type_condition = parser.name()?;
    }
    Ok(Selection::Inline(Inline {
        type_condition,
        directives: parser.directives(false)?,
        selections: required_selections(parser)?,
        pos,
        comment,
        object: None.into(),
    }))
}

fn fragment(parser: &mut Parser<'_>) -> Parsed<Fragment> {
    let pos = parser.pos();
    let comment = parser.comment.clone();
    parser.keyword("fragment")?;
    if parser.peek_value() == "on" {
        return parser.unexpected();
    }
    let name = parser.name()?;
    let variables = variables(parser)?;
    parser.keyword("on")?;
    Ok(Fragment {
        name,
        variables,
        type_condition: parser.name()?,
        directives: parser.directives(false)?,
        selections: required_selections(parser)?,
        pos,
        comment,
        definition: None.into(),
    })
}
