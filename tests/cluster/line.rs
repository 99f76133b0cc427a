//! A line between a worker and its database, which can be cut.
//!
//! In: where the database is. Out: an address that leads there, as long as the line is whole. Does not know what is
//! said.

use std::net::SocketAddr;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// The line.
pub(crate) struct Line {
    address: SocketAddr,
    upstream: String,
    whole: watch::Sender<bool>,
}

impl Line {
    /// A line to the database of this URL.
    pub(crate) async fn to(url: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("its address");
        let (_, rest) = url.split_once('@').expect("a user");
        let upstream = rest.split('/').next().expect("a host").to_owned();
        let (whole, seen) = watch::channel(true);
        let to = upstream.clone();
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let (mut cut, to) = (seen.clone(), to.clone());
                tokio::spawn(async move {
                    if !*cut.borrow() {
                        return;
                    }
                    let Ok(mut far) = TcpStream::connect(to).await else { return };
                    tokio::select! {
                        _ = copy_bidirectional(&mut near, &mut far) => {}
                        _ = cut.wait_for(|is_whole| !is_whole) => {}
                    }
                });
            }
        });
        Self { address, upstream, whole }
    }

    /// The database's URL by this line.
    pub(crate) fn url(&self, url: &str) -> String {
        url.replace(&self.upstream, &self.address.to_string())
    }

    /// Breaks off what goes on, and whatever is begun.
    pub(crate) fn cut(&self) {
        self.whole.send_replace(false);
    }

    pub(crate) fn mend(&self) {
        self.whole.send_replace(true);
    }
}
