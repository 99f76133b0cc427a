//! Settings of `matinee up`: flags before environment before `matinee.toml` before defaults.
//!
//! In: what the command line, the environment and the file say, all as text. Out: [`Settings`], or every mistake at
//! once. Does not know what the settings are used for.

pub(crate) mod bucket;
mod database;
mod encoding;
pub(crate) mod films;
mod keeping;
mod publishers;
pub(crate) mod worker;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use edge_wasmtime::Tls;
use origin_ingest::{Certificate, Passphrase, Rtmps, SecondPublisher, Srt, Whip};
use shared_wire::api::{DVR_WINDOW_S, WhileAway};

use crate::error::Error;
use crate::hooks::Receivers;
use crate::layers::{Layers, address, base, log_format, whole};
use crate::retention::Rules;
use crate::telemetry::LogFormat;
use crate::{uploads, vod};

pub(crate) use database::{Database, database};
pub(crate) use encoding::Encoding;

/// The flags of `matinee up`. They stay text here so that all mistakes can be reported together.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Flags {
    /// Directory of everything the house keeps [default: ~/.local/share/matinee]
    #[arg(long, value_name = "DIR")]
    data: Option<String>,
    /// A PostgreSQL that nodes share, such as postgres://user@host/database [default: a file in the data directory]
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// File with that database's password [default: as in the URL, PGPASSWORD or ~/.pgpass]
    #[arg(long, value_name = "FILE")]
    database_password_file: Option<String>,
    /// How long a node of several has a show after it last said so, in seconds, 2 to 86400 [default: 30]
    #[arg(long, value_name = "SECONDS")]
    lease_s: Option<String>,
    /// Address viewers connect to [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR")]
    edge: Option<String>,
    /// Address of the API, of metrics and of the origin that edges fetch from [default: 127.0.0.1:8081]
    #[arg(long, value_name = "ADDR")]
    api: Option<String>,
    /// Address publishers connect to by RTMP [default: 127.0.0.1:1935]
    #[arg(long, value_name = "ADDR")]
    rtmp: Option<String>,
    /// Address publishers connect to by RTMP within TLS [default: no RTMPS]
    #[arg(long, value_name = "ADDR")]
    rtmps: Option<String>,
    /// Certificate of that address with its chain, PEM; read again when it changes
    #[arg(long, value_name = "FILE")]
    rtmps_tls_cert: Option<String>,
    /// Private key of that certificate, PEM
    #[arg(long, value_name = "FILE")]
    rtmps_tls_key: Option<String>,
    /// Address publishers connect to by SRT, UDP [default: no SRT]
    #[arg(long, value_name = "ADDR")]
    srt: Option<String>,
    /// File with the passphrase of SRT, 10 to 79 characters; who has none is refused then [default: no encryption]
    #[arg(long, value_name = "FILE")]
    srt_passphrase_file: Option<String>,
    /// How long SRT waits for what was lost on the way, in milliseconds, 20 to 8000 [default: 120]
    #[arg(long, value_name = "MS")]
    srt_latency_ms: Option<String>,
    /// Address publishers connect to by WHIP: HTTP, and UDP of the same number for the media [default: no WHIP]
    #[arg(long, value_name = "ADDR")]
    whip: Option<String>,
    /// Certificate of WHIP's HTTP with its chain, PEM; read again when it changes [default: no TLS]
    #[arg(long, value_name = "FILE")]
    whip_tls_cert: Option<String>,
    /// Private key of that certificate, PEM
    #[arg(long, value_name = "FILE")]
    whip_tls_key: Option<String>,
    /// What publishers reach that address by, such as https://live.example.com, where something stands before it
    /// [default: http:// or https:// and the published host]
    #[arg(long, value_name = "URL")]
    whip_url: Option<String>,
    /// Public addresses of this machine, commas between them, where it does not have them itself [default: none]
    #[arg(long, value_name = "IP,…")]
    whip_public_addresses: Option<String>,
    /// Whether sources that shows are fetched from may be in private networks: allow or refuse [default: refuse]
    #[arg(long, value_name = "WHETHER")]
    pull_private: Option<String>,
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
    /// What becomes of a second publisher with a stream key that is on air: refuse or take-over [default: refuse]
    #[arg(long, value_name = "RULE")]
    second_publisher: Option<String>,
    /// Publishers at the same time by RTMP and RTMPS, as many by SRT and as many by WHIP, 1 to 10000 [default: 64]
    #[arg(long, value_name = "N")]
    publishers_max: Option<String>,
    /// What viewers see while nobody publishes and a show waits for someone: gap or slate [default: gap]
    #[arg(long, value_name = "WHAT")]
    while_away: Option<String>,
    /// A picture to be the slate, in place of words, such as a PNG or JPEG
    #[arg(long, value_name = "FILE")]
    slate: Option<String>,
    /// Part target of LL-HLS in milliseconds, 200 to 1000 [default: 333]
    #[arg(long, value_name = "MS")]
    part_target_ms: Option<String>,
    /// Smaller pictures that shows are offered in where nobody chose others, such as 1080p,480p@900k,160p; of them
    /// those below the source [default: 720p,480p,160p]
    #[arg(long, value_name = "RUNG,…")]
    ladder: Option<String>,
    /// How many processors encoding may keep busy, such as 3.5 [default: nine tenths of all]
    #[arg(long, value_name = "NUMBER")]
    encode_cpus: Option<String>,
    /// What becomes of a show that they have no room for: fewer-rungs or refuse [default: fewer-rungs]
    #[arg(long, value_name = "RULE")]
    no_room: Option<String>,
    /// What encodes in hardware where it can be opened, nvenc, vaapi or v4l2, or none [default: none]
    #[arg(long, value_name = "NAME")]
    hardware: Option<String>,
    /// Memory for the live window and for the edge's cache, in MiB each, 64 to 65536 [default: 512]
    #[arg(long, value_name = "MIB")]
    memory_mib: Option<String>,
    /// How far back viewers of a live show may go, in seconds, 60 to 86400; a show may have its own [default: 7200]
    #[arg(long, value_name = "SECONDS")]
    dvr_window_s: Option<String>,
    /// What all recordings may take, in MiB; the oldest are deleted beyond it [default: no limit]
    #[arg(long, value_name = "MIB")]
    recordings_max_mib: Option<String>,
    /// How long recordings and films are kept that do not say, in days, 1 to 36525 [default: until they are deleted]
    #[arg(long, value_name = "DAYS")]
    assets_keep_days: Option<String>,
    /// What one recording may take, in MiB; it stops there; a show may have its own [default: no limit]
    #[arg(long, value_name = "MIB")]
    recording_max_mib: Option<String>,
    /// Free space of the disk below which there is an alarm, in MiB [default: 1024]
    #[arg(long, value_name = "MIB")]
    disk_low_mib: Option<String>,
    /// What happens then: alarm alone, or delete-oldest as well [default: alarm]
    #[arg(long, value_name = "RULE")]
    when_disk_low: Option<String>,
    /// Directory of uploads and assets; nodes share one [default: the bucket, or uploads in the data directory]
    #[arg(long, value_name = "DIR")]
    uploads: Option<String>,
    /// What uploads and assets may take altogether, in MiB [default: no limit]
    #[arg(long, value_name = "MIB")]
    uploads_max_mib: Option<String>,
    /// What one file may take, in MiB [default: 262144]
    #[arg(long, value_name = "MIB")]
    upload_max_mib: Option<String>,
    /// How long an upload that nobody goes on with is kept, in seconds, 60 to 31536000 [default: 604800]
    #[arg(long, value_name = "SECONDS")]
    upload_expires_s: Option<String>,
    /// Edges elsewhere that are told when somebody may no longer watch, such as https://live.example.com; commas
    /// between them [default: none]
    #[arg(long, value_name = "URL,…")]
    edges: Option<String>,
    /// Who is told what happens to shows, by signed POST requests [default: nobody]
    #[arg(long, value_name = "URL")]
    hook: Option<String>,
    /// Who is asked whether a publisher may go on the air, by signed POST requests [default: nobody]
    #[arg(long, value_name = "URL")]
    publish_hook: Option<String>,
    /// Certificate of the viewers' address with its chain, PEM; read again when it changes [default: no TLS]
    #[arg(long, value_name = "FILE")]
    edge_tls_cert: Option<String>,
    /// Private key of that certificate, PEM
    #[arg(long, value_name = "FILE")]
    edge_tls_key: Option<String>,
    #[command(flatten)]
    films: films::FilmFlags,
    #[command(flatten)]
    bucket: bucket::BucketFlags,
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
    pub(crate) database: Option<Database>,
    pub(crate) lease: Duration,
    pub(crate) edge: SocketAddr,
    pub(crate) api: SocketAddr,
    pub(crate) rtmp: SocketAddr,
    pub(crate) rtmps: Option<Rtmps>,
    pub(crate) srt: Option<SrtDoor>,
    pub(crate) whip: Option<Whip>,
    whip_url: Option<String>,
    pub(crate) pull_private: bool,
    pub(crate) public_url: Option<String>,
    pub(crate) publish_url: Option<String>,
    pub(crate) log: LogFormat,
    pub(crate) reconnect_window: Duration,
    pub(crate) second_publisher: SecondPublisher,
    pub(crate) publishers_max: usize,
    pub(crate) while_away: WhileAway,
    pub(crate) slate: Option<PathBuf>,
    pub(crate) part_target_ms: u32,
    pub(crate) encoding: Encoding,
    pub(crate) memory_bytes: u64,
    pub(crate) dvr_window_s: u32,
    pub(crate) retention: Rules,
    pub(crate) uploads: uploads::Rules,
    pub(crate) films: vod::Rules,
    pub(crate) edges: Vec<String>,
    pub(crate) hooks: Receivers,
    pub(crate) edge_tls: Option<Tls>,
    pub(crate) bucket: Option<bucket::Bucket>,
}

