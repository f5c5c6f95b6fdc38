//! Accepts the present contracts as the ones to stay compatible with: `make proto-release`. It refuses to if they break
//! users of those released before, unless it is told `--accept-breaks`.

#[path = "../compat/mod.rs"]
mod compat;

use std::error::Error;
use std::fs;
use std::path::Path;

use prost::Message as _;
use prost_types::FileDescriptorSet;

#[expect(clippy::print_stdout, reason = "a tool that people run by hand")]
fn main() -> Result<(), Box<dyn Error>> {
    let accept_breaks = std::env::args()
        .skip(1)
        .any(|argument| argument == "--accept-breaks");
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("released/descriptors.binpb");
    let current = FileDescriptorSet::decode(postern_proto::FILE_DESCRIPTOR_SET)?;
    if file.exists() {
        let released = FileDescriptorSet::decode(&*fs::read(&file)?)?;
        let breaks = compat::breaks(&released, &current);
        for found in &breaks {
            println!("{found}");
        }
        if !breaks.is_empty() && !accept_breaks {
            return Err(
                "these changes break users of the released contracts; proto/README.md says what to do".into(),
            );
        }
    }
    fs::write(&file, postern_proto::FILE_DESCRIPTOR_SET)?;
    println!("released: {}", file.display());
    Ok(())
}
