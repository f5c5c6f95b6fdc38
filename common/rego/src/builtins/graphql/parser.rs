//! What the parsers of queries and of schemas share: the tokens ahead, the comments before them, and what both have.

use std::rc::Rc;

use super::ast::{Argument, Child, Comments, Directive, Kind, Pos, Type, Value, ValueNotes};
use super::lexer::{Lexer, Read};
use super::text::quoted;
use super::token::Token;
use super::{Fault, MAX_DEPTH, too_deep};

pub(super) type Parsed<T> = Result<T, Fault>;

pub(super) struct Parser<'a> {
    lexer: Lexer<'a>,
    peeked: Option<(Read, Option<Fault>)>,
    /// What was taken last, comments included.
    pub(super) prev: Option<Read>,
    /// The comments before the token ahead.
    pub(super) comment: Comments,
    in_comments: bool,
    depth: usize,
}

impl<'a> Parser<'a> {
    pub(super) fn new(input: &'a str, prelude: bool) -> Self {
        Self {
            lexer: Lexer::new(input, prelude),
            peeked: None,
            prev: None,
            comment: Vec::new(),
            in_comments: false,
            depth: 0,
        }
    }

    /// Goes a level down: what recurses counts here.
    pub(super) fn deeper<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= MAX_DEPTH {
            return Err(too_deep());
        }
        self.depth += 1;
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }

    fn fill(&mut self) {
        if self.peeked.is_some() {
            return;
        }
        let read = self.lexer.read();
        let is_comment = read.0.token == Token::Comment;
        self.peeked = Some(read);
        if is_comment && !self.in_comments {
            self.in_comments = true;
            let mut comments = Vec::new();
            // A comment has nothing wrong with it, and leaves what follows it to be looked at.
            while self.peek() == Token::Comment {
                let taken = self.peeked.take();
                self.comment = Vec::new();
                self.prev = taken.map(|(read, _)| read);
                comments.extend(self.prev.as_ref().map(|read| read.value.clone()));
            }
            self.comment = comments;
            self.in_comments = false;
        }
    }

    /// The kind of the token ahead; what is wrong with it shows when it is taken.
    pub(super) fn peek(&mut self) -> Token {
        self.fill();
        self.peeked.as_ref().map_or(Token::Eof, |(read, _)| read.token)
    }

    /// The text of the token ahead, whatever its kind.
    pub(super) fn peek_value(&mut self) -> &str {
        self.fill();
        self.peeked.as_ref().map_or("", |(read, _)| &read.value)
    }

    pub(super) fn pos(&mut self) -> Option<Pos> {
        self.fill();
        self.peeked.as_ref().map(|(read, _)| read.pos)
    }

    /// Takes the token ahead.
    pub(super) fn next(&mut self) -> Parsed<Read> {
        self.fill();
        self.comment = Vec::new();
        match self.peeked.take() {
            Some((read, None)) => {
                self.prev = Some(read.clone());
                Ok(read)
            }
            Some((_, Some(fault))) => Err(fault),
            None => Err(Fault::at(None, "no token")),
        }
    }

    pub(super) fn error<T>(&mut self, message: &str) -> Parsed<T> {
        Err(Fault::at(self.pos(), message))
    }

    pub(super) fn unexpected<T>(&mut self) -> Parsed<T> {
        self.fill();
        match self.peeked.as_ref() {
            Some((read, _)) => Err(unexpected(read)),
            None => Err(Fault::at(None, "no token")),
        }
    }

    /// Takes a token of this kind; with the comments before it.
    pub(super) fn expect(&mut self, token: Token) -> Parsed<(String, Comments)> {
        let ahead = self.peek();
        if ahead != token {
            return self.error(&format!("Expected {}, found {}", token.text(), ahead.text()));
        }
        let comment = self.comment.clone();
        Ok((self.next()?.value, comment))
    }

    pub(super) fn keyword(&mut self, word: &str) -> Parsed<Comments> {
        let ahead = self.peek();
        if ahead == Token::Name && self.peek_value() == word {
            let comment = self.comment.clone();
            self.next()?;
            return Ok(comment);
        }
        let found = shown(ahead, self.peek_value());
        self.error(&format!("Expected {}, found {found}", quoted(word)))
    }

    pub(super) fn skip(&mut self, token: Token) -> Parsed<bool> {
        let found = self.peek() == token;
        if found {
            self.next()?;
        }
        Ok(found)
    }

    /// Any number of things between two marks, if the first is there.
    fn many<T>(
        &mut self,
        [start, end]: [Token; 2],
        mut parse: impl FnMut(&mut Self) -> Parsed<T>,
    ) -> Parsed<Vec<T>> {
        let mut all = Vec::new();
        if self.skip(start)? {
            while self.peek() != end {
                all.push(parse(self)?);
            }
            self.next()?;
        }
        Ok(all)
    }

    /// At least one thing between two marks, if the first is there; with the comments before the second.
    pub(super) fn some<T>(
        &mut self,
        [start, end]: [Token; 2],
        mut parse: impl FnMut(&mut Self) -> Parsed<T>,
    ) -> Parsed<(Vec<T>, Comments)> {
        let mut all = Vec::new();
        if !self.skip(start)? {
            return Ok((all, Vec::new()));
        }
        while self.peek() != end {
            all.push(parse(self)?);
        }
        if all.is_empty() {
            let found = self.peek().text();
            return self.error(&format!("expected at least one definition, found {found}"));
        }
        let comment = std::mem::take(&mut self.comment);
        self.next()?;
        Ok((all, comment))
    }

    pub(super) fn name(&mut self) -> Parsed<String> {
        Ok(self.expect(Token::Name)?.0)
    }

    pub(super) fn variable(&mut self) -> Parsed<String> {
        self.expect(Token::Dollar)?;
        self.name()
    }

    pub(super) fn operation_type(&mut self) -> Parsed<String> {
        let read = self.next()?;
        match read.value.as_str() {
            "query" | "mutation" | "subscription" => Ok(read.value),
            _ => Err(unexpected(&read)),
        }
    }

    pub(super) fn arguments(&mut self, is_const: bool) -> Parsed<Vec<Argument>> {
        let marks = [Token::ParenL, Token::ParenR];
        let (arguments, _) = self.some(marks, |parser| parser.argument(is_const))?;
        Ok(arguments)
    }

    fn argument(&mut self, is_const: bool) -> Parsed<Argument> {
        let pos = self.pos();
        let comment = self.comment.clone();
        let name = self.name()?;
        self.expect(Token::Colon)?;
        Ok(Argument {
            name,
            value: self.value(is_const)?,
            pos,
            comment,
        })
    }

    pub(super) fn directives(&mut self, is_const: bool) -> Parsed<Vec<Directive>> {
        let mut directives = Vec::new();
        while self.peek() == Token::At {
            self.next()?;
            directives.push(Directive {
                pos: self.pos(),
                name: self.name()?,
                arguments: self.arguments(is_const)?,
                location: String::new(),
                definition: None.into(),
            });
        }
        Ok(directives)
    }

    pub(super) fn value(&mut self, is_const: bool) -> Parsed<Value> {
        let kind = match self.peek() {
            Token::BracketL => return self.deeper(|parser| parser.list(is_const)),
            Token::BraceL => return self.deeper(|parser| parser.object(is_const)),
            Token::Dollar if is_const => return self.unexpected(),
            Token::Dollar => {
                let pos = self.pos();
                let name = self.variable()?;
                return Ok(value(Kind::Variable, name, pos));
            }
            Token::Int => Kind::Int,
            Token::Float => Kind::Float,
            Token::String => Kind::String,
            Token::BlockString => Kind::Block,
            Token::Name => match self.peek_value() {
                "true" | "false" => Kind::Boolean,
                "null" => Kind::Null,
                _ => Kind::Enum,
            },
            _ => return self.unexpected(),
        };
        let read = self.next()?;
        Ok(value(kind, read.value, Some(read.pos)))
    }

    fn list(&mut self, is_const: bool) -> Parsed<Value> {
        let pos = self.pos();
        let comment = self.comment.clone();
        let children = self.many([Token::BracketL, Token::BracketR], |parser| {
            Ok(Child {
                name: String::new(),
                value: parser.value(is_const)?,
                pos: None,
                comment: Vec::new(),
            })
        })?;
        Ok(Value {
            children,
            comment,
            ..value(Kind::List, String::new(), pos)
        })
    }

    fn object(&mut self, is_const: bool) -> Parsed<Value> {
        let pos = self.pos();
        let comment = self.comment.clone();
        let children = self.many([Token::BraceL, Token::BraceR], |parser| {
            let pos = parser.pos();
            let comment = parser.comment.clone();
            let name = parser.name()?;
            parser.expect(Token::Colon)?;
            Ok(Child {
                name,
                value: parser.value(is_const)?,
                pos,
                comment,
            })
        })?;
        Ok(Value {
            children,
            comment,
            ..value(Kind::Object, String::new(), pos)
        })
    }

    pub(super) fn type_reference(&mut self) -> Parsed<Rc<Type>> {
        let is_list = self.skip(Token::BracketL)?;
        let pos = self.pos();
        let (mut named, mut elem) = (String::new(), None);
        if is_list {
            elem = Some(self.deeper(Self::type_reference)?);
            self.expect(Token::BracketR)?;
        } else {
            named = self.name()?;
        }
        Ok(Rc::new(Type {
            named,
            elem,
            non_null: self.skip(Token::Bang)?,
            pos,
        }))
    }
}

/// A value without children. gqlparser keeps no comments of it.
fn value(kind: Kind, raw: String, pos: Option<Pos>) -> Value {
    Value {
        raw,
        children: Vec::new(),
        kind,
        pos,
        comment: Vec::new(),
        found: ValueNotes::default(),
    }
}

pub(super) fn unexpected(read: &Read) -> Fault {
    let found = shown(read.token, &read.value);
    Fault::at(Some(read.pos), &format!("Unexpected {found}"))
}

fn shown(token: Token, value: &str) -> String {
    match value {
        "" => token.text().to_owned(),
        value => format!("{} {}", token.text(), quoted(value)),
    }
}
