//! The running house: where it is, by what right we speak to it, and one question at a time.
//!
//! In: `--api`, `--data` and `--token-file`. Out: answers as `shared_wire::api` types. Does not know
//! what the commands want.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use shared_wire::Problem;

use super::error::Error;

/// How long the house may take to let us in.
const CONNECT_WAIT: Duration = Duration::from_secs(3);
/// How long it may take to answer in whole.
const ANSWER_WAIT: Duration = Duration::from_secs(30);
/// How long a file may be on its way.
const FILE_WAIT: Duration = Duration::from_secs(24 * 3600);
/// Longest answer that is read, in bytes.
const ANSWER_BYTES_MAX: usize = 4 << 20;
/// Longest credential that is read, in bytes.
const CREDENTIAL_BYTES_MAX: usize = 4096;

/// Which house, and by what right.
#[derive(Debug, Clone, Args)]
pub(crate) struct HouseFlags {
    /// Where the house's API answers
    #[arg(
        long,
        env = "MATINEE_API",
        value_name = "URL",
        default_value = "http://127.0.0.1:8081",
        value_parser = api
    )]
    pub(crate) api: String,
    /// The house's data directory, where the administrator's credential is kept
    #[arg(
        long,
        env = "MATINEE_DATA",
        value_name = "DIR",
        default_value_os_t = super::default_data_dir()
    )]
    pub(crate) data: PathBuf,
    /// A file with an account's token, to speak as that account and not as the administrator
    #[arg(long, env = "MATINEE_TOKEN_FILE", value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// Answer in JSON, for programs
    #[arg(long)]
    pub(crate) json: bool,
}

/// Reads an address; `up` takes the same variable without a scheme, so that is understood as well.
fn api(text: &str) -> Result<String, String> {
    let text = text.trim().trim_end_matches('/');
    let url = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    let parsed = reqwest::Url::parse(&url).map_err(|error| error.to_string())?;
    if parsed.scheme() != "http" || !parsed.has_host() || !parsed.username().is_empty() {
        return Err("it must be http://host:port".to_owned());
    }
    Ok(url)
}

/// A way to a house.
pub(super) struct House {
    client: Client,
    api: String,
    credential_path: PathBuf,
    credential: String,
}

impl House {
    /// Finds the credential. Nothing is sent yet, unless the credential is missing: then whether there is a house at
    /// all decides what is said.
    ///
    /// # Errors
    /// [`Error::Credential`], [`Error::NoHouse`], [`Error::System`].
    pub(super) async fn find(flags: &HouseFlags) -> Result<Self, Error> {
        let client = Client::builder()
            .connect_timeout(CONNECT_WAIT)
            .timeout(ANSWER_WAIT)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .map_err(|error| Error::System(error.to_string()))?;
        let administrators = || flags.data.join(origin_control::ADMIN_TOKEN_FILE);
        let credential_path = flags.token_file.clone().unwrap_or_else(administrators);
        let api = flags.api.clone();
        match credential(&credential_path) {
            Ok(credential) => Ok(Self { client, api, credential_path, credential }),
            Err(reason) => {
                let probe = client.get(format!("{api}/healthz")).send().await;
                if probe.is_err_and(|error| error.is_connect()) {
                    return Err(Error::NoHouse { api });
                }
                Err(Error::Credential { path: credential_path, reason })
            }
        }
    }

    /// Reads something.
    ///
    /// # Errors
    /// Any of [`Error`].
    pub(super) async fn get<A: DeserializeOwned>(&self, path: &str) -> Result<A, Error> {
        self.ask(self.client.request(Method::GET, self.url(path))).await
    }

    /// Does something that needs no words.
    ///
    /// # Errors
    /// Any of [`Error`].
    pub(super) async fn post<A: DeserializeOwned>(&self, path: &str) -> Result<A, Error> {
        self.ask(self.client.request(Method::POST, self.url(path))).await
    }

    /// Does something as `body` says.
    ///
    /// # Errors
    /// Any of [`Error`].
    pub(super) async fn send<A: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<A, Error> {
        self.ask(self.client.request(Method::POST, self.url(path)).json(body)).await
    }

