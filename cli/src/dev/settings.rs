//! The parts' configuration files, as text. Decides no value: all of them come in.

use std::path::Path;

use super::{
    demo,
    folder::Folder,
    ports::{Ports, local, url},
};

/// `envoy/dev.yaml`, with places to fill in.
const ENVOY: &str = include_str!("../../../envoy/dev.yaml");

/// The file of the control plane.
pub fn control_plane(folder: &Folder, ports: Ports) -> String {
    format!(
        "# Written by `postern dev` at each start; changes here are lost.
data_dir: {data_dir}
http: {{ listen: {http} }}
grpc: {{ listen: {grpc} }}
issuer: {issuer}
policy:
  verification:
    keys:
    - {{ key_id: {key_id}, algorithm: ES256, public_key_file: {public_key} }}
",
        data_dir = quoted(&folder.path("control-plane")),
        http = quoted_text(&local(ports.http).to_string()),
        grpc = quoted_text(&local(ports.grpc).to_string()),
        issuer = quoted_text(&url(ports.http)),
        key_id = demo::BUNDLE,
        public_key = quoted(&folder.path("keys/bundle-signing.pub.pem")),
    )
}

/// The file of the sidecar.
pub fn sidecar(folder: &Folder, ports: Ports, socket: &Path) -> String {
    let control_plane = url(ports.http);
    format!(
        "# Written by `postern dev` at each start. A change counts within a second while it runs; the next start undoes it.
data_dir: {data_dir}
ext_authz: {{ listen: [{socket}] }}
admin: {{ listen: {admin} }}
issuers:
- issuer: {issuer}
  jwks_uri: {jwks_uri}
  audiences: [{audience}]
  algorithms: [ES256]
policy:
  bundle: {bundle}
  url: {bundle_url}
  credential_file: {credential}
  entrypoint: {entrypoint}
  verification:
    keys:
    - {{ key_id: {bundle}, algorithm: ES256, public_key_file: {public_key} }}
control_plane:
  grpc: {grpc}
  credential_file: {credential}
routes:
- name: health
  match: {{ path: {{ exact: /health }}, methods: [GET, HEAD] }}
  accept: anonymous
  policy: off
- name: batch                             # for a key of `postern api-key create`
  match: {{ path: {{ prefix: /orders/batch }} }}
  accept: {{ api_key: {{ header: x-api-key }} }}
- name: default                           # everything else wants a token
  accept: jwt
",
        data_dir = quoted(&folder.path("sidecar")),
        socket = quoted_text(&format!("unix:{}", socket.display())),
        admin = quoted_text(&local(ports.admin).to_string()),
        issuer = quoted_text(&control_plane),
        jwks_uri = quoted_text(&format!("{control_plane}/.well-known/jwks.json")),
        audience = quoted_text(demo::AUDIENCE),
        bundle = demo::BUNDLE,
        bundle_url = quoted_text(&format!("{control_plane}/bundles/{}", demo::BUNDLE)),
        credential = quoted(&folder.path("control-plane/credentials/sidecar")),
        entrypoint = demo::ENTRYPOINT,
        public_key = quoted(&folder.path("keys/bundle-signing.pub.pem")),
        grpc = quoted_text(&url(ports.grpc)),
    )
}

/// The file of Envoy.
pub fn envoy(ports: Ports, socket: &Path) -> String {
    ENVOY
        .replace("${ENVOY_PORT}", &ports.envoy.to_string())
        .replace("${UPSTREAM_PORT}", &ports.upstream.to_string())
        .replace("${EXT_AUTHZ_SOCKET}", &quoted(socket))
}

/// A path as YAML: a JSON string is one, whatever is in it.
fn quoted(path: &Path) -> String {
    quoted_text(&path.to_string_lossy())
}

