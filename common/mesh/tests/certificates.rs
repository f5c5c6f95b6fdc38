//! P7, by example: which certificates give their holder an identity, and by which rule the others don't.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod support;

use postern_jose::pem::PemError;
use postern_mesh::{IdentityError, PeerCertificate, PeerCertificateError, SpiffeIdError, UrlEncodingError};
use rcgen::{BasicConstraints, IsCa, KeyUsagePurpose, date_time_ymd};
use support::{certificate, certificate_with, dns, envoys_encoding, uri, with_raw_names};

const WEB: &str = "spiffe://prod.example/ns/shop/sa/web";

fn read(certificate: &rcgen::Certificate) -> PeerCertificate {
    PeerCertificate::parse_url_encoded_pem(&envoys_encoding(&certificate.pem())).unwrap()
}

fn identity(certificate: &rcgen::Certificate) -> Result<String, IdentityError> {
    read(certificate).spiffe_id().map(ToString::to_string)
}

#[test]
fn the_only_uri_is_the_identity_whatever_other_names_stand_around_it() {
    for names in [
        vec![uri(WEB)],
        vec![dns("web.shop.svc"), uri(WEB)],
        vec![uri(WEB), dns("spiffe-lookalike.example"), dns("other.example")],
    ] {
        assert_eq!(identity(&certificate(names)).as_deref(), Ok(WEB));
    }
}

#[test]
fn a_certificate_without_exactly_one_uri_is_nobody() {
    for (names, error) in [
        (vec![], IdentityError::NoUri),
        (vec![dns("web.example")], IdentityError::NoUri),
        // A DNS name that reads like an ID is none.
        (vec![dns(WEB)], IdentityError::NoUri),
        (vec![uri(WEB), uri(WEB)], IdentityError::SeveralUris(2)),
        (
            vec![uri(WEB), uri("https://a.example")],
            IdentityError::SeveralUris(2),
        ),
        (
            vec![uri("https://a.example"), uri(WEB), uri("urn:x")],
            IdentityError::SeveralUris(3),
        ),
    ] {
        assert_eq!(identity(&certificate(names)), Err(error));
    }
}

#[test]
fn a_uri_that_is_no_workloads_spiffe_id_is_nobodys() {
    for (text, error) in [
        (
            "https://prod.example/web",
            IdentityError::NotSpiffe(SpiffeIdError::Scheme),
        ),
        (
            "SPIFFE://prod.example/web",
            IdentityError::NotSpiffe(SpiffeIdError::Scheme),
        ),
        (
            "spiffe://prod.example/web/",
            IdentityError::NotSpiffe(SpiffeIdError::TrailingSlash),
        ),
        (
            "spiffe://Prod.example/web",
            IdentityError::NotSpiffe(SpiffeIdError::TrustDomainCharacter('P')),
        ),
        (
            "spiffe://prod.example/web\0",
            IdentityError::NotSpiffe(SpiffeIdError::PathCharacter('\0')),
        ),
        ("", IdentityError::NotSpiffe(SpiffeIdError::Empty)),
        ("spiffe://prod.example", IdentityError::NoPath),
    ] {
        assert_eq!(identity(&certificate([uri(text)])), Err(error), "{text:?}");
    }
}

#[test]
fn a_certificate_that_may_sign_others_authenticates_nobody() {
    for (ca, usage, right) in [
        (IsCa::Ca(BasicConstraints::Unconstrained), None, "CA:TRUE"),
        (IsCa::NoCa, Some(KeyUsagePurpose::KeyCertSign), "keyCertSign"),
        (IsCa::ExplicitNoCa, Some(KeyUsagePurpose::CrlSign), "cRLSign"),
    ] {
        let certificate = certificate_with([uri(WEB)], |params| {
            params.is_ca = ca;
            params.key_usages = [KeyUsagePurpose::DigitalSignature]
                .into_iter()
                .chain(usage)
                .collect();
        });
        assert_eq!(identity(&certificate), Err(IdentityError::Signing(right)));
    }
    let leaf = certificate_with([uri(WEB)], |params| {
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![
            KeyUsagePurpose::DigitalSignature,
            KeyUsagePurpose::KeyEncipherment,
        ];
    });
    assert_eq!(identity(&leaf).as_deref(), Ok(WEB));
}

