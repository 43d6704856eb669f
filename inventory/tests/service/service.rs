//! One running service and a client for it.

use inventory::{Config, StartError};
use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use shared::propagation::HeaderInjector;
use shared::task::Task;
use sqlx::{AnyConnection, Connection};
use tokio_util::sync::CancellationToken;

pub(crate) struct Service {
    url: String,
    client: reqwest::Client,
    shutdown: CancellationToken,
    served: Task<Result<(), StartError>>,
}

/// The parts of a response that the API contract defines.
#[derive(Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content_type: String,
    pub(crate) retry_after: Option<String>,
    pub(crate) body: Value,
}

impl Answer {
    /// Asserts that the response is a problem with this status and code, and returns its detail.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16, code: &str) -> &str {
        assert_eq!(self.content_type, "application/problem+json", "{self:?}");
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.body["status"], status, "{self:?}");
        assert_eq!(self.body["code"], code, "{self:?}");
        let kind = format!("urn:problem-type:{code}");
        assert_eq!(self.body["type"], kind, "{self:?}");
        assert!(self.body["title"].is_string(), "{self:?}");
        self.body["detail"]
            .as_str()
            .expect("a problem has a detail")
    }
}

/// Returns the settings of a service with a long database timeout, for busy machines.
pub(crate) fn config(database_url: &str) -> Result<Config, StartError> {
    Config::read(&|variable| match variable {
        "DATABASE_URL" => Some(database_url.to_owned()),
        "DATABASE_TIMEOUT" => Some("1m".to_owned()),
        "REQUEST_TIMEOUT" => Some("2m".to_owned()),
        "LISTEN_ADDR" => Some("127.0.0.1:0".to_owned()),
        _ => None,
    })
}

impl Service {
    pub(crate) async fn start(database_url: &str) -> Self {
        Self::start_with(config(database_url).unwrap()).await
    }

    pub(crate) async fn start_with(config: Config) -> Self {
        let listener = shared::serve::bind(config.listen_addr).await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        let served = shared::task::spawn(inventory::run(config, listener, shutdown.clone()));
        let service = Self {
            url: format!("http://{address}"),
            client: client(),
            shutdown,
            served,
        };
        // The service answers only after its tables exist.
        assert_eq!(service.get("/readyz").await.status, 200);
        service
    }

    /// Stops the service and waits for its end.
    pub(crate) async fn stop(self) {
        self.shutdown.cancel();
        self.served.await.unwrap().unwrap();
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        answer(self.client.get(format!("{}{path}", self.url))).await
    }

    pub(crate) async fn post(&self, media_type: &str, body: impl Into<String>) -> Answer {
        let request = self
            .client
            .post(format!("{}/reservations", self.url))
            .header("content-type", media_type)
            .body(body.into());
        answer(request).await
    }

    /// Sends `GET path` in the current trace.
    pub(crate) async fn get_traced(&self, path: &str) -> Answer {
        let request = self.client.get(format!("{}{path}", self.url));
        answer(request.headers(traceparent())).await
    }

    /// Sends `POST /reservations` in the current trace.
    pub(crate) async fn post_traced(&self, body: String) -> Answer {
        let request = self.client.post(format!("{}/reservations", self.url));
        let request = request
            .header("content-type", "application/json")
            .body(body);
        answer(request.headers(traceparent())).await
    }

    pub(crate) async fn reserve(&self, order_id: &str, item_id: &str, quantity: i64) -> Answer {
        let order = json!({"order_id": order_id, "item_id": item_id, "quantity": quantity});
        self.post("application/json", order.to_string()).await
    }

    pub(crate) async fn release(&self, order_id: &str) -> Answer {
        let url = format!("{}/reservations/{order_id}", self.url);
        answer(self.client.delete(url)).await
    }

    pub(crate) async fn available(&self, item_id: &str) -> i64 {
        let answer = self.get(&format!("/check/{item_id}")).await;
        answer.body["available"]
            .as_i64()
            .expect("the item is known")
    }
}

/// Runs `sql` on the database of the service.
pub(crate) async fn execute(database_url: &str, sql: &'static str) {
    sqlx::any::install_default_drivers();
    let mut connection = AnyConnection::connect(database_url).await.unwrap();
    sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

/// Runs `sql` on the database of the service, and returns the selected number.
pub(crate) async fn count(database_url: &str, sql: &'static str) -> i64 {
    sqlx::any::install_default_drivers();
    let mut connection = AnyConnection::connect(database_url).await.unwrap();
    let (count,) = sqlx::query_as(sql)
        .fetch_one(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
    count
}

#[expect(
    clippy::disallowed_methods,
    reason = "an external caller without a trace"
)]
pub(crate) fn client() -> reqwest::Client {
    reqwest::Client::new()
}

fn traceparent() -> HeaderMap {
    let mut headers = HeaderMap::new();
    shared::propagation::inject(&mut HeaderInjector(&mut headers));
    headers
}

pub(crate) async fn answer(request: reqwest::RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let is_health = response.url().path().ends_with('z');
    let content_type = response.headers().get("content-type");
    let retry_after = response.headers().get("retry-after");
    Answer {
        status: response.status().as_u16(),
        retry_after: retry_after.map(|value| value.to_str().unwrap().to_owned()),
        content_type: content_type
            .map_or(String::new(), |value| value.to_str().unwrap().to_owned()),
        body: {
            let body = response.text().await.unwrap();
            assert!(
                is_health || body.is_empty() || body.ends_with("}\n"),
                "{body}"
            );
            serde_json::from_str(&body).unwrap_or(Value::Null)
        },
    }
}
