//! A delta bundle on a bundle in force: refused, or another bundle within the same bounds and roots, with nothing of the one
//! before it changed. The input is the bundle's data, a line `--`, and `patch.json`.

use postern_policy::bundle::{Arrived, Bundle, Deltas, Limits, Verification};

const LIMITS: Limits = Limits {
    archive_bytes: 1024 * 1024,
    inflated_bytes: 64 * 1024,
    file_bytes: 64 * 1024,
    files: 10,
    path_bytes: 200,
};
const MANIFEST: &str = r#"{"revision":"r","roots":["a","b/c"]}"#;

/// Puts a delta on a bundle.
pub fn run(data: &[u8]) {
    let (base, patch) = match data.windows(4).position(|bytes| bytes == b"\n--\n") {
        Some(at) => (&data[..at], &data[at + 4..]),
        None => (&b"{}"[..], data),
    };
    let Ok(base) = whole(base) else {
        return;
    };
    let files = files("patch.json", patch);
    let arrived = Arrived::of_files(files, &Verification::Unsigned, &LIMITS, Deltas::default());
    let Ok(Arrived::Delta(delta)) = arrived else {
        return;
    };
    let before = base.data().to_json();
    let changed = delta.on("b", &base);
    assert_eq!(base.data().to_json(), before);
    let Ok(changed) = changed else {
        return;
    };
    let after = changed.data().to_json();
    // Escapes apart, which are up to six bytes for one.
    assert!(after.len() as u64 <= 6 * LIMITS.inflated_bytes);
    let unbounded = after.len() as u64 > LIMITS.inflated_bytes;
    assert!(unbounded || whole(after.as_bytes()).is_ok(), "{after}");
    let again = delta.on("b", &base).expect("it was taken once");
    assert_eq!(again.data().to_json(), after);
    // What came out is as good a base as what was there.
    if let Ok(next) = delta.on("b", &changed) {
        assert_eq!(next.manifest().roots, base.manifest().roots);
    }
}

fn whole(data: &[u8]) -> Result<Bundle, postern_policy::BundleError> {
    Bundle::of_files(files("data.json", data), &Verification::Unsigned, &LIMITS)
}

fn files(name: &str, content: &[u8]) -> [(String, Vec<u8>); 2] {
    [
        (".manifest".to_owned(), MANIFEST.into()),
        (name.to_owned(), content.to_vec()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Else mutations of it would all be stopped at the door.
    #[test]
    fn the_seed_is_a_delta_that_is_taken() {
        let seed = include_str!("../corpus/bundle_delta/several");
        let (base, patch) = seed.split_once("\n--\n").expect("two parts");
        let base = whole(base.as_bytes()).expect("a bundle");
        let files = files("patch.json", patch.as_bytes());
        let arrived = Arrived::of_files(files, &Verification::Unsigned, &LIMITS, Deltas::default());
        let Ok(Arrived::Delta(delta)) = arrived else {
            panic!("{arrived:?}");
        };
        let changed = delta.on("b", &base).expect("it goes with its base");
        assert_eq!(
            changed.data().to_json(),
            r#"{"a":{"list":[{"x":3},1],"new":{"deep":[true]}},"b":{"c":{"d":"e"}}}"#
        );
    }
}