#[test]
fn names_that_are_malformed_or_there_twice_spoil_the_certificate() {
    let wrong = Err(PeerCertificateError::Extension("subjectAltName"));
    let element = |tag: u8, content: &[u8]| [&[tag, u8::try_from(content.len()).unwrap()], content].concat();
    let name = element(0x86, WEB.as_bytes());
    let sound = element(0x30, &name);
    assert_eq!(identity(&with_raw_names(&sound)).as_deref(), Ok(WEB));
    for content in [
        vec![],
        vec![0x30],
        // More after the list, and a list longer than its content.
        [sound.as_slice(), &[0x05, 0x00]].concat(),
        [&[0x30, sound[1] + 1], name.as_slice()].concat(),
        // Not IA5.
        element(0x30, &element(0x86, "spiffe://prod.example/wéb".as_bytes())),
        // A length in more bytes than it needs, which DER forbids.
        [&[0x30, 0x81, sound[1]], name.as_slice()].concat(),
        // A constructed URI.
        element(0x30, &element(0xa6, WEB.as_bytes())),
    ] {
        let pem = with_raw_names(&content).pem();
        assert_eq!(
            PeerCertificate::parse_pem(&pem).map(drop),
            wrong,
            "{content:02x?}"
        );
    }
    let twice = certificate_with([uri(WEB)], |params| {
        let extension = rcgen::CustomExtension::from_oid_content(support::SUBJECT_ALT_NAME, sound.clone());
        params.custom_extensions.push(extension);
    });
    assert_eq!(PeerCertificate::parse_pem(&twice.pem()).map(drop), wrong);
}

#[test]
fn exactly_one_certificate_is_read() {
    let pem = certificate([uri(WEB)]).pem();
    let other = certificate([uri("spiffe://prod.example/other")]).pem();
    let encoded = envoys_encoding(&pem);
    for (text, error) in [
        (
            String::new(),
            PemError::NoBlock {
                expected: "CERTIFICATE",
            },
        ),
        // A chain: Envoy sends the leaf alone here.
        (envoys_encoding(&format!("{pem}{other}")), PemError::Damaged),
        (format!("{encoded}{encoded}"), PemError::Damaged),
        (format!("{encoded}junk"), PemError::Damaged),
        (
            format!("junk{encoded}"),
            PemError::NoBlock {
                expected: "CERTIFICATE",
            },
        ),
        (encoded.replacen("MII", "M%2DI", 1), PemError::Damaged),
        (
            encoded.replace("CERTIFICATE", "TRUSTED%20CERTIFICATE"),
            PemError::WrongLabel {
                expected: "CERTIFICATE",
                found: "another kind of block",
            },
        ),
    ] {
        let refused = PeerCertificate::parse_url_encoded_pem(&text).map(drop);
        assert_eq!(refused, Err(PeerCertificateError::Pem(error)), "{text}");
    }
}

#[test]
fn what_is_not_url_encoded_is_refused() {
    let pem = certificate([uri(WEB)]).pem();
    let refused = PeerCertificate::parse_url_encoded_pem(&pem).map(drop);
    // The space of `BEGIN CERTIFICATE`.
    assert_eq!(
        refused,
        Err(PeerCertificateError::UrlEncoding(UrlEncodingError::Bare(10)))
    );
    let long = "a".repeat(1024 * 1024);
    assert_eq!(
        PeerCertificate::parse_url_encoded_pem(&long).map(drop),
        Err(PeerCertificateError::TooLong)
    );
}

#[test]
fn der_with_more_after_it_or_less_in_it_is_no_certificate() {
    let certificate = certificate([uri(WEB)]);
    let der = certificate.der().as_ref();
    assert!(PeerCertificate::parse_der(der).is_ok());
    for wrong in [
        &[der, &[0]].concat(),
        &der[..der.len() - 1],
        &[],
        &[0x30, 0x80, 0, 0],
    ] {
        assert_eq!(
            PeerCertificate::parse_der(wrong).map(drop),
            Err(PeerCertificateError::NotX509)
        );
    }
}

#[test]
fn validity_is_read_to_the_second() {
    let certificate = read(&certificate_with([uri(WEB)], |params| {
        params.not_before = date_time_ymd(2026, 1, 2);
        params.not_after = date_time_ymd(2051, 3, 4);
    }));
    assert_eq!(certificate.not_before().0, 1_767_312_000);
    assert_eq!(certificate.not_after().0, 2_561_500_800);
}

/// RFC 8705, appendix A: the certificate of figure 6 has the thumbprint of figure 5.
#[test]
fn the_thumbprint_is_that_of_rfc_8705() {
    let certificate = PeerCertificate::parse_pem(include_str!("vectors/rfc8705-appendix-a.pem")).unwrap();
    assert_eq!(
        certificate.thumbprint_s256(),
        "A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0"
    );
    assert_eq!(certificate.spiffe_id(), Err(IdentityError::NoUri));
}

/// Made with `openssl req -x509`, with every kind of name that it makes; the value is that of
/// `openssl x509 -outform der | openssl dgst -sha256 -binary | basenc --base64url`.
#[test]
fn a_certificate_of_openssls_reads_as_openssl_reads_it() {
    let certificate = PeerCertificate::parse_pem(include_str!("vectors/openssl-leaf.pem")).unwrap();
    assert_eq!(
        certificate.thumbprint_s256(),
        include_str!("vectors/openssl-leaf.x5t_s256").trim_end()
    );
    assert_eq!(
        certificate.spiffe_id().map(ToString::to_string).as_deref(),
        Ok("spiffe://prod.example/ns/shop/sa/web")
    );
}
