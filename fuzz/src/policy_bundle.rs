//! A policy bundle as a server sends it: refused, or files within their bounds whose plan, if it can run, ends within its
//! limits. Bytes that begin with gzip's are the archive as it came. Behind a checksum no mutation reaches the tar,
//! behind a second one none the files, so others are a tar, after a `t`, or files, after an `f`: a path, a line end, the
//! content, and a line `--` between two.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use postern_policy::bundle::{Bundle, Limits, Verification};
use postern_policy::{Engine as _, Env, PlanEngine, Value};

const LIMITS: Limits = Limits {
    archive_bytes: 1024 * 1024,
    inflated_bytes: 4 * 1024 * 1024,
    file_bytes: 4 * 1024 * 1024,
    files: 50,
    path_bytes: 200,
};

/// Reads `data` as a bundle and asks every entrypoint of its plan.
pub fn run(data: &[u8]) {
    let archive = match data.split_first() {
        Some((b't', tar)) => gzipped(tar),
        Some((b'f', files)) => gzipped(&tar_of(files)),
        _ => data.to_vec(),
    };
    let Ok(bundle) = Bundle::read(&archive, &Verification::Unsigned, &LIMITS) else {
        return;
    };
    let (mut count, mut bytes) = (0, 0);
    for (path, content) in bundle.files() {
        assert!(path.len() <= LIMITS.path_bytes, "{path}");
        assert!(
            !path.split('/').any(|part| matches!(part, "" | "." | "..")),
            "{path:?}"
        );
        count += 1;
        bytes += content.len() as u64;
    }
    assert!(count <= LIMITS.files && bytes <= LIMITS.inflated_bytes);
    let _ = bundle.claimed_key_id();

    let Ok(engine) = PlanEngine::from_bundle(&bundle) else {
        return;
    };
    let input =
        Value::from_json_str(r#"{"user": "ada", "method": "GET", "path": "/orders/1"}"#).expect("JSON");
    let mut env = Env::new(1_700_000_000_000_000_000, [7; 32]);
    env.limits.max_statements = 20_000;
    env.limits.max_depth = 50;
    env.limits.max_locals = 10_000;
    for name in engine.entrypoints() {
        let entrypoint = engine.require(&name).expect("it was just named");
        let _ = engine.evaluate(entrypoint, Some(&input), &env);
    }
}

fn gzipped(tar: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::none());
    gzip.write_all(tar).expect("memory");
    gzip.finish().expect("memory")
}

/// An archive of the files that `text` names, however they are called.
fn tar_of(text: &[u8]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    let mut rest = text;
    loop {
        let between = rest.windows(4).position(|bytes| bytes == b"\n--\n");
        let file = between.map_or(rest, |at| &rest[..at]);
        let end_of_path = file.iter().position(|byte| *byte == b'\n').unwrap_or(file.len());
        let (path, content) = (
            &file[..end_of_path],
            file.get(end_of_path + 1..).unwrap_or_default(),
        );
        let mut header = tar::Header::new_gnu();
        for (to, from) in header.as_old_mut().name.iter_mut().zip(path) {
            *to = *from;
        }
        header.set_entry_type(tar::EntryType::Regular);
        header.set_size(content.len() as u64);
        header.set_cksum();
        tar.append(&header, content).expect("memory");
        match between {
            Some(at) => rest = &rest[at + 4..],
            None => break,
        }
    }
    tar.into_inner().expect("memory")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Else mutations of it would all be stopped at the door.
    #[test]
    fn the_seed_is_a_bundle_whose_plan_answers() {
        let seed = include_bytes!("../corpus/policy_bundle/orders");
        let (kind, files) = seed.split_first().expect("bytes");
        assert_eq!(*kind, b'f');
        let bundle =
            Bundle::read(&gzipped(&tar_of(files)), &Verification::Unsigned, &LIMITS).expect("a bundle");
        assert_eq!(bundle.revision(), "seed");
        let engine = PlanEngine::from_bundle(&bundle).expect("a plan");
        let entrypoint = engine.require("orders/decision").expect("an entrypoint");
        let input =
            Value::from_json_str(r#"{"user": "ada", "method": "GET", "path": "/orders/1"}"#).expect("JSON");
        let answer = engine.evaluate(entrypoint, Some(&input), &Env::new(0, [0; 32]));
        let answer = answer.expect("an answer").expect("defined");
        assert_eq!(answer.to_json(), r#"{"allowed":true}"#);
    }
}
