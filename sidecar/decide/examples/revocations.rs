//! What a million revocations cost: memory, a lookup, a change. `cargo run --release -p postern-decide --example revocations`
//! prints one line of JSON. Times are of the processor, so that a busy machine tells about the same.
#![expect(clippy::print_stdout, reason = "what it measures is for people and scripts")]

use std::hint::black_box;
use std::time::Duration;

use postern_decide::revocation::{Digest, Edit, Name, Revocations, Scalar};
use postern_jose::UnixTime;

const ISSUER: &str = "https://issuer.example";
const ENTRIES: u64 = 1_000_000;
const LOOKUPS: u64 = 2_000_000;
const CHANGES: u64 = 1_000;

fn main() {
    let before = resident_bytes();
    let began = cpu();
    let mut set = filled(Revocations::unheard().edit(), 0..ENTRIES);
    let filled_in = cpu() - began;
    let resident = resident_bytes().saturating_sub(before);

    // Digests beforehand: what is measured is the set, and for comparison what it is to hash a value.
    let digests: Vec<Digest> = (0..LOOKUPS)
        .map(|number| digest(number * 7 % (2 * ENTRIES)))
        .collect();
    let began = cpu();
    let found = digests.iter().filter(|digest| set.has(digest)).count();
    let lookups = cpu() - began;
    let began = cpu();
    for number in 0..LOOKUPS / 10 {
        black_box(digest(number));
    }
    let hashes = (cpu() - began) * 10;

    let began = cpu();
    for number in ENTRIES..ENTRIES + CHANGES {
        set = filled(set.edit(), number..number + 1);
    }
    let changes = cpu() - began;
    let each = |whole: Duration, count: u64| whole.as_nanos() / u128::from(count);
    println!(
        "{{\"entries\":{},\"found\":{found},\"resident_mib\":{:.1},\"fill_ms\":{},\"lookup_ns\":{},\"hash_ns\":{},\"change_ns\":{}}}",
        set.len(),
        resident as f64 / f64::from(1 << 20),
        filled_in.as_millis(),
        each(lookups, LOOKUPS),
        each(hashes, LOOKUPS),
        each(changes, CHANGES),
    );
}

fn filled(mut edit: Edit, numbers: std::ops::Range<u64>) -> Revocations {
    for number in numbers {
        let value = number.to_string();
        edit.add(
            ISSUER,
            Name::Claim("jti"),
            Scalar::String(&value),
            None,
            Some(UnixTime(i64::from(u32::MAX - 1))),
        );
    }
    edit.finish()
}

fn digest(number: u64) -> Digest {
    Digest::of(ISSUER, Name::Claim("jti"), Scalar::String(&number.to_string()))
}

/// What this thread has had of the processor.
fn cpu() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = text.split(' ').next().and_then(|text| text.parse().ok());
    Duration::from_nanos(nanoseconds.unwrap_or_default())
}

/// Resident memory of this process.
fn resident_bytes() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = pages
        .split(' ')
        .nth(1)
        .and_then(|pages| pages.parse().ok())
        .unwrap_or_default();
    pages * 4096
}
