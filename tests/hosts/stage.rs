//! A host with a fake origin behind it, and a show on it.
//!
//! In: which host. Out: a [`Stage`] for the cases. Does not know the cases.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use shared_ticket::Claims;

use crate::client::{self, Reply};
use crate::host::{Engine, Host, Running};
use crate::origin::{Origin, Say};
use crate::ticket;

/// Type of playlists.
pub(crate) const PLAYLIST: &str = "application/vnd.apple.mpegurl";

/// A multivariant playlist with all that a rewriter could stumble over. `{p}` stands where a prefix is put.
pub(crate) const MULTIVARIANT: &str = "#EXTM3U\n#EXT-X-VERSION:10\n#EXT-X-INDEPENDENT-SEGMENTS\n\
    ## a comment, with 720p/index.m3u8 in it\n#EXT-X-TOMORROW:URIS=\"x\",A=1\n\
    #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"Main, \u{e9}\",\
    DEFAULT=YES,URI=\"{p}audio/index.m3u8\"\n\n\
    #EXT-X-STREAM-INF:BANDWIDTH=3000000,CODECS=\"avc1.64001f,mp4a.40.2\",\
    RESOLUTION=1280x720,AUDIO=\"a\"\r\n\
    {p}720p/index.m3u8\r\n\
    #EXT-X-STREAM-INF:BANDWIDTH=900000,AUDIO=\"a\"   \n{p}480p/index.m3u8\n\
    #EXT-X-STREAM-INF:BANDWIDTH=1\nhttps://elsewhere.test/x.m3u8\n#EXT-X-END-OF-OURS";

/// A media playlist; nothing in it is touched.
pub(crate) const MEDIA: &str = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MAP:URI=\"e1/i0.mp4\"\r\n\
    #EXTINF:2.0,a title, with commas\ne1/s1.m4s\n#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"e1/p2.0.m4s\"";

/// Where a viewer is: an address of this machine, and a country that the hosts believe it is in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) ip: [u8; 4],
    pub(crate) country: &'static str,
}

/// Where most cases' viewers are at home.
pub(crate) const HOME: Place = Place { ip: [127, 0, 1, 1], country: "DE" };
/// The same network, another address.
pub(crate) const NEXT_DOOR: Place = Place { ip: [127, 0, 1, 2], country: "DE" };
/// Another network in another country.
pub(crate) const ABROAD: Place = Place { ip: [127, 0, 2, 1], country: "FR" };

/// A host, an origin behind it.
#[derive(Clone)]
pub(crate) struct Stage {
    pub(crate) origin: Origin,
    pub(crate) host: Host,
    edge: Arc<Running>,
}

/// A show on a stage, and a viewer with a right to it.
#[derive(Clone)]
pub(crate) struct Scene {
    pub(crate) stage: Stage,
    pub(crate) claims: Claims,
    /// The session's path, `/p/<session>`.
    pub(crate) session: String,
    /// The show's path at the origin, `/o/<show>`.
    pub(crate) path: String,
}

impl Stage {
    /// Starts the host in front of a fake origin of its own.
    pub(crate) async fn set(host: Host) -> Self {
        let origin = Origin::start().await;
        let edge = Arc::new(host.start(&ticket::settings(&origin.url())).await);
        Self { origin, host, edge }
    }

    /// Our own host with another engine: to a case it is the same host.
    pub(crate) async fn set_ours_by(engine: Engine) -> Self {
        let origin = Origin::start().await;
        let settings = ticket::settings(&origin.url());
        let edge = Arc::new(crate::host::ours_by(engine, &settings).await);
        Self { origin, host: Host::Ours, edge }
    }

    /// The same host in front of an origin that is not there.
    pub(crate) async fn without_origin(&self) -> Self {
        let nobody = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = nobody.local_addr().expect("an address");
        drop(nobody);
        let edge = self.host.start(&ticket::settings(&format!("http://{address}"))).await;
        Self { edge: Arc::new(edge), ..self.clone() }
    }

    /// Another edge on the same host with these settings besides, before an origin of its own.
    pub(crate) async fn beside(&self, more: &[(&str, &str)]) -> Self {
        self.before(Origin::start().await, more).await
    }

    /// The same before an origin that has no deny list: a host may ask for it before anybody else does.
    pub(crate) async fn without_list(&self, more: &[(&str, &str)]) -> Self {
        let origin = Origin::start().await;
        origin.has_list(false);
        self.before(origin, more).await
    }

