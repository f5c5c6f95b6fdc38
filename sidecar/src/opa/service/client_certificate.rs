//! A client certificate (`client_tls`), read again where its files may have changed.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use postern_opa_config::ClientTls;
use reqwest::{Client, Identity};
use secrecy::zeroize::Zeroizing;

use super::connections::Connections;
use super::{Around, encrypted_key};
use crate::clock;
use crate::http_error::causes;

/// Clients with the certificate that was in the files last.
pub(super) struct CertifiedClients {
    configured: ClientTls,
    connections: Connections,
    around: Around,
    current: Mutex<Option<Current>>,
}

struct Current {
    client: Client,
    /// What was in both files.
    hashes: [Vec<u8>; 2],
    read: Duration,
}

impl CertifiedClients {
    /// Nothing is read yet.
    pub(super) fn new(configured: ClientTls, connections: Connections, around: Around) -> Self {
        Self {
            configured,
            connections,
            around,
            current: Mutex::new(None),
        }
    }

    /// A client with the certificate that is in the files now, or was when they were read last and that isn't long ago.
    ///
    /// # Errors
    /// When the files hold no certificate and its key.
    pub(super) async fn client(&self) -> Result<Client, String> {
        let kept_for = Duration::from_secs(self.configured.cert_reread_interval_seconds);
        if let Some(current) = self.locked().as_ref()
            && clock::monotonic().saturating_sub(current.read) < kept_for
        {
            return Ok(current.client.clone());
        }
        let (cert, key) = (&self.configured.cert, &self.configured.private_key);
        let certificate = self.around.file(cert).await?;
        let private = Zeroizing::new(self.around.file(key).await?);
        let hashes = [&certificate, &*private].map(|content| digest(&SHA256, content).as_ref().to_vec());
        if let Some(current) = self.locked().as_mut().filter(|current| current.hashes == hashes) {
            current.read = clock::monotonic();
            return Ok(current.client.clone());
        }
        let passphrase = self.configured.private_key_passphrase.as_ref();
        let private =
            encrypted_key::opened(&private, passphrase).map_err(|problem| format!("{key}: {problem}"))?;
        let mut pem = Zeroizing::new(certificate);
        pem.push(b'\n');
        pem.extend_from_slice(&private);
        let identity = Identity::from_pem(&pem);
        let identity = identity.map_err(|error| format!("{cert} and {key}: {}", causes(&error)))?;
        let client = self
            .connections
            .client(|builder| builder.identity(identity.clone()));
        let client = client.map_err(|problem| format!("{cert} and {key}: {problem}"))?;
        *self.locked() = Some(Current {
            client: client.clone(),
            hashes,
            read: clock::monotonic(),
        });
        Ok(client)
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, Option<Current>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
