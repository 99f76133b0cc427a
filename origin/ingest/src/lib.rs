//! Publishers come in: RTMP to authenticated access units on one monotonic timeline.
