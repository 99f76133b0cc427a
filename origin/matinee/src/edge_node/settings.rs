//! Settings of `matinee edge`: all layers of all names, and what the component is told.
//!
//! In: flags, environment, `matinee.toml`, a file of keys. Out: [`Settings`], or every mistake at once. Does not know
//! what an edge does with them. No mistake shows a secret's value.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use edge_answer::config::BUCKET;
use edge_wasmtime::{
    AccessLog, Acme, ComponentSource, Config, DiskLimits, EngineKind, LoggedAddress, Rate, Tls,
};

use super::bucket;
use super::flags::Flags;
use crate::error::Error;
use crate::layers::{Layers, address, base, log_format, whole};
use crate::telemetry::LogFormat;
use crate::up::EDGE_COMPONENT;

/// Most origins.
const ORIGINS_MAX: usize = 16;
/// Most networks of proxies.
const NETWORKS_MAX: usize = 256;
/// Most names of a certificate.
const NAMES_MAX: usize = 100;
/// The directory that is asked when none is named.
const LETS_ENCRYPT: &str = "https://acme-v02.api.letsencrypt.org/directory";
/// Longest file of keys that is read, in bytes.
const KEYS_BYTES_MAX: u64 = 1024 * 1024;
/// The secrets, by the names of `edge/answer`.
const SECRETS: [&str; 3] = ["edge_key", "session_keys", "token_keys"];

/// What the node runs with.
pub(crate) struct Settings {
    pub(crate) admin: SocketAddr,
    pub(crate) redirect: Option<SocketAddr>,
    pub(crate) data: PathBuf,
    pub(crate) log: LogFormat,
    pub(crate) edge: Config,
}

