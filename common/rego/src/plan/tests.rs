//! The two formats of a plan say the same. `tests/plans/statements.*` were built by OPA 1.22.2 from `statements.rego`,
//! which makes its planner write every statement that it has.

use super::*;
use crate::json::Reader;

const JSON: &[u8] = include_bytes!("../../tests/plans/statements.plan.json");
const PROTOBUF: &[u8] = include_bytes!("../../tests/plans/statements.plan.pb");

#[test]
fn both_formats_read_as_the_same_plan() {
    let (json, protobuf) = (read(JSON).unwrap(), read_protobuf(PROTOBUF).unwrap());
    assert_eq!(format!("{json:#?}"), format!("{protobuf:#?}"));
    assert!(
        json.functions.len() > 10 && json.strings.len() > 10,
        "there is little in it"
    );
}

/// Fields as protobuf writes them: numbers, or anything of a length.
fn number(field: usize, value: usize) -> Vec<u8> {
    [varint(field << 3), varint(value)].concat()
}

fn nested(field: usize, parts: &[Vec<u8>]) -> Vec<u8> {
    let content = parts.concat();
    [varint(field << 3 | 2), varint(content.len()), content].concat()
}

fn varint(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(value & 0x7f).unwrap();
        value >>= 7;
        bytes.push(low | if value > 0 { 0x80 } else { 0 });
        if value == 0 {
            return bytes;
        }
    }
}

/// A plan with one entrypoint of one block of these statements.
fn plan_of(statements: &[Vec<u8>]) -> Vec<u8> {
    let entrypoint = [nested(1, &[b"e".to_vec()]), nested(2, &[statements.concat()])];
    nested(2, &[nested(1, &entrypoint)])
}

#[test]
fn numbers_are_read_packed_and_one_by_one() {
    let plan = |params: Vec<u8>| nested(3, &[nested(1, &[nested(1, &[b"f".to_vec()]), params])]);
    for params in [
        nested(2, &[vec![0, 1, 7]]),
        [number(2, 0), number(2, 1), number(2, 7)].concat(),
    ] {
        let plan = read_protobuf(&plan(params)).unwrap();
        assert_eq!(plan.functions.first().unwrap().params, [0, 1, 7]);
    }
}

#[test]
fn a_statement_of_another_opa_is_kept_to_be_refused_by_name() {
    // Stmt.60, at row 4 of file 0.
    let later = nested(1, &[number(1, 0), number(3, 4), nested(60, &[])]);
    let plan = read_protobuf(&plan_of(&[later])).unwrap();
    let statement = &plan.entrypoints[0].blocks[0].statements[0];
    assert!(
        matches!(&statement.kind, Kind::Unknown { name } if name == "Stmt.60"),
        "{statement:?}"
    );
    assert_eq!(statement.location.row, 4);
}

#[test]
fn what_is_not_a_plan_is_refused_with_its_place() {
    let dot_without_target = nested(1, &[nested(12, &[nested(1, &[nested(1, &[number(2, 0)])])])]);
    let twice = nested(1, &[nested(32, &[number(1, 2), number(1, 3)])]);
    let two_kinds = nested(1, &[nested(26, &[]), nested(26, &[])]);
    let no_value = nested(1, &[nested(7, &[nested(1, &[]), number(2, 1)])]);
    for (bytes, problem) in [
        (
            plan_of(&[dot_without_target]),
            "DotStmt: expected an operand in `key`",
        ),
        (
            plan_of(&[twice]),
            "`target`, which can be there once, is there twice",
        ),
        (
            plan_of(&[two_kinds]),
            "a field that can be there once is there twice",
        ),
        (plan_of(&[no_value]), "an operand without a value"),
        (plan_of(&[nested(1, &[])]), "a statement of no kind"),
        (number(1, 5), "expected a message"),
        (b"{\"plans\": {}}".to_vec(), "wire type"),
    ] {
        let error = read_protobuf(&bytes).unwrap_err();
        assert!(error.to_string().contains(problem), "{problem}: {error}");
    }
}

#[test]
fn blocks_nest_so_deep_and_no_deeper() {
    let mut block = nested(1, &[]);
    for _ in 0..MAX_BLOCK_NESTING + 1 {
        // Stmt.not_stmt.block.stmts
        block = nested(1, &[nested(28, &[nested(1, &[block])])]);
    }
    let error = read_protobuf(&plan_of(&[block])).unwrap_err();
    assert!(error.problem.contains("nested deeper"), "{error}");
}

#[test]
fn integers_are_read_as_numbers_are_whatever_their_length() {
    let read = |text: &str| {
        let mut reader = Reader::of_long(text.as_bytes(), 2);
        reader.begin_array()?;
        reader.next_item()?;
        reader.integer()
    };
    for text in [
        "0",
        "7",
        "-3",
        "123456789012345",
        "1234567890123456",
        "9223372036854775807",
    ] {
        for end in [",1]", "]", " ]"] {
            assert_eq!(
                read(&format!("[{text}{end}")),
                Ok(text.parse().unwrap()),
                "{text}{end}"
            );
        }
    }
    for text in ["9223372036854775808", "1.5", "1e3", "-", "01", "\"1\""] {
        let result = read(&format!("[{text}]"));
        // A zero before other digits ends the number: what follows is refused by who reads on.
        assert!(
            result.is_err() || (text == "01" && result == Ok(0)),
            "{text}: {result:?}"
        );
    }
}
