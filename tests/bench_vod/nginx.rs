//! nginx with its dav module: what taking a file costs elsewhere.
//!
//! In: a directory. Out: a running server. Does not know who uploads.

use std::io;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long it may take to listen.
const START_MAX: Duration = Duration::from_secs(10);

/// A server that ends when it is dropped.
pub(crate) struct Nginx {
    child: Child,
    files: PathBuf,
    /// Where to put files.
    pub(crate) url: String,
}

impl Nginx {
    pub(crate) fn start(room: &Path) -> io::Result<Self> {
        let root = room.join("nginx");
        for directory in ["logs", "files", "files/.parts"] {
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
        let server = Self { child, files: root.join("files"), url: format!("http://{address}") };
        let start = Instant::now();
        while TcpStream::connect(address).is_err() {
            if start.elapsed() > START_MAX {
                return Err(io::Error::other("nginx with its dav module does not start"));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(server)
    }

    /// Removes what was put there in a round.
    pub(crate) fn forget(&self, round: usize) -> io::Result<()> {
        std::fs::remove_file(self.files.join(format!("{round}.bin")))
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}

/// Files come to the same disk in parts, and are renamed when they are whole.
const CONFIGURATION: &str = "user root;
daemon off;
worker_processes 1;
pid {root}/nginx.pid;
events { worker_connections 64; }
http {
    access_log off;
    client_max_body_size 0;
    client_body_temp_path {root}/files/.parts;
    server {
        listen {address};
        root {root}/files;
        dav_methods PUT;
    }
}
";
