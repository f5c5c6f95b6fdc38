//! What strangers can send, thrown at the code that reads it. Each module is a target: its `run` says what must hold of any
//! bytes at all, and panics where it doesn't. `fuzz_targets/` hands them to libFuzzer; the test below runs them on the
//! corpora with an ordinary toolchain, so that what was found once stays found.

pub mod bundle_delta;
pub mod bundle_signatures;
pub mod canonical_path;
pub mod check_request;
pub mod dpop_proof;
pub mod jwks;
pub mod jws;
pub mod module_text;
pub mod opa_config;
pub mod opa_envoy;
pub mod peer_certificate;
pub mod policy_bundle;
pub mod rego_builtins;
pub mod rego_plan;
pub mod rego_value;
pub mod xfcc;

mod known;

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    /// Runs `target` on each file of its corpus.
    fn replay(name: &str, target: fn(&[u8])) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
        let files: Vec<_> = fs::read_dir(&folder).expect("a corpus").collect();
        assert!(!files.is_empty(), "{} is empty", folder.display());
        for file in files {
            target(&fs::read(file.expect("a file").path()).expect("a readable file"));
        }
    }

    #[test]
    fn nothing_in_the_corpora_breaks_a_promise() {
        replay("bundle_delta", crate::bundle_delta::run);
        replay("bundle_signatures", crate::bundle_signatures::run);
        replay("canonical_path", crate::canonical_path::run);
        replay("check_request", crate::check_request::run);
        replay("dpop_proof", crate::dpop_proof::run);
        replay("jwks", crate::jwks::run);
        replay("jws", crate::jws::run);
        replay("module_text", crate::module_text::run);
        replay("opa_config", crate::opa_config::run);
        replay("opa_envoy", crate::opa_envoy::run);
        replay("peer_certificate", crate::peer_certificate::run);
        replay("policy_bundle", crate::policy_bundle::run);
        replay("rego_builtins", crate::rego_builtins::run);
        replay("rego_plan", crate::rego_plan::run);
        replay("rego_plan_protobuf", crate::rego_plan::run_protobuf);
        replay("rego_value", crate::rego_value::run);
        replay("xfcc", crate::xfcc::run);
    }
}
