//! What plans are said to read of `input`, rule by rule. `plans/reads.plan.json` is what OPA 1.22.2 makes of
//! `plans/reads.rego`. That nothing is forgotten is the kit's to show (`kit/pruned.rs`), here it is how little is kept.

use postern_rego::{NoHost, Program, Reads, Value};

const PLAN: &str = include_str!("plans/reads.plan.json");

/// `None` where the plan doesn't load or has no such rule.
fn reads(rule: &str) -> Option<Reads> {
    let program = Program::load(PLAN.as_bytes(), &NoHost).ok()?;
    let entrypoint = program.entrypoint(&format!("reads/{rule}"))?;
    Some(program.reads(entrypoint).clone())
}

fn listed(reads: &Reads) -> String {
    format!("{{{}}}", reads.paths("input").join(", "))
}

#[test]
fn what_each_rule_reads_of_data_is_known() {
    let program = Program::load(PLAN.as_bytes(), &NoHost).unwrap();
    for (rule, expected) in [
        ("method", "data"),
        ("through_a_rule", "data"),
        ("by_role", "data"),
        ("elsewhere", "data.x.y.*"),
        ("by_a_name_from_data", "data.name.*"),
    ] {
        let entrypoint = program.entrypoint(&format!("reads/{rule}")).unwrap();
        assert_eq!(program.data_reads(entrypoint).paths("data"), [expected], "{rule}");
        assert!(program.effects(entrypoint).is_none(), "{rule}");
    }
}

#[test]
fn what_each_rule_reads_is_known() {
    let http = "input.attributes.request.http";
    let cases = [
        ("method", format!("{{{http}.method}}")),
        ("header", format!("{{{http}.headers[\"x-tenant\"]}}")),
        ("header_with_default", format!("{{{http}.headers[\"x-tenant\"]}}")),
        ("any_header", format!("{{{http}.headers.*}}")),
        ("headers_counted", format!("{{{http}.headers.*}}")),
        ("headers_passed_on", format!("{{{http}.headers[\"x-tenant\"].*}}")),
        ("through_a_rule", format!("{{{http}.method}}")),
        (
            "through_one_of_two",
            "{input.a.*, input.b.*, input.choose.*}".to_owned(),
        ),
        ("by_role", "{input.postern.claims.roles.*}".to_owned()),
        (
            "through_an_object",
            format!("{{{http}.method.*, input.attributes.source.*}}"),
        ),
        ("with_a_part", format!("{{{http}.method, input.wanted.*}}")),
        ("elsewhere", "{input}".to_owned()),
        ("by_a_name_from_data", "{input.attributes.*}".to_owned()),
        ("every_segment", "{input.parsed_path.*}".to_owned()),
        ("negated", format!("{{{http}.host}}")),
        ("whole", "{input.*}".to_owned()),
        ("dynamic", "{input.a.b.*, input.c.*, input.rule.*}".to_owned()),
        ("with_another", format!("{{{http}.method, input.other.*}}")),
    ];
    for (rule, expected) in cases {
        assert_eq!(listed(&reads(rule).unwrap()), expected, "{rule}");
    }
}

#[test]
fn pruning_keeps_what_is_read_and_what_kind_the_rest_is() {
    let input = r#"{"attributes":{"request":{"http":{"method":"GET","path":"/a"},"time":1},"source":{}},"other":[1]}"#;
    let cases = [
        (
            "method",
            r#"{"attributes":{"request":{"http":{"method":"GET"}}}}"#,
        ),
        ("negated", r#"{"attributes":{"request":{"http":{}}}}"#),
        ("whole", input),
        ("elsewhere", "{}"),
        (
            "with_another",
            r#"{"attributes":{"request":{"http":{"method":"GET"}}},"other":[1]}"#,
        ),
    ];
    let document = Value::from_json_str(input).expect("JSON");
    for (rule, expected) in cases {
        assert_eq!(
            reads(rule).unwrap().prune(&document).to_json(),
            expected,
            "{rule}"
        );
    }
}

#[test]
fn parts_are_found_by_their_path() {
    let reads = reads("header").unwrap();
    let http = ["attributes", "request", "http"];
    assert!(reads.at(&http).is_some_and(|reads| !reads.is_all()));
    assert!(
        reads
            .at(&[&http[..], &["headers", "x-tenant"]].concat())
            .is_some()
    );
    assert_eq!(reads.at(&[&http[..], &["headers", "x-other"]].concat()), None);
    assert_eq!(reads.at(&[&http[..], &["method"]].concat()), None);
    assert_eq!(Reads::All.at(&http), Some(&Reads::All));
}

/// A rule that calls thousands of others, each of which calls one that reads a member.
#[test]
fn a_policy_of_thousands_of_rules_is_looked_through() {
    let world = serde_json::json!([{"type": "local", "value": 0}, {"type": "local", "value": 1}]);
    let call = |name: &str, result: i64| serde_json::json!({"type": "CallStmt", "stmt": {"func": name, "args": world, "result": result}});
    let function = |name: &str, statements: Vec<serde_json::Value>| {
        serde_json::json!({"name": name, "params": [0, 1], "return": 2, "path": [name],
            "blocks": [{"stmts": statements}]})
    };
    let give = serde_json::json!({"type": "ReturnLocalStmt", "stmt": {"source": 2}});
    let member = serde_json::json!({"type": "DotStmt", "stmt": {
        "source": {"type": "local", "value": 0}, "key": {"type": "string_index", "value": 0}, "target": 2}});
    let mut functions = vec![function("leaf", vec![member, give.clone()])];
    let names: Vec<String> = (0..5_000).map(|n| format!("rule{n}")).collect();
    for name in &names {
        functions.push(function(name, vec![call("leaf", 2), give.clone()]));
    }
    functions.push(function("all", names.iter().map(|name| call(name, 3)).collect()));
    let plan = serde_json::json!({
        "static": {"strings": [{"value": "a"}], "files": []},
        "plans": {"plans": [{"name": "main", "blocks": [{"stmts": [call("all", 2)]}]}]},
        "funcs": {"funcs": functions},
    });
    let program = Program::load(plan.to_string().as_bytes(), &NoHost).unwrap();
    let reads = program.reads(program.entrypoint("main").unwrap());
    assert_eq!(listed(reads), "{input.a}");
}
