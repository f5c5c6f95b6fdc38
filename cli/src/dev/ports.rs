//! The five ports, and whether they are free. Looks before anything is started; never takes a port over.

use std::net::{Ipv4Addr, SocketAddrV4, TcpListener};

/// Where each part listens, on 127.0.0.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ports {
    /// Envoy's listener.
    pub envoy: u16,
    /// The demo's upstream.
    pub upstream: u16,
    /// The control plane's HTTP.
    pub http: u16,
    /// The control plane's gRPC.
    pub grpc: u16,
    /// The sidecar's admin.
    pub admin: u16,
}

/// Why the ports can't be used.
#[derive(Debug, thiserror::Error)]
pub enum PortError {
    /// No room for five ports.
    #[error("--port-base {0}: expected 1 to 65531, so that five ports fit")]
    Base(u16),
    /// Somebody listens there.
    #[error(
        "port {port} ({part}) is taken: {reason}; stop what listens on it, or move all ports with --port-base N"
    )]
    Taken {
        /// The port.
        port: u16,
        /// Whose it was to be.
        part: &'static str,
        /// What the system said.
        reason: std::io::Error,
    },
}

impl Ports {
    /// The documented ones, or five in a row from `base`.
    ///
    /// # Errors
    /// When five don't fit.
    pub fn from_base(base: Option<u16>) -> Result<Self, PortError> {
        let Some(base) = base else {
            return Ok(Self {
                envoy: 8000,
                upstream: 8001,
                http: 8080,
                grpc: 8081,
                admin: 9192,
            });
        };
        if base == 0 || base > u16::MAX - 4 {
            return Err(PortError::Base(base));
        }
        Ok(Self {
            envoy: base,
            upstream: base + 1,
            http: base + 2,
            grpc: base + 3,
            admin: base + 4,
        })
    }

    /// Makes sure that nobody listens on any of them; Envoy's doesn't matter without Envoy.
    ///
    /// # Errors
    /// Names the first that is taken.
    pub fn check_free(self, with_envoy: bool) -> Result<(), PortError> {
        let envoy = with_envoy.then_some((self.envoy, "Envoy"));
        let others = [
            (self.upstream, "upstream"),
            (self.http, "control plane HTTP"),
            (self.grpc, "control plane gRPC"),
            (self.admin, "sidecar admin"),
        ];
        for (port, part) in envoy.into_iter().chain(others) {
            TcpListener::bind(local(port)).map_err(|reason| PortError::Taken { port, part, reason })?;
        }
        Ok(())
    }
}

/// `127.0.0.1:port`.
pub fn local(port: u16) -> SocketAddrV4 {
    SocketAddrV4::new(Ipv4Addr::LOCALHOST, port)
}

/// `http://127.0.0.1:port`.
pub fn url(port: u16) -> String {
    format!("http://{}", local(port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_base_the_documented_ports_are_used() {
        let ports = Ports::from_base(None).unwrap();
        assert_eq!(
            [ports.envoy, ports.upstream, ports.http, ports.grpc, ports.admin],
            [8000, 8001, 8080, 8081, 9192]
        );
    }

    #[test]
    fn a_base_moves_all_five_in_the_documented_order() {
        let ports = Ports::from_base(Some(18_000)).unwrap();
        assert_eq!(
            [ports.envoy, ports.upstream, ports.http, ports.grpc, ports.admin],
            [18_000, 18_001, 18_002, 18_003, 18_004]
        );
    }

    #[test]
    fn a_base_without_room_for_five_is_refused() {
        assert!(Ports::from_base(Some(65_531)).is_ok());
        for base in [0, 65_532, u16::MAX] {
            assert!(
                matches!(Ports::from_base(Some(base)), Err(PortError::Base(_))),
                "{base}"
            );
        }
    }

    #[test]
    fn a_taken_port_is_named_with_the_part_it_was_for() {
        let holder = TcpListener::bind(local(0)).unwrap();
        let port = holder.local_addr().unwrap().port();
        let ports = Ports {
            envoy: port,
            upstream: 0,
            http: 0,
            grpc: 0,
            admin: 0,
        };
        let message = ports.check_free(true).unwrap_err().to_string();
        assert!(
            message.starts_with(&format!("port {port} (Envoy) is taken")),
            "{message}"
        );
        assert!(message.contains("--port-base"), "{message}");
        assert!(
            ports.check_free(false).is_ok(),
            "Envoy's port doesn't matter without Envoy"
        );
    }
}
