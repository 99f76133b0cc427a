//! Processes of the bench: pinned to a core, waited for, ended.
//!
//! In: a command. Out: the same on one core. Does not know what they serve.

use std::io;
use std::net::TcpStream;
use std::process::{Child, Command};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long a server may take to listen.
const START_MAX: Duration = Duration::from_secs(20);
/// How long one may take to end.
const END_MAX: Duration = Duration::from_secs(5);
/// How often it is looked at.
const LOOK: Duration = Duration::from_millis(5);
/// Before all others, where that is allowed: what else runs on the machine disturbs less.
const NICE: &str = "-15";

/// A command on one core.
pub(crate) trait Pinned {
    /// The same command, run on core `core` and before others.
    fn pinned(self, core: usize) -> Command;
}

impl Pinned for Command {
    fn pinned(self, core: usize) -> Command {
        let mut command = Command::new("nice");
        command.args(["-n", NICE, "taskset", "-c", &core.to_string()]);
        command.arg(self.get_program()).args(self.get_args());
        command
    }
}

/// Waits until somebody listens.
pub(crate) fn wait_for_port(port: u16) -> io::Result<()> {
    let start = Instant::now();
    loop {
        match TcpStream::connect(("127.0.0.1", port)) {
            Ok(_) => return Ok(()),
            Err(error) if start.elapsed() > START_MAX => return Err(error),
            Err(_) => sleep(LOOK),
        }
    }
}

/// Asks a process to end, and waits for it.
pub(crate) fn end(child: &mut Child) {
    let asked = Command::new("kill").arg(child.id().to_string()).status();
    let start = Instant::now();
    while asked.is_ok() && start.elapsed() < END_MAX {
        if !matches!(child.try_wait(), Ok(None)) {
            return;
        }
        sleep(LOOK);
    }
    drop(child.kill());
    drop(child.wait());
}
