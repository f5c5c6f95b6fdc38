//! The highest sequence of a bundle that was in force, on disk: beside the bundle itself, since one without a sequence may
//! have taken its place. It holds from wherever the bundle comes.

use super::Context;
use crate::clock;
use crate::disk::Record;

/// Whatever the URL: who signs gives the numbers, not who serves.
const SOURCE: &str = "";
/// A number has twenty digits at most.
const MAX_BYTES: u64 = 64;

/// What is kept of this bundle; `None` where nothing is.
pub(super) fn kept(context: &Context, name: &str) -> Option<u64> {
    let read = Record::read(&context.disk.bundle_sequence(name), name, SOURCE, MAX_BYTES);
    let found = match read {
        Ok(record) => record?,
        Err(error) => {
            context.drop_kept(&format!("sequence of bundle {name}"), &error);
            return None;
        }
    };
    let number = std::str::from_utf8(&found.content)
        .ok()
        .and_then(|text| text.parse().ok());
    if number.is_none() {
        context.drop_kept(&format!("sequence of bundle {name}"), &"no number");
    }
    number
}

/// Keeps it, in the place of a lower one.
pub(super) async fn keep(context: &Context, name: &str, highest: u64) {
    let record = Record {
        subject: name.to_owned(),
        source: SOURCE.to_owned(),
        etag: None,
        fetched_at: clock::now().seconds().0,
        content: highest.to_string().into_bytes(),
    };
    context.keep(record, context.disk.bundle_sequence(name)).await;
}
