use postern_telemetry::Code;
use rcgen::{CertificateParams, KeyPair, SanType};

use super::*;
use crate::routes::{AddressRange, SpiffePattern, XfccSender};
use crate::view::{Address, SocketAddress};

const WEB: &str = "spiffe://prod.example/ns/shop/sa/web";
const CART: &str = "spiffe://prod.example/ns/shop/sa/cart";
const OTHER: &str = "spiffe://other.example/ns/shop/sa/web";

/// A certificate with these URIs, URL-encoded as Envoy sends it.
fn certificate(uris: &[&str]) -> String {
    let mut params = CertificateParams::new(vec!["web.example".to_owned()]).unwrap();
    params
        .subject_alt_names
        .extend(uris.iter().map(|uri| SanType::URI((*uri).try_into().unwrap())));
    let pem = params.self_signed(&KeyPair::generate().unwrap()).unwrap().pem();
    pem.replace('+', "%2B")
        .replace('/', "%2F")
        .replace('=', "%3D")
        .replace(' ', "%20")
        .replace('\n', "%0A")
}

fn sender(text: &str) -> PeerRules {
    PeerRules {
        xfcc_from: Arc::from([match AddressRange::parse(text) {
            Ok(range) => XfccSender::Addresses(range),
            Err(_) => XfccSender::Workload(SpiffePattern::parse(text).unwrap()),
        }]),
        ..PeerRules::default()
    }
}

fn trusting_principals() -> PeerRules {
    PeerRules {
        trust_principal: true,
        ..PeerRules::default()
    }
}

fn look(rules: &PeerRules, certificate: &str, principal: &str, xfcc: Option<&str>) -> Result<Peer, Refusal> {
    let source = PeerView {
        address: Some(Address::Socket(SocketAddress {
            address: "10.1.2.3",
            ..SocketAddress::default()
        })),
        principal,
        certificate,
        ..PeerView::default()
    };
    let headers = Headers::from_text(xfcc.map(|xfcc| ("x-forwarded-client-cert", xfcc)));
    let certificates = PeerCertificates::new();
    let first = identify(Some(&source), &headers, rules, &certificates);
    let again = identify(Some(&source), &headers, rules, &certificates);
    // A certificate that was read before says what it said then.
    assert_eq!(
        first
            .as_ref()
            .map(|peer| &peer.id)
            .map_err(|refusal| refusal.code),
        again
            .as_ref()
            .map(|peer| &peer.id)
            .map_err(|refusal| refusal.code)
    );
    first
}

#[track_caller]
fn check(rules: &PeerRules, certificate: &str, principal: &str, expected: Result<Option<&str>, Code>) {
    check_forwarded(rules, certificate, principal, None, expected);
}

#[track_caller]
fn check_forwarded(
    rules: &PeerRules,
    certificate: &str,
    principal: &str,
    xfcc: Option<&str>,
    expected: Result<Option<&str>, Code>,
) {
    let found = look(rules, certificate, principal, xfcc);
    let found = found
        .as_ref()
        .map(|peer| peer.id.as_ref().map(|id| id.as_str()))
        .map_err(|refusal| refusal.code);
    assert_eq!(found, expected, "{principal} {xfcc:?}");
}

#[test]
fn the_certificate_decides_and_the_principal_must_agree() {
    let any = PeerRules::default();
    let web = certificate(&[WEB]);
    check(&any, &web, WEB, Ok(Some(WEB)));
    check(&any, &web, "", Ok(Some(WEB)));
    // Envoy's other fillings say nothing about workloads.
    check(&any, &web, "web.example", Ok(Some(WEB)));
    for other in [
        CART,
        OTHER,
        "spiffe://prod.example/ns/shop/sa/web/",
        "SPIFFE://prod.example/a",
        "spiffe:x",
    ] {
        check(&any, &web, other, Err(Code::PeerAmbiguous));
    }
    assert!(look(&any, &web, WEB, None).unwrap().certificate_sha256.is_some());
}

#[test]
fn two_names_are_refused_and_no_name_is_nobody() {
    let any = PeerRules::default();
    for uris in [
        [WEB, CART],
        [WEB, "https://a.example"],
        ["https://a.example", WEB],
    ] {
        check(&any, &certificate(&uris), uris[0], Err(Code::PeerAmbiguous));
        check(&any, &certificate(&uris), "", Err(Code::PeerAmbiguous));
    }
    for uris in [
        vec![],
        vec!["https://a.example"],
        vec!["https://a.example", "https://b.example"],
    ] {
        check(
            &any,
            &certificate(&uris),
            uris.first().unwrap_or(&"CN=x"),
            Ok(None),
        );
        // A principal that the certificate doesn't bear out.
        check(&any, &certificate(&uris), WEB, Err(Code::PeerAmbiguous));
        check(
            &trusting_principals(),
            &certificate(&uris),
            WEB,
            Err(Code::PeerAmbiguous),
        );
    }
    check(
        &any,
        &certificate(&["spiffe://prod.example"]),
        "spiffe://prod.example",
        Err(Code::PeerAmbiguous),
    );
    check(
        &any,
        &certificate(&["spiffe://prod.example/a/../b"]),
        "spiffe://prod.example/a/../b",
        Ok(None),
    );
    for text in ["x", "%", "-----BEGIN%20CERTIFICATE-----"] {
        check(&any, text, WEB, Err(Code::PeerAmbiguous));
    }
}

