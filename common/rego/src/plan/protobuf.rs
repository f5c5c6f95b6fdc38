//! `plan.pb`, as `opa build -t plan --format proto` writes it: the messages of OPA's `v1/ir/plan.proto`, read into the
//! same plan as `plan.json`. Fields that OPA may add are passed over; statements may not be. What a message has once may
//! not come twice: OPA writes nothing that would have to be merged.

use std::sync::Arc;

use super::fields::{Field, Fields};
use super::read::kind;
use super::wire::{Message, ProtobufError, Wire};
use super::{
    Block, BuiltinDecl, Entrypoint, Function, Kind, Location, MAX_BLOCK_NESTING, Operand, Plan, Statement,
};

type Read<T> = Result<T, ProtobufError>;

/// The builtins without a result. `plan.pb` leaves out what `plan.json` says of each.
const WITHOUT_RESULT: [&str; 3] = ["internal.print", "internal.test_case", "print"];

/// Reads a whole `plan.pb`.
pub(crate) fn read(bytes: &[u8]) -> Read<Plan> {
    let mut plan = Plan::default();
    each(Message::new(bytes), |number, part| match number {
        1 => each(part.message()?, |number, part| {
            match number {
                1 => plan.strings.push(constant(part)?),
                2 => plan.builtins.push(builtin(part)?),
                3 => plan.files.push(constant(part)?),
                _ => {}
            }
            Ok(())
        }),
        2 => each(part.message()?, |number, part| {
            if number == 1 {
                plan.entrypoints.push(entrypoint(part)?);
            }
            Ok(())
        }),
        3 => each(part.message()?, |number, part| {
            if number == 1 {
                plan.functions.push(function(part)?);
            }
            Ok(())
        }),
        _ => Ok(()),
    })?;
    Ok(plan)
}

/// A field's value, and the message that it stands in, for errors.
#[derive(Clone, Copy)]
struct Part<'a> {
    value: Wire<'a>,
    within: Message<'a>,
}

impl<'a> Part<'a> {
    fn message(&self) -> Read<Message<'a>> {
        match self.value {
            Wire::Bytes(message) => Ok(message),
            _ => Err(self.within.error("expected a message")),
        }
    }

    fn text(&self) -> Read<Arc<str>> {
        match self.value {
            Wire::Bytes(message) => message.text().map(Arc::from),
            _ => Err(self.within.error("expected text")),
        }
    }

    /// An `int32` or `int64`: both are written as 64 bits.
    fn int(&self) -> Read<i64> {
        match self.value {
            Wire::Varint(value) => Ok(value.cast_signed()),
            _ => Err(self.within.error("expected a number")),
        }
    }

    /// Some of the numbers of a repeated field: packed, as they are now written, or one.
    fn ints(&self, into: &mut Vec<i64>) -> Read<()> {
        match self.value {
            Wire::Bytes(mut packed) => {
                while let Some(value) = packed.next_packed()? {
                    into.push(value.cast_signed());
                }
                Ok(())
            }
            Wire::Varint(_) | Wire::Fixed => self.int().map(|value| into.push(value)),
        }
    }
}

/// Hands each field of a message to `take`.
fn each<'a>(mut message: Message<'a>, mut take: impl FnMut(u64, Part<'a>) -> Read<()>) -> Read<()> {
    while let Some((number, value)) = message.next()? {
        let within = message;
        take(number, Part { value, within })?;
    }
    Ok(())
}

/// Puts a field into its place, which must be free.
fn once<T>(place: &mut Option<T>, value: T, within: &Message<'_>) -> Read<()> {
    if place.replace(value).is_some() {
        return Err(within.error("a field that can be there once is there twice"));
    }
    Ok(())
}

/// `StringConst`, and `BuiltinFunc`, which is like it.
fn constant(part: Part<'_>) -> Read<Arc<str>> {
    let message = part.message()?;
    let mut text = None;
    each(message, |number, part| match number {
        1 => once(&mut text, part.text()?, &part.within),
        _ => Ok(()),
    })?;
    Ok(text.unwrap_or_default())
}

fn builtin(part: Part<'_>) -> Read<BuiltinDecl> {
    let name = constant(part)?;
    let has_result = !WITHOUT_RESULT.contains(&name.as_ref());
    Ok(BuiltinDecl { name, has_result })
}

