//! [`Load`]: sends orders at a rate or on a number of connections, and records the responses.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Deserialize;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

/// The response to an order.
#[derive(Clone, Debug)]
pub(super) struct Answered {
    pub(super) sent: Instant,
    pub(super) took: Duration,
    /// The trace id of the order, if it was placed.
    pub(super) placed: Option<String>,
    /// If the order was not placed: the status and body of the response, or the error of the request.
    pub(super) failure: Option<String>,
}

#[derive(Deserialize)]
struct Placed {
    trace_id: String,
}

/// Sends orders until dropped or stopped.
pub(super) struct Load {
    client: reqwest::Client,
    url: String,
    answers: Arc<Mutex<Vec<Answered>>>,
    tasks: JoinSet<()>,
}

impl Load {
    pub(super) fn new(checkout: SocketAddr, client: reqwest::Client) -> Self {
        Self {
            client,
            url: format!("http://{checkout}/checkout"),
            answers: Arc::default(),
            tasks: JoinSet::new(),
        }
    }

    /// Sends `rate` orders per second, without waiting for the responses.
    pub(super) async fn at_rate(&mut self, rate: u32, lasts: Duration) {
        let mut ticks = tokio::time::interval(Duration::from_secs(1) / rate);
        // If the load generator falls behind schedule, it still sends the delayed orders.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let until = Instant::now() + lasts;
        while Instant::now() < until {
            ticks.tick().await;
            let order = order(
                self.client.clone(),
                self.url.clone(),
                None,
                Arc::clone(&self.answers),
            );
            self.tasks.spawn(order);
            while self.tasks.try_join_next().is_some() {}
        }
    }

    /// Sends one order as part of this trace.
    pub(super) async fn with_trace(&self, trace: &str) {
        let parent = format!("00-{trace}-00000000000000a1-01");
        let (client, url) = (self.client.clone(), self.url.clone());
        order(client, url, Some(parent), Arc::clone(&self.answers)).await;
    }

    /// Sends orders on this number of connections, on each one order at a time.
    pub(super) async fn flood(&mut self, connections: u32, lasts: Duration) {
        let until = Instant::now() + lasts;
        for _ in 0..connections {
            let (client, url) = (self.client.clone(), self.url.clone());
            let answers = Arc::clone(&self.answers);
            self.tasks.spawn(async move {
                while Instant::now() < until {
                    order(client.clone(), url.clone(), None, Arc::clone(&answers)).await;
                }
            });
        }
        while self.tasks.join_next().await.is_some() {}
    }

    /// Waits for the responses to all orders, and returns every response.
    pub(super) async fn answers(mut self) -> Vec<Answered> {
        while self.tasks.join_next().await.is_some() {}
        std::mem::take(&mut *self.answers.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

async fn order(
    client: reqwest::Client,
    url: String,
    traceparent: Option<String>,
    answers: Arc<Mutex<Vec<Answered>>>,
) {
    let sent = Instant::now();
    let placed = async {
        let mut request = client
            .post(url)
            .json(&serde_json::json!({ "item_id": "item-123" }));
        if let Some(traceparent) = traceparent {
            request = request.header("traceparent", traceparent);
        }
        let answer = request.send().await.map_err(|error| format!("{error:?}"))?;
        let status = answer.status();
        let body = answer.text().await.unwrap_or_default();
        match serde_json::from_str::<Placed>(&body) {
            Ok(placed) if status.is_success() => Ok(placed.trace_id),
            _ => Err(format!("{status}: {}", body.trim())),
        }
    };
    let placed = placed.await;
    let answered = Answered {
        sent,
        took: sent.elapsed(),
        failure: placed.as_ref().err().cloned(),
        placed: placed.ok(),
    };
    answers
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(answered);
}
