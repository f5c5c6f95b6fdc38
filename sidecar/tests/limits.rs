//! A policy that runs on, or builds without end, is stopped: its request is denied, and those beside and after it are decided
//! as ever.

#[cfg(test)]
mod world;

use serde_json::{Value as Json, json};
use world::{Client, World};

fn stmt(kind: &str, fields: &Json) -> Json {
    json!({"type": format!("{kind}Stmt"), "stmt": fields})
}

fn local(local: usize) -> Json {
    json!({"type": "local", "value": local})
}

fn string(index: usize) -> Json {
    json!({"type": "string_index", "value": index})
}

/// Makes local 10 the request's path.
fn path() -> Vec<Json> {
    let step = |source: usize, key: usize, target: usize| {
        stmt(
            "Dot",
            &json!({"source": local(source), "key": string(key), "target": target}),
        )
    };
    vec![step(0, 1, 7), step(7, 2, 8), step(8, 3, 9), step(9, 4, 10)]
}

/// The result `{"allowed": true}`.
fn allowed() -> Vec<Json> {
    let insert = |object: usize, key: usize, value: &Json| {
        stmt(
            "ObjectInsert",
            &json!({"object": object, "key": string(key), "value": value}),
        )
    };
    vec![
        stmt("MakeObject", &json!({"target": 11})),
        insert(11, 5, &json!({"type": "bool", "value": true})),
        stmt("MakeObject", &json!({"target": 12})),
        insert(12, 0, &local(11)),
        stmt("ResultSetAdd", &json!({"value": 12})),
    ]
}

/// `body` for each of a trillion.
fn again_and_again(body: Vec<Json>) -> Vec<Json> {
    let scan = |inner: Vec<Json>| {
        vec![stmt(
            "Scan",
            &json!({"source": 15, "key": 16, "value": 17, "block": {"stmts": inner}}),
        )]
    };
    let nested = (0..4).fold(body, |inner, _| scan(inner));
    [
        vec![
            stmt("MakeNumberInt", &json!({"value": 1, "target": 13})),
            stmt("MakeNumberInt", &json!({"value": 1000, "target": 14})),
            stmt("MakeArray", &json!({"capacity": 0, "target": 18})),
            stmt(
                "Call",
                &json!({"func": "numbers.range", "args": [local(13), local(14)], "result": 15}),
            ),
        ],
        nested,
    ]
    .concat()
}

/// Allows all requests but those to `/slow` and `/large`, where it never comes to an end.
fn plan() -> String {
    let is = |kind: &str, index: usize| stmt(kind, &json!({"a": local(10), "b": string(index)}));
    let append = stmt("ArrayAppend", &json!({"array": 18, "value": local(17)}));
    let blocks = [
        [path(), vec![is("NotEqual", 6), is("NotEqual", 7)], allowed()].concat(),
        [
            path(),
            vec![is("Equal", 6)],
            again_and_again(vec![is("Equal", 6)]),
            allowed(),
        ]
        .concat(),
        [
            path(),
            vec![is("Equal", 7)],
            again_and_again(vec![append]),
            allowed(),
        ]
        .concat(),
    ]
    .map(|statements| json!({"stmts": statements}));
    let strings = [
        "result",
        "attributes",
        "request",
        "http",
        "path",
        "allowed",
        "/slow",
        "/large",
    ]
    .map(|text| json!({"value": text}));
    json!({
        "static": {
            "strings": strings,
            "files": [{"value": "runs_on.rego"}],
            "builtin_funcs": [{
                "name": "numbers.range",
                "decl": {
                    "type": "function",
                    "args": [{"type": "number"}, {"type": "number"}],
                    "result": {"type": "array", "dynamic": {"type": "number"}},
                },
            }],
        },
        "plans": {"plans": [{"name": "orders/authz/decision", "blocks": blocks}]},
        "funcs": {"funcs": []},
    })
    .to_string()
}

#[tokio::test]
async fn a_policy_that_runs_on_is_stopped_and_those_beside_it_are_decided() {
    let world = World::new().await;
    world.origin.serve_bundle(world.bundle("runs-on", &plan()));
    let mut config = world.config();
    config.document["policy"]["limits"] =
        json!({ "milliseconds": 30, "memory_mib": 1, "statements": 1_000_000_000 });
    let sidecar = config.start_ready().await;
    let client = Client::over_unix(&sidecar.config).await;
    let token = world.token("orders:read");

    let asked: Vec<_> = (0..48)
        .map(|n| {
            let path = match n % 8 {
                0 => "/slow",
                4 => "/large",
                _ => "/orders",
            };
            let (client, token) = (client.clone(), token.clone());
            tokio::spawn(async move { (path, client.get(path, &token).await) })
        })
        .collect();
    for answer in asked {
        let (path, answer) = answer.await.unwrap();
        if path == "/orders" {
            assert_eq!(answer.status, 200, "{answer:?}");
        } else {
            assert_eq!(answer.status, 500, "{answer:?}");
            let told = answer.json();
            assert_eq!(told["code"], "policy_timeout", "{path}");
            assert!(!answer.body.contains("runs_on"), "{answer:?}");
        }
    }
    assert_eq!(client.get("/orders", &token).await.status, 200);

    let metrics = sidecar.metrics().await;
    assert!(metrics.contains("code=\"policy_timeout\"} 12"), "{metrics}");
    let log: String = sidecar.log().iter().map(ToString::to_string).collect();
    for reason in ["limit of 30 milliseconds", "limit of 1048576 bytes of memory"] {
        assert!(log.contains(reason), "{reason}: {log}");
    }
}

#[tokio::test]
async fn limits_out_of_range_are_refused_by_name() {
    let world = World::new().await;
    for (key, value) in [("milliseconds", 0), ("memory_mib", 5000), ("statements", 1)] {
        let mut config = world.config();
        config.document["policy"]["limits"] = json!({ key: value });
        let output = config.refused();
        assert!(!output.status.success());
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains(key), "{said}");
    }
}
