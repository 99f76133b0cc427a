//! nginx, one worker, told to be as fast as it can: no access log, open files kept, `sendfile`.
//!
//! In: the stage and the origin. Out: a running [`Nginx`]. Does not know what is measured.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use crate::process::{Pinned, wait_for_port};
use crate::stage::{LINK_SECRET, Stage, port};
use crate::tokens;

/// A running nginx.
pub(crate) struct Nginx {
    child: Child,
    /// `http://127.0.0.1:port`
    pub(crate) plain: String,
    /// `https://127.0.0.1:port`, TLS 1.3, HTTP/1.1 and HTTP/2.
    pub(crate) tls: String,
}

impl Nginx {
    /// Starts it on the server's core.
    pub(crate) fn start(stage: &Stage, origin: SocketAddr) -> io::Result<Self> {
        let (plain, tls) = (port()?, port()?);
        let root = stage.path("nginx");
        fs::create_dir_all(root.join("logs"))?;
        fs::write(root.join("rewrite.js"), SCRIPT.replace("{secret}", &hex(&tokens::KEY)))?;
        let configuration = CONFIGURATION
            .replace("{root}", &root.display().to_string())
            .replace("{stage}", &stage.path("").display().to_string())
            .replace("{origin}", &origin.to_string())
            .replace("{secret}", LINK_SECRET)
            .replace("{plain}", &plain.to_string())
            .replace("{tls}", &tls.to_string());
        let file = root.join("nginx.conf");
        fs::write(&file, configuration)?;
        let child = Command::new("nginx")
            .pinned(0)
            .arg("-p")
            .arg(&root)
            .arg("-e")
            .arg(root.join("logs/error.log"))
            .arg("-c")
            .arg(&file)
            .stdin(Stdio::null())
            .spawn()?;
        wait_for_port(plain)?;
        wait_for_port(tls)?;
        Ok(Self {
            child,
            plain: format!("http://127.0.0.1:{plain}"),
            tls: format!("https://127.0.0.1:{tls}"),
        })
    }

    /// Its process, the parent of its worker.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        crate::process::end(&mut self.child);
    }
}

fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}

/// `/static/`: files, as the issue's table says; `/cached/`: the same from an origin, through the cache; `/live/`: a
/// token is verified and the multivariant playlist rewritten for its viewer, in njs.
const CONFIGURATION: &str = r#"
user root;
daemon off;
worker_processes 1;
pid {root}/nginx.pid;
load_module /usr/lib/nginx/modules/ngx_http_js_module.so;
events { worker_connections 4096; multi_accept on; }
http {
    types { application/vnd.apple.mpegurl m3u8; video/mp4 m4s; }
    access_log off;
    sendfile on;
    tcp_nopush on;
    tcp_nodelay on;
    keepalive_timeout 600;
    keepalive_requests 100000000;
    http2_max_concurrent_streams 256;
    open_file_cache max=1000 inactive=600s;
    open_file_cache_valid 600s;
    client_body_temp_path {root}/body;
    proxy_temp_path {root}/proxy;
    fastcgi_temp_path {root}/fastcgi;
    uwsgi_temp_path {root}/uwsgi;
    scgi_temp_path {root}/scgi;
    proxy_cache_path {root}/cache keys_zone=edge:10m levels=1:2 inactive=6h max_size=1g
                     use_temp_path=off;
    js_path {root};
    js_import rewrite from rewrite.js;
    server {
        listen 127.0.0.1:{plain} backlog=4096;
        listen 127.0.0.1:{tls} ssl http2 backlog=4096;
        ssl_certificate {stage}/cert.pem;
        ssl_certificate_key {stage}/key.pem;
        ssl_protocols TLSv1.3;
        secure_link $arg_md5,$arg_expires;
        secure_link_md5 "$secure_link_expires$uri {secret}";
        location /static/ {
            if ($secure_link = "") { return 403; }
            if ($secure_link = "0") { return 410; }
            alias {stage}/files/;
        }
        location /cached/ {
            if ($secure_link = "") { return 403; }
            if ($secure_link = "0") { return 410; }
            proxy_pass http://{origin};
            proxy_cache edge;
            proxy_cache_key $uri;
            proxy_cache_lock on;
        }
        location /neutral/ {
            internal;
            subrequest_output_buffer_size 64k;
            proxy_pass http://{origin};
            proxy_cache edge;
            proxy_cache_key $uri;
        }
        location /live/ { js_content rewrite.answer; }
    }
}
"#;

/// What `edge/answer` does with a token, for nginx: verify it, seal a session, rewrite the playlist's URIs.
const SCRIPT: &str = r#"
import crypto from 'crypto';

const key = Buffer.from('{secret}', 'hex');

function verified(token) {
    const parts = token.split('.');
    if (parts.length !== 3) return null;
    const header = JSON.parse(Buffer.from(parts[0], 'base64url').toString());
    if (header.alg !== 'HS256' || header.kid !== 'hs') return null;
    const mac = crypto.createHmac('sha256', key);
    mac.update(parts[0]); mac.update('.'); mac.update(parts[1]);
    if (mac.digest('base64url') !== parts[2]) return null;
    const claims = JSON.parse(Buffer.from(parts[1], 'base64url').toString());
    const now = Date.now() / 1000;
    if (claims.iss !== 'matinee' || claims.aud !== 'playback') return null;
    return claims.nbf <= now && now < claims.exp ? claims : null;
}

function sealed(claims) {
    const body = ['2', claims.show, claims.sid, claims.sub, claims.exp].join('.');
    const mac = crypto.createHmac('sha256', key);
    mac.update(body);
    return body + '.' + mac.digest('base64url').slice(0, 22);
}

function rewritten(text, prefix) {
    const lines = text.split('\n');
    for (let i = 0; i < lines.length; i++) {
        const line = lines[i];
        if (line.length === 0) continue;
        if (line[0] !== '#') lines[i] = prefix + line;
        else if (line.startsWith('#EXT-X-MEDIA:') ||
                 line.startsWith('#EXT-X-I-FRAME-STREAM-INF:')) {
            lines[i] = line.replace(/URI="([^"]*)"/, 'URI="' + prefix + '$1"');
        }
    }
    return lines.join('\n');
}

async function answer(r) {
    const claims = verified(r.args.token || '');
    if (!claims) { r.return(403); return; }
    const reply = await r.subrequest('/neutral/multivariant.m3u8');
    if (reply.status !== 200) { r.return(502); return; }
    r.headersOut['Content-Type'] = 'application/vnd.apple.mpegurl';
    r.headersOut['Cache-Control'] = 'private, no-store';
    r.return(200, rewritten(reply.responseText, '/p/' + sealed(claims) + '/'));
}

export default { answer };
"#;
