//! Clients that close their sending half before the answer.

use axum::{Router, routing::get};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::support::{patience, start};

#[tokio::test]
async fn half_closed_client_is_treated_as_gone() {
    let stuck = get(std::future::pending::<()>);
    let service = start(Router::new().route("/stuck", stuck)).await;
    let mut stream = TcpStream::connect(service.address).await.unwrap();
    let request = b"GET /stuck HTTP/1.1\r\nHost: shop\r\n\r\n";
    stream.write_all(request).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = Vec::new();
    patience(stream.read_to_end(&mut answer)).await.unwrap();
    assert_eq!(answer, b"");
    patience(service.shut_down()).await;
}
