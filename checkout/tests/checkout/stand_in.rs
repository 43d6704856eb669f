//! Stand-ins for inventory: one that works, and several that fail.

use std::time::Duration;

use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use crate::support::listen;

/// Internal text in the stand-in's failures, which must not reach the caller.
pub(crate) const INNER: &str = "relation `stock` is locked";

/// Returns an inventory with `available` pieces of every item, for 1999 cents each.
pub(crate) fn inventory_with(available: i64) -> Router {
    let check = async move |Path(item_id): Path<String>| {
        Json(json!({"item_id": item_id, "available": available, "price_cents": 1999}))
    };
    let reserve = async move |Json(mut order): Json<Value>| {
        order["remaining"] = json!(available - order["quantity"].as_i64().unwrap());
        (StatusCode::CREATED, Json(order))
    };
    Router::new()
        .route("/check/{item_id}", get(check))
        .route("/reservations", post(reserve))
}

/// Returns an inventory that sends the same response to every request.
#[expect(
    clippy::needless_pass_by_value,
    reason = "JSON or text, made at the call"
)]
pub(crate) fn inventory_saying(status: u16, body: impl ToString) -> Router {
    let status = StatusCode::from_u16(status).unwrap();
    let body = body.to_string();
    Router::new().fallback(async move || (status, body))
}

/// Serves a stand-in for inventory and returns its URL.
pub(crate) async fn serve(inventory: Router) -> String {
    let (listener, url) = listen().await;
    drop(shared::task::spawn(async {
        axum::serve(listener, inventory).await
    }));
    url
}

/// How [`serve_bytes`] ends a connection after the response.
pub(crate) enum End {
    Reset,
    Never,
}

/// Serves these bytes, which may be an incomplete response, to each connection. Returns the URL.
pub(crate) async fn serve_bytes(bytes: &'static [u8], end: End) -> String {
    let (listener, url) = listen().await;
    drop(shared::task::spawn(async move {
        let mut open = Vec::new();
        while let Ok((connection, _)) = listener.accept().await {
            connection.readable().await.unwrap();
            let _ = connection.try_read(&mut [0; 4096]);
            connection.writable().await.unwrap();
            assert_eq!(connection.try_write(bytes).unwrap(), bytes.len());
            match end {
                End::Reset => connection.set_zero_linger().unwrap(),
                End::Never => open.push(connection),
            }
        }
    }));
    url
}

/// Returns an address that refuses connections while the socket is open: the socket is bound but does not listen.
pub(crate) fn nobody() -> (TcpSocket, String) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let url = format!("http://{}", socket.local_addr().unwrap());
    (socket, url)
}

/// Returns an address where connections never complete while the returned sockets live: the accept queue is full.
pub(crate) async fn never_accepts() -> ((TcpListener, Vec<TcpStream>), String) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut queued = Vec::new();
    while let Ok(stream) =
        tokio::time::timeout(Duration::from_millis(500), TcpStream::connect(address)).await
    {
        queued.push(stream.unwrap());
    }
    ((listener, queued), format!("http://{address}"))
}
