//! What the house keeps of its recordings, and who is told of shows.
//!
//! In: the layers of settings. Out: their values. Does not know the store.

use origin_storage::retention::Limits;

use crate::hooks::Receivers;
use crate::layers::{Layers, base, whole};
use crate::retention::Rules;

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
        Rules { limits, show_bytes_max: self.value("recording_max_mib", None, quota) }
    }

    pub(super) fn hooks(&mut self) -> Receivers {
        let mut url = |name| self.value(name, None, |text| base(text, &["http", "https"]));
        Receivers { events: url("hook"), publish: url("publish_hook") }
    }
}
