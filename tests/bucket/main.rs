//! A house before a bucket: shows are recorded to S3, whatever S3 does.

mod house;
mod proxy;
mod server;
mod shows;
