//! What becomes of publishers who come twice, and of shows whose publisher is away.
//!
//! In: the layers of settings. Out: their values. Does not know ingest.

use std::path::PathBuf;

use origin_ingest::SecondPublisher;
use shared_wire::api::WhileAway;

use crate::away;
use crate::layers::Layers;

impl Layers<'_> {
    pub(super) fn second_publisher(&mut self) -> SecondPublisher {
        self.value("second_publisher", SecondPublisher::Refuse, |text| match text {
            "refuse" => Ok(SecondPublisher::Refuse),
            "take-over" => Ok(SecondPublisher::TakeOver),
            _ => Err("is neither refuse nor take-over".to_owned()),
        })
    }

    pub(super) fn while_away(&mut self) -> WhileAway {
        self.value("while_away", WhileAway::Gap, |text| match text {
            "gap" => Ok(WhileAway::Gap),
            "slate" => Ok(WhileAway::Slate),
            _ => Err("is neither gap nor slate".to_owned()),
        })
    }

    /// Read now: a slate is needed when there is trouble enough.
    pub(super) fn slate(&mut self) -> Option<PathBuf> {
        self.value("slate", None, |text| {
            let file = PathBuf::from(text);
            away::fault(&file).map_or(Ok(Some(file)), Err)
        })
    }
}
