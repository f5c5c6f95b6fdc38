//! What a million revocations take, measured of this test's own process, which does nothing else.

use postern_decide::revocation::{Name, Revocations, Scalar};
use postern_jose::UnixTime;

#[test]
fn a_million_revocations_take_at_most_40_mib() {
    let resident_kib = || {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap()
    };
    let before = resident_kib();
    let mut edit = Revocations::unheard().edit();
    for number in 0..1_000_000u32 {
        edit.add(
            "https://issuer.example",
            Name::Claim("jti"),
            Scalar::String(&number.to_string()),
            None,
            Some(UnixTime(4_000_000_000)),
        );
    }
    let set = edit.finish();
    let grown = resident_kib() - before;
    println!("1,000,000 revocations: {grown} KiB resident");
    assert_eq!(set.len(), 1_000_000);
    assert!(grown <= 40 * 1024, "{grown} KiB");
}
