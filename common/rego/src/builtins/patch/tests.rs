//! What OPA 1.22.2 answers, its odd answers included.

use super::super::tests::{check, check_failures, halts};

#[test]
fn a_document_is_patched_as_opa_patches_it() {
    check(&[
        (
            "json.patch",
            r#"[{"a": {"b": [1, 2, 3]}}, [{"op":"add","path":"/a/b/-","value":4},{"op":"remove","path":["a","b",0]},{"op":"test","path":"a/b/2","value":4}]]"#,
            r#"{"a": {"b": [2, 3, 4]}}"#,
        ),
        (
            "json.patch",
            r#"[[1, 2, 3], [{"op":"remove","path":"/0"},{"op":"test","path":"/0","value":1}]]"#,
            r#"[1, 3]"#,
        ),
        (
            "json.patch",
            r#"[{"a": 1}, [{"op":"replace","path":"/a","value":{"b":2}},{"op":"copy","from":"/a","path":"/a/c"},{"op":"move","from":"/a/b","path":"/d"}]]"#,
            r#"{"a": {"c": {"b": 2}}, "d": 2}"#,
        ),
        (
            "json.patch",
            r#"[{"s": {"set": [1, "x", [2]]}}, [{"op":"add","path":["s","y"],"value":"y"},{"op":"remove","path":["s",[2]]},{"op":"add","path":["s",[3]],"value":[3]},{"op":"add","path":["s",[3],1],"value":4}]]"#,
            r#"{"s": {1, "x", "y", [3, 4]}}"#,
        ),
        (
            "json.patch",
            r#"[[[1], [2], [3]], [{"op":"remove","path":"/0"},{"op":"add","path":"/0/0","value":9}]]"#,
            r#"[[9, 1], [3]]"#,
        ),
        (
            "json.patch",
            r#"[{"a/b": 1, "c~d": 2}, [{"op":"replace","path":"/a~1b","value":3},{"op":"remove","path":"c~0d"}]]"#,
            r#"{"a/b": 3}"#,
        ),
        (
            "json.patch",
            r#"[5, [{"op":"replace","path":"","value":[1]},{"op":"test","path":"","value":[1]}]]"#,
            r#"[1]"#,
        ),
        (
            "json.patch",
            r#"[[1, 2], [{"op":"add","path":[".0"],"value":0}]]"#,
            r#"[0, 1, 2]"#,
        ),
    ]);
}

