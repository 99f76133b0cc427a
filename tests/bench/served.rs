//! An nginx that a bench compares with: started in a directory, ended when it is dropped.
//!
//! In: a configuration. Out: a running server. Does not know what it serves.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long it may take to listen.
const START_MAX: Duration = Duration::from_secs(10);

/// A server that ends when it is dropped.
pub(crate) struct Served {
    pub(crate) child: Child,
    pub(crate) address: SocketAddr,
}

impl Served {
    /// `configuration` names `{root}`, in which these directories are made, and `{address}`, where it is to listen.
    pub(crate) fn start(
        root: &Path,
        directories: &[&str],
        configuration: &str,
    ) -> io::Result<Self> {
        for directory in std::iter::once(&"logs").chain(directories) {
            std::fs::create_dir_all(root.join(directory))?;
        }
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let file = root.join("nginx.conf");
        let text = configuration
            .replace("{root}", &root.to_string_lossy())
            .replace("{address}", &address.to_string());
        std::fs::write(&file, text)?;
        let child = Command::new("nginx")
            .args(["-p".as_ref(), root.as_os_str(), "-c".as_ref(), file.as_os_str()])
            .args(["-e".as_ref(), root.join("logs/error.log").as_os_str()])
            .stdin(Stdio::null())
            .spawn()?;
        let server = Self { child, address };
        let start = Instant::now();
        while TcpStream::connect(address).is_err() {
            if start.elapsed() > START_MAX {
                return Err(io::Error::other("nginx, with the module it needs, does not start"));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(server)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}
