//! Orders: so many a second, or as many as are answered, and how each was answered.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Deserialize;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

/// An order's answer.
#[derive(Clone, Debug)]
pub(super) struct Answered {
    pub(super) sent: Instant,
    pub(super) took: Duration,
    /// The trace id of an order that was placed.
    pub(super) placed: Option<String>,
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

    /// Sends this many a second for so long, whether or not those before are answered.
    pub(super) async fn at_rate(&mut self, rate: u32, lasts: Duration) {
        let mut ticks = tokio::time::interval(Duration::from_secs(1) / rate);
        // What a busy machine kept from being sent in time is sent all the same.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let until = Instant::now() + lasts;
        while Instant::now() < until {
            ticks.tick().await;
            let order = order(
                self.client.clone(),
                self.url.clone(),
                Arc::clone(&self.answers),
            );
            self.tasks.spawn(order);
            while self.tasks.try_join_next().is_some() {}
        }
    }

    /// Sends one after the other on so many connections for so long.
    pub(super) async fn flood(&mut self, connections: u32, lasts: Duration) {
        let until = Instant::now() + lasts;
        for _ in 0..connections {
            let (client, url) = (self.client.clone(), self.url.clone());
            let answers = Arc::clone(&self.answers);
            self.tasks.spawn(async move {
                while Instant::now() < until {
                    order(client.clone(), url.clone(), Arc::clone(&answers)).await;
                }
            });
        }
        while self.tasks.join_next().await.is_some() {}
    }

    /// Waits for the answers that are still to come.
    pub(super) async fn answers(mut self) -> Vec<Answered> {
        while self.tasks.join_next().await.is_some() {}
        std::mem::take(&mut *self.answers.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

async fn order(client: reqwest::Client, url: String, answers: Arc<Mutex<Vec<Answered>>>) {
    let sent = Instant::now();
    let placed = async {
        let request = client
            .post(url)
            .json(&serde_json::json!({ "item_id": "item-123" }));
        let answer = request.send().await?.error_for_status()?;
        answer.json::<Placed>().await
    };
    let placed = placed.await.ok().map(|placed| placed.trace_id);
    let answered = Answered {
        sent,
        took: sent.elapsed(),
        placed,
    };
    answers
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(answered);
}
