//! What the page says of a number's bounds, tried on the program: one less and one more are refused, with both told.

use std::process::Command;

use postern_e2e::stack::binary;
use serde_json::{Map, Value, json};

/// A sidecar's file with each section that has numbers; nothing that it names is there.
pub(crate) fn sidecar() -> Value {
    json!({
        "data_dir": "data",
        "ext_authz": { "listen": ["127.0.0.1:0"] },
        "http_auth": { "listen": ["unix:auth.sock"], "mode": "forward" },
        "admin": { "listen": "127.0.0.1:0" },
        "issuers": [{
            "issuer": "http://127.0.0.1:1",
            "jwks_uri": "http://127.0.0.1:1/jwks",
            "audiences": ["urn:x"],
            "introspection": {
                "url": "http://127.0.0.1:1/introspect",
                "client_id": "postern",
                "client_secret_file": "secret",
            },
        }],
        "routes": [{
            "name": "all",
            "public_origin": "https://x.example",
            "step_up": { "max_age_seconds": 60 },
            "revocation": { "max_staleness_seconds": 60 },
        }],
        "policy": {
            "bundle": "demo",
            "url": "http://127.0.0.1:1/bundle",
            "entrypoint": "a/b",
            "allow_unsigned": true,
            "http_send": { "hosts": [{ "host": "x.example" }] },
            "candidate": { "bundle": "next", "url": "http://127.0.0.1:1/next" },
        },
        "control_plane": { "grpc": "http://127.0.0.1:1" },
    })
}

/// A control plane's file.
pub(crate) fn control_plane() -> Value {
    json!({
        "data_dir": "data",
        "http": { "listen": "127.0.0.1:0" },
        "grpc": { "listen": "127.0.0.1:0" },
        "policy": { "allow_unsigned": true },
    })
}

/// Numbers beside these bounds are refused, in words that name the key and the bounds.
pub(crate) fn assert_hold(program: &str, file: &Value, path: &str, (least, most): (u64, u64)) {
    let beside = least.checked_sub(1).into_iter().chain([most + 1]);
    for number in beside {
        let mut file = file.clone();
        set(&mut file, path, number);
        let said = refusal(program, &file);
        let key = path.replace("[]", "[0]");
        for part in [&key, &least.to_string(), &most.to_string()] {
            assert!(
                said.contains(part.as_str()),
                "{path}: {number}: no {part:?} in {said}"
            );
        }
    }
}

fn set(file: &mut Value, path: &str, number: u64) {
    let mut place = file;
    for step in path.split('.') {
        let (name, is_list) = step.strip_suffix("[]").map_or((step, false), |name| (name, true));
        if !place.is_object() {
            *place = Value::Object(Map::new());
        }
        place = &mut place[name];
        if is_list {
            place = &mut place[0];
        }
    }
    *place = number.into();
}

fn refusal(program: &str, file: &Value) -> String {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("secret"), "secret\n").unwrap();
    let path = folder.path().join("config.yaml");
    std::fs::write(&path, file.to_string()).unwrap();
    let output = Command::new(binary(program))
        .arg("--config")
        .arg(&path)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{file}: {said}");
    said
}
