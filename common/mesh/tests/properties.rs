//! Properties of SPIFFE identities.

mod support;

use postern_mesh::{IdentityError, PeerCertificate, SpiffeId, xfcc};
use proptest::prelude::*;
use support::{certificate, dns, envoys_encoding, uri};

/// What the standard's text says, written as a pattern instead of as code: the oracle for the parser.
const TRUST_DOMAIN: &str = "[a-z0-9._-]{1,255}";
const SEGMENT: &str = "[A-Za-z0-9_-][A-Za-z0-9._-]{0,30}";

fn valid_id() -> impl Strategy<Value = (String, String)> {
    (TRUST_DOMAIN, prop::collection::vec(SEGMENT, 0..8)).prop_map(|(domain, segments)| {
        let path: String = segments.iter().map(|segment| format!("/{segment}")).collect();
        (domain, path)
    })
}

/// The rules again, the slow and obvious way.
fn is_id(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("spiffe://") else {
        return false;
    };
    let mut parts = rest.split('/');
    let domain = parts.next().unwrap_or_default();
    text.len() <= 2048
        && (1..=255).contains(&domain.len())
        && domain
            .chars()
            .all(|c| "abcdefghijklmnopqrstuvwxyz0123456789.-_".contains(c))
        && parts.all(|segment| {
            !["", ".", ".."].contains(&segment)
                && segment
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || ".-_".contains(c))
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn property_07_every_valid_spiffe_id_comes_apart_exactly((domain, path) in valid_id()) {
        let text = format!("spiffe://{domain}{path}");
        let id = SpiffeId::parse(&text).expect("a valid one");
        prop_assert_eq!(id.trust_domain(), domain);
        prop_assert_eq!(id.path(), path);
        prop_assert_eq!(id.to_string(), text);
    }

    #[test]
    fn property_07_one_changed_character_is_judged_by_the_same_rules(
        (domain, path) in valid_id(),
        at in any::<prop::sample::Index>(),
        by in prop_oneof!["[/.:@%?#A-Z ]", any::<char>().prop_map(String::from)],
        insert in any::<bool>(),
    ) {
        let mut text = format!("spiffe://{domain}{path}");
        let at = at.index(text.len());
        text.replace_range(at..(if insert { at } else { at + 1 }), &by);
        prop_assert_eq!(SpiffeId::parse(&text).is_ok(), is_id(&text), "{:?}", text);
    }

    #[test]
    fn property_07_no_text_makes_the_parser_panic_or_accept_more(text in "(spiffe://)?.{0,40}") {
        prop_assert_eq!(SpiffeId::parse(&text).is_ok(), is_id(&text), "{:?}", text);
    }
}

/// A name of a certificate: an ID, another URI, or a DNS name. Only the first two are URIs.
fn any_name() -> impl Strategy<Value = (bool, String)> {
    prop_oneof![
        valid_id().prop_map(|(domain, path)| (true, format!("spiffe://{domain}{path}"))),
        "(spiffe|https|urn)://?[ -~]{0,40}".prop_map(|text| (true, text)),
        "[ -~]{1,40}".prop_map(|text| (true, text)),
        "[a-z]{1,10}[.]example".prop_map(|text| (false, text)),
    ]
}

/// A value as XFCC has it where it may hold anything.
fn quoted(value: &str) -> String {
    format!("\"{}\"", value.replace('"', "\\\""))
}

proptest! {
    // Each case makes a certificate.
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn property_07_an_identity_is_the_only_uri_and_that_exactly(names in prop::collection::vec(any_name(), 0..4)) {
        let sans = names.iter().map(|(is_uri, text)| if *is_uri { uri(text) } else { dns(text) });
        let pem = envoys_encoding(&certificate(sans).pem());
        let parsed = PeerCertificate::parse_url_encoded_pem(&pem).expect("a certificate");
        let uris: Vec<&str> = names.iter().filter(|(is_uri, _)| *is_uri).map(|(_, text)| text.as_str()).collect();
        prop_assert_eq!(parsed.uri_sans(), uris.as_slice());

        let workload = |text: &str| is_id(text) && text.matches('/').count() > 2;
        match uris.as_slice() {
            [] => prop_assert_eq!(parsed.spiffe_id(), Err(IdentityError::NoUri)),
            // What Envoy puts into `source.principal` for such a certificate, and what it says in XFCC, is the same ID.
            [only] if workload(only) => {
                prop_assert_eq!(parsed.spiffe_id().map(SpiffeId::as_str), Ok(*only));
                prop_assert_eq!(parsed.spiffe_id().cloned().ok(), SpiffeId::parse(only).ok());
                let header = format!("By=spiffe://td/me;Cert=\"{pem}\";Subject=\"\";URI={only}");
                let elements = xfcc::parse(&header).expect("an element");
                prop_assert_eq!(elements[0].spiffe_id().map(|id| id.to_string()), Ok((*only).to_owned()));
            }
            [only] => prop_assert!(parsed.spiffe_id().is_err(), "{:?}", only),
            several => prop_assert_eq!(parsed.spiffe_id(), Err(IdentityError::SeveralUris(several.len()))),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn property_07_xfcc_values_come_back_as_they_were_written(
        // A backslash before a quote is what Envoy's rules can't say apart.
        subjects in prop::collection::vec("[ -\\[\\]-~é]{0,20}", 1..6),
        (domain, path) in valid_id(),
    ) {
        let header: Vec<String> = subjects
            .iter()
            .map(|subject| format!("Subject={};URI=spiffe://{domain}{path}", quoted(subject)))
            .collect();
        let header = header.join(",");
        let elements = xfcc::parse(&header).expect("written by the rules");
        let back: Vec<_> = elements.iter().map(|element| element.subject.as_deref().unwrap_or_default()).collect();
        prop_assert_eq!(back, subjects);
        for element in &elements {
            prop_assert_eq!(element.uris.len(), 1);
            prop_assert_eq!(element.spiffe_id().is_ok(), !path.is_empty());
        }
    }

    #[test]
    fn property_07_no_header_makes_the_parser_panic_or_find_what_is_not_there(
        header in "((By|Hash|Cert|URI|DNS|Subject|uri)?=?[\"\\\\,;= a-z:/]{0,12}){0,6}",
    ) {
        for element in xfcc::parse(&header).into_iter().flatten() {
            for uri in &element.uris {
                let as_written = uri.replace('"', "\\\"");
                prop_assert!(header.contains(as_written.as_str()));
            }
        }
    }

    #[test]
    fn property_07_damaged_certificates_never_panic(at in any::<prop::sample::Index>(), bit in 0..8_u8) {
        let mut der = certificate([uri("spiffe://td/a")]).der().to_vec();
        let at = at.index(der.len());
        der[at] ^= 1 << bit;
        // The damage is in what isn't read, or it is refused, or it is the identity itself; another *count* of names is not.
        if let Ok(parsed) = PeerCertificate::parse_der(&der) {
            prop_assert!(parsed.uri_sans().len() <= 1);
        }
    }
}
