//! nginx with its RTMP module, writing HLS: what passing a publisher through costs elsewhere.
//!
//! In: a directory. Out: a running server. Does not know who publishes.

use std::io;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long it may take to listen.
const START_MAX: Duration = Duration::from_secs(10);

/// A server that ends when it is dropped.
pub(crate) struct Nginx {
    child: Child,
    /// Where to publish.
    pub(crate) url: String,
}

impl Nginx {
    pub(crate) fn start(room: &Path) -> io::Result<Self> {
        let root = room.join("nginx");
        for directory in ["logs", "hls"] {
            std::fs::create_dir_all(root.join(directory))?;
        }
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let file = root.join("nginx.conf");
        let text = CONFIGURATION
            .replace("{root}", &root.to_string_lossy())
            .replace("{address}", &address.to_string());
        std::fs::write(&file, text)?;
        let child = Command::new("nginx")
            .args(["-p".as_ref(), root.as_os_str(), "-c".as_ref(), file.as_os_str()])
            .args(["-e".as_ref(), root.join("logs/error.log").as_os_str()])
            .stdin(Stdio::null())
            .spawn()?;
        let server = Self { child, url: format!("rtmp://{address}") };
        let start = Instant::now();
        while TcpStream::connect(address).is_err() {
            if start.elapsed() > START_MAX {
                return Err(io::Error::other("nginx with its RTMP module does not start"));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(server)
    }

    /// Its process, the parent of its worker.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
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
