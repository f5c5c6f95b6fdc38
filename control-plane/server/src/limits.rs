//! How many connections there may be: as many as the process has file descriptors for, so that accepting never takes the
//! ones that the database needs.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// For everything that is no connection: the database's files, listeners, the runtime.
const RESERVED: u64 = 128;
/// Beyond this, connections cost more than they bring.
const MOST: u64 = 10_000;
/// Fewer would serve nobody.
const LEAST: u64 = 16;

/// Raises the limit on file descriptors as far as it may be and is of use, and says how many connections each of two
/// listeners may then have.
pub(crate) fn connections() -> usize {
    let (mut soft, hard) = match getrlimit(Resource::RLIMIT_NOFILE) {
        Ok(limits) => limits,
        Err(error) => {
            tracing::warn!(%error, "the limit on file descriptors can't be read; 1024 are assumed");
            (1_024, 1_024)
        }
    };
    let wanted = (2 * MOST + RESERVED).min(hard);
    if soft < wanted && setrlimit(Resource::RLIMIT_NOFILE, wanted, hard).is_ok() {
        soft = wanted;
    }
    let each = each_of_two(soft);
    tracing::debug!(
        file_descriptors = soft,
        connections = each,
        "connections on each listener"
    );
    each
}

fn each_of_two(file_descriptors: u64) -> usize {
    let each = (file_descriptors.saturating_sub(RESERVED) / 2).clamp(LEAST, MOST);
    usize::try_from(each).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_file_descriptors_for_the_rest() {
        for (descriptors, each) in [
            (0, 16),
            (64, 16),
            (256, 64),
            (1_024, 448),
            (20_128, 10_000),
            (u64::MAX, 10_000),
        ] {
            assert_eq!(each_of_two(descriptors), each, "{descriptors}");
        }
    }
}