    async fn before(&self, origin: Origin, more: &[(&str, &str)]) -> Self {
        let mut settings = ticket::settings(&origin.url());
        settings.extend(more.iter().map(|(name, value)| (name.to_string(), value.to_string())));
        let edge = Arc::new(self.host.start(&settings).await);
        Self { origin, host: self.host, edge }
    }

    /// Where viewers connect.
    pub(crate) fn address(&self) -> SocketAddr {
        self.edge.address
    }

    /// Asks from a place, which each host learns in its own way: from the connection, from a front that it trusts, or
    /// from a header that the platform sets.
    pub(crate) async fn ask_from(
        &self,
        place: Place,
        target: &str,
        headers: &[(&str, &str)],
    ) -> Reply {
        let ip = IpAddr::from(place.ip).to_string();
        let spin = format!("{ip}:4711");
        let own: &[(&str, &str)] = match self.host {
            Host::Native => {
                &[("matinee-client-ip", ip.as_str()), ("matinee-client-country", place.country)]
            }
            Host::Ours => &[("cf-ipcountry", place.country)],
            Host::Bare => &[("spin-client-addr", spin.as_str())],
            Host::Viceroy => &[],
        };
        let connects = matches!(self.host, Host::Ours | Host::Viceroy);
        let from = connects.then_some(place.ip.into());
        let headers = [own, headers].concat();
        client::send_from(from, self.address(), "GET", target.as_bytes(), &headers, b"").await
    }

    /// A show of its own, with a multivariant playlist, a media playlist and a segment.
    pub(crate) fn show(&self) -> Scene {
        let show = ticket::fresh_show();
        let path = format!("/o/{show}");
        let say = |name: &str, say: Say| self.origin.on(&format!("{path}/{name}"), say);
        say("index.m3u8", Say::body(PLAYLIST, MULTIVARIANT.replace("{p}", "")));
        say("720p/index.m3u8", Say::body(PLAYLIST, MEDIA));
        say("720p/e1/s1.m4s", segment());
        say("480p/index.m3u8", Say::body(PLAYLIST, MEDIA));
        let claims = ticket::claims(show);
        let session = format!("/p/{}", ticket::sealed(&claims));
        Scene { stage: self.clone(), claims, session, path }
    }

    /// Asks for a target with headers.
    pub(crate) async fn ask(&self, method: &str, target: &str, headers: &[(&str, &str)]) -> Reply {
        client::send(self.address(), method, target.as_bytes(), headers, b"").await
    }

    /// Asks for a target.
    pub(crate) async fn get(&self, target: &str) -> Reply {
        self.ask("GET", target, &[]).await
    }

    /// Posts a body of a type.
    pub(crate) async fn post(&self, target: &str, content_type: &str, body: &[u8]) -> Reply {
        let headers = [("content-type", content_type), ("cookie", "a=b")];
        client::send(self.address(), "POST", target.as_bytes(), &headers, body).await
    }
}

impl Scene {
    /// The same viewer with a ticket that admits to this.
    pub(crate) fn with_policy(mut self, policy: &str) -> Self {
        self.claims.policy = serde_json::from_str(policy).expect("a policy");
        self.session = format!("/p/{}", ticket::sealed(&self.claims));
        self
    }

    /// Enters from a place, and returns the path of the session that begins.
    pub(crate) async fn begin(&self, place: Place) -> String {
        let live = self.live(&ticket::token(&self.claims));
        let reply = self.stage.ask_from(place, &live, &[]).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        session_of(&reply)
    }

    /// The multivariant playlist, by this token.
    pub(crate) async fn enter(&self, token: &str) -> Reply {
        self.stage.get(&self.live(token)).await
    }

    /// The multivariant playlist's target.
    pub(crate) fn live(&self, token: &str) -> String {
        format!("/live/{}/index.m3u8?token={token}", self.claims.show)
    }

    /// An object of the show, below the session.
    pub(crate) async fn watch(&self, rest: &str) -> Reply {
        self.stage.get(&format!("{}/{rest}", self.session)).await
    }

    /// How many requests for this show reached the origin.
    pub(crate) fn count(&self) -> usize {
        self.stage.origin.seen(&self.path).len()
    }
}

/// The path of the session that a multivariant playlist was moved below.
pub(crate) fn session_of(reply: &Reply) -> String {
    let text = reply.text();
    let below = text.split("/p/").nth(1).expect("a URI below a session");
    format!("/p/{}", below.split('/').next().expect("a session"))
}

/// Ten bytes of a segment, with a validator.
pub(crate) fn segment() -> Say {
    Say::body("video/mp4", "0123456789").with("etag", "\"s1\"").with("cache-control", "max-age=60")
}
