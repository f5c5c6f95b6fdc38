//! The laws on dependencies, as one pure function of the graph. A crate that has no place here breaks the law by that.

use crate::graph::{Graph, Room};

/// Where a crate stands in `proto ← common ← sidecar | control plane ← cli, e2e`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Floor {
    Proto,
    Common,
    Sidecar,
    ControlPlane,
    Cli,
    E2e,
}

/// Rooms that may import less than their floor may: the only crates of ours that each can name.
const NARROW: &[(&str, &[&str])] = &[
    // Useful on their own: they know nothing of the rest of us.
    ("postern-rego", &[]),
    ("postern-jose", &[]),
    ("postern-config", &[]),
    ("postern-process", &[]),
    ("postern-resilience", &[]),
    ("postern-opa-config", &["postern-config"]),
    (
        "postern-decide",
        &[
            "postern-jose",
            "postern-mesh",
            "postern-policy",
            "postern-rego",
            "postern-telemetry",
        ],
    ),
];

/// Inside the control plane: what of its own each service may import. `server` sees all.
const CONTROL_PLANE: &[(&str, &[&str])] = &[
    ("postern-store", &[]),
    ("postern-token", &["postern-store"]),
    ("postern-identity", &["postern-store", "postern-token"]),
    (
        "postern-oauth",
        &["postern-store", "postern-token", "postern-identity"],
    ),
    ("postern-policy-service", &["postern-store"]),
    (
        "postern-control-plane",
        &[
            "postern-store",
            "postern-token",
            "postern-identity",
            "postern-oauth",
            "postern-policy-service",
        ],
    ),
];

/// What a crate must not be linked with, however it comes. `…` at the end stands for any ending.
const UNREACHABLE: &[(&str, &[&str])] = &[
    (
        "postern-decide",
        &[
            "tokio…",
            "tonic…",
            "prost…",
            "axum…",
            "hyper…",
            "h2",
            "sqlx…",
            "redis",
            "reqwest",
            "rustls",
            "postern-proto",
        ],
    ),
    // Pure: files and the environment are handed to it.
    (
        "postern-opa-config",
        &[
            "tokio…",
            "tonic…",
            "prost…",
            "axum…",
            "hyper…",
            "reqwest",
            "rustls",
            "postern-proto",
        ],
    ),
    (
        "postern-rego",
        &[
            "postern-…",
            "jsonwebtoken",
            "aws-lc-rs",
            "tokio…",
            "tonic…",
            "prost…",
            "axum…",
            "hyper…",
            "envoy-types",
        ],
    ),
];

/// Heavy crates, and the crates of ours through which they come in.
const DOORS: &[(&str, &[&str])] = &[
    ("envoy-types", &["postern-sidecar", "postern", "postern-e2e"]),
    ("flate2", &["postern-policy", "postern-sidecar", "postern-e2e"]),
    ("jsonwebtoken", &["postern-jose"]),
    (
        "metrics-exporter-prometheus",
        &["postern-sidecar", "postern-control-plane"],
    ),
    ("notify", &["postern"]),
    ("plotters", &["postern-e2e"]),
    ("protox", &["postern-proto"]),
    ("redis", &["postern-store"]),
    // The control plane asks nobody; only its tests do.
    (
        "reqwest",
        &[
            "postern-sidecar",
            "postern",
            "postern-e2e",
            "postern-control-plane",
        ],
    ),
    ("spiffe", &["postern-mesh"]),
    (
        "sqlx",
        &[
            "postern-store",
            "postern-token",
            "postern-identity",
            "postern-policy-service",
        ],
    ),
    ("tar", &["postern-policy"]),
    ("tonic-prost-build", &["postern-proto"]),
    ("tracing-subscriber", &["postern-telemetry"]),
    ("wasmtime", &["postern-policy"]),
    ("x509-cert", &["postern-mesh"]),
];

/// What must not be in the tree at all, and why.
const BANNED: &[(&str, &str)] = &[
    ("ring", "aws-lc-rs is the one crypto provider"),
    ("openssl", "aws-lc-rs is the one crypto provider"),
    ("openssl-sys", "aws-lc-rs is the one crypto provider"),
    ("native-tls", "aws-lc-rs is the one crypto provider"),
    ("regorus", "its answers differ from OPA's at times"),
];