impl Flags {
    /// All layers together.
    ///
    /// # Errors
    /// Every mistake of every layer, each saying where it stands.
    pub(crate) fn settle(
        &self,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Settings, Error> {
        let flag = |name: &str| self.text(name);
        let mut layers = Layers::read(self.config(), &flag, &environment);
        let settings = settle(&mut layers);
        layers.whole(settings)
    }
}

fn settle(layers: &mut Layers<'_>) -> Settings {
    let data_default = crate::cli::default_data_dir().join("edge");
    let data = layers.value("data", data_default, path);
    let data = std::path::absolute(&data).unwrap_or(data);
    let listen = layers.value("listen", ([127, 0, 0, 1], 8090).into(), address);
    let origins = layers.value("origin", Vec::new(), origins);
    if origins.is_empty() {
        layers.refuse("--origin (MATINEE_ORIGIN): where the house is must be said");
    }
    let component = layers.value("component", None, |text| path(text).map(Some));
    let component = component.map_or_else(
        || ComponentSource::Bytes(Bytes::from_static(EDGE_COMPONENT)),
        ComponentSource::Path,
    );
    let first = origins.first().cloned().unwrap_or_else(|| "http://127.0.0.1:8081".to_owned());
    let mut edge = Config::new(listen, component, first);
    edge.origins = origins;
    edge.origin_authorities = layers.value("origin_ca", None, |text| path(text).map(Some));
    edge.environment = environment(layers, &edge.origin);
    edge.compiled = Some(data.join("compiled"));
    edge.cache.bytes_max = layers.value("memory_mib", 512 << 20, mib(16, 1 << 20));
    let disk = layers.value("disk_mib", 4096 << 20, mib(0, 1 << 26));
    edge.cache.disk = (disk > 0).then(|| DiskLimits::new(data.join("cache"), disk));
    edge.engine = layers.value("engine", EngineKind::default(), engine);
    viewers(layers, &mut edge);
    edge.viewers.tls = tls(layers, &data);
    limits(layers, &mut edge);
    let redirect = layers.value("redirect", None, |text| address(text).map(Some));
    if redirect.is_some() && edge.viewers.tls.is_none() {
        layers.refuse("--redirect: there is no HTTPS to send anybody to; name a certificate");
    }
    Settings {
        admin: layers.value("admin", ([127, 0, 0, 1], 8091).into(), address),
        redirect,
        log: layers.value("log", LogFormat::Pretty, log_format),
        data,
        edge,
    }
}

/// How viewers are received.
fn viewers(layers: &mut Layers<'_>, edge: &mut Config) {
    let viewers = &mut edge.viewers;
    viewers.client_rate = layers.value("client_rate", None, rate);
    viewers.session_rate = layers.value("session_rate", None, rate);
    viewers.access = layers.value("access_log", AccessLog::Stdout, access_log);
    viewers.addresses = layers.value("access_log_address", LoggedAddress::Full, logged_address);
    let header = |text: &str| {
        text.to_ascii_lowercase().parse().map(Some).map_err(|_| "is no header's name".to_owned())
    };
    let fronts = &mut viewers.fronts;
    fronts.trusted = layers.value("trusted_proxies", Vec::new(), networks);
    fronts.country_header = layers.value("country_header", None, header);
    fronts.asn_header = layers.value("asn_header", None, header);
    let listens = fronts.country_header.is_some() || fronts.asn_header.is_some();
    if listens && fronts.trusted.is_empty() {
        layers.refuse(
            "--trusted-proxies: a header of a proxy is believed only from networks named here",
        );
    }
}

/// Where the certificate comes from.
fn tls(layers: &mut Layers<'_>, data: &Path) -> Option<Tls> {
    let files = layers.tls("tls_cert", "tls_key");
    let domains = layers.value("acme_domain", Vec::new(), |text| list(text, NAMES_MAX, name));
    let text = |text: &str| Ok(Some(text.to_owned()));
    let acme = Acme {
        email: layers.value("acme_email", None, text),
        directory: layers.value("acme_directory", LETS_ENCRYPT.to_owned(), |url| {
            Ok(base(url, &["https"])?.unwrap_or_default())
        }),
        authority: layers.value("acme_ca", None, |text| path(text).map(Some)),
        kept: data.join("acme"),
        domains,
    };
    match (files, acme.domains.is_empty()) {
        (files, true) => files,
        (None, false) => Some(Tls::Acme(acme)),
        (Some(_), false) => {
            layers.refuse("--acme-domain: the certificate comes from files or by ACME, not both");
            None
        }
    }
}

fn limits(layers: &mut Layers<'_>, edge: &mut Config) {
    let limits = &mut edge.limits;
    let count = |text: &str| {
        whole(text, 0, 1_000_000).map(|count| usize::try_from(count).unwrap_or(usize::MAX))
    };
    limits.connections_max =
        layers.value("connections", limits.connections_max, |text| count(text).map(|n| n.max(1)));
    limits.connections_per_client_max = layers.value("connections_per_client", 0, count);
    limits.stall_time_max = layers.value("stall_s", limits.stall_time_max, seconds(1, 600));
    limits.drain_time_max = layers.value("drain_s", limits.drain_time_max, seconds(0, 600));
}

/// What the component is told, checked as the component will check it.
fn environment(layers: &mut Layers<'_>, origin: &str) -> Vec<(String, String)> {
    let file = layers.value("keys", HashMap::new(), |text| keys(Path::new(text)));
    let mut told = vec![("MATINEE_ORIGIN".to_owned(), origin.to_owned())];
    for name in SECRETS {
        let variable = format!("MATINEE_{}", name.to_uppercase());
        let said = layers.value(name, None, |text| Ok(Some(text.to_owned())));
        if let Some(value) = said.or_else(|| file.get(&variable).cloned()) {
            told.push((variable, value));
        }
    }
    let isolated_s = layers.value("isolated_s", None, |text| {
        whole(text, 0, 86_400).map(|seconds| Some(seconds.to_string()))
    });
    told.extend(isolated_s.map(|seconds| ("MATINEE_ISOLATED_S".to_owned(), seconds)));
    told.extend(bucket::of_layers(layers, &|name| file.get(name).cloned()));
    let lookup =
        |name: &str| told.iter().find(|(other, _)| other == name).map(|(_, value)| value.clone());
    if let Err(wrong) = edge_answer::Config::from_lookup(lookup) {
        for mistake in wrong {
            let hint = if mistake.name.starts_with(BUCKET) {
                ""
            } else {
                " (`matinee keys` at the house prints it; --keys FILE reads it)"
            };
            layers.refuse(format!("{mistake}{hint}"));
        }
    }
    told
}

/// Lines `NAME='value'` or `NAME=value`.
fn keys(path: &Path) -> Result<HashMap<String, String>, String> {
    let failed = |error: std::io::Error| format!("cannot be read: {error}");
    if std::fs::metadata(path).map_err(failed)?.len() > KEYS_BYTES_MAX {
        return Err("is too large for a file of keys".to_owned());
    }
    let text = std::fs::read_to_string(path).map_err(failed)?;
    let lines =
        text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut keys = HashMap::new();
    for (index, line) in lines.enumerate() {
        let line = line.strip_prefix("export ").unwrap_or(line);
        let (name, value) = line
            .split_once('=')
            .ok_or_else(|| format!("has no NAME='value' as its {}. line", index + 1))?;
        let quoted = value.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
        keys.insert(name.trim().to_owned(), quoted.unwrap_or(value).to_owned());
    }
    Ok(keys)
}

fn path(text: &str) -> Result<PathBuf, String> {
    if text.is_empty() { Err("names no file".to_owned()) } else { Ok(PathBuf::from(text)) }
}

fn list<T>(
    text: &str,
    count_max: usize,
    read: impl Fn(&str) -> Result<T, String>,
) -> Result<Vec<T>, String> {
    let named: Vec<&str> = text.split(',').map(str::trim).filter(|one| !one.is_empty()).collect();
    if named.len() > count_max {
        return Err(format!("names more than {count_max}"));
    }
    named.into_iter().map(read).collect()
}

fn origins(text: &str) -> Result<Vec<String>, String> {
    list(text, ORIGINS_MAX, |one| Ok(base(one, &["http", "https"])?.unwrap_or_default()))
}

fn networks(text: &str) -> Result<Vec<ipnet::IpNet>, String> {
    list(text, NETWORKS_MAX, |one| {
        let address = || one.parse::<std::net::IpAddr>().ok().map(ipnet::IpNet::from);
        one.parse()
            .ok()
            .or_else(address)
            .ok_or_else(|| "is no network such as 10.0.0.0/8".to_owned())
    })
}

/// `N` or `N/BURST`; a burst of its own is four seconds' worth.
fn rate(text: &str) -> Result<Option<Rate>, String> {
    let (rate, burst) =
        text.split_once('/').map_or((text, None), |(rate, burst)| (rate, Some(burst)));
    let number =
        |text: &str| whole(text, 0, 1_000_000).map(|n| u32::try_from(n).unwrap_or(u32::MAX));
    let per_second = number(rate)?;
    let burst = burst.map_or(Ok(per_second.saturating_mul(4)), number)?;
    Ok((per_second > 0).then_some(Rate { per_second, burst: burst.max(1) }))
}

fn name(text: &str) -> Result<String, String> {
    let form = |c: char| c.is_ascii_alphanumeric() || "-.".contains(c);
    if text.contains('.') && text.chars().all(form) {
        return Ok(text.to_ascii_lowercase());
    }
    Err("is no name such as live.example.com".to_owned())
}

fn engine(text: &str) -> Result<EngineKind, String> {
    match text {
        "component" => Ok(EngineKind::Component),
        "native" => Ok(EngineKind::Native),
        _ => Err("is neither component nor native".to_owned()),
    }
}

fn access_log(text: &str) -> Result<AccessLog, String> {
    Ok(match text {
        "" => return Err("is neither stdout, log, off nor a file".to_owned()),
        "stdout" => AccessLog::Stdout,
        "log" => AccessLog::Events,
        "off" => AccessLog::Off,
        path => AccessLog::File(PathBuf::from(path)),
    })
}

fn logged_address(text: &str) -> Result<LoggedAddress, String> {
    match text {
        "full" => Ok(LoggedAddress::Full),
        "network" => Ok(LoggedAddress::Network),
        "none" => Ok(LoggedAddress::None),
        _ => Err("is neither full, network nor none".to_owned()),
    }
}

fn mib(min: u64, max: u64) -> impl Fn(&str) -> Result<u64, String> {
    move |text| whole(text, min, max).map(|mib| mib << 20)
}

fn seconds(min: u64, max: u64) -> impl Fn(&str) -> Result<Duration, String> {
    move |text| whole(text, min, max).map(Duration::from_secs)
}

#[cfg(test)]
mod tests;
