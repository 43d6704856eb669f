//! Serves a router on a real socket, and sends requests to it.

use std::net::SocketAddr;

use axum::Router;

/// Serves the router on a real socket until the test's runtime ends, and returns its URL.
pub(crate) async fn serve(router: Router) -> String {
    let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
    let listener = tokio::net::TcpListener::bind(loopback).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

/// Returns a client that ignores proxy settings of the environment.
pub(crate) fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// Sends `GET path` to the router and returns the status and body of the response.
pub(crate) async fn get(router: Router, path: &str) -> (u16, String) {
    let url = serve(router).await;
    let response = client().get(url + path).send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}
