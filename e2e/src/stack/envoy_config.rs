//! The Envoy that the repository ships (`envoy/dev.yaml`), for tests to change: what isn't changed is what operators run.

use std::net::SocketAddr;
use std::path::Path;

use serde_json::{Value, json};

use super::root;

/// An Envoy bootstrap.
pub struct EnvoyConfig(Value);

impl EnvoyConfig {
    /// `envoy/dev.yaml`, listening on `port` of the loopback, before `upstream`.
    ///
    /// # Panics
    /// Where the file isn't what it was.
    #[must_use]
    pub fn shipped(port: u16, socket: &Path, upstream: SocketAddr) -> Self {
        let path = root().join("envoy/dev.yaml");
        let text =
            std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let text = text
            .replace("${ENVOY_PORT}", &port.to_string())
            .replace("${EXT_AUTHZ_SOCKET}", &socket.display().to_string())
            .replace("${UPSTREAM_PORT}", &upstream.port().to_string());
        Self(serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
    }

    /// All of it.
    pub fn root(&mut self) -> &mut Value {
        &mut self.0
    }

    /// The filter chain that requests come in by; TLS is its `transport_socket`.
    pub fn filter_chain(&mut self) -> &mut Value {
        &mut self.0["static_resources"]["listeners"][0]["filter_chains"][0]
    }

    /// The HTTP connection manager.
    pub fn connection_manager(&mut self) -> &mut Value {
        &mut self.filter_chain()["filters"][0]["typed_config"]
    }

    /// The HTTP filters, in order.
    ///
    /// # Panics
    /// Where they are no list.
    pub fn http_filters(&mut self) -> &mut Vec<Value> {
        self.connection_manager()["http_filters"]
            .as_array_mut()
            .unwrap_or_else(|| panic!("envoy/dev.yaml has no http_filters"))
    }

    /// The filter that asks the sidecar.
    ///
    /// # Panics
    /// Where there is none.
    pub fn ext_authz(&mut self) -> &mut Value {
        let filter = self
            .http_filters()
            .iter_mut()
            .find(|filter| filter["name"] == "envoy.filters.http.ext_authz");
        match filter {
            Some(filter) => &mut filter["typed_config"],
            None => panic!("envoy/dev.yaml has no ext_authz filter"),
        }
    }

    /// Envoy's own routes, in order; the last takes everything to the upstream.
    ///
    /// # Panics
    /// Where they are no list.
    pub fn routes(&mut self) -> &mut Vec<Value> {
        self.connection_manager()["route_config"]["virtual_hosts"][0]["routes"]
            .as_array_mut()
            .unwrap_or_else(|| panic!("envoy/dev.yaml has no routes"))
    }

    /// Puts a route before the others: paths under `prefix`, with this `typed_per_filter_config` for ext_authz (`disabled`,
    /// `check_settings.context_extensions`, …).
    pub fn route_with(&mut self, prefix: &str, mut ext_authz: Value) {
        ext_authz["@type"] =
            json!("type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute");
        let route = json!({
            "match": { "prefix": prefix },
            "route": { "cluster": "upstream", "timeout": "15s" },
            "typed_per_filter_config": { "envoy.filters.http.ext_authz": ext_authz },
        });
        self.routes().insert(0, route);
    }
}
