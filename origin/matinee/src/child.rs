//! This program once more, for one task with a file or a picture that may be hostile.
//!
//! In: the program, a role. Out: a command whose answer is read from its output. Does not know the task.

use std::path::Path;
use std::process::Stdio;

use tokio::process::Command;

/// A child that is given nothing, answers by its output, and ends with whoever waits for it.
pub(crate) fn of(program: &Path, role: &str) -> Command {
    let mut command = Command::new(program);
    command
        .arg(role)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        // A terminal's Ctrl-C is for the parent, which drains.
        .process_group(0);
    command
}
