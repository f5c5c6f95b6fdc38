//! Reads from a socket by the burst: as much in one system call as there is room for on the desk that connections of a thread
//! lend one another. Only what is left on it keeps it from the next, so that a thousand connections don't take a desk each,
//! and what is read lands in memory that the processor has at hand. Never looks at what it reads.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What is read from a socket at once: the requests of a burst in one system call.
const DESK_BYTES: usize = 64 << 10;
/// So many desks wait for the next connection of a thread at most.
const SPARE_DESKS: usize = 4;

thread_local! {
    static SPARE: RefCell<Vec<Box<[u8]>>> = const { RefCell::new(Vec::new()) };
}

/// A desk that no connection uses.
fn desk() -> Box<[u8]> {
    let spare = SPARE.with_borrow_mut(Vec::pop);
    spare.unwrap_or_else(|| vec![0; DESK_BYTES].into_boxed_slice())
}

fn give_back(desk: Box<[u8]>) {
    SPARE.with_borrow_mut(|spare| {
        if spare.len() < SPARE_DESKS {
            spare.push(desk);
        }
    });
}

/// A transport that is read by the burst.
pub(super) struct ReadAhead<T> {
    transport: T,
    /// What was read and not asked for yet: never empty.
    left: Option<Left>,
}

struct Left {
    desk: Box<[u8]>,
    begin: usize,
    end: usize,
}

impl<T> ReadAhead<T> {
    pub(super) fn new(transport: T) -> Self {
        Self {
            transport,
            left: None,
        }
    }
}

impl<T: AsyncRead + Unpin> ReadAhead<T> {
    /// What there is to read; nothing at the end of the stream.
    fn poll_left(&mut self, context: &mut Context<'_>) -> Poll<io::Result<Option<Left>>> {
        if let Some(left) = self.left.take() {
            return Poll::Ready(Ok(Some(left)));
        }
        let mut desk = desk();
        let mut buffer = ReadBuf::new(&mut desk);
        let read = Pin::new(&mut self.transport).poll_read(context, &mut buffer);
        let end = buffer.filled().len();
        if let Poll::Ready(Ok(())) = read
            && end > 0
        {
            return Poll::Ready(Ok(Some(Left { desk, begin: 0, end })));
        }
        give_back(desk);
        read.map_ok(|()| None)
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for ReadAhead<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let Some(mut left) = ready!(this.poll_left(context))? else {
            return Poll::Ready(Ok(()));
        };
        let bytes = left.desk.get(left.begin..left.end).unwrap_or_default();
        let taken = bytes.len().min(buffer.remaining());
        buffer.put_slice(bytes.get(..taken).unwrap_or_default());
        left.begin += taken;
        if left.begin < left.end {
            this.left = Some(left);
        } else {
            give_back(left.desk);
        }
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for ReadAhead<T> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().transport).poll_write(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.transport.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().transport).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().transport).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn all_comes_in_its_order_however_little_is_asked_for_at_once() {
        let sent: Vec<u8> = (0..3 * DESK_BYTES)
            .map(|at| u8::try_from(at % 251).unwrap())
            .collect();
        let (mut client, server) = tokio::io::duplex(2 * DESK_BYTES);
        let sending = {
            let sent = sent.clone();
            tokio::spawn(async move { client.write_all(&sent).await })
        };
        let mut reader = ReadAhead::new(server);
        let mut came = Vec::new();
        let mut part = [0; 1_000];
        loop {
            let count = reader.read(&mut part).await.unwrap();
            if count == 0 {
                break;
            }
            came.extend_from_slice(&part[..count]);
        }
        assert!(came == sent);
        sending.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn what_one_connection_has_left_is_not_given_to_another() {
        let (mut first_client, first) = tokio::io::duplex(64);
        let (mut second_client, second) = tokio::io::duplex(64);
        first_client.write_all(b"first").await.unwrap();
        second_client.write_all(b"other").await.unwrap();
        let (mut first, mut second) = (ReadAhead::new(first), ReadAhead::new(second));
        let mut two = [0; 2];
        first.read_exact(&mut two).await.unwrap();
        let mut five = [0; 5];
        second.read_exact(&mut five).await.unwrap();
        assert_eq!((&two, &five), (b"fi", b"other"));
        let mut three = [0; 3];
        first.read_exact(&mut three).await.unwrap();
        assert_eq!(&three, b"rst");
    }
}
