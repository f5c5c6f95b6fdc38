//! `postern-sidecar --config FILE`: starts [`postern_sidecar`], and nothing else.

use std::process::ExitCode;

fn main() -> ExitCode {
    postern_sidecar::args::main()
}
