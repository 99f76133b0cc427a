//! Viceroy: Fastly's own emulator, running the program for Fastly Compute.
//!
//! In: the settings, as a config store and a secret store. Out: an edge in a process of its own. Does not know the
//! cases.

use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use edge_answer::config::BUCKET_SETTINGS;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use super::{Running, artefact, setting};
use crate::stage::{ABROAD, HOME, NEXT_DOOR};

/// How long it may take to compile the program and listen.
const START_MAX: Duration = Duration::from_secs(60);

/// All that a place is described by, but for its country; without any of these there is no description.
const GEOLOCATION: &str = "as_name = \"A network\"\nas_number = 64496\narea_code = 0\n\
    city = \"x\"\nconn_speed = \"broadband\"\n\
    conn_type = \"wired\"\ncontinent = \"EU\"\n\
    country_code3 = \"XXX\"\ncountry_name = \"x\"\nlatitude = 0.5\n\
    longitude = 0.5\nmetro_code = 0\npostal_code = \"x\"\n\
    proxy_description = \"?\"\nproxy_type = \"?\"\nregion = \"x\"\n\
    utc_offset = 0";

/// No setting of the edge's, but where Viceroy writes what it says.
pub(crate) const LOG: &str = "viceroy log";
/// No setting of the edge's, but the shields that Viceroy knows, as TOML.
pub(crate) const SHIELDS: &str = "viceroy shields";

/// The process, killed when dropped, and the directory of its configuration.
struct Life {
    _child: Child,
    _directory: TempDir,
}

pub(super) async fn start(settings: &[(String, String)]) -> Running {
    let program = artefact("fastly.wasm");
    let directory = tempfile::tempdir().expect("a temporary directory");
    let config = directory.path().join("fastly.toml");
    std::fs::write(&config, manifest(settings)).expect("a manifest");
    let address = free_address();
    let log_path = match setting(settings, LOG) {
        "" => directory.path().join("viceroy.log"),
        path => PathBuf::from(path),
    };
    let log = std::fs::File::create(&log_path).expect("a log");
    let mut child = Command::new(viceroy().await)
        .arg("--addr")
        .arg(address.to_string())
        .arg("-C")
        .arg(&config)
        .arg(program)
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("a log"))
        .stderr(log)
        .kill_on_drop(true)
        .spawn()
        .expect("Viceroy starts");
    let deadline = Instant::now() + START_MAX;
    while TcpStream::connect(address).await.is_err() {
        let ended = child.try_wait().expect("a child").is_some();
        if ended || Instant::now() > deadline {
            let log = std::fs::read_to_string(&log_path);
            panic!("Viceroy did not come up:\n{}", log.unwrap_or_default());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Running { address, _life: Box::new(Life { _child: child, _directory: directory }) }
}

/// `VICEROY`, or the one that set-up installs, where it is not there yet. Whoever installs it at the moment is waited
/// for.
async fn viceroy() -> PathBuf {
    if let Some(own) = std::env::var_os("VICEROY") {
        return own.into();
    }
    let set_up = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/setup.sh");
    let done = Command::new(set_up).arg("viceroy").stdin(Stdio::null()).output().await;
    let done = done.expect("scripts/setup.sh runs");
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "Viceroy cannot be installed:\n{said}");
    let tools = std::env::var_os("MATINEE_TOOLS").map(PathBuf::from).unwrap_or_else(|| {
        let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
        home.join(".cache/matinee/tools")
    });
    tools.join("viceroy-0.22.0/bin/viceroy")
}

fn free_address() -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address")
}

fn manifest(settings: &[(String, String)]) -> String {
    let origin = setting(settings, "MATINEE_ORIGIN");
    let mut text = format!(
        "manifest_version = 3\nname = \"edge\"\nlanguage = \"rust\"\n\n\
         [local_server.backends.origin]\nurl = \"{origin}\"\n\n\
         [local_server.config_stores.matinee]\nformat = \"inline-toml\"\n\
         [local_server.config_stores.matinee.contents]\nMATINEE_ORIGIN = \"{origin}\"\n"
    );
    let is_open = |name: &String| BUCKET_SETTINGS.contains(&name.as_str());
    for (name, value) in settings.iter().filter(|(name, _)| is_open(name)) {
        writeln!(text, "{name} = \"{value}\"").expect("a text grows");
    }
    text.push_str("\n[local_server.secret_stores]\nmatinee = [\n");
    let others = ["MATINEE_ORIGIN", LOG, SHIELDS];
    let is_other = |name: &String| others.contains(&name.as_str()) || is_open(name);
    for (name, value) in settings.iter().filter(|(name, _)| !is_other(name)) {
        writeln!(text, "  {{ key = \"{name}\", data = '''{value}''' }},").expect("a text grows");
    }
    let shields = setting(settings, SHIELDS);
    write!(text, "]\n\n[local_server.shielding_sites]\n{shields}\n").expect("a text grows");
    text.push_str("\n[local_server.geolocation]\nformat = \"inline-toml\"\n");
    for place in [HOME, NEXT_DOOR, ABROAD] {
        let (ip, country) = (IpAddr::from(place.ip), place.country);
        writeln!(text, "[local_server.geolocation.addresses.\"{ip}\"]\n{GEOLOCATION}")
            .and_then(|()| writeln!(text, "country_code = \"{country}\""))
            .expect("a text grows");
    }
    text
}
