//! What `postern dev` says when all is ready. The curl lines are promises: each works pasted into bash as it is.

use std::{fmt::Write as _, path::Path};

use crate::target::{DemoClient, DevFile};

/// What a line that runs this program again needs, so that it works from any folder.
#[derive(Clone, Copy, Debug)]
pub struct Again<'a> {
    /// This program; absolute.
    pub program: &'a str,
    /// The data folder; absolute.
    pub data_dir: &'a Path,
}

/// Everything between the first line and READY.
pub fn banner(dev: &DevFile, again: Again<'_>, forged: &str) -> String {
    let loud = anstyle::AnsiColor::Yellow.on_default().bold().invert();
    let head = anstyle::Style::new().bold();
    let mut out = format!(
        "\n{loud} POSTERN IN DEVELOPMENT MODE {loud:#} everything on one machine, secrets in plain files, no TLS: for trying \
         things out, never for more\n"
    );
    let _ = writeln!(out, "\n{head}URLs{head:#}");
    for (what, url) in urls(dev) {
        let _ = writeln!(out, "  {what:<20} {url}");
    }
    let _ = writeln!(
        out,
        "\n{head}Demo clients{head:#} (secrets in dev.json and clients.json)"
    );
    for (name, client) in &dev.clients {
        let _ = writeln!(out, "  {name:<20} {}", client.scopes);
    }
    let _ = write!(out, "\n{head}Try{head:#}");
    for (what, line) in tries(dev, again, forged) {
        let _ = write!(out, "\n# {what}\n{line}\n");
    }
    out
}

fn urls(dev: &DevFile) -> Vec<(&'static str, String)> {
    let envoy = dev.envoy.clone().map(|url| ("Envoy", url));
    let others = [
        ("upstream", dev.upstream.clone()),
        ("control plane", dev.control_plane.clone()),
        ("control plane gRPC", dev.control_plane_grpc.clone()),
        ("sidecar admin", dev.sidecar_admin.clone()),
        ("sidecar ext_authz", dev.sidecar_ext_authz.clone()),
        ("policy", format!("{} (edit and save)", dev.policy_dir.display())),
    ];
    envoy.into_iter().chain(others).collect()
}

/// With Envoy, requests; without, the same questions put to the sidecar.
fn tries(dev: &DevFile, again: Again<'_>, forged: &str) -> Vec<(&'static str, String)> {
    let Some(reader) = dev.clients.get("reader") else {
        return Vec::new();
    };
    let token = token_inline(&dev.issuer, reader);
    match &dev.envoy {
        Some(envoy) => {
            let curl = |method: &str, token: &str| {
                format!("curl -i{method} -H \"Authorization: Bearer {token}\" {envoy}/orders")
            };
            vec![
                ("allowed, 200: the reader reads", curl("", &token)),
                ("denied, 403: the reader may not write", curl(" -X POST", &token)),
                (
                    "forged, 401: the writer's claims, signed with somebody else's key",
                    curl("", forged),
                ),
            ]
        }
        None => {
            let program = shell_word(again.program);
            let data_dir = shell_word(&again.data_dir.to_string_lossy());
            let check = |method: &str, token: &str| {
                format!("{program} check{method} /orders --data-dir {data_dir} --token \"{token}\"")
            };
            vec![
                ("allowed: the reader reads", check("", &token)),
                ("denied: the reader may not write", check(" -X POST", &token)),
                (
                    "forged: the writer's claims, signed with somebody else's key",
                    check("", forged),
                ),
            ]
        }
    }
}

/// `text` as one word of a shell, quoted only where it must be.
fn shell_word(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte);
    if !text.is_empty() && text.bytes().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// A shell's way to a fresh token, so that a line works whenever it is pasted.
