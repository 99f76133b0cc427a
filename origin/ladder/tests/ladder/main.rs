//! Real clips through a real child process.
//!
//! In: clips made by the `ffmpeg` program. Out: verdicts. Does not know the machines.

mod clip;

mod rungs;

mod faults;

mod film;
