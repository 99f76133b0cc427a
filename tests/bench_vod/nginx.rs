//! nginx with its dav module: what taking a file costs elsewhere.
//!
//! In: a directory. Out: a running server. Does not know who uploads.

use std::io;
use std::path::{Path, PathBuf};

use crate::served::Served;

/// A server that ends when it is dropped.
pub(crate) struct Nginx {
    server: Served,
    files: PathBuf,
    /// Where to put files.
    pub(crate) url: String,
}

impl Nginx {
    pub(crate) fn start(room: &Path) -> io::Result<Self> {
        let root = room.join("nginx");
        let server = Served::start(&root, &["files", "files/.parts"], CONFIGURATION)?;
        let url = format!("http://{}", server.address);
        Ok(Self { server, files: root.join("files"), url })
    }

    /// Its process, the parent of its worker.
    pub(crate) fn id(&self) -> u32 {
        self.server.child.id()
    }

    /// Removes what was put there in a round.
    pub(crate) fn forget(&self, round: usize) -> io::Result<()> {
        std::fs::remove_file(self.files.join(format!("{round}.bin")))
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