fn entrypoint(part: Part<'_>) -> Read<Entrypoint> {
    let (mut name, mut blocks) = (None, Vec::new());
    each(part.message()?, |number, part| match number {
        1 => once(&mut name, part.text()?, &part.within),
        2 => block(part.message()?, 0).map(|block| blocks.push(block)),
        _ => Ok(()),
    })?;
    Ok(Entrypoint {
        name: name.unwrap_or_default(),
        blocks,
    })
}

fn function(part: Part<'_>) -> Read<Function> {
    let mut name = None;
    let mut function = Function::default();
    each(part.message()?, |number, part| {
        match number {
            1 => once(&mut name, part.text()?, &part.within)?,
            2 => part.ints(&mut function.params)?,
            4 => function.blocks.push(block(part.message()?, 0)?),
            5 => function.path.push(part.text()?),
            _ => {}
        }
        Ok(())
    })?;
    function.name = name.unwrap_or_default();
    Ok(function)
}

/// Reads a block that stands in `nesting` others. This and what it calls to come back to itself use plain loops, for
/// small stack frames.
fn block(mut message: Message<'_>, nesting: usize) -> Read<Block> {
    if nesting >= MAX_BLOCK_NESTING {
        return Err(message.error(format!("blocks nested deeper than {MAX_BLOCK_NESTING}")));
    }
    let mut block = Block::default();
    while let Some((number, value)) = message.next()? {
        if number == 1 {
            let within = message;
            let part = Part { value, within };
            block.statements.push(statement(part.message()?, nesting + 1)?);
        }
    }
    Ok(block)
}

/// What a field of a statement is.
#[derive(Clone, Copy)]
enum Shape {
    Int,
    Ints,
    Operand,
    Operands,
    Text,
    Block,
    Blocks,
}

