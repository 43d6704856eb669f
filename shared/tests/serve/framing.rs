//! The framing of bodies and of requests on one connection, as RFC 9112 defines it.

use crate::{
    heads::{assert_problem, service},
    support::Connection,
};

#[tokio::test]
async fn unknown_transfer_coding_is_not_implemented() {
    let service = service().await;
    for coding in [
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: x-unknown,chunked\r\n",
    ] {
        let mut connection = Connection::open(&service).await;
        let head =
            format!("POST /echo HTTP/1.1\r\nHost: shop\r\n{coding}\r\n5\r\nhello\r\n0\r\n\r\n");
        connection.send(head.as_bytes()).await;
        assert_problem(&connection.answer().await, 501, "not_implemented");
        assert_eq!(connection.until_closed().await, b"");
    }
}

#[tokio::test]
async fn chunked_body_with_extensions_and_trailers_is_read() {
    let service = service().await;
    for coding in ["chunked", "Chunked"] {
        let mut connection = Connection::open(&service).await;
        for _ in 0..2 {
            let request = format!(
                "POST /echo HTTP/1.1\r\nHost: shop\r\nTransfer-Encoding: {coding}\r\n\r\n5;name=\"value\"\r\nhello\r\n0;last\r\nX-Trailer: a\r\n\r\n"
            );
            connection.send(request.as_bytes()).await;
            let answer = connection.answer().await;
            assert_eq!((answer.status, answer.body.as_str()), (200, "hello"));
        }
    }
}

#[tokio::test]
async fn endless_chunk_extension_is_refused() {
    let service = service().await;
    let mut connection = Connection::open(&service).await;
    let head = "POST /echo HTTP/1.1\r\nHost: shop\r\nTransfer-Encoding: chunked\r\n\r\n1;";
    connection.send(head.as_bytes()).await;
    let _ = connection.try_send(&vec![b'x'; 64 * 1024]).await;
    assert_eq!(connection.head().await.status, 400);
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let service = service().await;
    let mut connection = Connection::open(&service).await;
    let posts = (0..50).map(|number| {
        let body = format!("body {number}");
        let head = "POST /echo HTTP/1.1\r\nHost: shop\r\nContent-Length:";
        format!("{head} {}\r\n\r\n{body}", body.len())
    });
    let mut requests: Vec<String> = posts.collect();
    requests.push("GET /quick HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n".into());
    connection.send(requests.concat().as_bytes()).await;
    for number in 0..50 {
        assert_eq!(connection.answer().await.body, format!("body {number}"));
    }
    assert_eq!(connection.answer().await.body, "hello");
    assert_eq!(connection.until_closed().await, b"");
}

#[tokio::test]
async fn garbage_after_body_is_refused_after_the_answer() {
    let service = service().await;
    let mut connection = Connection::open(&service).await;
    let request =
        "POST /echo HTTP/1.1\r\nHost: shop\r\nContent-Length: 5\r\n\r\nhello\0garbage\r\n\r\n";
    connection.send(request.as_bytes()).await;
    assert_eq!(connection.answer().await.body, "hello");
    let rest = String::from_utf8(connection.until_closed().await).unwrap();
    assert!(rest.starts_with("HTTP/1.1 400 "), "{rest}");
}

#[tokio::test]
async fn connection_close_is_obeyed() {
    let service = service().await;
    let mut connection = Connection::open(&service).await;
    connection
        .send(b"GET /quick HTTP/1.1\r\nHost: shop\r\nConnection: Close\r\n\r\n")
        .await;
    let answer = connection.answer().await;
    assert_eq!(answer.headers["connection"], "close");
    assert_eq!(connection.until_closed().await, b"");
}