#[test]
fn a_principal_alone_counts_where_the_route_says_so() {
    check(&PeerRules::default(), "", WEB, Ok(None));
    check(&trusting_principals(), "", WEB, Ok(Some(WEB)));
    for principal in [
        "",
        "web.example",
        "CN=web",
        "SPIFFE://prod.example/a",
        "spiffe://prod.example/a/../b",
    ] {
        check(&trusting_principals(), "", principal, Ok(None));
    }
    let nobody = identify(
        None,
        &Headers::default(),
        &trusting_principals(),
        &PeerCertificates::new(),
    );
    assert_eq!(nobody.unwrap().id, None);
}

#[test]
fn who_the_route_names_gets_in_and_nobody_else() {
    let rules = PeerRules {
        trust_domains: Arc::from([Box::from("prod.example")]),
        spiffe_ids: Arc::from([SpiffePattern::parse("spiffe://prod.example/ns/shop/sa/web").unwrap()]),
        ..PeerRules::default()
    };
    check(&rules, &certificate(&[WEB]), WEB, Ok(Some(WEB)));
    check(&rules, &certificate(&[CART]), CART, Err(Code::PeerUntrusted));
    check(&rules, &certificate(&[OTHER]), OTHER, Err(Code::PeerUntrusted));
    check(&rules, &certificate(&[]), "", Err(Code::PeerRequired));
    check(&rules, "", WEB, Err(Code::PeerRequired));
}

#[test]
fn a_forwarders_word_counts_where_the_route_lists_it() {
    let gateway = certificate(&["spiffe://prod.example/gateway"]);
    let said = format!(
        "By=spiffe://prod.example/gateway;Hash={};URI={WEB}",
        "ab".repeat(32)
    );
    let by_id = sender("spiffe://prod.example/gateway");
    let by_address = sender("10.0.0.0/8");
    check_forwarded(&by_id, &gateway, "", Some(&said), Ok(Some(WEB)));
    check_forwarded(&by_address, "", "", Some(&said), Ok(Some(WEB)));
    // Not from somebody else, and the sender itself is then who sent it.
    let others = [
        sender("spiffe://prod.example/other"),
        sender("192.168.0.0/16"),
        PeerRules::default(),
    ];
    for rules in others {
        check_forwarded(
            &rules,
            &gateway,
            "",
            Some(&said),
            Ok(Some("spiffe://prod.example/gateway")),
        );
        check_forwarded(&rules, "", "", Some(&said), Ok(None));
    }
    let peer = look(&by_id, &gateway, "", Some(&said)).unwrap();
    assert_eq!(peer.certificate_sha256, Some([0xab; 32]));
}

#[test]
fn a_forwarder_that_names_nobody_is_not_taken_for_its_client() {
    let gateway = certificate(&["spiffe://prod.example/gateway"]);
    let rules = sender("spiffe://prod.example/gateway");
    check_forwarded(&rules, &gateway, "", None, Ok(None));
    check_forwarded(&rules, &gateway, "", Some("By=x;URI="), Ok(None));
    check_forwarded(&rules, &gateway, "", Some("By=x;DNS=a.example"), Ok(None));
}

#[test]
fn of_what_a_forwarder_sent_only_its_last_word_counts() {
    let rules = sender("10.0.0.0/8");
    check_forwarded(
        &rules,
        "",
        "",
        Some(&format!("URI={CART},URI={WEB}")),
        Ok(Some(WEB)),
    );
    // What our own Envoy added about the forwarder is not about its client.
    let gateway = certificate(&["spiffe://prod.example/gateway"]);
    let sha256 = look(&PeerRules::default(), &gateway, "", None)
        .unwrap()
        .certificate_sha256
        .unwrap();
    let own = format!("Hash={};URI=spiffe://prod.example/gateway", hex::encode(sha256));
    check_forwarded(
        &rules,
        &gateway,
        "",
        Some(&format!("URI={WEB},{own}")),
        Ok(Some(WEB)),
    );
    check_forwarded(&rules, &gateway, "", Some(&own), Ok(None));
}

#[test]
fn what_a_forwarder_says_twice_or_not_at_all_is_refused() {
    let rules = sender("10.0.0.0/8");
    for said in [
        format!("URI={WEB};URI={CART}"),
        format!("URI={WEB},"),
        "x".to_owned(),
        String::new(),
    ] {
        check_forwarded(&rules, "", "", Some(&said), Err(Code::PeerAmbiguous));
    }
    let web = certificate(&[WEB]);
    let lie = format!("Cert=\"{web}\";URI={CART}");
    check_forwarded(&rules, "", "", Some(&lie), Err(Code::PeerAmbiguous));
    let truth = format!("Cert=\"{web}\";URI={WEB}");
    check_forwarded(&rules, "", "", Some(&truth), Ok(Some(WEB)));
}
