//! nginx with its RTMP module, writing HLS: what passing a publisher through costs elsewhere.
//!
//! In: a directory. Out: a running server. Does not know who publishes.

use std::io;
use std::path::Path;

use crate::served::Served;

/// A server that ends when it is dropped.
pub(crate) struct Nginx {
    server: Served,
    /// Where to publish.
    pub(crate) url: String,
}

impl Nginx {
    pub(crate) fn start(room: &Path) -> io::Result<Self> {
        let server = Served::start(&room.join("nginx"), &["hls"], CONFIGURATION)?;
        let url = format!("rtmp://{}", server.address);
        Ok(Self { server, url })
    }

    /// Its process, the parent of its worker.
    pub(crate) fn id(&self) -> u32 {
        self.server.child.id()
    }
}

/// Two-second segments, as ours are; the module knows no parts.
const CONFIGURATION: &str = "user root;
daemon off;
worker_processes 1;
pid {root}/nginx.pid;
load_module /usr/lib/nginx/modules/ngx_rtmp_module.so;
events { worker_connections 4096; }
rtmp {
    access_log off;
    server {
        listen {address};
        application live {
            live on;
            hls on;
            hls_path {root}/hls;
            hls_fragment 2s;
            hls_playlist_length 12s;
        }
    }
}
";