/// A field of a statement: as `plan.json` calls it.
type Shaped = (&'static str, Shape);

/// The statements of `plan.proto` by their number in `Stmt`, each with its fields, numbered from 1.
fn grammar(number: u64) -> Option<(&'static str, &'static [Shaped])> {
    use Shape::{Block, Blocks, Int, Ints, Operand, Operands, Text};
    const SOURCE: Shaped = ("source", Operand);
    const LOCAL_SOURCE: Shaped = ("source", Int);
    const TARGET: Shaped = ("target", Int);
    const KEY: Shaped = ("key", Operand);
    const VALUE: Shaped = ("value", Operand);
    const INT_VALUE: Shaped = ("value", Int);
    const OBJECT: Shaped = ("object", Int);
    const A: Shaped = ("a", Operand);
    const B: Shaped = ("b", Operand);
    const INNER: Shaped = ("block", Block);
    Some(match number {
        4 => ("ArrayAppendStmt", &[VALUE, ("array", Int)]),
        5 => ("AssignIntStmt", &[INT_VALUE, TARGET]),
        6 => ("AssignVarOnceStmt", &[SOURCE, TARGET]),
        7 => ("AssignVarStmt", &[SOURCE, TARGET]),
        8 => ("BlockStmt", &[("blocks", Blocks)]),
        9 => ("BreakStmt", &[("index", Int)]),
        10 => (
            "CallDynamicStmt",
            &[("args", Ints), ("result", Int), ("path", Operands)],
        ),
        11 => ("CallStmt", &[("func", Text), ("args", Operands), ("result", Int)]),
        12 => ("DotStmt", &[SOURCE, KEY, TARGET]),
        13 => ("EqualStmt", &[A, B]),
        14 => ("IsArrayStmt", &[SOURCE]),
        15 => ("IsDefinedStmt", &[LOCAL_SOURCE]),
        16 => ("IsObjectStmt", &[SOURCE]),
        17 => ("IsSetStmt", &[SOURCE]),
        18 => ("IsUndefinedStmt", &[LOCAL_SOURCE]),
        19 => ("LenStmt", &[SOURCE, TARGET]),
        20 => ("MakeArrayStmt", &[("capacity", Int), TARGET]),
        21 => ("MakeNullStmt", &[TARGET]),
        22 => ("MakeNumberIntStmt", &[INT_VALUE, TARGET]),
        23 => ("MakeNumberRefStmt", &[("index", Int), TARGET]),
        24 => ("MakeObjectStmt", &[TARGET]),
        25 => ("MakeSetStmt", &[TARGET]),
        26 => ("NopStmt", &[]),
        27 => ("NotEqualStmt", &[A, B]),
        28 => ("NotStmt", &[INNER]),
        29 => ("ObjectInsertOnceStmt", &[KEY, VALUE, OBJECT]),
        30 => ("ObjectInsertStmt", &[KEY, VALUE, OBJECT]),
        31 => ("ObjectMergeStmt", &[("a", Int), ("b", Int), TARGET]),
        32 => ("ResetLocalStmt", &[TARGET]),
        33 => ("ResultSetAddStmt", &[INT_VALUE]),
        34 => ("ReturnLocalStmt", &[LOCAL_SOURCE]),
        35 => ("ScanStmt", &[LOCAL_SOURCE, ("key", Int), INT_VALUE, INNER]),
        36 => ("SetAddStmt", &[VALUE, ("set", Int)]),
        37 => ("WithStmt", &[("local", Int), ("path", Ints), VALUE, INNER]),
        _ => return None,
    })
}

/// `Stmt`: the place in the Rego, and one of the statements.
fn statement(mut message: Message<'_>, nesting: usize) -> Read<Statement> {
    let start = message;
    let mut location = Location::default();
    let mut found: Option<Kind> = None;
    while let Some((number, value)) = message.next()? {
        let within = message;
        let part = Part { value, within };
        match number {
            1 => location.file = part.int()?,
            2 => location.column = u32::try_from(part.int()?).unwrap_or(0),
            3 => location.row = u32::try_from(part.int()?).unwrap_or(0),
            38 | 39 => {}
            _ => once(&mut found, one_of(number, &part, nesting)?, &within)?,
        }
    }
    match found {
        Some(kind) => Ok(Statement { kind, location }),
        None => Err(start.error("a statement of no kind")),
    }
}

fn one_of(number: u64, part: &Part<'_>, nesting: usize) -> Read<Kind> {
    let unknown = |name: String| Kind::Unknown { name };
    let Some((name, shapes)) = grammar(number) else {
        return Ok(unknown(format!("Stmt.{number}")));
    };
    let message = part.message()?;
    let mut fields = fields(message, shapes, nesting)?;
    match kind(name, &mut fields) {
        Ok(kind) => Ok(kind.unwrap_or_else(|| unknown(name.to_owned()))),
        Err(problem) => Err(message.error(format!("{name}: {problem}"))),
    }
}

fn fields(mut message: Message<'_>, shapes: &[Shaped], nesting: usize) -> Read<Fields> {
    let mut fields = Fields::default();
    while let Some((number, value)) = message.next()? {
        let within = message;
        let part = Part { value, within };
        let at = usize::try_from(number).unwrap_or(usize::MAX);
        let Some((name, shape)) = at.checked_sub(1).and_then(|at| shapes.get(at)) else {
            continue;
        };
        let field = match shape {
            Shape::Int => Field::Int(part.int()?),
            Shape::Text => Field::Text(part.text()?),
            Shape::Operand => Field::Operand(operand(part.message()?)?),
            Shape::Block => Field::Block(block(part.message()?, nesting)?),
            Shape::Ints => {
                let mut ints = Vec::new();
                part.ints(&mut ints)?;
                fields.extend(name, ints.into_iter().map(Field::Int));
                continue;
            }
            Shape::Operands => {
                fields.extend(name, [Field::Operand(operand(part.message()?)?)]);
                continue;
            }
            Shape::Blocks => {
                fields.add_block(block(part.message()?, nesting)?);
                continue;
            }
        };
        if !fields.add(name, field) {
            return Err(within.error(format!("`{name}`, which can be there once, is there twice")));
        }
    }
    Ok(fields)
}

/// `Operand`, which holds a `Val`, which holds one of three.
fn operand(message: Message<'_>) -> Read<Operand> {
    let mut operand = None;
    each(message, |number, part| match number {
        1 => each(part.message()?, |number, part| {
            let found = match number {
                1 => Operand::Bool(part.int()? != 0),
                2 => Operand::Local(part.int()?),
                3 => Operand::String(part.int()?),
                _ => return Err(part.within.error("an operand of a kind that plans don't have")),
            };
            once(&mut operand, found, &part.within)
        }),
        _ => Ok(()),
    })?;
    operand.ok_or_else(|| message.error("an operand without a value"))
}