fn token_inline(issuer: &str, client: &DemoClient) -> String {
    let DemoClient {
        client_id,
        client_secret,
        ..
    } = client;
    format!(
        "$(curl -s -u '{client_id}:{client_secret}' -d grant_type=client_credentials {issuer}/oauth2/token \
         | sed -E 's/.*\"access_token\" *: *\"([^\"]+)\".*/\\1/')"
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn dev(envoy: Option<&str>) -> DevFile {
        let reader = DemoClient {
            client_id: "reader".into(),
            client_secret: "s3cret_-".into(),
            scopes: "orders:read".into(),
        };
        DevFile {
            envoy: envoy.map(str::to_owned),
            upstream: "http://127.0.0.1:8001".into(),
            control_plane: "http://127.0.0.1:8080".into(),
            control_plane_grpc: "http://127.0.0.1:8081".into(),
            sidecar_admin: "http://127.0.0.1:9192".into(),
            sidecar_ext_authz: "unix:/x/ext_authz.sock".into(),
            issuer: "http://127.0.0.1:8080".into(),
            policy_dir: "/x/policy".into(),
            clients: BTreeMap::from([("reader".to_owned(), reader)]),
            pids: BTreeMap::new(),
            commands: BTreeMap::new(),
        }
    }

    fn again(data_dir: &str) -> Again<'_> {
        Again {
            program: "/opt/postern",
            data_dir: Path::new(data_dir),
        }
    }

    fn curls(text: &str) -> Vec<&str> {
        text.lines().filter(|line| line.starts_with("curl ")).collect()
    }

    #[test]
    fn the_order_is_mode_urls_clients_lines() {
        let text = banner(&dev(Some("http://127.0.0.1:8000")), again("/x"), "e30.e30.x");
        let places: Vec<_> = ["DEVELOPMENT MODE", "URLs", "Demo clients", "\ncurl "]
            .map(|part| text.find(part).unwrap())
            .into();
        assert!(places.is_sorted(), "{text}");
        assert_eq!(
            text.to_lowercase().matches("development").count(),
            1,
            "said once, before the lines"
        );
    }

    #[test]
    fn the_three_lines_are_whole_commands_in_bash() {
        let text = banner(&dev(Some("http://127.0.0.1:8000")), again("/x"), "e30.e30.x");
        let lines = curls(&text);
        assert_eq!(lines.len(), 3);
        for line in lines {
            let parsed = std::process::Command::new("bash")
                .args(["-n", "-c", line])
                .status()
                .unwrap();
            assert!(parsed.success(), "{line}");
            assert!(
                line.ends_with("http://127.0.0.1:8000/orders"),
                "flags can be added at the end: {line}"
            );
        }
    }

    #[test]
    fn a_fresh_token_is_cut_out_of_the_answer_with_or_without_spaces() {
        let inline = token_inline("http://127.0.0.1:8080", &dev(None).clients["reader"]);
        let sed = inline.split_once("| ").unwrap().1.trim_end_matches(')');
        for answer in [
            r#"{"access_token":"a.b-c_d.e","token_type":"Bearer","expires_in":900}"#,
            r#"{ "token_type" : "Bearer", "access_token" : "a.b-c_d.e" }"#,
        ] {
            let script = format!("printf %s '{answer}' | {sed}");
            let output = std::process::Command::new("bash")
                .args(["-c", &script])
                .output()
                .unwrap();
            assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "a.b-c_d.e");
        }
    }

    #[test]
    fn without_envoy_no_line_promises_one() {
        let text = banner(&dev(None), again("/x"), "e30.e30.x");
        assert!(curls(&text).is_empty(), "{text}");
        assert_eq!(text.matches("postern check").count(), 3);
        assert!(!text.contains("Envoy"), "{text}");
    }

    #[test]
    fn without_envoy_the_lines_work_from_any_folder() {
        let text = banner(&dev(None), again("/a person's/.postern"), "e30.e30.x");
        let lines: Vec<_> = text.lines().filter(|line| line.contains(" check")).collect();
        assert_eq!(lines.len(), 3);
        for line in lines {
            assert!(line.starts_with("/opt/postern check"), "{line}");
            // What the shell makes of the line, with the program and the ways to a token taken out.
            let script = format!("curl() {{ :; }}; set -- {line}; printf '%s\\n' \"$@\"");
            let output = std::process::Command::new("bash")
                .args(["-c", &script])
                .output()
                .unwrap();
            let words = String::from_utf8(output.stdout).unwrap();
            assert!(
                words.contains("\n--data-dir\n/a person's/.postern\n"),
                "{line}: {words}"
            );
        }
    }
}
