//! Settings of `matinee up`: flags before environment before `matinee.toml` before defaults.
//!
//! In: what the command line, the environment and the file say, all as text. Out: [`Settings`], or every mistake at
//! once. Does not know what the settings are used for.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::error::Error;
use crate::telemetry::LogFormat;

/// Where the configuration file is looked for when nothing names one.
const FILE: &str = "matinee.toml";

/// The flags of `matinee up`. They stay text here so that all mistakes can be reported together.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Flags {
    /// Directory of everything the house keeps [default: ~/.local/share/matinee]
    #[arg(long, value_name = "DIR")]
    data: Option<String>,
    /// Address viewers connect to [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR")]
    edge: Option<String>,
    /// Address of the API, of metrics and of the origin that edges fetch from [default: 127.0.0.1:8081]
    #[arg(long, value_name = "ADDR")]
    api: Option<String>,
    /// Address publishers connect to by RTMP [default: 127.0.0.1:1935]
    #[arg(long, value_name = "ADDR")]
    rtmp: Option<String>,
    /// What viewers' links begin with, such as https://live.example.com [default: http:// and the edge's address]
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// What publishers' links begin with, such as rtmp://live.example.com:1935 [default: rtmp:// and its address]
    #[arg(long, value_name = "URL")]
    publish_url: Option<String>,
    /// How logs are written: pretty or json [default: pretty]
    #[arg(long, value_name = "FORMAT")]
    log: Option<String>,
    /// How long a lost publisher may take to come back, in seconds, 0 to 1800 [default: 60]
    #[arg(long, value_name = "SECONDS")]
    reconnect_window_s: Option<String>,
    /// Part target of LL-HLS in milliseconds, 200 to 1000 [default: 333]
    #[arg(long, value_name = "MS")]
    part_target_ms: Option<String>,
    /// Memory for the live window and for the edge's cache, in MiB each, 64 to 65536 [default: 512]
    #[arg(long, value_name = "MIB")]
    memory_mib: Option<String>,
    /// Configuration file [default: ./matinee.toml where it exists]
    #[arg(long, value_name = "FILE", env = "MATINEE_CONFIG")]
    config: Option<PathBuf>,
    /// Add a test-pattern show with a burned-in clock, and print a link to watch it
    #[arg(long)]
    pub(crate) demo: bool,
}

/// What the house runs with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) data: PathBuf,
    pub(crate) edge: SocketAddr,
    pub(crate) api: SocketAddr,
    pub(crate) rtmp: SocketAddr,
    pub(crate) public_url: Option<String>,
    pub(crate) publish_url: Option<String>,
    pub(crate) log: LogFormat,
    pub(crate) reconnect_window: Duration,
    pub(crate) part_target_ms: u32,
    pub(crate) memory_bytes: u64,
}

/// Every name a setting goes by: in the file as it stands, in the environment as `MATINEE_` + upper case.
const NAMES: [&str; 10] = [
    "data",
    "edge",
    "api",
    "rtmp",
    "public_url",
    "publish_url",
    "log",
    "reconnect_window_s",
    "part_target_ms",
    "memory_mib",
];

