//! Envoy's `x-forwarded-client-cert`: its own examples, what its filter writes, and what has two readings.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod support;

use std::borrow::Cow;

use postern_mesh::xfcc::{self, XfccElement, XfccError, XfccIdentityError};
use postern_mesh::{IdentityError, PeerCertificate, PeerCertificateError, SpiffeIdError, UrlEncodingError};
use support::{certificate, envoys_encoding, uri};

const WEB: &str = "spiffe://prod.example/ns/shop/sa/web";

fn only(header: &str) -> XfccElement<'_> {
    let mut elements = xfcc::parse(header).unwrap();
    assert_eq!(elements.len(), 1, "{header}");
    elements.pop().unwrap()
}

fn identity(header: &str) -> Result<String, XfccIdentityError> {
    only(header).spiffe_id().map(|id| id.to_string())
}

fn texts<'a>(values: &[&'a str]) -> Vec<Cow<'a, str>> {
    values.iter().copied().map(Cow::Borrowed).collect()
}

/// The examples of Envoy's documentation.
#[test]
fn envoys_own_examples_are_read() {
    let hash = "468ed33be74eee6556d90c0149c1309e9ba61d6425303443c0748a02dd8de688";
    let one = format!(
        r#"By=http://frontend.lyft.com;Hash={hash};Subject="/C=US/ST=CA/L=San Francisco/OU=Lyft/CN=Test Client";URI=http://testclient.lyft.com"#
    );
    assert_eq!(
        only(&one),
        XfccElement {
            by: texts(&["http://frontend.lyft.com"]),
            hash: Some(hash.into()),
            subject: Some("/C=US/ST=CA/L=San Francisco/OU=Lyft/CN=Test Client".into()),
            uris: texts(&["http://testclient.lyft.com"]),
            ..XfccElement::default()
        }
    );
    let two = format!(
        "By=http://frontend.lyft.com;Hash={hash};URI=http://testclient.lyft.com,By=http://backend.lyft.com;Hash={hash};URI=http://frontend.lyft.com"
    );
    let elements = xfcc::parse(&two).unwrap();
    assert_eq!(elements.len(), 2);
    assert_eq!(elements[0].uris, texts(&["http://testclient.lyft.com"]));
    assert_eq!(elements[1].by, texts(&["http://backend.lyft.com"]));
    let with_dns = format!(
        r#"By=http://frontend.lyft.com;Hash={hash};Subject="/C=US/CN=Test Client";URI=http://testclient.lyft.com;DNS=lyft.com;DNS=www.lyft.com"#
    );
    assert_eq!(only(&with_dns).dns, texts(&["lyft.com", "www.lyft.com"]));
}

#[test]
fn keys_do_not_depend_on_case_and_values_do() {
    let element = only("BY=a;hash=AB;cErT=C%20;CHAIN=D;SUBJECT=\"e\";uri=F;dns=g");
    assert_eq!(
        element,
        XfccElement {
            by: texts(&["a"]),
            hash: Some("AB".into()),
            cert: Some("C%20".into()),
            chain: Some("D".into()),
            subject: Some("e".into()),
            uris: texts(&["F"]),
            dns: texts(&["g"]),
        }
    );
}

