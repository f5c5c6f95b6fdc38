//! Properties of SPIFFE identities.

use postern_mesh::SpiffeId;
use proptest::prelude::*;

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
