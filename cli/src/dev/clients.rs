//! The demo clients: their secrets, made once per data folder, and their registration. Never prints a secret.

use std::{collections::BTreeMap, io, path::Path};

use anyhow::{Context as _, bail};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use postern_proto::identity::v1::{
    AuthenticateClientRequest, CreateClientRequest,
    session_identity_service_client::SessionIdentityServiceClient,
};
use tonic::Code;

use super::{demo, folder::write_private};
use crate::{
    clock::entropy,
    control_plane::{ControlPlane, refused},
    target::DemoClient,
};

/// The clients by name.
pub type Clients = BTreeMap<String, DemoClient>;

/// Reads the clients from `path`, or makes them there. The file comes before the registration, so that a secret that the
/// control plane knows is never lost.
///
/// # Errors
/// When the file can't be read or written, or isn't what was written before.
pub fn load_or_generate(path: &Path) -> anyhow::Result<Clients> {
    match std::fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes).with_context(|| {
            format!(
                "{}: not what `postern dev` writes; remove it together with the data folder",
                path.display()
            )
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let clients = generate()?;
            let json = serde_json::to_vec_pretty(&clients).context("writing the clients")?;
            write_private(path, &json).with_context(|| format!("writing {}", path.display()))?;
            Ok(clients)
        }
        Err(error) => Err(error).with_context(|| format!("reading {}", path.display())),
    }
}

fn generate() -> anyhow::Result<Clients> {
    demo::CLIENTS
        .iter()
        .map(|spec| {
            let client = DemoClient {
                client_id: spec.name.to_owned(),
                client_secret: BASE64_URL_SAFE_NO_PAD.encode(entropy::<32>()?),
                scopes: spec.scopes.join(" "),
            };
            Ok((spec.name.to_owned(), client))
        })
        .collect()
}

/// Registers the clients where they aren't yet.
///
/// # Errors
/// When the control plane refuses one, or knows one of that name with another secret.
pub async fn register(channel: ControlPlane, clients: &Clients) -> anyhow::Result<()> {
    let mut service = SessionIdentityServiceClient::new(channel);
    for (name, client) in clients {
        let request = CreateClientRequest {
            client_id: client.client_id.clone(),
            name: format!("demo {name}"),
            scopes: client.scopes.split(' ').map(str::to_owned).collect(),
            audience: vec![demo::AUDIENCE.to_owned()],
            client_secret: client.client_secret.clone(),
        };
        match service.create_client(request).await {
            Ok(_) => {}
            Err(status) if status.code() == Code::AlreadyExists => authenticate(&mut service, client).await?,
            Err(status) => {
                return Err(refused(status)).with_context(|| format!("registering the client {name}"));
            }
        }
    }
    Ok(())
}

async fn authenticate(
    service: &mut SessionIdentityServiceClient<ControlPlane>,
    client: &DemoClient,
) -> anyhow::Result<()> {
    let DemoClient {
        client_id,
        client_secret,
        ..
    } = client.clone();
    let request = AuthenticateClientRequest {
        client_id: client_id.clone(),
        client_secret,
    };
    match service.authenticate_client(request).await {
        Ok(_) => Ok(()),
        Err(status) if status.code() == Code::Unauthenticated => bail!(
            "the control plane knows the client {client_id} with another secret than clients.json has; \
             remove the data folder to start afresh"
        ),
        Err(status) => Err(refused(status)).with_context(|| format!("asking for the client {client_id}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_made_once_per_folder_and_kept() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("clients.json");
        let (first, again) = (load_or_generate(&path).unwrap(), load_or_generate(&path).unwrap());
        let other = load_or_generate(&temp.path().join("other.json")).unwrap();
        let secret = |clients: &Clients| clients["reader"].client_secret.clone();
        assert_eq!(secret(&first), secret(&again));
        assert_ne!(secret(&first), secret(&other));
        assert_ne!(first["reader"].client_secret, first["writer"].client_secret);
        assert_eq!(secret(&first).len(), 43, "256 bits");
    }

    #[test]
    fn the_reader_may_only_read_and_the_writer_may_do_both() {
        let clients = generate().unwrap();
        assert_eq!(clients["reader"].scopes, "orders:read");
        assert_eq!(clients["writer"].scopes, "orders:read orders:write");
    }

    #[test]
    fn a_broken_file_is_an_error_and_is_not_replaced() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("clients.json");
        std::fs::write(&path, "{").unwrap();
        assert!(load_or_generate(&path).is_err());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "{");
    }

    #[test]
    fn a_client_is_never_printed_with_its_secret() {
        let clients = generate().unwrap();
        assert!(!format!("{clients:?}").contains(&clients["reader"].client_secret));
    }
}
