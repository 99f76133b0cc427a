//! Settings in layers: flags before environment before `matinee.toml` before defaults.
//!
//! In: what the command line, the environment and the file say, all as text. Out: one setting at a time, and every
//! mistake at once. Does not know which settings there are, but for the names that the file may hold.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use edge_wasmtime::Tls;

use crate::error::Error;
use crate::telemetry::LogFormat;
use crate::{edge_node, settings};

/// Where the configuration file is looked for when nothing names one.
const FILE: &str = "matinee.toml";

/// The layers of one role, and the mistakes found in them.
pub(crate) struct Layers<'a> {
    flag: &'a dyn Fn(&str) -> Option<String>,
    environment: &'a dyn Fn(&str) -> Option<String>,
    file: toml::Table,
    wrong: Vec<String>,
}

impl<'a> Layers<'a> {
    /// Reads the file: the `named` one, which must exist, or the usual one where it does.
    pub(crate) fn read(
        named: Option<&Path>,
        flag: &'a dyn Fn(&str) -> Option<String>,
        environment: &'a dyn Fn(&str) -> Option<String>,
    ) -> Self {
        let mut wrong = Vec::new();
        let file = file(named, &mut wrong);
        Self { flag, environment, file, wrong }
    }

    /// The settings, if there was no mistake in any of them.
    ///
    /// # Errors
    /// Every mistake of every layer, each saying where it stands.
    pub(crate) fn whole<T>(self, settings: T) -> Result<T, Error> {
        if self.wrong.is_empty() { Ok(settings) } else { Err(Error::Configuration(self.wrong)) }
    }

    /// Notes a mistake.
    pub(crate) fn refuse(&mut self, why: impl Into<String>) {
        self.wrong.push(format!("  {}", why.into()));
    }

    /// A variable of the environment by its whole name: for secrets, which stand in no other layer.
    pub(crate) fn variable(&self, name: &str) -> Option<String> {
        (self.environment)(name)
    }

    /// One setting: the first layer that names it decides.
    pub(crate) fn value<T>(
        &mut self,
        name: &str,
        default: T,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> T {
        let variable = format!("MATINEE_{}", name.to_uppercase());
        let flag = (self.flag)(name);
        let found = flag
            .map(|text| (format!("--{}", name.replace('_', "-")), text))
            .or_else(|| (self.environment)(&variable).map(|text| (variable, text)))
            .or_else(|| self.file.get(name).map(|value| (format!("{FILE} {name}"), plain(value))));
        let Some((place, text)) = found else { return default };
        read(&text).unwrap_or_else(|why| {
            self.wrong.push(format!("  {place}: {text:?} {why}"));
            default
        })
    }

    /// A certificate and its key, which are named both or not at all.
    pub(crate) fn tls(&mut self, certificate: &str, key: &str) -> Option<Tls> {
        let path = |text: &str| Ok(Some(PathBuf::from(text)));
        match (self.value(certificate, None, path), self.value(key, None, path)) {
            (Some(certificate), Some(key)) => Some(Tls::Files { certificate, key }),
            (None, None) => None,
            (named, _) => {
                let missing = if named.is_some() { key } else { certificate };
                let flag = missing.replace('_', "-");
                self.refuse(format!("--{flag}: a certificate and its key are named together"));
                None
            }
        }
    }
}

fn file(named: Option<&Path>, wrong: &mut Vec<String>) -> toml::Table {
    let path = named.unwrap_or_else(|| Path::new(FILE));
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if named.is_none() && error.kind() == std::io::ErrorKind::NotFound => {
            return toml::Table::new();
        }
        Err(error) => {
            wrong.push(format!("  {}: cannot be read: {error}", path.display()));
            return toml::Table::new();
        }
    };
    match text.parse::<toml::Table>() {
        Ok(table) => {
            // One file may serve all roles of a machine: what any of them knows is no mistake.
            let roles = [
                settings::NAMES,
                settings::films::NAMES,
                settings::worker::NAMES,
                settings::bucket::NAMES,
                edge_node::NAMES,
            ];
            let known = |key: &str| roles.iter().any(|names| names.contains(&key));
            for key in table.keys().filter(|key| !known(key)) {
                wrong.push(format!("  {}: unknown key {key:?}", path.display()));
            }
            table
        }
        Err(error) => {
            wrong.push(format!("  {}: {error}", path.display()));
            toml::Table::new()
        }
    }
}

fn plain(value: &toml::Value) -> String {
    if let Some(list) = value.as_array() {
        return list.iter().map(plain).collect::<Vec<_>>().join(",");
    }
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}

/// An address to listen on.
pub(crate) fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "is not an address such as 127.0.0.1:8080 or [::1]:8080".to_owned())
}

/// How logs are written.
pub(crate) fn log_format(text: &str) -> Result<LogFormat, String> {
    match text {
        "json" => Ok(LogFormat::Json),
        "pretty" => Ok(LogFormat::Pretty),
        _ => Err("is neither pretty nor json".to_owned()),
    }
}

/// A whole number within bounds.
pub(crate) fn whole(text: &str, min: u64, max: u64) -> Result<u64, String> {
    text.parse()
        .ok()
        .filter(|number| (min..=max).contains(number))
        .ok_or_else(|| format!("is not a whole number from {min} to {max}"))
}

/// What links begin with, without its last slash.
pub(crate) fn base(text: &str, schemes: &[&str]) -> Result<Option<String>, String> {
    let good = text
        .split_once("://")
        .is_some_and(|(scheme, rest)| schemes.contains(&scheme) && !rest.is_empty());
    if good {
        Ok(Some(text.trim_end_matches('/').to_owned()))
    } else {
        Err(format!("does not begin with {}://", schemes.join(":// or ")))
    }
}
