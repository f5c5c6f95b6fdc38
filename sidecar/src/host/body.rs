//! The body of a request until its one message is whole. Takes it as it is where it comes in one piece, which is nearly
//! always; gathers pieces within bounds. Never looks into the message.

use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use h2::RecvStream;

use crate::ext_authz::grpc;
use crate::overload::{Load, Taken};

/// A body that is coming.
pub(super) struct Body {
    stream: RecvStream,
    came: Came,
}

/// What bounds bodies.
#[derive(Clone, Copy)]
pub(super) struct Bounds<'h> {
    /// One message.
    pub(super) max_message_bytes: usize,
    /// All that come in pieces, while they aren't whole.
    pub(super) partial_bytes: &'h Arc<Load>,
}

/// What has come of it.
enum Came {
    Nothing,
    Whole(Bytes),
    Parts(BytesMut, Vec<Taken>),
}

/// Why there will be no message.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum BodyError {
    /// It is, or says that it will be, larger than this.
    TooLarge(usize),
    /// Others are gathering as much as may be gathered.
    NoRoom,
    /// The stream was reset, or the connection lost.
    Lost,
}

impl Body {
    pub(super) fn new(stream: RecvStream) -> Self {
        Self {
            stream,
            came: Came::Nothing,
        }
    }

    /// All of the body, once it is there.
    pub(super) fn poll_whole(
        &mut self,
        context: &mut Context<'_>,
        bounds: Bounds<'_>,
    ) -> Poll<Result<Bytes, BodyError>> {
        loop {
            let Some(piece) = ready!(self.stream.poll_data(context)) else {
                return Poll::Ready(Ok(self.take()));
            };
            let Ok(piece) = piece else {
                return Poll::Ready(Err(BodyError::Lost));
            };
            let length = piece.len();
            if let Err(error) = self.add(piece, bounds) {
                return Poll::Ready(Err(error));
            }
            // Of the last piece, the library makes room when the stream goes.
            if self.stream.is_end_stream() {
                return Poll::Ready(Ok(self.take()));
            }
            // Room for the next one at once: what may be gathered is bounded otherwise.
            let _ = self.stream.flow_control().release_capacity(length);
        }
    }

    fn add(&mut self, piece: Bytes, bounds: Bounds<'_>) -> Result<(), BodyError> {
        let Bounds {
            max_message_bytes,
            partial_bytes,
        } = bounds;
        let too_large = BodyError::TooLarge(max_message_bytes);
        match &mut self.came {
            // A frame without data says nothing.
            _ if piece.is_empty() => {}
            Came::Nothing => {
                if grpc::announced(&piece).is_some_and(|length| length > max_message_bytes) {
                    return Err(too_large);
                }
                self.came = Came::Whole(piece);
            }
            Came::Whole(first) => {
                let mut parts = BytesMut::with_capacity(first.len() + piece.len());
                parts.extend_from_slice(first);
                self.came = Came::Parts(parts, Vec::new());
                return self.add(piece, bounds);
            }
            Came::Parts(parts, taken) => {
                let whole = parts.len().saturating_add(piece.len());
                if whole > max_message_bytes.saturating_add(grpc::PREFIX_BYTES) {
                    return Err(too_large);
                }
                taken.push(partial_bytes.take(piece.len()).ok_or(BodyError::NoRoom)?);
                parts.extend_from_slice(&piece);
                if grpc::announced(parts).is_some_and(|length| length > max_message_bytes) {
                    return Err(too_large);
                }
            }
        }
        Ok(())
    }

    fn take(&mut self) -> Bytes {
        match std::mem::replace(&mut self.came, Came::Nothing) {
            Came::Nothing => Bytes::new(),
            Came::Whole(message) => message,
            Came::Parts(parts, _) => parts.freeze(),
        }
    }
}
