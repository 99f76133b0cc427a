//! The SRT port: one UDP socket, a task for each peer.
//!
//! In: packets of anybody. Out: those of each peer, to its own task. Does not know SRT, but for what a first packet
//! looks like: only that makes a peer of an address.
//!
//! Each peer's packets wait in a queue of its own. Where that is full they are lost to that peer alone, which is what
//! UDP would do; nobody waits for it.

mod peer;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use metrics::counter;
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::time;

use self::peer::Peer;
use super::ACCEPT_PAUSE;
use super::room::{Room, Taken};
use super::shows::Shows;
use crate::{Door, Error, Srt};

/// A bound UDP socket.
#[derive(Debug)]
pub(super) struct SrtPort {
    socket: Arc<UdpSocket>,
    local_addr: SocketAddr,
    srt: Srt,
}

impl SrtPort {
    pub(super) async fn bind(srt: &Srt) -> Result<Self, Error> {
        let refused = |error: std::io::Error| Door::Srt.refused(srt.listen, &error);
        let socket = UdpSocket::bind(srt.listen).await.map_err(refused)?;
        let local_addr = socket.local_addr().map_err(refused)?;
        Ok(Self { socket: Arc::new(socket), local_addr, srt: srt.clone() })
    }

    pub(super) const fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Serves peers until the house closes.
    pub(super) async fn run(self, shows: Arc<Shows>) {
        let room = Room::new(shows.config().connections_max);
        let mut peers: HashMap<SocketAddr, mpsc::Sender<Bytes>> = HashMap::new();
        let mut buffer = vec![0; Srt::PACKET_BYTES_MAX];
        loop {
            let received = tokio::select! {
                () = shows.closing().cancelled() => return,
                received = self.socket.recv_from(&mut buffer) => received,
            };
            let (packet, from) = match received {
                Ok((count, from)) => (buffer.get(..count).unwrap_or_default(), from),
                Err(error) => {
                    // Such as an ICMP answer to a peer that is gone.
                    tracing::debug!(%error, "cannot receive by SRT");
                    time::sleep(ACCEPT_PAUSE / 10).await;
                    continue;
                }
            };
            counter!("matinee_ingest_bytes_total").increment(packet.len() as u64);
            let packet = Bytes::copy_from_slice(packet);
            let unserved = match peers.get(&from) {
                Some(peer) => match peer.try_send(packet) {
                    Ok(()) => continue,
                    Err(TrySendError::Full(_)) => {
                        counter!("matinee_ingest_srt_packets_overrun_total").increment(1);
                        continue;
                    }
                    Err(TrySendError::Closed(packet)) => packet,
                },
                None => packet,
            };
            if !is_hello(&unserved) {
                continue;
            }
            peers.retain(|_, peer| !peer.is_closed());
            let Some(seat) = room.enter() else { continue };
            let (sender, packets) = mpsc::channel(self.srt.queue_depth.max(1));
            // An empty queue has room.
            let _ = sender.try_send(unserved);
            peers.insert(from, sender);
            self.serve(&shows, from, packets, seat);
        }
    }

    fn serve(
        &self,
        shows: &Arc<Shows>,
        from: SocketAddr,
        packets: mpsc::Receiver<Bytes>,
        seat: Taken,
    ) {
        let socket = Arc::clone(&self.socket);
        let evicted = seat.evicted();
        let peer = Peer::new(Arc::clone(shows), socket, from, packets, &self.srt);
        shows.tasks().spawn(async move {
            tokio::select! {
                () = evicted.cancelled() => tracing::debug!(peer = %from, "a stranger made room"),
                () = peer.run(seat) => {}
            }
        });
    }
}

/// Whether a packet is a caller's first: a handshake for nobody yet, of the induction phase (SRT, 3.2.1).
fn is_hello(packet: &[u8]) -> bool {
    const HANDSHAKE_BYTES: usize = 64;
    packet.len() >= HANDSHAKE_BYTES
        && packet.starts_with(&[0x80, 0])
        && packet[12..16] == [0; 4]
        && packet[36..40] == [0, 0, 0, 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_induction_makes_a_peer() {
        let mut hello = [0; 64];
        (hello[0], hello[39]) = (0x80, 1);
        assert!(is_hello(&hello));
        assert!(!is_hello(&hello[..63]));
        for (at, value) in [(0, 0), (1, 2), (15, 1), (39, 0xFF)] {
            let mut other = hello;
            other[at] = value;
            assert!(!is_hello(&other), "{at}");
        }
    }
}
