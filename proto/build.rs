//! Compiles `postern/*/v1/*.proto` into Rust and into a descriptor set, with protox: no `protoc` on the machine.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

use prost::Message as _;

/// Fields that come to Rust as `bytes::Bytes`, so that an archive is not copied on its way through.
const SHARED_BYTES: &[&str] = &[".postern.policy.v1.PublishBundleRequest.archive"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=postern");
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let out = PathBuf::from(env::var("OUT_DIR")?);

    let mut files = Vec::new();
    collect_protos(&root.join("postern"), &mut files)?;
    files.sort();
    let mut descriptors = protox::compile(&files, [&root])?;

    let mut prost = tonic_prost_build::Config::new();
    prost.bytes(SHARED_BYTES);
    tonic_prost_build::configure()
        .out_dir(&out)
        .compile_fds_with_config(descriptors.clone(), prost)?;

    // Comments became Rust docs above; reflection and the compatibility check need only the shape.
    for file in &mut descriptors.file {
        file.source_code_info = None;
    }
    fs::write(out.join("descriptors.binpb"), descriptors.encode_to_vec())?;
    if env::var_os("CARGO_FEATURE_ENVOY").is_some() {
        envoy(&root, &out)?;
    }
    Ok(())
}

/// Descriptors of Envoy's authorisation service, from its own files.
fn envoy(root: &Path, out: &Path) -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=third_party");
    let third_party = root.join("third_party");
    let service = third_party.join("envoy/service/auth/v3/external_auth.proto");
    let mut descriptors = protox::compile([service], [third_party])?;
    for file in &mut descriptors.file {
        file.source_code_info = None;
    }
    fs::write(out.join("envoy.binpb"), descriptors.encode_to_vec())?;
    Ok(())
}

fn collect_protos(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect_protos(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "proto") {
            files.push(path);
        }
    }
    Ok(())
}
