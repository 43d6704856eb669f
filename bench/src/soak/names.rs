//! [`Names`]: a name server that does not answer, and one that answers. The resolver asks the second server five
//! seconds after the first.

use std::io;

use tokio::net::UdpSocket;
use tokio::task::JoinSet;

use super::arrivals::Arrived;

/// The host name of the collector.
pub(super) const NAME: &str = "collector.example";
/// The content of `/etc/resolv.conf`. The default timeout of a name server is five seconds.
pub(super) const RESOLVER: &str = "nameserver 127.0.0.2\nnameserver 127.0.0.3\n";

/// Runs both name servers until dropped.
pub(super) struct Names {
    _dead: UdpSocket,
    _server: JoinSet<()>,
}

impl Names {
    /// Starts both name servers, and counts each DNS lookup as a request that the fault affects.
    pub(super) async fn start(arrived: Arrived) -> io::Result<Self> {
        // Without a socket at this address, the kernel would reject DNS queries at once.
        let dead = UdpSocket::bind("127.0.0.2:53").await?;
        let socket = UdpSocket::bind("127.0.0.3:53").await?;
        let mut server = JoinSet::new();
        server.spawn(async move {
            let mut query = [0; 512];
            while let Ok((length, client)) = socket.recv_from(&mut query).await {
                if let Some(answer) = answer(&query[..length]) {
                    arrived.read("fault");
                    let _ = socket.send_to(&answer, client).await;
                }
            }
        });
        Ok(Self {
            _dead: dead,
            _server: server,
        })
    }
}

/// Answers a DNS query for an IPv4 address with 127.0.0.1, and any other query with no records.
fn answer(query: &[u8]) -> Option<Vec<u8>> {
    /// The length of the header of a DNS message, in bytes.
    const HEADER: usize = 12;
    const TYPE_AND_CLASS: usize = 4;
    let name_end = HEADER + query.get(HEADER..)?.iter().position(|byte| *byte == 0)? + 1;
    let question = query.get(HEADER..name_end + TYPE_AND_CLASS)?;
    let is_ipv4 = query[name_end..].starts_with(&[0, 1]);
    let mut answer = query[..2].to_vec();
    answer.extend([0x81, 0x80, 0, 1, 0, u8::from(is_ipv4), 0, 0, 0, 0]);
    answer.extend(question);
    if is_ipv4 {
        // The answer record: a pointer to the name, type A, class IN, a lifetime of 0 s, and four bytes of address.
        answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 127, 0, 0, 1]);
    }
    Some(answer)
}
