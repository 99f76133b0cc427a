//! Processes of the bench: pinned to a core, watched for the time they take, ended.
//!
//! In: a command. Out: the same on one core; the processor time of a running one. Does not know what they serve.

use std::fs;
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
/// The kernel's ticks per second in `/proc`, on every Linux of today.
const TICKS_PER_S: f64 = 100.0;

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

/// Seconds of processor time a process and its children have taken.
pub(crate) fn cpu_s(id: u32) -> f64 {
    let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
    let children = children.split_whitespace().filter_map(|child| child.parse().ok()).map(cpu_s);
    own_cpu_s(id) + children.sum::<f64>()
}

fn own_cpu_s(id: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    let after_name = stat.rsplit(") ").next().unwrap_or_default();
    let ticks =
        after_name.split(' ').skip(11).take(2).filter_map(|field| field.parse::<f64>().ok());
    ticks.sum::<f64>() / TICKS_PER_S
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
