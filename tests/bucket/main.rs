//! A house before a bucket: shows are recorded to S3, and uploads are there, whatever S3 does.

mod house;
mod proxy;
mod server;
mod shows;
#[path = "../upload/tus.rs"]
mod tus;
mod uploads;
