//! [`Network`]: forwards connections to collectors like a load balancer, and can drop the data of established connections
//! like a NAT gateway that has lost its state.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

pub(crate) struct Network {
    pub(crate) address: SocketAddr,
    accepted: Arc<AtomicUsize>,
    /// Number of the first connection whose data is forwarded. The data of earlier connections is dropped.
    dead: Arc<AtomicUsize>,
}

impl Network {
    /// Starts a network that forwards the first connection to the first backend, the second connection to the second
    /// backend, and so on. Further connections go to the last backend.
    pub(crate) fn to(backends: &[SocketAddr]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (accepted, dead) = (Arc::default(), Arc::default());
        let network = Self {
            address,
            accepted: Arc::clone(&accepted),
            dead: Arc::clone(&dead),
        };
        let backends = backends.to_vec();
        run(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let number = accepted.fetch_add(1, Ordering::SeqCst);
                let backend = backends.get(number).or(backends.last()).unwrap();
                let server = TcpStream::connect(backend).unwrap();
                for (from, to) in [(&client, &server), (&server, &client)] {
                    let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    let dead = Arc::clone(&dead);
                    run(move || forward(from, to, number, &dead));
                }
            }
        });
        network
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Drops all data of the established connections from now on, without closing the connections.
    pub(crate) fn forget(&self) {
        let accepted = self.accepted.load(Ordering::SeqCst);
        self.dead.store(accepted, Ordering::SeqCst);
    }

    pub(crate) fn connections(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }
}

fn forward(mut from: TcpStream, mut to: TcpStream, number: usize, dead: &AtomicUsize) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(length) = from.read(&mut buffer) {
        let is_dead = number < dead.load(Ordering::SeqCst);
        if is_dead && length > 0 {
            continue;
        }
        if is_dead || length == 0 || to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    if number >= dead.load(Ordering::SeqCst) {
        let _ = to.shutdown(std::net::Shutdown::Both);
    }
}

fn run(work: impl FnOnce() + Send + 'static) {
    thread::Builder::new().spawn(work).unwrap();
}

/// Starts a server that answers each connection with these bytes and closes it. Returns the URL of the server.
pub(crate) fn server_of(answer: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let serve = move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut head = [0; 1024];
            let _ = stream.read(&mut head);
            let _ = stream.write_all(answer);
        }
    };
    run(serve);
    url
}