    /// Does something as a WebVTT text says, or one that is read like it.
    ///
    /// # Errors
    /// Any of [`Error`].
    pub(super) async fn send_vtt<A: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        text: Vec<u8>,
    ) -> Result<A, Error> {
        let request = self.client.request(method, self.url(path));
        self.ask(request.header(CONTENT_TYPE, "text/vtt").body(text)).await
    }

    /// Sends a file, however long that takes.
    ///
    /// # Errors
    /// Any of [`Error`].
    pub(super) async fn send_file<A: DeserializeOwned>(
        &self,
        path: &str,
        file: tokio::fs::File,
        bytes: u64,
    ) -> Result<A, Error> {
        let request = self.client.request(Method::POST, self.url(path)).timeout(FILE_WAIT);
        let request = request.header(CONTENT_TYPE, "application/octet-stream");
        self.ask(request.header(CONTENT_LENGTH, bytes).body(file)).await
    }

    /// Does something that takes long, as `body` says.
    ///
    /// # Errors
    /// Any of [`Error`].
    pub(super) async fn send_long<A: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<A, Error> {
        let request = self.client.request(Method::POST, self.url(path)).timeout(FILE_WAIT);
        self.ask(request.json(body)).await
    }

    /// Puts something in its place, or changes it.
    ///
    /// # Errors
    /// Any of [`Error`].
    pub(super) async fn set<A: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &impl Serialize,
    ) -> Result<A, Error> {
        self.ask(self.client.request(method, self.url(path)).json(body)).await
    }

    /// Takes something away.
    ///
    /// # Errors
    /// Any of [`Error`].
    pub(super) async fn delete<A: DeserializeOwned>(&self, path: &str) -> Result<A, Error> {
        self.ask(self.client.request(Method::DELETE, self.url(path))).await
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.api)
    }

    async fn ask<A: DeserializeOwned>(&self, request: RequestBuilder) -> Result<A, Error> {
        let sent = request.bearer_auth(&self.credential).send().await;
        let response = sent.map_err(|error| {
            if error.is_connect() {
                return Error::NoHouse { api: self.api.clone() };
            }
            self.not_a_house(if error.is_timeout() { "it takes too long" } else { "it hung up" })
        })?;
        let status = response.status();
        let body = self.read(response).await?;
        if status.is_success() {
            let read = serde_json::from_slice(&body);
            return read.map_err(|_| self.not_a_house("its answer cannot be read"));
        }
        let problem: Problem = serde_json::from_slice(&body)
            .map_err(|_| self.not_a_house(&format!("it answered {status}")))?;
        Err(match status {
            StatusCode::UNAUTHORIZED => {
                let path = self.credential_path.clone();
                Error::WrongCredential { api: self.api.clone(), path }
            }
            _ if status.is_server_error() => Error::Failed(problem),
            _ => Error::Refused(problem),
        })
    }

    async fn read(&self, mut response: Response) -> Result<Vec<u8>, Error> {
        let mut body = Vec::new();
        while let Some(chunk) =
            response.chunk().await.map_err(|_| self.not_a_house("its answer broke off"))?
        {
            body.extend_from_slice(&chunk);
            if body.len() > ANSWER_BYTES_MAX {
                return Err(self.not_a_house("its answer does not end"));
            }
        }
        Ok(body)
    }

    fn not_a_house(&self, reason: &str) -> Error {
        Error::NotAHouse { api: self.api.clone(), reason: reason.to_owned() }
    }
}

/// The credential in a file, or why there is none.
fn credential(path: &Path) -> Result<String, String> {
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    let text = text.trim();
    let form = !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic());
    if form && text.len() <= CREDENTIAL_BYTES_MAX {
        return Ok(text.to_owned());
    }
    Err("it is damaged".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_may_leave_out_the_scheme() {
        for (text, read) in [
            ("http://127.0.0.1:8081", Ok("http://127.0.0.1:8081")),
            ("http://house:8081/", Ok("http://house:8081")),
            ("127.0.0.1:9000", Ok("http://127.0.0.1:9000")),
            ("[::1]:9000", Ok("http://[::1]:9000")),
            ("https://house", Err(())),
            ("ftp://house", Err(())),
            ("http://a:b@house", Err(())),
            ("", Err(())),
        ] {
            assert_eq!(api(text).map_err(drop), read.map(str::to_owned), "{text}");
        }
    }
}