#[test]
fn a_quoted_value_may_hold_what_separates() {
    for (header, subject) in [
        (r#"Subject="a,b;c=d""#, "a,b;c=d"),
        (r#"Subject="""#, ""),
        (r#"Subject="CN=\"x\",O=y""#, r#"CN="x",O=y"#),
        (r#"Subject="\"""#, "\""),
        // RFC 2253, in which Envoy writes names, escapes commas so; the backslash is its own.
        (r#"Subject="CN=a\,b""#, r"CN=a\,b"),
        (r#"Subject="CN=é""#, "CN=é"),
    ] {
        assert_eq!(only(header).subject.as_deref(), Some(subject), "{header}");
    }
    // What is after the value is read on.
    let elements =
        xfcc::parse(r#"Subject="x,URI=spiffe://td/a";URI=spiffe://td/b,URI=spiffe://td/c"#).unwrap();
    assert_eq!(elements.len(), 2);
    assert_eq!(elements[0].uris, texts(&["spiffe://td/b"]));
}

#[test]
fn space_around_elements_and_pairs_is_optional() {
    let elements = xfcc::parse(" By=a ; URI=b \t, By=\"c\" ;URI=d ").unwrap();
    assert_eq!(elements.len(), 2);
    assert_eq!(elements[0].uris, texts(&["b"]));
    assert_eq!(elements[1].by, texts(&["c"]));
    assert_eq!(elements[1].uris, texts(&["d"]));
}

#[test]
fn what_has_no_single_reading_is_refused() {
    for (header, error) in [
        ("", XfccError::Empty),
        (" ", XfccError::Empty),
        (",", XfccError::Empty),
        ("URI=a,", XfccError::Empty),
        (",URI=a", XfccError::Empty),
        ("URI=a,,URI=b", XfccError::Empty),
        ("URI=a;", XfccError::Empty),
        ("URI=a;;By=b", XfccError::Empty),
        ("URI", XfccError::NoValue),
        ("By=a;URI", XfccError::NoValue),
        ("URI;By=a", XfccError::NoValue),
        ("\"URI\"=a", XfccError::NoValue),
        ("=a", XfccError::UnknownKey),
        ("SAN=spiffe://td/a", XfccError::UnknownKey),
        ("URI =a", XfccError::UnknownKey),
        ("Hash=a;hash=a", XfccError::Repeated("Hash")),
        ("Cert=a;Cert=b", XfccError::Repeated("Cert")),
        ("Chain=a;Chain=b", XfccError::Repeated("Chain")),
        ("Subject=\"a\";Subject=\"a\"", XfccError::Repeated("Subject")),
        ("Subject=\"a", XfccError::Quoting),
        ("Subject=\"a\\\"", XfccError::Quoting),
        ("Subject=\"", XfccError::Quoting),
        ("Subject=\"a\"b", XfccError::Quoting),
        ("Subject=\"a\" b;URI=c", XfccError::Quoting),
        ("URI=a\"b", XfccError::Quoting),
        ("URI=a\"b,c\"", XfccError::Quoting),
        // Envoy writes this for a name that ends in a backslash; by its own rule the value goes on.
        (r#"Subject="CN=a\\";URI=b"#, XfccError::AmbiguousQuote),
        ("URI=a\nURI=b", XfccError::ControlCharacter),
        ("URI=a\0", XfccError::ControlCharacter),
    ] {
        assert_eq!(xfcc::parse(header), Err(error), "{header:?}");
    }
}

#[test]
fn the_limits_are_exact() {
    let elements = |count: usize| vec!["URI=a"; count].join(",");
    assert!(xfcc::parse(&elements(xfcc::MAX_XFCC_ELEMENTS)).is_ok());
    assert_eq!(
        xfcc::parse(&elements(xfcc::MAX_XFCC_ELEMENTS + 1)),
        Err(XfccError::TooManyElements)
    );
    let long = |bytes: usize| format!("URI={}", "a".repeat(bytes - 4));
    assert!(xfcc::parse(&long(xfcc::MAX_XFCC_BYTES)).is_ok());
    assert_eq!(
        xfcc::parse(&long(xfcc::MAX_XFCC_BYTES + 1)),
        Err(XfccError::TooLong)
    );
}

#[test]
fn an_element_without_a_certificate_is_its_only_uri() {
    assert_eq!(
        identity(&format!("By=spiffe://td/me;URI={WEB}")).as_deref(),
        Ok(WEB)
    );
    for (header, error) in [
        ("By=spiffe://td/me;Hash=00", IdentityError::NoUri),
        ("URI=;DNS=web.example", IdentityError::NoUri),
        (
            "URI=spiffe://td/a;URI=spiffe://td/a",
            IdentityError::SeveralUris(2),
        ),
        ("URI=;URI=spiffe://td/a", IdentityError::SeveralUris(2)),
        ("URI=spiffe://td", IdentityError::NoPath),
        (
            "URI=https://a.example",
            IdentityError::NotSpiffe(SpiffeIdError::Scheme),
        ),
    ] {
        assert_eq!(
            identity(header),
            Err(XfccIdentityError::Identity(error)),
            "{header}"
        );
    }
}

#[test]
fn a_certificate_decides_and_must_agree_with_what_stands_beside_it() {
    let certificate = certificate([uri(WEB)]);
    let pem = envoys_encoding(&certificate.pem());
    let hash: String = PeerCertificate::parse_pem(&certificate.pem())
        .unwrap()
        .sha256()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    for header in [
        format!("Cert=\"{pem}\""),
        format!("Hash={hash};Cert=\"{pem}\";Subject=\"\";URI={WEB}"),
        format!("Hash={};Cert=\"{pem}\"", hash.to_uppercase()),
    ] {
        assert_eq!(identity(&header).as_deref(), Ok(WEB), "{header}");
    }
    for (header, error) in [
        (
            format!("Hash={};Cert=\"{pem}\"", hash.replace(&hash[..1], "z")),
            XfccIdentityError::Disagreement("Hash"),
        ),
        (
            format!("Hash=;Cert=\"{pem}\""),
            XfccIdentityError::Disagreement("Hash"),
        ),
        (
            format!("Cert=\"{pem}\";URI=spiffe://prod.example/ns/shop/sa/admin"),
            XfccIdentityError::Disagreement("URI"),
        ),
        (
            format!("Cert=\"{pem}\";URI={WEB};URI={WEB}"),
            XfccIdentityError::Disagreement("URI"),
        ),
        (
            format!("Cert=\"{pem}\";URI="),
            XfccIdentityError::Disagreement("URI"),
        ),
        (
            format!("Cert=\"{}\";URI={WEB}", certificate.pem().replace('\n', "")),
            XfccIdentityError::Certificate(PeerCertificateError::UrlEncoding(UrlEncodingError::Bare(10))),
        ),
    ] {
        assert_eq!(identity(&header), Err(error), "{header}");
    }
}
