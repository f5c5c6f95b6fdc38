//! `plan.json`, pulled apart member by member. Members that OPA may add are passed over; statements may not be.

use std::borrow::Cow;
use std::sync::Arc;

use super::fields::Fields;
use super::{Block, BuiltinDecl, Entrypoint, Function, Kind, Location, MAX_BLOCK_NESTING, Plan, Statement};
use crate::json::{self, JsonError, Reader};

/// Reads a whole `plan.json`.
pub(crate) fn read(bytes: &[u8]) -> Result<Plan, JsonError> {
    // A block within a block is five levels of JSON deeper.
    let mut reader = Reader::of_long(bytes, MAX_BLOCK_NESTING * 5 + 20);
    let mut plan = Plan::default();
    members(&mut reader, |key, reader| match key {
        "static" => members(reader, |key, reader| {
            match key {
                "strings" => plan.strings = list(reader, constant)?,
                "files" => plan.files = list(reader, constant)?,
                "builtin_funcs" => plan.builtins = list(reader, builtin)?,
                _ => reader.skip()?,
            }
            Ok(())
        }),
        "plans" => members(reader, |key, reader| match key {
            "plans" => list(reader, entrypoint).map(|entrypoints| plan.entrypoints = entrypoints),
            _ => reader.skip(),
        }),
        "funcs" => members(reader, |key, reader| match key {
            "funcs" => list(reader, function).map(|functions| plan.functions = functions),
            _ => reader.skip(),
        }),
        _ => reader.skip(),
    })?;
    reader.end()?;
    Ok(plan)
}

