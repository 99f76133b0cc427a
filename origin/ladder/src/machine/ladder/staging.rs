//! The ladder's side towards the packager: events in the order and form it may rely on.
//!
//! In: configurations and units. Out: staged events, with a discontinuity where one is due. Does not know sources.

use shared_media::{AccessUnit, Staged, TrackConfig};

use super::{Ladder, Output};
use crate::machine::renditions::Change;

impl Ladder {
    pub(super) fn stage(&mut self, event: Staged) {
        self.outputs.push_back(Output::Stage { event, delay_us: None });
    }

    pub(super) fn stage_unit(&mut self, index: usize, unit: AccessUnit, delay_us: Option<u64>) {
        if let Some(id) = self.renditions.id(index) {
            let event = Staged::Unit(id.clone(), unit);
            self.outputs.push_back(Output::Stage { event, delay_us });
        }
    }

    pub(super) fn stage_config(&mut self, index: usize, config: TrackConfig) {
        let change = self.renditions.configure(index, &config);
        if change == Change::Break {
            self.renditions.broke();
            self.stage(Staged::Discontinuity);
        }
        if change != Change::None
            && let Some(id) = self.renditions.id(index)
        {
            self.stage(Staged::Config(id.clone(), config));
        }
    }

    pub(super) fn stage_break(&mut self) {
        self.switch_awaited = false;
        self.renditions.broke();
        self.renditions.begin_anew();
        self.stage(Staged::Discontinuity);
    }
}
