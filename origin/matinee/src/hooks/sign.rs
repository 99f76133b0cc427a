//! The signature of Standard Webhooks (standard-webhooks 1.0.0, symmetric, `v1`).
//!
//! In: a secret, a message. Out: the request, with its three headers. Does not know who is behind an
//! address, nor what is said.

use data_encoding::BASE64;
use hmac_sha256::HMAC;
use reqwest::{Client, RequestBuilder, header};

use super::now_s;

/// What receivers verify with: `whsec_` and base64. It never shows itself.
#[derive(Clone)]
pub(super) struct Secret(Vec<u8>);

impl Secret {
    /// The secret in its written form; `None` if it is none.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let bytes = BASE64.decode(text.strip_prefix("whsec_")?.as_bytes()).ok()?;
        (24..=64).contains(&bytes.len()).then_some(Self(bytes))
    }

    /// A message that is sent now.
    pub(super) fn post(
        &self,
        client: &Client,
        url: &str,
        id: &str,
        body: String,
    ) -> RequestBuilder {
        let mut request = client.post(url).header(header::CONTENT_TYPE, "application/json");
        for (name, value) in self.headers(id, now_s(), &body) {
            request = request.header(name, value);
        }
        request.body(body)
    }

    /// The headers of a message that is sent at this second.
    fn headers(&self, id: &str, at_s: u64, body: &str) -> [(&'static str, String); 3] {
        let signed = format!("{id}.{at_s}.{body}");
        let signature = BASE64.encode(&HMAC::mac(signed.as_bytes(), &self.0));
        [
            ("webhook-id", id.to_owned()),
            ("webhook-timestamp", at_s.to_string()),
            ("webhook-signature", format!("v1,{signature}")),
        ]
    }
}

/// A message's id; the same for every try, so that a receiver can tell a repeated one. `None` if the system gives no
/// random bytes.
pub(super) fn new_id() -> Option<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).ok()?;
    Some(format!("msg_{}", data_encoding::BASE32_DNSSEC.encode(&bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_that_of_the_specification() {
        // The example of the specification's own reference libraries.
        let secret = Secret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("a secret");
        let headers = secret.headers(
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            r#"{"test": 2432232314}"#,
        );
        let [_, _, (_, signature)] = headers;
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn what_is_no_secret_is_refused() {
        for text in ["", "whsec_", "whsec_c2hvcnQ=", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_?"]
        {
            assert!(Secret::parse(text).is_none(), "{text}");
        }
    }
}