#[test]
fn what_cannot_be_patched_says_why_in_opas_words() {
    check_failures(&[
        (
            "json.patch",
            r#"[{}, [{"op":"test","path":"/a","value":1}]]"#,
            "path \"a\" does not exist in object term {}",
        ),
        (
            "json.patch",
            r#"[{"a":1}, [{"op":"remove","path":"/a"},{"op":"remove","path":"/a"}]]"#,
            "cannot delete the already deleted scalar node for key \"a\"",
        ),
        (
            "json.patch",
            r#"[{"a":1}, [{"op":"remove","path":"/a"},{"op":"test","path":"/a","value":1}]]"#,
            "cannot unfold the already deleted scalar node for key \"a\"",
        ),
        (
            "json.patch",
            r#"[{"a":{}}, [{"op":"add","path":"/a/b/c","value":1}]]"#,
            "path \"b\" does not exist in object term {}",
        ),
        (
            "json.patch",
            r#"[[1], [{"op":"add","path":"/5","value":1}]]"#,
            "index for array insertion out of bounds",
        ),
        (
            "json.patch",
            r#"[[1], [{"op":"add","path":"/01","value":1}]]"#,
            "leading zeros are not allowed in JSON paths",
        ),
        (
            "json.patch",
            r#"[[1], [{"op":"remove","path":"/x"}]]"#,
            "invalid string for indexing",
        ),
        (
            "json.patch",
            r#"[[1], [{"op":"x","path":""}]]"#,
            "unrecognized op: 'x'",
        ),
        (
            "json.patch",
            r#"[{"s": {"set": [1]}}, [{"op":"add","path":["s",2],"value":3}]]"#,
            "set key 2 does not equal value to be inserted 3",
        ),
        (
            "json.patch",
            r#"[{"s": {"set": [1]}}, [{"op":"remove","path":["s","q"]}]]"#,
            "cannot delete child key \"q\" that does not exist",
        ),
        (
            "json.patch",
            r#"[1, [{"op":"add","path":"a","value":3}]]"#,
            "expected composite type, found value: 1 (type: ast.Number)",
        ),
        (
            "json.patch",
            r#"["x", [{"op":"add","path":"a/b","value":3}]]"#,
            "expected composite type for path \"a\", found value: \"x\" (type: ast.String)",
        ),
        (
            "json.patch",
            r#"[{}, [{"op":"add"}]]"#,
            "missing required attribute 'path'",
        ),
        (
            "json.patch",
            r#"[{}, [{"path":""}]]"#,
            "missing required attribute 'op'",
        ),
        (
            "json.patch",
            r#"[{}, [{"path":1,"op":"add"}]]"#,
            "operand 2 must be one of {set, array} containing string paths or array of path segments but got number",
        ),
        (
            "json.patch",
            r#"[{}, [{"path":"","op":"copy"}]]"#,
            "missing required attribute 'from'",
        ),
        (
            "json.patch",
            r#"[{"a":1}, [{"op":"test","path":"/a","value":2}]]"#,
            "value from EditTree != patch value.\n\nExpected: 2\n\nFound: 1",
        ),
        (
            "json.patch",
            r#"[[1, 2], [{"op":"remove","path":"/0"},{"op":"test","path":"/1","value":2}]]"#,
            "index for array delete out of bounds",
        ),
    ]);
}

#[test]
fn what_crashes_opa_and_what_nests_too_deep_is_refused() {
    let lost = r#"{"op": "add", "path": "/0", "value": []}, {"op": "add", "path": "/0", "value": 1},
        {"op": "add", "path": "/0", "value": 2}"#;
    assert!(halts("json.patch", &format!("[[], [{lost}]]")));
    assert!(halts("json.patch", r#"[{}, [{"op": "remove", "path": ""}]]"#));
    assert!(halts(
        "json.patch",
        r#"[{"s": {"set": [1]}}, [{"op": "remove", "path": ["s", 1]}, {"op": "test", "path": ["s", 1], "value": 1}]]"#
    ));
    let copies = vec![r#"{"op": "copy", "from": "", "path": "/a"}"#; 520].join(", ");
    assert!(halts("json.patch", &format!("[{{}}, [{copies}]]")));
    let doubled = vec![r#"{"op": "copy", "from": "", "path": "/-"}"#; 100].join(", ");
    assert!(halts("json.patch", &format!("[[], [{doubled}]]")));
}

#[test]
fn paths_through_a_graph_end_where_nothing_follows_or_a_circle_closes() {
    check(&[
        (
            "graph.reachable_paths",
            r#"[{"a": ["b", "c"], "b": ["d"], "c": [], "d": ["a"]}, ["a"]]"#,
            r#"{["a", "b", "d"], ["a", "c"]}"#,
        ),
        (
            "graph.reachable_paths",
            r#"[{"a": ["a", "x"], "b": []}, {"set": ["a", "b", "z"]}]"#,
            r#"{["a"], ["a", "a"], ["b"]}"#,
        ),
    ]);
    // 2^40 paths.
    let levels: Vec<String> = (0..40)
        .map(|at| format!(r#""{at}": ["{0}", "x{0}"], "x{at}": ["{0}", "x{0}"]"#, at + 1))
        .collect();
    assert!(halts(
        "graph.reachable_paths",
        &format!(r#"[{{{}}}, ["0"]]"#, levels.join(", "))
    ));
}
