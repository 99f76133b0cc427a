//! The test-pattern publisher: a moving UTC clock and a beep, sent over real RTMP.