/// The crates of which the law needs to know everything that they are linked with.
pub(crate) fn deep() -> Vec<&'static str> {
    UNREACHABLE.iter().map(|(name, _)| *name).collect()
}

/// Every law that the graph breaks, a sentence each.
pub(crate) fn broken(graph: &Graph) -> Vec<String> {
    let mut broken = Vec::new();
    for (name, room) in &graph.rooms {
        let Some(floor) = floor(room) else {
            broken.push(format!(
                "{name} in {} has no place in the law: give it one in e2e/tests/architecture/laws.rs",
                room.folder
            ));
            continue;
        };
        let ours = room
            .direct
            .iter()
            .filter_map(|other| Some((other, floor_of(graph, other)?)));
        for (other, _) in ours.filter(|(other, other_floor)| !may_import(name, floor, other, *other_floor)) {
            broken.push(format!("{name} must not depend on {other}"));
        }
        broken.extend(wrong_doors(name, room));
        broken.extend(unreachable(name, room));
        if !room.takes_workspace_lints {
            broken.push(format!("{name} doesn't take the workspace's lints"));
        }
        if !room.says_its_job {
            broken.push(format!(
                "{name} has neither a README nor a crate doc that says its job"
            ));
        }
    }
    let banned = BANNED.iter().filter(|(name, _)| graph.packages.contains(*name));
    broken.extend(banned.map(|(name, why)| format!("{name} must not be in the tree: {why}")));
    broken
}

fn floor(room: &Room) -> Option<Floor> {
    Some(match room.folder.split('/').collect::<Vec<_>>().as_slice() {
        ["proto"] => Floor::Proto,
        ["common", _] => Floor::Common,
        ["sidecar"] | ["sidecar", "decide" | "opa-config"] => Floor::Sidecar,
        ["control-plane", _] => Floor::ControlPlane,
        ["cli"] => Floor::Cli,
        ["e2e", ..] => Floor::E2e,
        _ => return None,
    })
}

fn floor_of(graph: &Graph, name: &str) -> Option<Floor> {
    floor(graph.rooms.get(name)?)
}

fn may_import(from: &str, floor: Floor, to: &str, to_floor: Floor) -> bool {
    if let Some(allowed) = lookup(NARROW, from) {
        return allowed.contains(&to);
    }
    match floor {
        Floor::Proto => false,
        Floor::Common => matches!(to_floor, Floor::Proto | Floor::Common),
        Floor::Sidecar => matches!(to_floor, Floor::Proto | Floor::Common | Floor::Sidecar),
        Floor::ControlPlane => match to_floor {
            Floor::Proto | Floor::Common => true,
            Floor::ControlPlane => lookup(CONTROL_PLANE, from).is_some_and(|allowed| allowed.contains(&to)),
            Floor::Sidecar | Floor::Cli | Floor::E2e => false,
        },
        Floor::Cli => to_floor != Floor::E2e,
        Floor::E2e => true,
    }
}

fn wrong_doors(name: &str, room: &Room) -> Vec<String> {
    let closed = |other: &&String| lookup(DOORS, other).is_some_and(|doors| !doors.contains(&name));
    let through = |other| format!("{other} comes in through other doors, not {name}");
    room.direct.iter().filter(closed).map(through).collect()
}

fn unreachable(name: &str, room: &Room) -> Vec<String> {
    let forbidden = lookup(UNREACHABLE, name).unwrap_or_default();
    let matches = |other: &str| {
        forbidden.iter().any(|pattern| match pattern.strip_suffix('…') {
            Some(beginning) => other.starts_with(beginning),
            None => other == *pattern,
        })
    };
    let reached = room.reached.iter().filter(|other| matches(other));
    reached
        .map(|other| format!("{name} must not reach {other}, not through others either"))
        .collect()
}

fn lookup<'a>(table: &[(&str, &'a [&'a str])], name: &str) -> Option<&'a [&'a str]> {
    table
        .iter()
        .find(|(entry, _)| *entry == name)
        .map(|(_, value)| *value)
}
