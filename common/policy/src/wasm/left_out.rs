//! Input that is left out until the module looks at it. Nobody knows before what a module reads, and most of what requests
//! carry is never read; but to write all of it costs more than most policies do. So the parts of the input that were never
//! looked at are left out: in the place of each stands an address that no memory reaches. A module may pass it on and ask
//! whether it is there; if it looks, it is stopped by the rules of WebAssembly, and is asked again with all of the input. What
//! was looked at is written from then on.
//!
//! So answers never depend on what is left out. Up to the look, an evaluation is the same with it and without it.

use std::sync::atomic::{AtomicU64, Ordering};

use postern_rego::{Part, Parts};

/// From here on addresses are those of parts. An instance whose memory could become so large has all of its input written.
pub(super) const BEYOND_MEMORY: u32 = 0xf000_0000;
/// Between those of two parts: more than any value's first block has, of which parts are looked at somewhere.
const APART: u32 = 64;

/// Where a part seems to be.
pub(super) fn address(part: Part) -> u32 {
    BEYOND_MEMORY + u32::from(part.0) * APART
}

/// The part that a module looked at which was stopped for this, where that can be told. The engine knows the address, and gives
/// it in the words of its error alone.
pub(super) fn part(error: &wasmtime::Error) -> Option<Part> {
    const WORDS: &str = "memory fault at wasm address 0x";
    error.chain().find_map(|cause| {
        let text = cause.to_string();
        let (_, behind) = text.split_once(WORDS)?;
        let digits = behind.split(|c: char| !c.is_ascii_hexdigit()).next()?;
        let address = u32::from_str_radix(digits, 16).ok()?;
        let part = address.checked_sub(BEYOND_MEMORY)? / APART;
        u16::try_from(part).ok().map(Part)
    })
}

/// The parts that a module has looked at so far: these are written.
#[derive(Debug)]
pub(super) struct LookedAt(AtomicU64);

impl LookedAt {
    pub(super) const fn nothing() -> Self {
        Self(AtomicU64::new(0))
    }

    pub(super) fn parts(&self) -> Parts {
        Parts::from_bits(self.0.load(Ordering::Relaxed))
    }

    /// One more was looked at, while these were written. Where it can't be told which, nothing is left out any more.
    pub(super) fn note(&self, part: Option<Part>, written: Parts) {
        let parts = match part {
            Some(part) if !written.has(part) => Parts::NONE.with(part),
            _ => Parts::ALL,
        };
        self.0.fetch_or(parts.bits(), Ordering::Relaxed);
    }
}