/// Where SRT is spoken, and how. The passphrase stays in its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SrtDoor {
    listen: SocketAddr,
    passphrase_file: Option<PathBuf>,
    latency: Duration,
}

/// Every name a setting goes by: in the file as it stands, in the environment as `MATINEE_` + upper case.
pub(crate) const NAMES: &[&str] = &[
    "data",
    "database",
    "database_password_file",
    "lease_s",
    "edge",
    "api",
    "rtmp",
    "rtmps",
    "rtmps_tls_cert",
    "rtmps_tls_key",
    "srt",
    "srt_passphrase_file",
    "srt_latency_ms",
    "whip",
    "whip_tls_cert",
    "whip_tls_key",
    "whip_url",
    "whip_public_addresses",
    "pull_private",
    "public_url",
    "publish_url",
    "log",
    "reconnect_window_s",
    "second_publisher",
    "publishers_max",
    "while_away",
    "slate",
    "part_target_ms",
    "ladder",
    "encode_cpus",
    "no_room",
    "hardware",
    "memory_mib",
    "dvr_window_s",
    "recordings_max_mib",
    "assets_keep_days",
    "recording_max_mib",
    "disk_low_mib",
    "when_disk_low",
    "uploads",
    "uploads_max_mib",
    "upload_max_mib",
    "upload_expires_s",
    "edges",
    "hook",
    "publish_hook",
    "edge_tls_cert",
    "edge_tls_key",
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
        let flag = |name: &str| self.flag(name).cloned();
        let mut layers = Layers::read(self.config.as_deref(), &flag, &environment);
        let settings = layers.settings();
        layers.whole(settings)
    }

    fn flag(&self, name: &str) -> Option<&String> {
        match name {
            "data" => self.data.as_ref(),
            "database" => self.database.as_ref(),
            "database_password_file" => self.database_password_file.as_ref(),
            "lease_s" => self.lease_s.as_ref(),
            "edge" => self.edge.as_ref(),
            "api" => self.api.as_ref(),
            "rtmp" => self.rtmp.as_ref(),
            "rtmps" => self.rtmps.as_ref(),
            "rtmps_tls_cert" => self.rtmps_tls_cert.as_ref(),
            "rtmps_tls_key" => self.rtmps_tls_key.as_ref(),
            "srt" => self.srt.as_ref(),
            "srt_passphrase_file" => self.srt_passphrase_file.as_ref(),
            "srt_latency_ms" => self.srt_latency_ms.as_ref(),
            "whip" => self.whip.as_ref(),
            "whip_tls_cert" => self.whip_tls_cert.as_ref(),
            "whip_tls_key" => self.whip_tls_key.as_ref(),
            "whip_url" => self.whip_url.as_ref(),
            "whip_public_addresses" => self.whip_public_addresses.as_ref(),
            "pull_private" => self.pull_private.as_ref(),
            "public_url" => self.public_url.as_ref(),
            "publish_url" => self.publish_url.as_ref(),
            "log" => self.log.as_ref(),
            "reconnect_window_s" => self.reconnect_window_s.as_ref(),
            "second_publisher" => self.second_publisher.as_ref(),
            "publishers_max" => self.publishers_max.as_ref(),
            "while_away" => self.while_away.as_ref(),
            "slate" => self.slate.as_ref(),
            "part_target_ms" => self.part_target_ms.as_ref(),
            "ladder" => self.ladder.as_ref(),
            "encode_cpus" => self.encode_cpus.as_ref(),
            "no_room" => self.no_room.as_ref(),
            "hardware" => self.hardware.as_ref(),
            "memory_mib" => self.memory_mib.as_ref(),
            "dvr_window_s" => self.dvr_window_s.as_ref(),
            "recordings_max_mib" => self.recordings_max_mib.as_ref(),
            "assets_keep_days" => self.assets_keep_days.as_ref(),
            "recording_max_mib" => self.recording_max_mib.as_ref(),
            "disk_low_mib" => self.disk_low_mib.as_ref(),
            "when_disk_low" => self.when_disk_low.as_ref(),
            "uploads" => self.uploads.as_ref(),
            "uploads_max_mib" => self.uploads_max_mib.as_ref(),
            "upload_max_mib" => self.upload_max_mib.as_ref(),
            "upload_expires_s" => self.upload_expires_s.as_ref(),
            "edges" => self.edges.as_ref(),
            "hook" => self.hook.as_ref(),
            "publish_hook" => self.publish_hook.as_ref(),
            "edge_tls_cert" => self.edge_tls_cert.as_ref(),
            "edge_tls_key" => self.edge_tls_key.as_ref(),
            _ => self.films.flag(name).or_else(|| self.bucket.flag(name)),
        }
    }
}

