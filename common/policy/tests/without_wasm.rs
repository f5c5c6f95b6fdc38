//! What a build without the engine for Wasm says to a bundle with nothing but `policy.wasm`: what it lacks, and what to do.
//! `cargo test -p postern-policy --test without_wasm` builds it so; where the whole workspace is tested the engine is there.

#![cfg(not(feature = "wasm"))]

use std::sync::Arc;

use postern_policy::activation::{Active, Demand, Step, Verified};
use postern_policy::alone::engine_of;
use postern_policy::collection::{DataPath, Given, Member};
use postern_policy::compilation::Wanted;
use postern_policy::{Bundle, HttpSend, Limits, Verification};

const MANIFEST: &str = r#"{"wasm": [{"entrypoint": "a/x", "module": "/policy.wasm"}]}"#;
/// The smallest module that there is: nothing looks into it.
const MODULE: &[u8] = b"\0asm\x01\0\0\0";
const SAYS: [&str; 3] = ["feature `wasm`", "`make release`", "`opa build -t plan -e a/x …`"];

#[test]
fn it_names_what_it_lacks_and_what_to_do() {
    let files = [(".manifest", MANIFEST.as_bytes()), ("policy.wasm", MODULE)];
    let files = files.map(|(path, content)| (path.to_owned(), content.to_vec()));
    let bundle = Bundle::of_files(files, &Verification::Unsigned, &Limits::default()).unwrap();
    let alone = engine_of(&bundle, HttpSend::Off).map(|_| ()).unwrap_err();

    let demand = Demand {
        wanted: Arc::from([Wanted {
            path: DataPath::of_names("a/x"),
            required: true,
        }]),
        http_send: HttpSend::Off,
        may_fail: false,
    };
    let verified = Verified::of(Member {
        name: "one".to_owned(),
        bundle: Arc::new(bundle),
        etag: String::new(),
        given: Given::AtStart,
    });
    let joined = Active::default().start(vec![verified]).unwrap();
    let refusal = joined.next(&demand).unwrap_err();
    assert_eq!(refusal.step, Step::Check);
    for told in [refusal.to_string(), alone.to_string()] {
        for words in SAYS {
            assert!(told.contains(words), "{words}: {told}");
        }
    }
}
