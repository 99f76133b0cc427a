//! The live window in memory, every closed object on disk.
