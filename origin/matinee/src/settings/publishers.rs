//! Publishers by WHIP; what becomes of those who come twice, and of shows whose publisher is away.
//!
//! In: the layers of settings. Out: their values. Does not know ingest.

use std::net::IpAddr;
use std::path::PathBuf;

use edge_wasmtime::Tls;
use origin_ingest::{SecondPublisher, Whip};
use shared_wire::api::WhileAway;

use super::followed;
use crate::away;
use crate::layers::{Layers, address, whole};

impl Layers<'_> {
    pub(super) fn second_publisher(&mut self) -> SecondPublisher {
        self.value("second_publisher", SecondPublisher::Refuse, |text| match text {
            "refuse" => Ok(SecondPublisher::Refuse),
            "take-over" => Ok(SecondPublisher::TakeOver),
            _ => Err("is neither refuse nor take-over".to_owned()),
        })
    }

    /// What each may hold in memory is bounded, and so is all of it by this.
    pub(super) fn publishers_max(&mut self) -> usize {
        let usual = origin_ingest::Config::default().connections_max;
        self.value("publishers_max", usual, |text| {
            whole(text, 1, 10_000).map(|max| max.try_into().unwrap_or(usual))
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

impl Layers<'_> {
    pub(super) fn whip(&mut self) -> Option<Whip> {
        let listen = self.value("whip", None, |text| address(text).map(Some));
        let public_addresses = self.value("whip_public_addresses", Vec::new(), ips);
        let tls = match self.tls("whip_tls_cert", "whip_tls_key") {
            Some(Tls::Files { certificate, key }) => Some(followed(certificate, key)),
            _ => None,
        };
        if listen.is_none() && tls.is_some() {
            self.refuse("--whip-tls-cert: there is no WHIP without --whip".to_owned());
        }
        listen.map(|listen| Whip { public_addresses, tls, ..Whip::on(listen) })
    }
}

/// Addresses with commas between them.
fn ips(text: &str) -> Result<Vec<IpAddr>, String> {
    let named: Vec<&str> = text.split(',').map(str::trim).filter(|one| !one.is_empty()).collect();
    if named.len() > Whip::PUBLIC_ADDRESSES_MAX {
        return Err(format!("names more than {} addresses", Whip::PUBLIC_ADDRESSES_MAX));
    }
    let read = |one: &str| one.parse().map_err(|_| format!("'{one}' is not an IP address"));
    named.into_iter().map(read).collect()
}
