//! A client certificate that is replaced while the process runs.

use std::path::Path;
use std::sync::Arc;

use postern_opa_config::{ClientTls, MinTls, ServerTls};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use super::Around;
use super::client_certificate::CertifiedClients;
use super::connections::Connections;
use super::proxies::Proxies;
use crate::opa::machine::Machine;
use crate::random::Randomness;

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// Puts another certificate of that authority into the folder; gives it.
fn replaced(authority: &Authority, folder: &Path) -> Vec<u8> {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(["client".to_owned()])
        .unwrap()
        .signed_by(&key, authority)
        .unwrap();
    std::fs::write(folder.join("cert.pem"), certificate.pem()).unwrap();
    std::fs::write(folder.join("key.pem"), key.serialize_pem()).unwrap();
    certificate.der().to_vec()
}

/// A server that tells which certificate each request came with; gives its URL.
async fn server(authority: &Authority) -> (String, UnboundedReceiver<Vec<u8>>) {
    let key = KeyPair::generate().unwrap();
    let own = CertificateParams::new(["localhost".to_owned()])
        .unwrap()
        .signed_by(&key, authority)
        .unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(authority.as_ref().der().clone()).unwrap();
    let provider = Arc::new(default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier.build().unwrap())
        .with_single_cert(vec![own.der().clone()], key.serialize_der().try_into().unwrap())
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let (sender, came) = unbounded_channel();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}/", listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, sender) = (acceptor.clone(), sender.clone());
            tokio::spawn(async move {
                let mut stream = acceptor.accept(stream).await.unwrap();
                let shown = stream.get_ref().1.peer_certificates().unwrap()[0].to_vec();
                while stream.read(&mut [0; 4096]).await.is_ok_and(|read| read > 0) {
                    sender.send(shown.clone()).unwrap();
                    stream
                        .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
                        .await
                        .unwrap();
                }
            });
        }
    });
    (url, came)
}

#[tokio::test]
async fn a_certificate_that_is_replaced_is_shown_once_its_files_are_read_again() {
    let (authority, folder) = (authority(), tempfile::tempdir().unwrap());
    let (url, mut came) = server(&authority).await;
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(path("ca.pem"), authority.as_ref().pem()).unwrap();
    let around = Around {
        host: Arc::new(Machine),
        randomness: Arc::new(Randomness::from_system().unwrap()),
        min_tls: MinTls::Tls12,
    };
    let tls = ServerTls {
        ca_cert: Some(path("ca.pem")),
        ..ServerTls::default()
    };
    let clients = |seconds| {
        let configured = ClientTls {
            cert: path("cert.pem"),
            private_key: path("key.pem"),
            private_key_passphrase: None,
            cert_reread_interval_seconds: seconds,
        };
        let connections = Connections::new(&tls, Proxies::default(), &around).unwrap();
        CertifiedClients::new(configured, connections, around.clone())
    };
    let (each_time, seldom) = (clients(0), clients(3600));
    let missing = each_time.client().await.unwrap_err();
    assert!(missing.contains("cert.pem"), "{missing}");
    let first = replaced(&authority, folder.path());
    for clients in [&each_time, &seldom, &each_time] {
        clients.client().await.unwrap().get(&url).send().await.unwrap();
        assert!(came.recv().await.unwrap() == first);
    }
    let second = replaced(&authority, folder.path());
    for (clients, wanted) in [(&each_time, &second), (&seldom, &first)] {
        clients.client().await.unwrap().get(&url).send().await.unwrap();
        assert!(came.recv().await.unwrap() == *wanted);
    }
    std::fs::write(path("key.pem"), KeyPair::generate().unwrap().serialize_pem()).unwrap();
    let unfit = each_time.client().await.unwrap_err();
    assert!(unfit.contains("key.pem"), "{unfit}");
}
