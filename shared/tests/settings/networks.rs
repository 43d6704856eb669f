//! Export over HTTP through networks that interfere: load balancers, proxies, login pages and wrong ports.

use std::time::Duration;

use crate::{
    network::{Network, server_of},
    process::{DEADLINE, Process, Said},
    support::collector::{Answer, Collector},
};

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const WAIT: &str = "collector unavailable, buffering spans";
const AT_ONCE: (&str, &str) = ("OTEL_BSP_SCHEDULE_DELAY", "20");

/// Sends one span to a server with this answer. Returns the output of the sending service.
fn said_of(answer: &'static [u8]) -> Said {
    let url = server_of(answer);
    Process::start(&[(ENDPOINT, &url), (DEADLINE, "2"), AT_ONCE]).stop()
}

#[test]
fn bad_backend_is_left_for_another_connection() {
    for status in [502, 503, 504] {
        let bad = Collector::answering(Answer::Status(status));
        let good = Collector::start();
        let network = Network::to(&[bad.address, good.address]);
        let mut process = Process::start(&[(ENDPOINT, &network.url()), AT_ONCE]);
        process.end_spans(1);
        assert_eq!(good.export().spans().len(), 1, "{status}");
        assert_eq!(process.stop().spans, [2, 2, 0]);
        assert_eq!(network.connections(), 2, "the working connection is kept");
        assert_eq!(bad.exports().len(), 1);
    }
}

#[test]
fn dead_connection_is_replaced_within_one_timeout() {
    let collector = Collector::start();
    let network = Network::to(&[collector.address]);
    let timeout = ("OTEL_EXPORTER_OTLP_TIMEOUT", "2000");
    let mut process = Process::start(&[(ENDPOINT, &network.url()), AT_ONCE, timeout]);
    process.end_spans(1);
    collector.taken(1);
    network.forget();
    process.end_spans(50);
    collector.taken(50);
    assert_eq!(process.stop().spans, [52, 52, 0]);
}

#[test]
fn web_page_is_not_success() {
    for answer in [
        &b"HTTP/1.1 200 OK\r\ncontent-type: text/html; charset=utf-8\r\ncontent-length: 5\r\n\r\nlogin"[..],
        b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 17\r\n\r\n\n<!doctype html>\r\n",
    ] {
        let said = said_of(answer);
        assert_eq!(said.spans, [1, 0, 1]);
        let reason = &said.reasons()[0];
        assert!(reason.starts_with("it answered 200 OK with a web page"), "{reason}");
        let outages = said.warnings().into_iter().filter(|warning| warning == WAIT);
        assert_eq!(outages.count(), 1, "logged once");
    }
}

#[test]
fn success_without_protobuf_body_is_accepted() {
    for answer in [
        &b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"[..],
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 202 Accepted\r\ncontent-type: text/plain\r\ncontent-length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}",
    ] {
        let said = said_of(answer);
        assert_eq!(said.spans, [1, 1, 0]);
        assert_eq!(said.warnings(), [""; 0]);
    }
}

