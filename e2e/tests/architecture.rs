//! The laws on dependencies (ARCHITECTURE.md, invariant 1), held against what cargo says of this workspace, and tried
//! on planted violations.
#![expect(clippy::panic, reason = "a test that can't go on says why")]

#[path = "architecture/graph.rs"]
mod graph;
#[path = "architecture/laws.rs"]
mod laws;

use graph::{Graph, Room};
use laws::broken;

#[test]
fn the_workspace_keeps_its_laws() {
    let broken = broken(&Graph::of_this_workspace(&laws::deep()));
    assert!(
        broken.is_empty(),
        "see ARCHITECTURE.md, invariants:\n{}",
        broken.join("\n")
    );
}

#[test]
fn each_kind_of_violation_is_named() {
    let lawful = Graph::of_this_workspace(&laws::deep());
    type Plant = fn(&mut Graph);
    let cases: [(Plant, &str); 17] = [
        (
            |graph| graph.depend("postern-sidecar", "postern-store"),
            "postern-sidecar must not depend on postern-store",
        ),
        (
            |graph| graph.depend("postern-token", "postern-decide"),
            "postern-token must not depend on postern-decide",
        ),
        (
            |graph| graph.depend("postern-jose", "postern-sidecar"),
            "postern-jose must not depend on postern-sidecar",
        ),
        (
            |graph| graph.depend("postern-proto", "postern-jose"),
            "postern-proto must not depend on postern-jose",
        ),
        (
            |graph| graph.depend("postern-rego", "postern-jose"),
            "postern-rego must not depend on postern-jose",
        ),
        (
            |graph| graph.depend("postern-store", "postern-token"),
            "postern-store must not depend on postern-token",
        ),
        (
            |graph| graph.depend("postern-identity", "postern-oauth"),
            "postern-identity must not depend on postern-oauth",
        ),
        (
            |graph| graph.depend("postern-policy-service", "postern-token"),
            "postern-policy-service must not depend on postern-token",
        ),
        (
            |graph| graph.depend("postern-decide", "postern-proto"),
            "postern-decide must not depend on postern-proto",
        ),
        (
            |graph| graph.depend("postern", "postern-e2e"),
            "postern must not depend on postern-e2e",
        ),
        (
            |graph| graph.depend("postern-sidecar", "sqlx"),
            "sqlx comes in through other doors, not postern-sidecar",
        ),
        (
            |graph| graph.depend("postern-sidecar", "jsonwebtoken"),
            "jsonwebtoken comes in through other doors, not postern-sidecar",
        ),
        (
            |graph| graph.reach("postern-decide", "tokio"),
            "postern-decide must not reach tokio, not through others either",
        ),
        (
            |graph| graph.reach("postern-rego", "postern-jose"),
            "postern-rego must not reach postern-jose, not through others either",
        ),
        (
            |graph| {
                graph.packages.insert("ring".to_owned());
            },
            "ring must not be in the tree: aws-lc-rs is the one crypto provider",
        ),
        (
            |graph| {
                let room = Room {
                    folder: "attic".to_owned(),
                    ..Room::default()
                };
                graph.rooms.insert("postern-attic".to_owned(), room);
            },
            "postern-attic in attic has no place in the law: give it one in e2e/tests/architecture/laws.rs",
        ),
        (
            |graph| {
                graph
                    .rooms
                    .entry("postern-jose".to_owned())
                    .or_default()
                    .takes_workspace_lints = false;
            },
            "postern-jose doesn't take the workspace's lints",
        ),
    ];
    for (plant, expected) in cases {
        let mut graph = lawful.clone();
        plant(&mut graph);
        let found = broken(&graph);
        assert!(
            found.iter().any(|text| text == expected),
            "expected {expected:?}, found {found:#?}"
        );
    }
}