/// Reads an object, or a null in its place, handing each member to `take`.
fn members(
    reader: &mut Reader<'_>,
    mut take: impl FnMut(&str, &mut Reader<'_>) -> Result<(), JsonError>,
) -> Result<(), JsonError> {
    if is_null(reader)? {
        return Ok(());
    }
    reader.begin_object()?;
    while let Some(key) = reader.next_key()? {
        take(&key, reader)?;
    }
    Ok(())
}

/// Reads an array, or a null in its place.
fn list<T>(
    reader: &mut Reader<'_>,
    mut item: impl FnMut(&mut Reader<'_>) -> Result<T, JsonError>,
) -> Result<Vec<T>, JsonError> {
    let mut items = Vec::new();
    if is_null(reader)? {
        return Ok(items);
    }
    reader.begin_array()?;
    while reader.next_item()? {
        items.push(item(reader)?);
    }
    Ok(items)
}

pub(super) fn integer(reader: &mut Reader<'_>) -> Result<i64, JsonError> {
    reader.integer()
}

fn text(reader: &mut Reader<'_>) -> Result<Arc<str>, JsonError> {
    reader.string().map(Arc::from)
}

fn constant(reader: &mut Reader<'_>) -> Result<Arc<str>, JsonError> {
    let mut value = None;
    members(reader, |key, reader| match key {
        "value" => text(reader).map(|text| value = Some(text)),
        _ => reader.skip(),
    })?;
    value.ok_or_else(|| reader.error("expected a constant with a `value`"))
}

fn builtin(reader: &mut Reader<'_>) -> Result<BuiltinDecl, JsonError> {
    let mut name = None;
    let mut has_result = false;
    members(reader, |key, reader| match key {
        "name" => text(reader).map(|text| name = Some(text)),
        "decl" => members(reader, |key, reader| {
            has_result |= key == "result" && reader.peek()? != json::Kind::Null;
            reader.skip()
        }),
        _ => reader.skip(),
    })?;
    let name = name.ok_or_else(|| reader.error("expected a builtin with a `name`"))?;
    Ok(BuiltinDecl { name, has_result })
}

fn entrypoint(reader: &mut Reader<'_>) -> Result<Entrypoint, JsonError> {
    let mut entrypoint = Entrypoint::default();
    members(reader, |key, reader| {
        match key {
            "name" => entrypoint.name = text(reader)?,
            "blocks" => entrypoint.blocks = blocks(reader, 0)?,
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    Ok(entrypoint)
}

fn function(reader: &mut Reader<'_>) -> Result<Function, JsonError> {
    let mut function = Function::default();
    members(reader, |key, reader| {
        match key {
            "name" => function.name = text(reader)?,
            "params" => function.params = list(reader, integer)?,
            "blocks" => function.blocks = blocks(reader, 0)?,
            "path" => function.path = list(reader, text)?,
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    Ok(function)
}

/// Reads the blocks that stand in `nesting` others.
pub(super) fn blocks(reader: &mut Reader<'_>, nesting: usize) -> Result<Vec<Block>, JsonError> {
    let mut blocks = Vec::new();
    if is_null(reader)? {
        return Ok(blocks);
    }
    reader.begin_array()?;
    while reader.next_item()? {
        blocks.push(nested_block(reader, nesting)?);
    }
    Ok(blocks)
}

/// Reads a block that stands in `nesting` others. This and what it calls to come back to itself use plain loops, for
/// small stack frames.
pub(super) fn nested_block(reader: &mut Reader<'_>, nesting: usize) -> Result<Block, JsonError> {
    if nesting >= MAX_BLOCK_NESTING {
        return Err(reader.error(format!("blocks nested deeper than {MAX_BLOCK_NESTING}")));
    }
    let mut block = Block::default();
    reader.begin_object()?;
    while let Some(key) = reader.next_key()? {
        if key != "stmts" {
            reader.skip()?;
        } else if !is_null(reader)? {
            reader.begin_array()?;
            while reader.next_item()? {
                block.statements.push(statement(reader, nesting + 1)?);
            }
        }
    }
    Ok(block)
}

/// `{"type": "DotStmt", "stmt": {…}}`, its members in either order.
fn statement(reader: &mut Reader<'_>, nesting: usize) -> Result<Statement, JsonError> {
    let mut name = None;
    let mut fields = None;
    reader.begin_object()?;
    while let Some(key) = reader.next_key()? {
        match key.as_ref() {
            "type" => name = Some(reader.string()?),
            "stmt" => fields = Some(Fields::read(reader, nesting)?),
            _ => reader.skip()?,
        }
    }
    finish_statement(reader, name, fields)
}

fn finish_statement(
    reader: &Reader<'_>,
    name: Option<Cow<'_, str>>,
    fields: Option<Fields>,
) -> Result<Statement, JsonError> {
    let (Some(name), Some(mut fields)) = (name, fields) else {
        return Err(reader.error("expected a statement with `type` and `stmt`"));
    };
    let location = fields.location;
    match kind(&name, &mut fields) {
        Ok(Some(kind)) => Ok(Statement { kind, location }),
        Ok(None) => Ok(Statement {
            kind: Kind::Unknown {
                name: name.into_owned(),
            },
            location,
        }),
        Err(problem) => Err(reader.error(format!("{name}: {problem}"))),
    }
}

/// Takes a null, if one comes.
fn is_null(reader: &mut Reader<'_>) -> Result<bool, JsonError> {
    let is_null = reader.peek()? == json::Kind::Null;
    if is_null {
        reader.null()?;
    }
    Ok(is_null)
}

/// Makes the statement called `name` from its fields; `None` if there is none of that name.
pub(super) fn kind(name: &str, f: &mut Fields) -> Result<Option<Kind>, String> {
    Ok(Some(match name {
        "ArrayAppendStmt" => Kind::ArrayAppend {
            value: f.operand("value")?,
            array: f.int("array")?,
        },
        "AssignIntStmt" => Kind::AssignInt {
            value: f.int("value")?,
            target: f.int("target")?,
        },
        "AssignVarStmt" => Kind::AssignVar {
            source: f.operand("source")?,
            target: f.int("target")?,
        },
        "AssignVarOnceStmt" => Kind::AssignVarOnce {
            source: f.operand("source")?,
            target: f.int("target")?,
        },
        "BlockStmt" => Kind::Block { blocks: f.blocks() },
        "BreakStmt" => Kind::Break {
            index: f.int("index")?,
        },
        "CallStmt" => Kind::Call {
            function: f.text("func")?,
            args: f.operands("args")?,
            result: f.int("result")?,
        },
        "CallDynamicStmt" => Kind::CallDynamic {
            path: f.operands("path")?,
            args: f.ints("args")?,
            result: f.int("result")?,
        },
        "DotStmt" => Kind::Dot {
            source: f.operand("source")?,
            key: f.operand("key")?,
            target: f.int("target")?,
        },
        "EqualStmt" => Kind::Equal {
            a: f.operand("a")?,
            b: f.operand("b")?,
        },
        "IsArrayStmt" => Kind::IsArray {
            source: f.operand("source")?,
        },
        "IsDefinedStmt" => Kind::IsDefined {
            source: f.int("source")?,
        },
        "IsObjectStmt" => Kind::IsObject {
            source: f.operand("source")?,
        },
        "IsSetStmt" => Kind::IsSet {
            source: f.operand("source")?,
        },
        "IsUndefinedStmt" => Kind::IsUndefined {
            source: f.int("source")?,
        },
        "LenStmt" => Kind::Len {
            source: f.operand("source")?,
            target: f.int("target")?,
        },
        "MakeArrayStmt" => Kind::MakeArray {
            capacity: f.int("capacity")?,
            target: f.int("target")?,
        },
        "MakeNullStmt" => Kind::MakeNull {
            target: f.int("target")?,
        },
        "MakeNumberIntStmt" => Kind::MakeNumberInt {
            value: f.int("value")?,
            target: f.int("target")?,
        },
        // OPA 1.22 writes both spellings; older ones only the second.
        "MakeNumberRefStmt" => Kind::MakeNumberRef {
            index: f.int("index").or_else(|_| f.int("Index"))?,
            target: f.int("target")?,
        },
        "MakeObjectStmt" => Kind::MakeObject {
            target: f.int("target")?,
        },
        "MakeSetStmt" => Kind::MakeSet {
            target: f.int("target")?,
        },
        "NopStmt" => Kind::Nop,
        "NotStmt" => Kind::Not { block: f.block()? },
        "NotEqualStmt" => Kind::NotEqual {
            a: f.operand("a")?,
            b: f.operand("b")?,
        },
        "ObjectInsertStmt" => Kind::ObjectInsert {
            key: f.operand("key")?,
            value: f.operand("value")?,
            object: f.int("object")?,
        },
        "ObjectInsertOnceStmt" => Kind::ObjectInsertOnce {
            key: f.operand("key")?,
            value: f.operand("value")?,
            object: f.int("object")?,
        },
        "ObjectMergeStmt" => Kind::ObjectMerge {
            a: f.int("a")?,
            b: f.int("b")?,
            target: f.int("target")?,
        },
        "ResetLocalStmt" => Kind::ResetLocal {
            target: f.int("target")?,
        },
        "ResultSetAddStmt" => Kind::ResultSetAdd {
            value: f.int("value")?,
        },
        "ReturnLocalStmt" => Kind::ReturnLocal {
            source: f.int("source")?,
        },
        "ScanStmt" => Kind::Scan {
            source: f.int("source")?,
            key: f.int("key")?,
            value: f.int("value")?,
            block: f.block()?,
        },
        "SetAddStmt" => Kind::SetAdd {
            value: f.operand("value")?,
            set: f.int("set")?,
        },
        "WithStmt" => Kind::With {
            local: f.int("local")?,
            path: f.ints("path")?,
            value: f.operand("value")?,
            block: f.block()?,
        },
        _ => return Ok(None),
    }))
}

impl Location {
    /// Whether the planner gave one.
    pub(crate) fn is_known(self) -> bool {
        self.row > 0
    }
}