impl Layers<'_> {
    fn settings(&mut self) -> Settings {
        let default_data = crate::cli::default_data_dir();
        Settings {
            data: self.value("data", default_data, |text| Ok(PathBuf::from(text))),
            database: self.database(),
            lease: self.lease(),
            edge: self.value("edge", ([127, 0, 0, 1], 8080).into(), address),
            api: self.value("api", ([127, 0, 0, 1], 8081).into(), address),
            rtmp: self.value("rtmp", ([127, 0, 0, 1], 1935).into(), address),
            rtmps: self.rtmps(),
            srt: self.srt(),
            whip: self.whip(),
            whip_url: self.value("whip_url", None, |text| base(text, &["http", "https"])),
            pull_private: self.value("pull_private", false, |text| match text {
                "allow" => Ok(true),
                "refuse" => Ok(false),
                _ => Err("is neither allow nor refuse".to_owned()),
            }),
            public_url: self.value("public_url", None, |text| base(text, &["http", "https"])),
            publish_url: self.value("publish_url", None, |text| base(text, &["rtmp", "rtmps"])),
            log: self.value("log", LogFormat::Pretty, log_format),
            reconnect_window: self.value("reconnect_window_s", Duration::from_secs(60), |text| {
                whole(text, 0, 1800).map(Duration::from_secs)
            }),
            second_publisher: self.second_publisher(),
            publishers_max: self.publishers_max(),
            while_away: self.while_away(),
            slate: self.slate(),
            part_target_ms: self.value("part_target_ms", 333, |text| {
                whole(text, 200, 1000).map(|ms| ms.try_into().unwrap_or(333))
            }),
            encoding: self.encoding(),
            memory_bytes: self.value("memory_mib", 512 << 20, |text| {
                whole(text, 16, 65_536).map(|mib| mib << 20)
            }),
            dvr_window_s: self.value("dvr_window_s", 7200, |text| {
                let (shortest, longest) = (*DVR_WINDOW_S.start(), *DVR_WINDOW_S.end());
                whole(text, shortest.into(), longest.into()).map(|s| s.try_into().unwrap_or(7200))
            }),
            retention: self.retention(),
            uploads: self.uploads(),
            films: self.films(),
            edges: self.value("edges", Vec::new(), keeping::edges),
            hooks: self.hooks(),
            edge_tls: self.tls("edge_tls_cert", "edge_tls_key"),
            bucket: self.bucket(),
        }
    }
}

