//! Settings of `matinee worker vod`: those of `matinee up` that it has in common with a house, and its own.
//!
//! In: what the command line, the environment and the file say, all as text. Out: [`Worker`], or every mistake at once.
//! Does not know what a worker does.
//!
//! Rows, files and objects are a house's. Each is where its setting says, which nodes share, or else in the data
//! directory of a house on this machine: one that is neither cannot be worked with.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use super::bucket::{Bucket, BucketFlags};
use super::{Database, database};
use crate::error::Error;
use crate::layers::{Layers, address, log_format, whole};
use crate::telemetry::LogFormat;
use crate::vod::Rules;

/// What a house has made in its data directory once it was started.
const OF_A_HOUSE: &str = "node.id";

/// The flags of `matinee worker vod`.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Flags {
    /// Data directory of a house on this machine; not needed where --database and --s3-bucket are named
    /// [default: ~/.local/share/matinee]
    #[arg(long, value_name = "DIR")]
    data: Option<String>,
    /// The PostgreSQL that the houses share, such as postgres://user@host/database [default: that file of the house]
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// File with that database's password [default: as in the URL, PGPASSWORD or ~/.pgpass]
    #[arg(long, value_name = "FILE")]
    database_password_file: Option<String>,
    /// How long this worker has a job after it last said so, in seconds, 2 to 86400 [default: 30]
    #[arg(long, value_name = "SECONDS")]
    lease_s: Option<String>,
    /// Directory of uploads and assets, which the houses share [default: the bucket, or that of the house]
    #[arg(long, value_name = "DIR")]
    uploads: Option<String>,
    /// Pieces of films that are transcoded at the same time, 1 to 64 [default: one for every four processors]
    #[arg(long, value_name = "NUMBER")]
    transcodes: Option<String>,
    /// How much of a film is one piece, in seconds, 4 to 3600: the same at every node [default: 24]
    #[arg(long, value_name = "SECONDS")]
    chunk_s: Option<String>,
    /// How long jobs may go on that were begun, once it is told to stop, in seconds, 0 to 86400; then they are given
    /// back, as they are when it is told once more [default: 600]
    #[arg(long, value_name = "SECONDS")]
    finish_s: Option<String>,
    /// Address of /metrics, /healthz and /readyz [default: none]
    #[arg(long, value_name = "ADDR")]
    metrics: Option<String>,
    /// How logs are written: pretty or json [default: pretty]
    #[arg(long, value_name = "FORMAT")]
    log: Option<String>,
    #[command(flatten)]
    bucket: BucketFlags,
    /// Configuration file, which may be the house's [default: ./matinee.toml where it exists]
    #[arg(long, value_name = "FILE", env = "MATINEE_CONFIG")]
    config: Option<PathBuf>,
}

/// Names of settings that a worker alone has.
pub(crate) const NAMES: &[&str] = &["finish_s", "metrics"];

/// What a worker runs with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Worker {
    /// The data directory of a house, if anything is there that is needed.
    pub(crate) data: PathBuf,
    pub(crate) database: Option<Database>,
    pub(crate) lease: Duration,
    /// Where files are, which is there.
    pub(crate) uploads: Files,
    pub(crate) films: Rules,
    pub(crate) finish: Duration,
    pub(crate) metrics: Option<SocketAddr>,
    pub(crate) log: LogFormat,
    pub(crate) bucket: Option<Bucket>,
}

/// Where files are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Files {
    /// In this directory, which is named.
    Named(PathBuf),
    /// In this one of a house on this machine; what is not there is in the bucket, if there is one.
    Beside(PathBuf),
    /// In the bucket.
    Far,
}

impl Worker {
    /// The database with its password, if it is not a file.
    ///
    /// # Errors
    /// The password's file cannot be read.
    pub(crate) fn database(&self) -> Result<Option<origin_control::Postgres>, Error> {
        self.database.as_ref().map(database).transpose()
    }
}