impl Flags {
    /// All layers together.
    ///
    /// # Errors
    /// Every mistake of every layer, each saying where it stands.
    pub(crate) fn settle(
        &self,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Settings, Error> {
        let mut wrong = Vec::new();
        let file = self.file(&mut wrong);
        let mut layers = Layers { flags: self, environment: &environment, file, wrong };
        let settings = layers.settings();
        if layers.wrong.is_empty() { Ok(settings) } else { Err(Error::Configuration(layers.wrong)) }
    }

    fn file(&self, wrong: &mut Vec<String>) -> toml::Table {
        let named = self.config.as_ref();
        let path = named.cloned().unwrap_or_else(|| PathBuf::from(FILE));
        let text = match std::fs::read_to_string(&path) {
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
                for key in table.keys().filter(|key| !NAMES.contains(&key.as_str())) {
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

    fn flag(&self, name: &str) -> Option<&String> {
        match name {
            "data" => self.data.as_ref(),
            "edge" => self.edge.as_ref(),
            "api" => self.api.as_ref(),
            "rtmp" => self.rtmp.as_ref(),
            "public_url" => self.public_url.as_ref(),
            "publish_url" => self.publish_url.as_ref(),
            "log" => self.log.as_ref(),
            "reconnect_window_s" => self.reconnect_window_s.as_ref(),
            "part_target_ms" => self.part_target_ms.as_ref(),
            "memory_mib" => self.memory_mib.as_ref(),
            _ => None,
        }
    }
}

struct Layers<'a> {
    flags: &'a Flags,
    environment: &'a dyn Fn(&str) -> Option<String>,
    file: toml::Table,
    wrong: Vec<String>,
}

impl Layers<'_> {
    fn settings(&mut self) -> Settings {
        let default_data = crate::cli::default_data_dir();
        Settings {
            data: self.value("data", default_data, |text| Ok(PathBuf::from(text))),
            edge: self.value("edge", ([127, 0, 0, 1], 8080).into(), address),
            api: self.value("api", ([127, 0, 0, 1], 8081).into(), address),
            rtmp: self.value("rtmp", ([127, 0, 0, 1], 1935).into(), address),
            public_url: self.value("public_url", None, |text| base(text, &["http", "https"])),
            publish_url: self.value("publish_url", None, |text| base(text, &["rtmp", "rtmps"])),
            log: self.value("log", LogFormat::Pretty, log_format),
            reconnect_window: self.value("reconnect_window_s", Duration::from_secs(60), |text| {
                whole(text, 0, 1800).map(Duration::from_secs)
            }),
            part_target_ms: self.value("part_target_ms", 333, |text| {
                whole(text, 200, 1000).map(|ms| ms.try_into().unwrap_or(333))
            }),
            memory_bytes: self.value("memory_mib", 512 << 20, |text| {
                whole(text, 64, 65_536).map(|mib| mib << 20)
            }),
        }
    }

    fn value<T>(&mut self, name: &str, default: T, read: impl Fn(&str) -> Result<T, String>) -> T {
        let variable = format!("MATINEE_{}", name.to_uppercase());
        let flag = self.flags.flag(name);
        let found = flag
            .map(|text| (format!("--{}", name.replace('_', "-")), text.clone()))
            .or_else(|| (self.environment)(&variable).map(|text| (variable, text)))
            .or_else(|| self.file.get(name).map(|value| (format!("{FILE} {name}"), plain(value))));
        let Some((place, text)) = found else { return default };
        read(&text).unwrap_or_else(|why| {
            self.wrong.push(format!("  {place}: {text:?} {why}"));
            default
        })
    }
}

fn plain(value: &toml::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "is not an address such as 127.0.0.1:8080 or [::1]:8080".to_owned())
}

fn log_format(text: &str) -> Result<LogFormat, String> {
    match text {
        "json" => Ok(LogFormat::Json),
        "pretty" => Ok(LogFormat::Pretty),
        _ => Err("is neither pretty nor json".to_owned()),
    }
}

fn whole(text: &str, min: u64, max: u64) -> Result<u64, String> {
    text.parse()
        .ok()
        .filter(|number| (min..=max).contains(number))
        .ok_or_else(|| format!("is not a whole number from {min} to {max}"))
}

fn base(text: &str, schemes: &[&str]) -> Result<Option<String>, String> {
    let good = text
        .split_once("://")
        .is_some_and(|(scheme, rest)| schemes.contains(&scheme) && !rest.is_empty());
    if good {
        Ok(Some(text.trim_end_matches('/').to_owned()))
    } else {
        Err(format!("does not begin with {}://", schemes.join(":// or ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(config: Option<PathBuf>) -> Flags {
        // A file that is named but absent is a mistake; tests without one name an empty one.
        Flags {
            config: Some(config.unwrap_or_else(|| PathBuf::from("/dev/null"))),
            ..Flags::default()
        }
    }

    #[test]
    fn defaults_are_those_of_the_contract() {
        let settings = flags(None).settle(|_| None).expect("defaults are right");
        assert_eq!(settings.edge.to_string(), "127.0.0.1:8080");
        assert_eq!(settings.api.to_string(), "127.0.0.1:8081");
        assert_eq!(settings.rtmp.to_string(), "127.0.0.1:1935");
    }

    #[test]
    fn flags_go_before_environment_before_file() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let file = dir.path().join("m.toml");
        std::fs::write(
            &file,
            "api = \"127.0.0.1:1\"\nrtmp = \"127.0.0.1:1\"\nedge = \"127.0.0.1:1\"",
        )
        .expect("writable");
        let mut flags = flags(Some(file));
        flags.api = Some("127.0.0.1:3".to_owned());
        let settings = flags
            .settle(|name| {
                ["MATINEE_API", "MATINEE_RTMP"].contains(&name).then(|| "127.0.0.1:2".to_owned())
            })
            .expect("all are right");
        assert_eq!(settings.api.port(), 3);
        assert_eq!(settings.rtmp.port(), 2);
        assert_eq!(settings.edge.port(), 1);
    }

    #[test]
    fn all_mistakes_are_told_together() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let file = dir.path().join("m.toml");
        std::fs::write(&file, "colour = 1\nmemory_mib = 1").expect("writable");
        let mut flags = flags(Some(file));
        flags.edge = Some("nowhere".to_owned());
        let Err(Error::Configuration(wrong)) = flags.settle(|_| None) else { panic!("refused") };
        assert_eq!(wrong.len(), 3, "{wrong:?}");
    }
}
