//! The rows of the table, in its order.
//!
//! In: the bench. Out: its rows. Does not know how they are measured.

use std::io;
use std::net::SocketAddr;

use crate::ours::{Door, Edge};
use crate::report::{Better, Row};
use crate::stage::{SHOW, TOKENS, VIEWERS};
use crate::{Bench, By, checks, median, tokens};

/// How often our edge is started to see how long that takes.
const STARTS: usize = 7;

impl Bench {
    /// Measures them all.
    pub(crate) fn all(&mut self) -> io::Result<()> {
        let rate = self.plain("component", "in wasm", [(0.4, 0.6), (0.2, 0.4), (0.4, 0.7)])?;
        self.plain("native", "native", [(0.7, 1.0), (0.2, 0.4), (0.4, 0.7)])?;
        self.over_tls("component", "in wasm")?;
        self.over_tls("native", "native")?;
        self.latency(rate / 2.0)?;
        self.checks()?;
        self.starts()
    }

    /// Without TLS; the rate of playlists comes back.
    fn plain(&mut self, engine: &str, how: &str, marks: [(f64, f64); 3]) -> io::Result<f64> {
        let [playlists, multivariants, segments] = marks;
        let edge = Edge::start(&self.stage, self.origin, engine, Door::Plain)?;
        let (base, id) = (edge.base(), edge.id());
        let (nginx, nginx_id) = (self.nginx.plain.clone(), self.nginx.id());
        let sessions = edge.sessions(VIEWERS)?;

        let media = self.load(&base, id, "media", &below(&sessions, "720p/index.m3u8"))?;
        let links = tokens::links("/static/media.m3u8", VIEWERS)?;
        let file = self.load(&nginx, nginx_id, "file", &links)?;
        let what = format!("media playlist, session checked {how}, against `secure_link`");
        let rate = self.compare(&what, (&media, &file), By::Requests, playlists)?;

        let cats: Vec<String> = tokens::cats(TOKENS)?
            .iter()
            .map(|token| format!("/live/{SHOW}/index.m3u8?CAT={token}"))
            .collect();
        let entering = self.load(&base, id, "entering", &cats)?;
        let links = tokens::links("/static/multivariant.m3u8", VIEWERS)?;
        let file = self.load(&nginx, nginx_id, "multivariant", &links)?;
        let what = format!("multivariant playlist, a new CAT each time, {how}");
        self.compare(&what, (&entering, &file), By::Requests, multivariants)?;

        let jwts: Vec<String> = tokens::jwts(TOKENS)?
            .iter()
            .map(|token| format!("/live/{SHOW}/index.m3u8?token={token}"))
            .collect();
        let entering = self.load(&base, id, "jwts", &jwts)?;
        let njs = self.load(&nginx, nginx_id, "njs", &jwts)?;
        let what = format!("the same rewriting {how}, against nginx with njs");
        self.compare(&what, (&entering, &njs), By::Requests, (3.0, 5.0))?;

        let segment = self.load(&base, id, "segment", &below(&sessions, "720p/lx2k9a/s1.m4s"))?;
        let links = tokens::links("/cached/segment.m4s", VIEWERS)?;
        let cached = self.load(&nginx, nginx_id, "cached", &links)?;
        let what = format!("1 MB segment, session checked {how}, against `proxy_cache`");
        self.compare(&what, (&segment, &cached), By::Bytes, segments)?;
        Ok(rate)
    }

    fn over_tls(&mut self, engine: &str, how: &str) -> io::Result<()> {
        let sessions = {
            let edge = Edge::start(&self.stage, self.origin, engine, Door::Plain)?;
            edge.sessions(VIEWERS)?
        };
        let edge = Edge::start(&self.stage, self.origin, engine, Door::Tls)?;
        let (base, id) = (edge.base(), edge.id());
        let (nginx, nginx_id) = (self.nginx.tls.clone(), self.nginx.id());

        let segment = self.load(&base, id, "segment", &below(&sessions, "720p/lx2k9a/s1.m4s"))?;
        let links = tokens::links("/cached/segment.m4s", VIEWERS)?;
        let cached = self.load(&nginx, nginx_id, "cached", &links)?;
        let what = format!("1 MB segment over TLS 1.3, session checked {how}");
        self.compare(&what, (&segment, &cached), By::Bytes, (0.9, 1.2))?;

        let mut media = self.load(&base, id, "media", &below(&sessions, "720p/index.m3u8"))?;
        let links = tokens::links("/static/media.m3u8", VIEWERS)?;
        let mut file = self.load(&nginx, nginx_id, "file", &links)?;
        (media.h2, file.h2) = (true, true);
        let what = format!("media playlist over TLS and HTTP/2, session checked {how}");
        self.compare(&what, (&media, &file), By::Requests, (0.5, 0.9))?;
        Ok(())
    }

    fn latency(&mut self, rate: f64) -> io::Result<()> {
        let what = "added latency at half load, p99, in wasm";
        if !self.wants(what) || rate == 0.0 {
            return Ok(());
        }
        let edge = Edge::start(&self.stage, self.origin, "component", Door::Plain)?;
        let paths = below(&edge.sessions(VIEWERS)?, "720p/index.m3u8");
        let files = tokens::links("/static/media.m3u8", VIEWERS)?;
        let nginx: SocketAddr =
            self.nginx.plain.trim_start_matches("http://").parse().map_err(io::Error::other)?;
        self.added_latency(what, (edge.address(), &paths), (nginx, &files), rate)
    }

    fn checks(&mut self) -> io::Result<()> {
        if !self.wants("check") {
            return Ok(());
        }
        for (name, (inside, outside)) in checks::measure()? {
            let (at_least, aim) = if name == "session" { (3.0, 1.0) } else { (f64::NAN, f64::NAN) };
            self.tell(Row {
                what: format!("check inside wasm: {name}"),
                ours: format!("{:.2} µs", inside / 1e3),
                theirs: format!("{:.2} µs outside", outside / 1e3),
                figure: inside / 1e3,
                unit: "µs",
                at_least,
                aim,
                better: Better::Less,
                by_cpu: None,
            })?;
        }
        Ok(())
    }

    fn starts(&mut self) -> io::Result<()> {
        if !self.wants("start") {
            return Ok(());
        }
        for (engine, how) in [("component", "component kept compiled"), ("native", "native")] {
            let mut times = Vec::new();
            for _ in 0..STARTS {
                let edge = Edge::start(&self.stage, self.origin, engine, Door::Plain)?;
                times.push(edge.started_in.as_secs_f64() * 1e3);
            }
            self.tell(Row {
                what: format!("start to first answer, {how}"),
                ours: format!("{:.0} ms", median(times.clone())),
                theirs: "–".to_owned(),
                figure: median(times),
                unit: "ms",
                at_least: 200.0,
                aim: 50.0,
                better: Better::Less,
                by_cpu: None,
            })?;
        }
        Ok(())
    }
}

fn below(sessions: &[String], rest: &str) -> Vec<String> {
    sessions.iter().map(|session| format!("{session}{rest}")).collect()
}
