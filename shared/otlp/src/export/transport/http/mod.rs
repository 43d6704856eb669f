//! OTLP over HTTP with protobuf bodies.

mod answer;

use std::{
    error::Error as StdError,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{CONTENT_ENCODING, CONTENT_TYPE},
};
use url::Url;

use self::answer::{Answer, retry_after};
use super::{Outcome, RESPONSE_BYTES, connect::ConnectTimeout, hint, root_cause};
#[cfg(feature = "tls")]
use crate::export::tls::{Certificates, certificates};
use crate::export::{error::BuildError, settings::Settings};

pub(in crate::export) struct Http {
    connections: Mutex<Connections>,
    endpoint: Url,
    pub(super) gzip: bool,
}

/// The HTTP client, which reuses its connections while they work.
struct Connections {
    settings: ClientSettings,
    timeout: ConnectTimeout,
    client: reqwest::Client,
    /// Whether the server has responded over HTTP. Before that, errors are logged with a hint that the protocol may be wrong.
    speaks_http: bool,
}

struct ClientSettings {
    headers: HeaderMap,
    uses_proxy: bool,
    #[cfg(feature = "tls")]
    certificates: Certificates,
}

impl Http {
    pub(super) fn new(settings: &Settings) -> Result<Self, BuildError> {
        let timeout = ConnectTimeout::new(settings);
        let client_settings = ClientSettings {
            headers: headers(settings),
            uses_proxy: settings.proxy.is_some(),
            #[cfg(feature = "tls")]
            certificates: certificates(settings)?,
        };
        let client = client_settings.client(timeout.get());
        Ok(Self {
            connections: Mutex::new(Connections {
                client: client.map_err(BuildError::Client)?,
                settings: client_settings,
                timeout,
                speaks_http: false,
            }),
            endpoint: settings.endpoint.clone(),
            gzip: settings.gzip,
        })
    }

    pub(super) async fn send(&self, request: Bytes, timeout: Duration) -> Outcome {
        let client = self.with_connections(|connections| connections.client.clone());
        match self.exchange(&client, request, timeout).await {
            Ok(answer) => {
                self.with_connections(|connections| connections.answered(&answer));
                answer.outcome()
            }
            // No connection was made, so the collector does not have the spans.
            Err(error) if error.is_connect() => {
                if error.is_timeout() {
                    self.with_connections(Connections::timed_out);
                }
                Outcome::unsent(root_cause(&error))
            }
            Err(error) if error.is_timeout() => {
                self.with_connections(Connections::renew);
                Outcome::silent(timeout)
            }
            Err(error) => Outcome::later(self.reason(&error)),
        }
    }

    pub(super) fn renew(&self) {
        self.with_connections(Connections::renew);
    }

    fn with_connections<T>(&self, work: impl FnOnce(&mut Connections) -> T) -> T {
        let connections = self.connections.lock();
        work(&mut connections.unwrap_or_else(PoisonError::into_inner))
    }

    async fn exchange(
        &self,
        client: &reqwest::Client,
        request: Bytes,
        timeout: Duration,
    ) -> reqwest::Result<Answer> {
        let request = client.post(self.endpoint.clone()).body(request);
        let mut request = request.timeout(timeout);
        if self.gzip {
            request = request.header(CONTENT_ENCODING, "gzip");
        }
        let mut response = request.send().await?;
        let content_type = response.headers().get(CONTENT_TYPE);
        let mut answer = Answer {
            status: response.status(),
            content_type: content_type
                .and_then(|value| value.to_str().ok())
                .unwrap_or_default()
                .to_ascii_lowercase(),
            retry_after: retry_after(response.headers()),
            body: Vec::new(),
        };
        // The HTTP status determines the outcome, even if the rest of the response does not arrive.
        while let Ok(Some(chunk)) = response.chunk().await {
            if answer.body.len() + chunk.len() > RESPONSE_BYTES {
                break;
            }
            answer.body.extend_from_slice(&chunk);
        }
        Ok(answer)
    }

    fn reason(&self, error: &(dyn StdError + 'static)) -> String {
        let reason = root_cause(error);
        if self.with_connections(|connections| connections.speaks_http) {
            reason
        } else {
            format!("{reason}: {}", hint::HTTP)
        }
    }
}

impl Connections {
    /// Opens a new connection for the next request, so that a load balancer can choose another backend.
    fn renew(&mut self) {
        // A client with the same settings was built before. If building another one fails, the old client remains in
        // use.
        if let Ok(client) = self.settings.client(self.timeout.get()) {
            self.client = client;
        }
    }

    fn answered(&mut self, answer: &Answer) {
        self.timeout.reset();
        self.speaks_http = true;
        let is_bad_backend = matches!(
            answer.status,
            StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT
        );
        if is_bad_backend || answer.is_web_page() {
            self.renew();
        }
    }

    fn timed_out(&mut self) {
        self.timeout.grow();
        self.renew();
    }
}

impl ClientSettings {
    fn client(&self, connect_timeout: Duration) -> reqwest::Result<reqwest::Client> {
        #[expect(clippy::disallowed_methods, reason = "an export is in no trace")]
        let client = reqwest::Client::builder()
            .default_headers(self.headers.clone())
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(connect_timeout)
            .user_agent(super::USER_AGENT);
        let client = if self.uses_proxy {
            client
        } else {
            client.no_proxy()
        };
        #[cfg(feature = "tls")]
        let client = {
            let client = client.tls_certs_only(self.certificates.roots.clone());
            match &self.certificates.identity {
                Some(identity) => client.identity(identity.clone()),
                None => client,
            }
        };
        client.build()
    }
}

fn headers(settings: &Settings) -> HeaderMap {
    let mut headers = settings.headers.clone();
    let protobuf = HeaderValue::from_static("application/x-protobuf");
    headers.insert(CONTENT_TYPE, protobuf);
    headers
}
