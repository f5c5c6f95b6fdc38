//! Whose certificates are trusted, and our own.

use std::path::Path;
use std::process::Command;

use super::authority::Authority;
use super::pki::Certified;
use super::recorder::{Recorder, Speaks};
use super::{alike, yes};

fn written(folder: &Path, name: &str, content: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, content).unwrap();
    path.display().to_string()
}

fn config(port: u16, of_the_service: &str) -> String {
    format!(
        "services: {{s: {{url: 'https://localhost:{port}', {of_the_service}}}}}\nstatus: {{service: s}}\n"
    )
}

#[tokio::test]
async fn authorities_are_those_that_the_configuration_names() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let recorder = Recorder::start(Speaks::Tls(authority.acceptor("localhost", false)), yes).await;
    let ca = written(folder.path(), "ca.pem", &authority.pem());
    let other = written(folder.path(), "other.pem", &Authority::new().pem());
    let system = [("SSL_CERT_FILE", ca.clone())];
    for (of_the_service, environment) in [
        (format!("tls: {{ca_cert: {ca}}}"), &[][..]),
        ("allow_insecure_tls: true".to_owned(), &[]),
        ("headers: {}".to_owned(), &system),
        (
            format!("tls: {{ca_cert: {other}, system_ca_required: true}}"),
            &system,
        ),
    ] {
        alike(
            folder.path(),
            &config(recorder.port, &of_the_service),
            environment,
            &recorder,
        )
        .await;
    }
}

#[tokio::test]
async fn a_client_certificate_is_shown_be_its_key_encrypted_or_not() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let recorder = Recorder::start(Speaks::Tls(authority.acceptor("localhost", true)), yes).await;
    let ca = written(folder.path(), "ca.pem", &authority.pem());
    let Certified { pem, der, key } = authority.certified("a client");
    let certificate = written(folder.path(), "cert.pem", &pem);
    let plain = written(folder.path(), "key.pem", &key.serialize_pem());
    let mut ways = vec![format!("private_key: {plain}")];
    for cipher in ["-aes128", "-aes192", "-aes256"] {
        let encrypted = folder.path().join(cipher);
        let made = Command::new("openssl")
            .args([
                "rsa",
                "-traditional",
                cipher,
                "-passout",
                "pass:o pen",
                "-in",
                &plain,
                "-out",
            ])
            .arg(&encrypted)
            .output();
        assert!(made.unwrap().status.success(), "this test needs openssl");
        ways.push(format!(
            "private_key: {}, private_key_passphrase: 'o pen', cert_reread_interval_seconds: 60",
            encrypted.display()
        ));
    }
    for way in ways {
        let credentials =
            format!("credentials: {{client_tls: {{cert: {certificate}, {way}, ca_cert: {ca}}}}}");
        let came = alike(
            folder.path(),
            &config(recorder.port, &credentials),
            &[],
            &recorder,
        )
        .await;
        assert_eq!(came[0].certificate.as_ref(), Some(&der), "{way}");
    }
}
