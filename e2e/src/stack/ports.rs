//! Ports that nobody uses, five in a row as `--port-base` wants them.

use std::net::TcpListener;

/// The first of five free ports in a row. Another process can still be quicker; whoever starts on them tries again.
///
/// # Panics
/// Where there is no such row.
#[must_use]
pub fn free_base() -> u16 {
    for _ in 0..200 {
        // Below the kernel's own ephemeral range (from 32768), which other tests' clients use.
        let base = 12_000 + rand_below(3_900) * 5;
        let held: Vec<_> = (base..base + 5)
            .filter_map(|port| TcpListener::bind(("127.0.0.1", port)).ok())
            .collect();
        if held.len() == 5 {
            return base;
        }
    }
    panic!("no five free ports in a row")
}

fn rand_below(bound: u16) -> u16 {
    // Where to begin to look, nothing more: two processes that begin at one place find different free rows.
    let [a, b, ..] = uuid_bytes();
    u16::from_be_bytes([a, b]) % bound
}

fn uuid_bytes() -> [u8; 16] {
    let mut bytes = [0; 16];
    let read = std::fs::File::open("/dev/urandom")
        .and_then(|mut file| std::io::Read::read_exact(&mut file, &mut bytes));
    assert!(read.is_ok(), "/dev/urandom can't be read");
    bytes
}
