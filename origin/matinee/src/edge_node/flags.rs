//! The flags of `matinee edge`, as text.
//!
//! In: the command line. Out: each flag by the name its setting has in every layer. Does not read them: all mistakes
//! are reported together.

use std::path::{Path, PathBuf};

use clap::Args;

/// The flags of `matinee edge`.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Flags {
    /// Where the house is, such as https://origin.example; again for one to turn to when the first is not well
    #[arg(long, value_name = "URL")]
    origin: Vec<String>,
    /// Certificates (PEM) of authorities that are believed about https origins, besides the system's
    #[arg(long, value_name = "FILE")]
    origin_ca: Option<String>,
    /// Address viewers connect to [default: 127.0.0.1:8090]
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// Address of /healthz, /readyz and /metrics [default: 127.0.0.1:8091]
    #[arg(long, value_name = "ADDR")]
    admin: Option<String>,
    /// Directory of the cache, the compiled component and the certificates [default: ~/.local/share/matinee/edge]
    #[arg(long, value_name = "DIR")]
    data: Option<String>,
    /// File with the lines that `matinee keys` prints at the house
    #[arg(long, value_name = "FILE")]
    keys: Option<String>,
    /// The secret by which the house knows its edges (MATINEE_EDGE_KEY is better: flags can be seen by others)
    #[arg(long, value_name = "SECRET")]
    edge_key: Option<String>,
    /// The keys that seal sessions (MATINEE_SESSION_KEYS is better)
    #[arg(long, value_name = "KEYS")]
    session_keys: Option<String>,
    /// The keys that verify tokens, a JWK set
    #[arg(long, value_name = "JSON")]
    token_keys: Option<String>,
    /// After how long without a confirmed deny list new sessions are refused, in seconds; 0: never [default: 300]
    #[arg(long, value_name = "SECONDS")]
    isolated_s: Option<String>,
    /// Bucket that closed segments are read from, before the house is asked; MATINEE_EDGE_BUCKET_KEY_ID and
    /// MATINEE_EDGE_BUCKET_SECRET, or AWS_…, say with which key [default: none]
    #[arg(long, value_name = "NAME")]
    edge_bucket: Option<String>,
    /// Where that bucket is, if not at Amazon
    #[arg(long, value_name = "URL")]
    edge_bucket_endpoint: Option<String>,
    /// Its region
    #[arg(long, value_name = "REGION")]
    edge_bucket_region: Option<String>,
    /// What its keys begin with, as the house's --s3-prefix
    #[arg(long, value_name = "PREFIX")]
    edge_bucket_prefix: Option<String>,
    /// Whether its name stands in the path: yes or no [default: yes behind an endpoint]
    #[arg(long, value_name = "yes|no")]
    edge_bucket_path_style: Option<String>,
    /// Certificate with its chain, PEM; read again when it changes
    #[arg(long, value_name = "FILE")]
    tls_cert: Option<String>,
    /// Private key of that certificate, PEM
    #[arg(long, value_name = "FILE")]
    tls_key: Option<String>,
    /// Name to get a certificate for by ACME (TLS-ALPN-01: port 443 of the name must lead here); again for more
    #[arg(long, value_name = "NAME")]
    acme_domain: Vec<String>,
    /// Where the authority writes to before a certificate ends
    #[arg(long, value_name = "ADDRESS")]
    acme_email: Option<String>,
    /// The authority's ACME directory [default: that of Let's Encrypt]
    #[arg(long, value_name = "URL")]
    acme_directory: Option<String>,
    /// An authority (PEM) that is believed about the directory's address, besides the system's
    #[arg(long, value_name = "FILE")]
    acme_ca: Option<String>,
    /// Address that sends plain HTTP to HTTPS [default: none]
    #[arg(long, value_name = "ADDR")]
    redirect: Option<String>,
    /// Cache in memory, in MiB, 16 to 1048576 [default: 512]
    #[arg(long, value_name = "MIB")]
    memory_mib: Option<String>,
    /// Cache on disk, in MiB, 0 to 67108864; 0: none [default: 4096]
    #[arg(long, value_name = "MIB")]
    disk_mib: Option<String>,
    /// Requests of one client (IPv6: a /64) per second, and how many at once: 100/400; 0: no limit [default: 0]
    #[arg(long, value_name = "N[/BURST]")]
    client_rate: Option<String>,
    /// Requests of one session per second, and how many at once; 0: no limit [default: 0]
    #[arg(long, value_name = "N[/BURST]")]
    session_rate: Option<String>,
    /// Viewers' connections at a time [default: 10000]
    #[arg(long, value_name = "N")]
    connections: Option<String>,
    /// Of those, from one client; 0: no limit [default: 0]
    #[arg(long, value_name = "N")]
    connections_per_client: Option<String>,
    /// How long a viewer may take nothing of what it asked for, in seconds, 1 to 600 [default: 30]
    #[arg(long, value_name = "SECONDS")]
    stall_s: Option<String>,
    /// How long viewers may finish after SIGTERM, in seconds, 0 to 600 [default: 15]
    #[arg(long, value_name = "SECONDS")]
    drain_s: Option<String>,
    /// Networks of proxies in front, whose X-Forwarded-For is believed: 10.0.0.0/8,fd00::/8 [default: none]
    #[arg(long, value_name = "CIDR,…")]
    trusted_proxies: Option<String>,
    /// Where they write the viewer's country, such as cf-ipcountry [default: none]
    #[arg(long, value_name = "HEADER")]
    country_header: Option<String>,
    /// Where they write the number of the viewer's autonomous system [default: none]
    #[arg(long, value_name = "HEADER")]
    asn_header: Option<String>,
    /// Where requests are logged: stdout (JSON lines), log (with the other lines), off, or a file [default: stdout]
    #[arg(long, value_name = "WHERE")]
    access_log: Option<String>,
    /// How much of a viewer's address is logged: full, network or none [default: full]
    #[arg(long, value_name = "HOW")]
    access_log_address: Option<String>,
    /// How other lines are logged, on standard error: pretty or json [default: pretty]
    #[arg(long, value_name = "FORMAT")]
    log: Option<String>,
    /// What decides: component, the WebAssembly in its sandbox, or native, the same code in this program
    /// [default: component]
    #[arg(long, value_name = "ENGINE")]
    engine: Option<String>,
    /// Another component than the one in this program, such as target/edge/decision.wasm
    #[arg(long, value_name = "FILE")]
    component: Option<String>,
    /// Configuration file [default: ./matinee.toml where it exists]
    #[arg(long, value_name = "FILE", env = "MATINEE_CONFIG")]
    config: Option<PathBuf>,
}

