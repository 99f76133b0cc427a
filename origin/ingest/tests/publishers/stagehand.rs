//! A house with two keys, and publishers for it.
//!
//! In: a configuration. Out: shows as the binary would get them, and the `ffmpeg` program at work. Does not know what
//! is being proved.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use origin_ingest::{
    Admission, Airtime, Config, Desk, Gate, Opening, Refusal, Server, StreamKey, Verdict,
};
use shared_media::{AccessUnit, Publication, TrackId, TrackKind};
use tokio::process::{Child, Command};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time;

/// Longer than anything here may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Knows the keys `k1` and `k2`, of the shows `show-1` and `show-2`.
struct Doorman {
    openings: mpsc::UnboundedSender<Opening>,
    airtimes: Arc<Mutex<Vec<(String, Airtime)>>>,
}

impl Gate for Doorman {
    fn admit<'a>(&'a self, key: &'a StreamKey, _peer: SocketAddr) -> Verdict<'a> {
        Box::pin(async move {
            let show = match key.expose() {
                "k1" => "show-1",
                "k2" => "show-2",
                _ => return Err(Refusal::WrongKey),
            };
            Ok(Admission { show: show.to_owned(), resume: None, second_publisher: None })
        })
    }

    fn opened(&self, opening: Opening) {
        self.openings.send(opening).expect("the test still runs");
    }

    fn airtime(&self, show: &str, airtime: Airtime) {
        self.airtimes.lock().expect("no test panics with it").push((show.to_owned(), airtime));
    }
}

/// A running server.
pub(crate) struct House {
    pub(crate) address: SocketAddr,
    pub(crate) secure_address: Option<SocketAddr>,
    pub(crate) srt_address: Option<SocketAddr>,
    pub(crate) whip_address: Option<SocketAddr>,
    pub(crate) desk: Desk,
    openings: mpsc::UnboundedReceiver<Opening>,
    airtimes: Arc<Mutex<Vec<(String, Airtime)>>>,
    shutdown: oneshot::Sender<()>,
    server: JoinHandle<()>,
}

/// Settings for tests: any port, a reconnect window that passes quickly.
pub(crate) fn quick() -> Config {
    Config {
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        reconnect_window: Duration::from_millis(300),
        ..Config::default()
    }
}

impl House {
    pub(crate) async fn open(config: Config) -> Self {
        let (sender, openings) = mpsc::unbounded_channel();
        let airtimes = Arc::default();
        let doorman = Doorman { openings: sender, airtimes: Arc::clone(&airtimes) };
        let server = Server::bind(config, Arc::new(doorman)).await.expect("a free port");
        let (shutdown, shut_down) = oneshot::channel();
        let (address, desk) = (server.local_addr(), server.desk());
        let (secure_address, srt_address) = (server.rtmps_addr(), server.srt_addr());
        let whip_address = server.whip_addr();
        let server = tokio::spawn(server.run(async {
            let _ = shut_down.await;
        }));
        Self {
            address,
            secure_address,
            srt_address,
            whip_address,
            desk,
            openings,
            airtimes,
            shutdown,
            server,
        }
    }

    pub(crate) fn url(&self, key: &str) -> String {
        format!("rtmp://{}/live/{key}", self.address)
    }

    /// The next show that goes on air.
    pub(crate) async fn opening(&mut self) -> Opening {
        let opening = time::timeout(PATIENCE, self.openings.recv()).await;
        opening.expect("a show goes on air in time").expect("the house is open")
    }

    pub(crate) fn airtimes(&self) -> Vec<Airtime> {
        let airtimes = self.airtimes.lock().expect("no test panics with it");
        airtimes.iter().map(|(_, airtime)| *airtime).collect()
    }

    pub(crate) async fn close(self) {
        let _ = self.shutdown.send(());
        time::timeout(PATIENCE, self.server).await.expect("it drains").expect("it does not panic");
    }
}

/// Everything up to and with the end of a show.
pub(crate) async fn whole(opening: &mut Opening) -> Vec<Publication> {
    until(opening, |publication| *publication == Publication::End).await
}

/// Everything up to and with the first that is `last`.
pub(crate) async fn until(
    opening: &mut Opening,
    last: impl Fn(&Publication) -> bool,
) -> Vec<Publication> {
    let mut publications = Vec::new();
    loop {
        let next = time::timeout(PATIENCE, opening.publications.recv()).await;
        let next = next.expect("the show goes on").expect("End comes before the channel closes");
        let done = last(&next);
        publications.push(next);
        if done {
            return publications;
        }
    }
}

pub(crate) fn units(publications: &[Publication], kind: TrackKind) -> Vec<&AccessUnit> {
    let of_kind = publications.iter().filter_map(|publication| match publication {
        Publication::Unit(of, unit) if of.kind() == kind => Some(unit),
        _ => None,
    });
    of_kind.collect()
}

/// The units of one of several sounds.
pub(crate) fn sounds(publications: &[Publication], number: u8) -> Vec<&AccessUnit> {
    let of_it = publications.iter().filter_map(|publication| match publication {
        Publication::Unit(TrackId::Audio(of), unit) if *of == number => Some(unit),
        _ => None,
    });
    of_it.collect()
}

/// What says how to decode.
pub(crate) fn configs(publications: &[Publication]) -> Vec<&Publication> {
    let is_config = |publication: &&Publication| {
        matches!(publication, Publication::Picture(_) | Publication::Sound(..))
    };
    publications.iter().filter(is_config).collect()
}

/// Checks what holds for every show.
pub(crate) fn assert_in_order(publications: &[Publication]) {
    let sounds = (0..8).map(|number| sounds(publications, number));
    let pictures = units(publications, TrackKind::Video);
    for (kind, units) in std::iter::once(pictures).chain(sounds).enumerate() {
        for pair in units.windows(2) {
            assert!(pair[0].dts < pair[1].dts, "{kind}: {:?} before {:?}", pair[0], pair[1]);
        }
        assert!(units.iter().all(|unit| unit.pts >= unit.dts), "{kind}: shown before decoded");
    }
}

/// A test pattern and a tone, encoded as `encoding` says.
pub(crate) fn ffmpeg(rate: &str, encoding: &str, url: &str) -> Child {
    ffmpeg_as("flv", rate, encoding, url)
}

/// The same in another format.
pub(crate) fn ffmpeg_as(format: &str, rate: &str, encoding: &str, url: &str) -> Child {
    let picture = format!("testsrc2=size=320x180:rate={rate}");
    let arguments =
        format!("-v info -nostdin -f lavfi -i {picture} -f lavfi -i sine {encoding} -f {format}");
    Command::new("ffmpeg")
        .args(arguments.split_whitespace())
        .arg(url)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("the ffmpeg program is installed")
}

/// What it printed, once it has gone.
pub(crate) async fn words(ffmpeg: Child) -> (bool, String) {
    let output = time::timeout(PATIENCE, ffmpeg.wait_with_output()).await;
    let Output { status, stderr, .. } = output.expect("ffmpeg ends").expect("ffmpeg runs");
    (status.success(), String::from_utf8_lossy(&stderr).into_owned())
}

/// H.264 and AAC, quick to encode.
pub(crate) const USUAL: &str = "-c:v libx264 -preset ultrafast -g 30 -c:a aac -ar 48000 -ac 2";