fn quoted_text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn parsed(text: &str) -> Value {
        serde_saphyr::from_str(text).unwrap()
    }

    fn folder_with_an_awkward_name() -> (tempfile::TempDir, Folder) {
        let temp = tempfile::tempdir().unwrap();
        let folder = Folder::open(&temp.path().join("a \"b\": #c")).unwrap();
        (temp, folder)
    }

    #[test]
    fn the_sidecar_and_the_control_plane_agree_on_keys_and_credentials() {
        let (_temp, folder) = folder_with_an_awkward_name();
        let ports = Ports::from_base(Some(18_000)).unwrap();
        let control_plane = parsed(&control_plane(&folder, ports));
        let sidecar = parsed(&sidecar(&folder, ports, Path::new("/run/x.sock")));
        assert_eq!(sidecar["issuers"][0]["issuer"], control_plane["issuer"]);
        assert_eq!(
            sidecar["policy"]["verification"],
            control_plane["policy"]["verification"]
        );
        let data_dir = control_plane["data_dir"].as_str().unwrap();
        assert!(data_dir.ends_with("a \"b\": #c/control-plane"), "{data_dir}");
        for credential in [&sidecar["policy"], &sidecar["control_plane"]] {
            assert_eq!(
                credential["credential_file"],
                format!("{data_dir}/credentials/sidecar")
            );
        }
        assert_eq!(sidecar["ext_authz"]["listen"][0], "unix:/run/x.sock");
    }

    #[test]
    fn only_health_is_open_and_what_no_other_route_takes_wants_a_token() {
        let (_temp, folder) = folder_with_an_awkward_name();
        let ports = Ports::from_base(None).unwrap();
        let sidecar = parsed(&sidecar(&folder, ports, Path::new("/run/x.sock")));
        let [health, batch, rest] = sidecar["routes"].as_array().unwrap().as_slice() else {
            panic!("{sidecar}")
        };
        assert_eq!(health["match"]["path"]["exact"], "/health");
        assert_eq!(health["accept"], "anonymous");
        assert_eq!(batch["accept"]["api_key"]["header"], "x-api-key");
        assert_eq!(*rest, serde_json::json!({ "name": "default", "accept": "jwt" }));
    }

    #[test]
    fn what_operators_copy_is_what_dev_runs() {
        let dev = parsed(&envoy(
            Ports::from_base(None).unwrap(),
            Path::new("/run/postern/ext_authz.sock"),
        ));
        let snippet = parsed(include_str!("../../../envoy/ext_authz.yaml"));
        let manager = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config";
        for place in [0, 1] {
            assert_eq!(
                snippet["http_filters"][place],
                dev.pointer(manager).unwrap()["http_filters"][place]
            );
        }
        assert_eq!(snippet["clusters"][0], dev["static_resources"]["clusters"][0]);
    }

    #[test]
    fn envoys_template_is_filled_in_whole_and_fails_closed() {
        let ports = Ports::from_base(Some(18_000)).unwrap();
        let text = envoy(ports, Path::new("/run/a \"b\".sock"));
        assert!(!text.contains("${"), "{text}");
        let config = parsed(&text);
        let listener = &config["static_resources"]["listeners"][0];
        assert_eq!(listener["address"]["socket_address"]["port_value"], 18_000);
        let filters = &listener["filter_chains"][0]["filters"][0]["typed_config"]["http_filters"];
        let names: Vec<_> = filters
            .as_array()
            .unwrap()
            .iter()
            .map(|filter| &filter["name"])
            .collect();
        assert_eq!(
            names,
            [
                "envoy.filters.http.header_mutation",
                "envoy.filters.http.ext_authz",
                "envoy.filters.http.router"
            ]
        );
        let ext_authz = &filters[1]["typed_config"];
        assert_eq!(ext_authz["failure_mode_allow"], false);
        assert_eq!(ext_authz["encode_raw_headers"], true);
        assert_eq!(ext_authz["grpc_service"]["timeout"], "0.5s");
        let clusters = config["static_resources"]["clusters"].as_array().unwrap();
        let path = "/load_assignment/endpoints/0/lb_endpoints/0/endpoint/address/pipe/path";
        assert_eq!(clusters[0].pointer(path).unwrap(), "/run/a \"b\".sock");
    }
}