impl Layers<'_> {
    /// RTMP within TLS: its address and its certificate are named together.
    fn rtmps(&mut self) -> Option<Rtmps> {
        let listen = self.value("rtmps", None, |text| address(text).map(Some));
        match (listen, self.tls("rtmps_tls_cert", "rtmps_tls_key")) {
            (Some(listen), Some(Tls::Files { certificate, key })) => {
                Some(Rtmps { listen, tls: followed(certificate, key) })
            }
            (None, None) => None,
            _ => {
                let names = "--rtmps, --rtmps-tls-cert and --rtmps-tls-key";
                self.refuse(format!("{names}: all are named, or none"));
                None
            }
        }
    }
}

impl Layers<'_> {
    fn srt(&mut self) -> Option<SrtDoor> {
        let listen = self.value("srt", None, |text| address(text).map(Some));
        let file = |text: &str| Ok(Some(PathBuf::from(text)));
        let passphrase_file = self.value("srt_passphrase_file", None, file);
        let latency = self.value("srt_latency_ms", Srt::LATENCY, |text| {
            whole(text, 20, 8000).map(Duration::from_millis)
        });
        listen.map(|listen| SrtDoor { listen, passphrase_file, latency })
    }
}

/// A certificate whose files are looked at again now and then.
const fn followed(certificate: PathBuf, key: PathBuf) -> Certificate {
    Certificate { certificate, key, look_every: Certificate::LOOK_EVERY }
}

