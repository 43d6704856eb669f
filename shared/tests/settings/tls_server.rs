//! `openssl s_server` as a collector that demands a client certificate.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use crate::support::collector::ReservedAddress;

pub(crate) fn file(name: &str) -> String {
    format!("{}/tests/settings/tls/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// `openssl s_server`, which demands a client certificate. The process writes decrypted data to its standard output,
/// and sends its standard input to the client.
pub(crate) struct Server {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    pub(crate) url: String,
}

impl Server {
    /// Starts the server. Returns `None` if openssl is not installed.
    pub(crate) fn start() -> Option<Self> {
        let address = ReservedAddress::reserve().address;
        let child = Command::new("openssl")
            .args(["s_server", "-quiet", "-Verify", "1", "-verify_return_error"])
            .args(["-accept", &address.to_string()])
            .args(["-CAfile", &file("ca.pem")])
            .args(["-cert", &file("server.pem")])
            .args(["-key", &file("server-key.pem")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let Ok(mut child) = child else {
            println!("skipped: openssl is not installed");
            return None;
        };
        while TcpStream::connect(address).is_err() {
            assert!(child.try_wait().unwrap().is_none(), "openssl has ended");
            std::thread::yield_now();
        }
        Some(Self {
            stdin: child.stdin.take().unwrap(),
            stdout: BufReader::new(child.stdout.take().unwrap()),
            child,
            url: format!("https://{address}"),
        })
    }

    /// Reads one request and answers it with 200. Returns the request line.
    pub(crate) fn answer(&mut self) -> String {
        let mut head = Vec::new();
        loop {
            let mut line = String::new();
            assert_ne!(self.stdout.read_line(&mut line).unwrap(), 0);
            if line == "\r\n" {
                break;
            }
            head.push(line.trim_end().to_owned());
        }
        let length = head.iter().find_map(|line| {
            let line = line.to_ascii_lowercase();
            line.strip_prefix("content-length: ")?.parse().ok()
        });
        let mut body = vec![0; length.unwrap()];
        self.stdout.read_exact(&mut body).unwrap();
        self.stdin
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
            .unwrap();
        head.remove(0)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