#[test]
fn partial_success_in_json_is_counted() {
    for body in [
        &b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n{\"partialSuccess\":{\"rejectedSpans\":\"1\",\"errorMessage\":\"too old\"}}"[..],
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n{\"partialSuccess\":{\"rejectedSpans\":1,\"errorMessage\":\"too old\"}}",
    ] {
        let said = said_of(body);
        assert_eq!(said.spans, [1, 0, 1]);
        assert_eq!(said.reasons(), ["it rejected them: too old"]);
    }
}

#[test]
fn grpc_port_is_named_as_cause() {
    // The answer is a SETTINGS frame, which is the first frame that an HTTP/2 server sends.
    let said = said_of(b"\x00\x00\x00\x04\x00\x00\x00\x00\x00");
    assert_eq!(said.spans, [1, 0, 1]);
    let reason = &said.reasons()[0];
    assert!(
        reason.contains(
            "set the protocol to grpc (OTEL_EXPORTER_OTLP_PROTOCOL), or use the port for HTTP, usually 4318"
        ),
        "{reason}"
    );
}

#[test]
fn loopback_is_reached_without_proxy() {
    let collector = Collector::start();
    let port = collector.address.port();
    for host in ["127.0.0.1", "localhost", "127.1"] {
        let said = Process::start(&[
            (ENDPOINT, &format!("http://{host}:{port}")),
            ("http_proxy", "http://ann:hunter2@192.0.2.1:3128"),
            ("all_proxy", "http://ann:hunter2@192.0.2.1:3128"),
        ])
        .stop();
        assert_eq!(said.spans, [1, 1, 0], "{host}");
        assert_eq!(said.proxy(), None);
    }
}

#[test]
fn proxy_is_used_and_named_without_credentials() {
    // A proxy for http:// URLs receives the same request as a collector, but with an absolute URL.
    let proxy = Collector::start();
    let url = format!("http://ann:hunter2@{}", proxy.address);
    for variable in ["http_proxy", "HTTP_PROXY", "all_proxy"] {
        let said = Process::start(&[
            (ENDPOINT, "http://collector.example:4318"),
            (variable, &url),
        ])
        .stop();
        assert_eq!(said.spans, [1, 1, 0]);
        assert_eq!(
            proxy.export().path,
            "http://collector.example:4318/v1/traces"
        );
        assert_eq!(
            said.exporter(),
            "http/protobuf to http://collector.example:4318/v1/traces"
        );
        assert_eq!(said.proxy(), Some(format!("http://{}", proxy.address)));
        assert!(!said.all().contains("hunter2"));
    }
}

#[test]
fn no_proxy_variable_bypasses_proxy() {
    let proxy = Collector::start();
    let said = Process::start(&[
        (ENDPOINT, "http://collector.invalid:4318"),
        ("http_proxy", &proxy.url()),
        ("NO_PROXY", "localhost,.invalid"),
        (DEADLINE, "1"),
    ])
    .stop();
    assert_eq!(said.spans, [1, 0, 1]);
    assert!(proxy.exports().is_empty());
    assert_eq!(said.proxy(), None);
}

/// Environment variable that is set when [`slowly_resolved_name_is_reached`] runs in its own namespaces.
const NAMESPACE: &str = "SETTINGS_TEST_NAMESPACE";

/// Runs this test again in separate Linux namespaces, whose only DNS server answers after three seconds. This exceeds
/// the first connect timeout.
#[test]
fn slowly_resolved_name_is_reached() {
    if std::env::var_os(NAMESPACE).is_some() {
        return reach_slowly_resolved_name();
    }
    let resolver = std::env::temp_dir().join(format!("resolv-{}", std::process::id()));
    std::fs::write(
        &resolver,
        "nameserver 127.0.0.1\noptions timeout:20 attempts:1\n",
    )
    .unwrap();
    let script = r#"mount --bind "$1" /etc/resolv.conf && ip link set lo up || exit 77
        exec "$2" --exact networks::slowly_resolved_name_is_reached --nocapture"#;
    let status = std::process::Command::new("unshare")
        .args(["--user", "--map-root-user", "--net", "--mount"])
        .args(["sh", "-c", script, "sh"])
        .arg(&resolver)
        .arg(std::env::current_exe().unwrap())
        .env(NAMESPACE, "yes")
        .status();
    let _ = std::fs::remove_file(&resolver);
    match status {
        Ok(status) if status.success() => {}
        Ok(status) if status.code() == Some(101) => panic!("failed in the namespace"),
        _ => println!("skipped: network namespaces are not available"),
    }
}

fn reach_slowly_resolved_name() {
    let server = std::net::UdpSocket::bind("127.0.0.1:53").unwrap();
    let resolve = move || {
        let mut query = [0; 512];
        while let Ok((length, client)) = server.recv_from(&mut query) {
            let server = server.try_clone().unwrap();
            let query = query[..length].to_vec();
            let answer = move || {
                std::thread::sleep(Duration::from_secs(3));
                let _ = server.send_to(&resolved(&query), client);
            };
            std::thread::Builder::new().spawn(answer).unwrap();
        }
    };
    std::thread::Builder::new().spawn(resolve).unwrap();
    let collector = Collector::start();
    export_by_name("http/protobuf", collector.address.port());
    #[cfg(feature = "grpc")]
    {
        let collector =
            crate::grpc_collector::Collector::answering(crate::grpc_collector::Answer::Taken);
        export_by_name("grpc", collector.address.port());
    }
}

fn export_by_name(protocol: &str, port: u16) {
    let mut process = Process::start(&[
        (ENDPOINT, &format!("http://collector.example:{port}")),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "30000"),
        (DEADLINE, "60"),
        AT_ONCE,
    ]);
    process.end_spans(1);
    assert_eq!(process.stop().spans, [2, 2, 0], "{protocol}");
}

/// Returns a DNS response: 127.0.0.1 to a question for an IPv4 address, and no record to any other question.
fn resolved(query: &[u8]) -> Vec<u8> {
    let question_end = 12 + query[12..].iter().position(|byte| *byte == 0).unwrap() + 5;
    let is_ipv4 = query[question_end - 4..question_end - 2] == [0, 1];
    let mut answer = query[..2].to_vec();
    answer.extend([0x81, 0x80, 0, 1, 0, u8::from(is_ipv4), 0, 0, 0, 0]);
    answer.extend(&query[12..question_end]);
    if is_ipv4 {
        answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 127, 0, 0, 1]);
    }
    answer
}