/// Every name a setting goes by: in the file as it stands, in the environment as `MATINEE_` + upper case.
pub(crate) const NAMES: &[&str] = &[
    "origin",
    "origin_ca",
    "listen",
    "admin",
    "data",
    "keys",
    "edge_key",
    "session_keys",
    "token_keys",
    "isolated_s",
    "edge_bucket",
    "edge_bucket_endpoint",
    "edge_bucket_region",
    "edge_bucket_prefix",
    "edge_bucket_path_style",
    "tls_cert",
    "tls_key",
    "acme_domain",
    "acme_email",
    "acme_directory",
    "acme_ca",
    "redirect",
    "memory_mib",
    "disk_mib",
    "client_rate",
    "session_rate",
    "connections",
    "connections_per_client",
    "stall_s",
    "drain_s",
    "trusted_proxies",
    "country_header",
    "asn_header",
    "access_log",
    "access_log_address",
    "log",
    "engine",
    "component",
];

impl Flags {
    /// The file that was named.
    pub(super) fn config(&self) -> Option<&Path> {
        self.config.as_deref()
    }

    /// What a flag says.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let flag = match name {
            "origin" => return (!self.origin.is_empty()).then(|| self.origin.join(",")),
            "origin_ca" => &self.origin_ca,
            "listen" => &self.listen,
            "admin" => &self.admin,
            "data" => &self.data,
            "keys" => &self.keys,
            "edge_key" => &self.edge_key,
            "session_keys" => &self.session_keys,
            "token_keys" => &self.token_keys,
            "isolated_s" => &self.isolated_s,
            "edge_bucket" => &self.edge_bucket,
            "edge_bucket_endpoint" => &self.edge_bucket_endpoint,
            "edge_bucket_region" => &self.edge_bucket_region,
            "edge_bucket_prefix" => &self.edge_bucket_prefix,
            "edge_bucket_path_style" => &self.edge_bucket_path_style,
            "tls_cert" => &self.tls_cert,
            "tls_key" => &self.tls_key,
            "acme_domain" => {
                return (!self.acme_domain.is_empty()).then(|| self.acme_domain.join(","));
            }
            "acme_email" => &self.acme_email,
            "acme_directory" => &self.acme_directory,
            "acme_ca" => &self.acme_ca,
            "redirect" => &self.redirect,
            "memory_mib" => &self.memory_mib,
            "disk_mib" => &self.disk_mib,
            "client_rate" => &self.client_rate,
            "session_rate" => &self.session_rate,
            "connections" => &self.connections,
            "connections_per_client" => &self.connections_per_client,
            "stall_s" => &self.stall_s,
            "drain_s" => &self.drain_s,
            "trusted_proxies" => &self.trusted_proxies,
            "country_header" => &self.country_header,
            "asn_header" => &self.asn_header,
            "access_log" => &self.access_log,
            "access_log_address" => &self.access_log_address,
            "log" => &self.log,
            "engine" => &self.engine,
            "component" => &self.component,
            _ => return None,
        };
        flag.clone()
    }
}
