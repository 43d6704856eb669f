//! The client of the inventory service. Each kind of failure is a variant of [`InventoryError`], which
//! [`error`](crate::error) maps to checkout's answer.

mod error;

use std::time::{Duration, Instant};

use reqwest::redirect::Policy;
use reqwest::{Client, Response, Url};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, RequestBuilder};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use shared::client::{TraceMiddleware, UrlTemplate};
use uuid::Uuid;

use crate::config::{BaseUrl, Config};
use crate::retry::{self, Deadline, RemainingTime};

pub(crate) use error::InventoryError;
use error::MAX_ANSWER_BYTES;

/// A traced client for the inventory service. It pools connections; one instance serves all requests.
#[derive(Debug)]
pub(crate) struct Inventory {
    client: ClientWithMiddleware,
    base_url: BaseUrl,
    timeout: Duration,
}

/// Stock and price of an item.
#[derive(Debug, Deserialize)]
pub(crate) struct Item {
    #[serde(rename = "item_id")]
    id: String,
    pub(crate) available: i64,
    // The price has 32 bits, so that the total of the largest quantity cannot overflow. A higher price is an error in
    // the data.
    pub(crate) price_cents: u32,
}

/// A reservation request: the item, its quantity, and the order to reserve it for.
#[derive(Debug, Serialize)]
pub(crate) struct Reservation<'a> {
    pub(crate) order_id: Uuid,
    pub(crate) item_id: &'a str,
    pub(crate) quantity: u32,
}

/// The reservation in inventory's answer.
#[derive(Deserialize)]
struct Reserved {
    order_id: Uuid,
    item_id: String,
    quantity: u32,
}

impl Inventory {
    pub(crate) fn new(config: &Config) -> Result<Self, reqwest::Error> {
        #[expect(
            clippy::disallowed_methods,
            reason = "the client that the middleware goes around"
        )]
        let client = Client::builder()
            // Inventory is an internal service. Proxy variables are for external calls, and a redirect would send an
            // order to an address that is not configured.
            .no_proxy()
            .redirect(Policy::none())
            // The connect timeout includes the DNS lookup, which can take seconds if the name no longer exists.
            .connect_timeout(config.inventory_connect_timeout)
            .build()?;
        Ok(Self {
            client: ClientBuilder::new(client)
                .with(retry::retries(config.inventory_timeout))
                .with(RemainingTime)
                .with(TraceMiddleware::new())
                .build(),
            base_url: config.inventory_url.clone(),
            timeout: config.inventory_timeout,
        })
    }

    /// Requests the stock and price of an item.
    pub(crate) async fn check(&self, item_id: &str) -> Result<Item, InventoryError> {
        let item: Item = self.call(self.check_request(item_id)).await?;
        if item.id == item_id {
            Ok(item)
        } else {
            Err(InventoryError::OtherAnswer)
        }
    }

    /// Returns the request that [`check`](Self::check) sends.
    pub(crate) fn check_request(&self, item_id: &str) -> RequestBuilder {
        self.client
            .get(self.check_url(item_id))
            .with_extension(UrlTemplate::new("/check/{item_id}"))
    }

    pub(crate) fn check_url(&self, item_id: &str) -> Url {
        self.base_url.join(&["check", item_id])
    }

    /// Reserves stock for an order. Inventory reserves only once for each order id.
    pub(crate) async fn reserve(
        &self,
        reservation: &Reservation<'_>,
    ) -> Result<(), InventoryError> {
        let request = self
            .client
            .post(self.base_url.join(&["reservations"]))
            .with_extension(UrlTemplate::new("/reservations"))
            .json(reservation);
        let reserved: Reserved = self.call(request).await?;
        if reserved.order_id == reservation.order_id
            && reserved.item_id == reservation.item_id
            && reserved.quantity == reservation.quantity
        {
            Ok(())
        } else {
            Err(InventoryError::OtherAnswer)
        }
    }

    /// Releases the stock that an order may have reserved. Inventory reserves nothing for the order afterwards.
    pub(crate) async fn release(&self, order_id: Uuid) -> Result<(), InventoryError> {
        let order_id = order_id.to_string();
        let request = self
            .client
            .delete(self.base_url.join(&["reservations", &order_id]))
            .with_extension(UrlTemplate::new("/reservations/{order_id}"));
        self.answer(request).await.map(drop)
    }

    /// Sends a request and returns the response, whatever its status.
    pub(crate) async fn send(&self, request: RequestBuilder) -> Result<Response, InventoryError> {
        // Unlike a timeout around `send`, this deadline also covers reading the body.
        let deadline = Deadline(Instant::now() + self.timeout);
        Ok(request.with_extension(deadline).send().await?)
    }

    async fn call<T: DeserializeOwned>(
        &self,
        request: RequestBuilder,
    ) -> Result<T, InventoryError> {
        let body = self.answer(request).await?;
        serde_json::from_slice(&body).map_err(InventoryError::BadAnswer)
    }

    /// Sends a request and returns the body of a successful response.
    async fn answer(&self, request: RequestBuilder) -> Result<Vec<u8>, InventoryError> {
        let mut response = self.send(request).await?;
        // Reads at most `MAX_ANSWER_BYTES`, whatever length the response declares.
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if body.len() + chunk.len() > MAX_ANSWER_BYTES {
                return Err(InventoryError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        if response.status().is_success() {
            Ok(body)
        } else {
            let (status, headers) = (response.status(), response.headers());
            Err(InventoryError::from_answer(status, headers, &body))
        }
    }
}
