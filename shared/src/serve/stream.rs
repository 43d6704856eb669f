//! [`Stream`]: reads and writes the bytes of a connection, before and after an upgrade.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    sync::oneshot,
};
use tokio_io_timeout::TimeoutWriter;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// A connection with a write timeout, whose reads and writes fail once it is cut off.
///
/// On an upgrade, hyper moves the stream to the handler.
pub(super) struct Stream {
    socket: Pin<Box<TimeoutWriter<TcpStream>>>,
    cut_off: CancellationToken,
    /// Whether a request that can upgrade the connection was received. Before such a request, dropping the connection's
    /// task cuts off the connection, so reads and writes need no check.
    upgradable: Arc<AtomicBool>,
    read: Waiting,
    write: Waiting,
    /// Dropped with the stream when the connection is closed, also after an upgrade. This completes the receiver.
    _open: oneshot::Sender<()>,
}

/// Waits until the connection is cut off. Reads and writes each have their own future, since two tasks may read and
/// write an upgraded connection.
type Waiting = Option<Pin<Box<WaitForCancellationFutureOwned>>>;

impl Stream {
    /// Returns the stream, and a receiver that completes when the stream is dropped.
    pub(super) fn new(
        stream: TcpStream,
        write_timeout: Duration,
        cut_off: CancellationToken,
        upgradable: Arc<AtomicBool>,
    ) -> (Self, oneshot::Receiver<()>) {
        let (open, closed) = oneshot::channel();
        let mut stream = TimeoutWriter::new(stream);
        stream.set_timeout(Some(write_timeout));
        let stream = Self {
            socket: Box::pin(stream),
            cut_off,
            upgradable,
            read: None,
            write: None,
            _open: open,
        };
        (stream, closed)
    }

    fn check_read(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        if self.upgradable.load(Ordering::Relaxed) {
            check(&mut self.read, &self.cut_off, cx)?;
        }
        Ok(())
    }

    fn check_write(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        if self.upgradable.load(Ordering::Relaxed) {
            check(&mut self.write, &self.cut_off, cx)?;
        }
        Ok(())
    }
}

fn check(
    waiting: &mut Waiting,
    cut_off: &CancellationToken,
    cx: &mut Context<'_>,
) -> io::Result<()> {
    let waiting = waiting.get_or_insert_with(|| Box::pin(cut_off.clone().cancelled_owned()));
    match waiting.as_mut().poll(cx) {
        Poll::Pending => Ok(()),
        Poll::Ready(()) => Err(io::Error::new(
            io::ErrorKind::ConnectionAborted,
            "the service is shutting down",
        )),
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check_read(cx)?;
        self.socket.as_mut().poll_read(cx, buffer)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check_write(cx)?;
        self.socket.as_mut().poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check_write(cx)?;
        self.socket.as_mut().poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket.as_mut().poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket.as_mut().poll_shutdown(cx)
    }
}