impl Settings {
    /// The WHIP endpoint, as publishers reach it.
    pub(crate) fn whip_url_of(&self, door: SocketAddr) -> String {
        let base = self.whip_url.clone();
        let has_tls = self.whip.as_ref().is_some_and(|whip| whip.tls.is_some());
        let scheme = if has_tls { "https" } else { "http" };
        format!("{}/whip", base.unwrap_or_else(|| self.publish_url_of(scheme, door)))
    }

    /// Where publishers reach another door than that of RTMP: the same host, the door's own port.
    pub(crate) fn publish_url_of(&self, scheme: &str, door: SocketAddr) -> String {
        let host =
            self.publish_url.as_deref().and_then(|url| url.split_once("://")).map(|(_, rest)| {
                let host = rest.split('/').next().unwrap_or(rest);
                match host.rsplit_once(':') {
                    Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
                    _ => host,
                }
            });
        match host {
            Some(host) => format!("{scheme}://{host}:{}", door.port()),
            None => format!("{scheme}://{door}"),
        }
    }
}

/// The door with its passphrase.
///
/// # Errors
/// The passphrase cannot be read, or cannot be one.
pub(crate) fn srt(door: &SrtDoor) -> Result<Srt, Error> {
    let passphrase = match &door.passphrase_file {
        None => None,
        Some(file) => {
            let named = format!("  --srt-passphrase-file: {}", file.display());
            let text = std::fs::read_to_string(file)
                .map_err(|error| Error::Configuration(vec![format!("{named}: {error}")]))?;
            let passphrase = Passphrase::new(text.trim_end_matches(['\r', '\n']));
            let wrong = || Error::Configuration(vec![format!("{named}: not 10 to 79 characters")]);
            Some(passphrase.ok_or_else(wrong)?)
        }
    };
    Ok(Srt { passphrase, latency: door.latency, ..Srt::on(door.listen) })
}

#[cfg(test)]
mod tests;
