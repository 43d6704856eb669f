//! Sends server-sent events with the ids of changed traces, or `*` if there are too many ids.
//!
//! One connection serves all pages and frames of a browser, since browsers allow only six connections per server.

use std::collections::HashSet;
use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::response::IntoResponse;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::time::sleep;

use super::state::Viewer;
use crate::store::TraceId;

/// Pause between two events, so that open pages add little load to a busy store.
const PAUSE: Duration = Duration::from_millis(100);
/// Maximum number of trace ids in an event. If more traces changed, the event contains `*`.
const MAX_IDS: usize = 100;

pub(super) async fn changes(State(viewer): State<Viewer>) -> impl IntoResponse {
    let changes = viewer.store.changes();
    let messages = stream::unfold((changes, false), |(mut changes, has_sent)| async move {
        if has_sent {
            sleep(PAUSE).await;
        }
        let text = next(&mut changes).await?;
        let event = Ok::<_, Infallible>(Event::default().data(text));
        Some((event, (changes, true)))
    });
    Sse::new(messages).keep_alive(KeepAlive::default())
}

/// Waits for a changed trace, and returns an event with all traces that have changed.
async fn next(changes: &mut Receiver<TraceId>) -> Option<String> {
    let mut ids = HashSet::new();
    let mut missed = match changes.recv().await {
        Ok(id) => {
            ids.insert(id);
            false
        }
        Err(RecvError::Lagged(_)) => true,
        Err(RecvError::Closed) => return None,
    };
    loop {
        match changes.try_recv() {
            Ok(id) => {
                ids.insert(id);
            }
            Err(TryRecvError::Lagged(_)) => missed = true,
            Err(TryRecvError::Empty | TryRecvError::Closed) => break,
        }
    }
    if missed || ids.len() > MAX_IDS {
        return Some("*".to_owned());
    }
    let ids: Vec<_> = ids.iter().map(ToString::to_string).collect();
    Some(ids.join(" "))
}
