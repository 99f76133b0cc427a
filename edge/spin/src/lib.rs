//! The edge as a Spin component (WASI 0.3).
