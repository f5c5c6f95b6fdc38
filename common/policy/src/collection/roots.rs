//! That no part of `data` has two owners: OPA activates no bundles whose roots overlap, and says which.

use std::collections::BTreeSet;

/// Bundles of which two own the same.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct RootsOverlap {
    /// The bundles' names, in their order.
    pub bundles: Vec<String>,
    text: String,
}

/// Whether the roots of these bundles (each with its name) are disjoint. A bundle's own roots are its manifest's business.
///
/// # Errors
/// All that overlap, in OPA's words (`bundle/store.go`, `hasRootsOverlap`).
pub(super) fn check<'b>(bundles: impl Iterator<Item = (&'b str, &'b [String])>) -> Result<(), RootsOverlap> {
    let mut roots: Vec<(String, &str)> = bundles
        .flat_map(|(name, roots)| roots.iter().map(move |root| (canonical(root), name)))
        .collect();
    roots.sort();
    let mut colliding = BTreeSet::new();
    let mut conflicts = BTreeSet::new();
    for (at, (root, bundle)) in roots.iter().enumerate() {
        let below = roots
            .iter()
            .skip(at + 1)
            .take_while(|(other, _)| other.starts_with(root.as_str()));
        for (other, other_bundle) in below.filter(|(_, other)| other != bundle) {
            colliding.extend([*bundle, *other_bundle]);
            let (shown, other_shown) = (root.trim_matches('/'), other.trim_matches('/'));
            conflicts.insert(if root == other {
                format!("root {shown} is in multiple bundles")
            } else {
                format!("{shown} overlaps {other_shown}")
            });
        }
    }
    if colliding.is_empty() {
        return Ok(());
    }
    let list = |names: &BTreeSet<&str>| names.iter().copied().collect::<Vec<_>>().join(", ");
    let whole: BTreeSet<&str> = roots
        .iter()
        .filter(|(root, _)| root == "/")
        .map(|(_, name)| *name)
        .collect();
    let text = if whole.is_empty() {
        let conflicts: Vec<String> = conflicts.into_iter().collect();
        format!(
            "detected overlapping roots in manifests for these bundles: [{}] ({})",
            list(&colliding),
            conflicts.join(", ")
        )
    } else {
        format!(
            "bundles [{}] have overlapping roots and cannot be activated simultaneously because bundle(s) [{}] specify empty \
             root paths ('') which overlap with any other bundle root",
            list(&colliding),
            list(&whole)
        )
    };
    Err(RootsOverlap {
        bundles: colliding.into_iter().map(str::to_owned).collect(),
        text,
    })
}

/// With slashes around, so that a beginning is one of whole names.
fn canonical(root: &str) -> String {
    match root.trim_matches('/') {
        "" => "/".to_owned(),
        root => format!("/{root}/"),
    }
}

/// Whether a path's names are at or below a root.
pub(super) fn contains(root: &str, path: &[String]) -> bool {
    root.is_empty() || {
        let names: Vec<&str> = root.split('/').collect();
        names.len() <= path.len() && names.iter().zip(path).all(|(root, name)| root == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn overlap(bundles: &[(&str, &[&str])]) -> Option<String> {
        let bundles: Vec<(&str, Vec<String>)> = bundles
            .iter()
            .map(|(name, roots)| (*name, roots.iter().map(|root| (*root).to_owned()).collect()))
            .collect();
        check(bundles.iter().map(|(name, roots)| (*name, roots.as_slice())))
            .err()
            .map(|error| error.to_string())
    }

    #[test]
    fn overlapping_roots_are_told_as_opa_tells_them() {
        assert_eq!(
            overlap(&[("one", &["a", "b"]), ("two", &["ab", "c/d"]), ("three", &["c/e"])]),
            None
        );
        assert_eq!(
            overlap(&[("one", &["a"]), ("two", &["a"])]).unwrap(),
            "detected overlapping roots in manifests for these bundles: [one, two] (root a is in multiple bundles)"
        );
        assert_eq!(
            overlap(&[("two", &["a/b"]), ("one", &["x", "a"])]).unwrap(),
            "detected overlapping roots in manifests for these bundles: [one, two] (a overlaps a/b)"
        );
        assert_eq!(
            overlap(&[("one", &[""]), ("two", &["a"])]).unwrap(),
            "bundles [one, two] have overlapping roots and cannot be activated simultaneously because bundle(s) [one] specify \
             empty root paths ('') which overlap with any other bundle root"
        );
        assert_eq!(overlap(&[("one", &[""])]), None);
    }
}
