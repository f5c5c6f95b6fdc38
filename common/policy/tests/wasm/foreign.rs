//! What isn't a module of OPA's, or not of a version that is run here, is refused by the name of what is wrong.

use postern_policy::{HttpSend, WasmModule};

use crate::{build, module};

fn refusal(wasm: &[u8]) -> String {
    WasmModule::load(wasm, HttpSend::Off)
        .map(|_| ())
        .unwrap_err()
        .to_string()
}

/// The module with one text for another of the same length.
fn with(wasm: &[u8], from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut wasm = wasm.to_vec();
    let at = wasm
        .windows(from.len())
        .position(|window| window == from.as_bytes())
        .expect(from);
    wasm[at..at + to.len()].copy_from_slice(to.as_bytes());
    wasm
}

#[test]
fn what_is_no_module_of_opas_is_refused_by_name() {
    let built = build(
        &[("a.rego", "package a\n\nx := sprintf(\"%d\", [input.x])\n")],
        &["a/x"],
    );
    let wasm = module(&built.wasm);
    for (bytes, words) in [
        (b"".to_vec(), "no module that can be compiled"),
        (b"not wasm".to_vec(), "no module that can be compiled"),
        // The smallest module that there is.
        (b"\0asm\x01\0\0\0".to_vec(), "no function `builtins`"),
        (
            with(wasm, "opa_value_dump", "opa_value_lump"),
            "no function `opa_value_dump`",
        ),
        (
            with(wasm, "opa_builtin0", "opa_builtin9"),
            "imports `env.opa_builtin9`",
        ),
        (
            with(wasm, "opa_wasm_abi_version", "opa_wasm_abi_verzion"),
            "opa_wasm_abi_version",
        ),
        (
            with(wasm, "sprintf", "sprunge"),
            "needs the builtin function `sprunge`",
        ),
    ] {
        let refusal = refusal(&bytes);
        assert!(refusal.starts_with("policy.wasm can't be run: "), "{refusal}");
        assert!(refusal.contains(words), "{words}: {refusal}");
    }
}

#[test]
fn a_module_that_makes_requests_is_taken_where_that_is_on() {
    let rego =
        "package a\n\nx := http.send({\"method\": \"GET\", \"url\": \"http://127.0.0.1/\"}).status_code\n";
    let built = build(&[("a.rego", rego)], &["a/x"]);
    assert!(refusal(module(&built.wasm)).contains("http.send"), "off");
    assert!(WasmModule::load(module(&built.wasm), HttpSend::On).is_ok());
}
