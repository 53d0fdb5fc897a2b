//! Cuts off who does not read, and lets who still writes read the answer: [`Stall`].

use std::future::Future;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

/// A connection that fails when what is to be written has not moved for a while. Otherwise a client
/// that asks for much and reads nothing would keep a snapshot in memory for as long as it likes. A
/// connection on which nothing is to be written may be idle.
///
/// At the end it takes in for a moment what still comes. A connection that is closed before everything
/// is read is reset, and the client, still writing a body that is too large, would not get to see the
/// answer that says so.
pub(super) struct Stall<T> {
    inner: T,
    patience: Duration,
    /// When patience ends. Kept for the next time, as a timer costs more to make than to move.
    timer: Option<Pin<Box<Sleep>>>,
    waiting: bool,
    /// Nothing more is to be written; until when to go on reading.
    lingering: bool,
}

/// How long to wait for a client to close its end, too. As long as upstream does.
const LINGER: Duration = Duration::from_millis(500);

impl<T> Stall<T> {
    pub(super) fn new(inner: T, patience: Duration) -> Self {
        Self {
            inner,
            patience,
            timer: None,
            waiting: false,
            lingering: false,
        }
    }

    /// Passes on what a write came to; one that waits for too long has failed.
    fn watch<R>(
        &mut self,
        cx: &mut Context<'_>,
        result: Poll<io::Result<R>>,
    ) -> Poll<io::Result<R>> {
        if result.is_ready() {
            self.waiting = false;
            return result;
        }
        let deadline = Instant::now() + self.patience;
        if !self.waiting {
            self.set_timer(deadline);
            self.waiting = true;
        }
        let timer = self
            .timer
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        if timer.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(io::Error::new(
                io::ErrorKind::TimedOut,
                "the client does not read",
            )));
        }
        Poll::Pending
    }

    fn set_timer(&mut self, deadline: Instant) {
        match &mut self.timer {
            Some(timer) => timer.as_mut().reset(deadline),
            None => self.timer = Some(Box::pin(tokio::time::sleep_until(deadline))),
        }
    }
}

impl<T: AsyncRead + Unpin> Stall<T> {
    /// Reads until the client has nothing more to say or time is up.
    fn linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(timer) = &mut self.timer
            && timer.as_mut().poll(cx).is_ready()
        {
            return Poll::Ready(());
        }
        let mut space = [MaybeUninit::uninit(); 16 * 1024];
        loop {
            let mut buffer = ReadBuf::uninit(&mut space);
            match Pin::new(&mut self.inner).poll_read(cx, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {}
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Stall<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buffer)
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Stall<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.inner).poll_write(cx, bytes);
        self.watch(cx, result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.inner).poll_write_vectored(cx, slices);
        self.watch(cx, result)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.inner).poll_flush(cx);
        self.watch(cx, result)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.lingering {
            let result = Pin::new(&mut self.inner).poll_shutdown(cx);
            match self.watch(cx, result) {
                Poll::Ready(Ok(())) => {}
                other => return other,
            }
            self.lingering = true;
            self.set_timer(Instant::now() + LINGER);
        }
        self.linger(cx).map(Ok)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;

    use super::*;

    #[tokio::test]
    async fn a_client_that_does_not_read_is_cut_off() {
        let (mut client, server) = tokio::io::duplex(8);
        let mut server = Stall::new(server, Duration::ZERO);
        server.write_all(b"12345678").await.expect("there is room");
        let failed = server.write_all(b"9").await.expect_err("nobody reads");
        assert_eq!(failed.kind(), io::ErrorKind::TimedOut);
        let mut read = [0; 8];
        tokio::io::AsyncReadExt::read_exact(&mut client, &mut read)
            .await
            .expect("eight bytes");
    }

    #[tokio::test]
    async fn what_still_comes_is_taken_in_before_a_connection_is_closed() {
        let (mut client, server) = tokio::io::duplex(8);
        let mut server = Stall::new(server, Duration::from_secs(60));
        let closing = tokio::spawn(async move { server.shutdown().await });
        client
            .write_all(&[0; 100_000])
            .await
            .expect("somebody reads");
        drop(client);
        closing
            .await
            .expect("no panic")
            .expect("the connection ends");
    }
}