impl Flags {
    /// All layers together.
    ///
    /// # Errors
    /// Every mistake of every layer, each saying where it stands; what a worker needs and has not.
    pub(crate) fn settle(
        &self,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Worker, Error> {
        let flag = |name: &str| self.flag(name).cloned();
        let mut layers = Layers::read(self.config.as_deref(), &flag, &environment);
        let worker = layers.worker();
        if self.transcodes.as_deref() == Some("0") {
            layers.refuse("--transcodes: 0 has a worker do nothing; it takes 1 to 64");
        }
        layers.whole(worker)
    }

    fn flag(&self, name: &str) -> Option<&String> {
        match name {
            "data" => self.data.as_ref(),
            "database" => self.database.as_ref(),
            "database_password_file" => self.database_password_file.as_ref(),
            "lease_s" => self.lease_s.as_ref(),
            "uploads" => self.uploads.as_ref(),
            "transcodes" => self.transcodes.as_ref(),
            "chunk_s" => self.chunk_s.as_ref(),
            "finish_s" => self.finish_s.as_ref(),
            "metrics" => self.metrics.as_ref(),
            "log" => self.log.as_ref(),
            _ => self.bucket.flag(name),
        }
    }
}

impl Layers<'_> {
    fn worker(&mut self) -> Worker {
        let default_data = crate::cli::default_data_dir();
        let data = self.value("data", default_data, |text| Ok(PathBuf::from(text)));
        let database = self.database();
        let uploads = self.value("uploads", None, |text| Ok(Some(PathBuf::from(text))));
        let bucket = self.bucket();
        let named = [
            ("--database", database.is_some()),
            ("--uploads", uploads.is_some() || bucket.is_some()),
            ("--s3-bucket", bucket.is_some()),
        ];
        self.beside(&data, &named);
        let beside = data.join("uploads");
        let uploads = match uploads {
            Some(named) => Files::Named(named),
            None if bucket.is_some() && !beside.is_dir() => Files::Far,
            None => Files::Beside(beside),
        };
        if let Files::Named(folder) | Files::Beside(folder) = &uploads
            && !folder.is_dir()
        {
            let folder = folder.display();
            self.refuse(format!("--uploads: {folder} is no directory; name the one of the houses"));
        }
        Worker {
            data,
            database,
            lease: self.lease(),
            uploads,
            films: self.films_of_worker(),
            finish: self.value("finish_s", Duration::from_secs(600), |text| {
                whole(text, 0, 86_400).map(Duration::from_secs)
            }),
            metrics: self.value("metrics", None, |text| address(text).map(Some)),
            log: self.value("log", LogFormat::Pretty, log_format),
            bucket,
        }
    }

    /// What is not named must be in the data directory of a house that runs on this machine.
    fn beside(&mut self, data: &Path, named: &[(&str, bool)]) {
        let missing = named.iter().filter(|(_, is_named)| !is_named).map(|(flag, _)| *flag);
        let missing: Vec<&str> = missing.collect();
        if missing.is_empty() || data.join(OF_A_HOUSE).is_file() {
            return;
        }
        let (missing, data) = (missing.join(", "), data.display());
        self.refuse(format!(
            "--data: {data} is not the data directory of a house, and {missing} not named: a \
             worker works beside a house on its machine, with that house's --data, or elsewhere, \
             with the --database and --s3-bucket that the houses share, and --uploads if they have \
             one"
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settle(named: &[(&str, &str)]) -> Result<Worker, String> {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let file = dir.path().join("m.toml");
        let lines = named.iter().map(|(name, value)| format!("{name} = {value:?}\n"));
        std::fs::write(&file, lines.collect::<String>()).expect("writable");
        let flags = Flags { config: Some(file), ..Flags::default() };
        flags.settle(|_| None).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_shared_needs_no_house_beside_and_what_is_not_does() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let here = dir.path().to_str().expect("a path");
        let shared =
            [("data", "/nowhere"), ("database", "postgres://a@b/c"), ("s3_bucket", "films")];
        let worker = settle(&shared).expect("right");
        assert!(worker.films.transcodes > 0 && worker.database.is_some());
        assert_eq!((worker.finish, worker.uploads), (Duration::from_secs(600), Files::Far));
        let mut named = shared.to_vec();
        named.push(("uploads", here));
        assert_eq!(settle(&named).expect("right").uploads, Files::Named(here.into()));
        for left_out in 1..shared.len() {
            let mut some = shared.to_vec();
            let (name, _) = some.remove(left_out);
            let said = settle(&some).expect_err("refused");
            let flag = format!("--{}", name.replace('_', "-"));
            assert!(said.contains("is not the data directory of a house"), "{said}");
            assert!(said.contains(&format!("{flag} not named")), "{said}");
        }
        std::fs::write(dir.path().join(OF_A_HOUSE), "a").expect("writable");
        std::fs::create_dir(dir.path().join("uploads")).expect("writable");
        let beside = settle(&[("data", here), ("chunk_s", "6")]).expect("right");
        assert_eq!(beside.uploads, Files::Beside(dir.path().join("uploads")));
        assert_eq!(beside.films.chunk_s, 6);
    }

    #[test]
    fn a_worker_that_does_nothing_is_refused() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let here = dir.path().to_str().expect("a path");
        let told = |flag: Option<&str>| {
            let file = dir.path().join("m.toml");
            std::fs::write(&file, format!("data = {here:?}\ntranscodes = 0")).expect("writable");
            let transcodes = flag.map(str::to_owned);
            let flags = Flags { config: Some(file), transcodes, ..Flags::default() };
            flags.settle(|_| None).map_err(|error| error.to_string())
        };
        let said = told(Some("0")).expect_err("refused");
        assert!(said.contains("has a worker do nothing"), "{said}");
        assert!(said.contains("is no directory"), "all mistakes at once: {said}");
        std::fs::write(dir.path().join(OF_A_HOUSE), "a").expect("writable");
        std::fs::create_dir(dir.path().join("uploads")).expect("writable");
        let beside = told(None).expect("the file is the house's");
        assert!(beside.films.transcodes > 0);
    }
}
