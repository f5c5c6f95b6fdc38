//! Envoy's `x-forwarded-client-cert`: what is read can be written by Envoy's rules and reads the same.

use postern_mesh::xfcc::{MAX_XFCC_ELEMENTS, XfccElement, parse};

/// Reads `data` as a header.
pub fn run(data: &[u8]) {
    let Ok(header) = std::str::from_utf8(data) else {
        return;
    };
    let Ok(elements) = parse(header) else {
        return;
    };
    assert!((1..=MAX_XFCC_ELEMENTS).contains(&elements.len()));
    for element in &elements {
        drop(element.spiffe_id());
        for uri in &element.uris {
            let as_written = uri.replace('"', "\\\"");
            assert!(header.contains(&as_written), "{uri} came from nowhere");
        }
    }
    let written: Option<Vec<String>> = elements.iter().map(write).collect();
    if let Some(written) = written {
        assert_eq!(parse(&written.join(",")).as_ref(), Ok(&elements));
    }
}

/// `None` for what Envoy's rules can't say: a backslash before a quote or at the end.
fn write(element: &XfccElement<'_>) -> Option<String> {
    let one = |key, value: &Option<_>| value.iter().map(|value| pair(key, value)).collect::<Vec<_>>();
    let many = |key, values: &[_]| values.iter().map(|value| pair(key, value)).collect::<Vec<_>>();
    let pairs: Option<Vec<String>> = [
        many("By", &element.by),
        one("Hash", &element.hash),
        one("Cert", &element.cert),
        one("Chain", &element.chain),
        one("Subject", &element.subject),
        many("URI", &element.uris),
        many("DNS", &element.dns),
    ]
    .into_iter()
    .flatten()
    .collect();
    pairs.map(|pairs| pairs.join(";"))
}

fn pair(key: &str, value: &impl AsRef<str>) -> Option<String> {
    let value = value.as_ref();
    if value.ends_with('\\') || value.contains("\\\"") {
        return None;
    }
    Some(format!("{key}=\"{}\"", value.replace('"', "\\\"")))
}
