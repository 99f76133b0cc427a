//! A running house for the tests.
