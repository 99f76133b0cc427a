//! What the house keeps of its recordings and uploads, and who is told of shows.
//!
//! In: the layers of settings. Out: their values. Does not know the store.

use std::path::PathBuf;

use origin_storage::retention::Limits;

use crate::hooks::Receivers;
use crate::layers::{Layers, base, whole};
use crate::purge::EDGES_MAX;
use crate::retention::Rules;
use crate::uploads;

/// How long an upload that nobody goes on with is kept: a week.
const UPLOAD_EXPIRES_S: u32 = 7 * 24 * 3600;

impl Layers<'_> {
    pub(super) fn retention(&mut self) -> Rules {
        let mib = |text: &str| whole(text, 1, 1 << 40).map(|mib| mib << 20);
        let quota = |text: &str| mib(text).map(Some);
        let limits = Limits {
            house_bytes_max: self.value("recordings_max_mib", None, quota),
            disk_low_bytes: self.value("disk_low_mib", 1 << 30, mib),
            delete_when_low: self.value("when_disk_low", false, |text| match text {
                "alarm" => Ok(false),
                "delete-oldest" => Ok(true),
                _ => Err("is neither alarm nor delete-oldest".to_owned()),
            }),
        };
        let keep_s = |text: &str| {
            let days = whole(text, 1, 36_525)?;
            i64::try_from(days * 24 * 3600).map(Some).map_err(|error| error.to_string())
        };
        Rules {
            limits,
            show_bytes_max: self.value("recording_max_mib", None, quota),
            keep_s: self.value("assets_keep_days", None, keep_s),
        }
    }

    pub(super) fn uploads(&mut self) -> uploads::Rules {
        let mib = |text: &str| whole(text, 1, 1 << 40).map(|mib| mib << 20);
        uploads::Rules {
            folder: self.value("uploads", None, |text| Ok(Some(PathBuf::from(text)))),
            size_max: self.value("upload_max_mib", 256 << 30, mib),
            bytes_max: self.value("uploads_max_mib", None, |text| mib(text).map(Some)),
            expires_s: self.value("upload_expires_s", UPLOAD_EXPIRES_S, |text| {
                let seconds = whole(text, 60, 365 * 24 * 3600)?;
                u32::try_from(seconds).map_err(|error| error.to_string())
            }),
            keep_hdr: self.keep_hdr(),
        }
    }

    pub(super) fn hooks(&mut self) -> Receivers {
        let mut url = |name| self.value(name, None, |text| base(text, &["http", "https"]));
        Receivers { events: url("hook"), publish: url("publish_hook") }
    }
}

/// Base addresses with commas between them.
pub(super) fn edges(text: &str) -> Result<Vec<String>, String> {
    let named: Vec<&str> = text.split(',').map(str::trim).filter(|one| !one.is_empty()).collect();
    if named.len() > EDGES_MAX {
        return Err(format!("names more than {EDGES_MAX} edges"));
    }
    named.into_iter().filter_map(|one| base(one, &["http", "https"]).transpose()).collect()
}
