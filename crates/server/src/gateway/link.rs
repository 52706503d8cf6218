//! One WebSocket connection: what the client says, and a queue of ready frames on their way to it.
//!
//! Reading, with masks, fragments, pings and the closing handshake, is the protocol library's work. Writing is ours: frames are
//! shared with other clients and go to the socket as they are, many in one call.

use std::collections::VecDeque;
use std::io::{self, IoSlice, Read, Write};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf as _, Bytes};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::time::Instant;
use tungstenite::error::CapacityError;
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::protocol::{CloseFrame, Role, WebSocketConfig, WebSocketContext};
use tungstenite::{Error, Message, Utf8Bytes};

/// Answers and frames that may wait; with more of them the client is not listened to.
const QUEUE: usize = 32;
/// Frames written in one call.
const SLICES: usize = 16;
/// Time for the closing handshake.
const FAREWELL: Duration = Duration::from_secs(1);
/// Bytes read away after the last word, so that the client gets to see it.
const READ_AWAY: u64 = 1 << 20;

/// What happened on a connection.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// A text message came.
    Text(Utf8Bytes),
    /// A message came that is no text.
    NotText,
    /// All that was queued is written.
    Drained,
    /// The client closes.
    Closing,
    /// The client breaks the protocol or sends too much.
    Wrong(CloseCode, &'static str),
    /// The connection is gone.
    Gone,
}

/// A connection after its upgrade.
pub(super) struct Link<S> {
    io: S,
    protocol: WebSocketContext,
    /// Pongs and the answer to a close, to be sent at the next border of a frame.
    answers: Vec<u8>,
    queue: VecDeque<Bytes>,
    /// Whether the first of the queue has been sent in part.
    broken: bool,
    written: u64,
    progress: Instant,
    heard: Instant,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Link<S> {
    /// A connection on which `early` was read already.
    pub fn new(io: S, early: &[u8], max_message_bytes: usize) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(4 << 10)
            .max_message_size(Some(max_message_bytes))
            .max_frame_size(Some(max_message_bytes));
        let now = Instant::now();
        Link {
            io,
            protocol: WebSocketContext::from_partially_read(early.to_vec(), Role::Server, Some(config)),
            answers: Vec::new(),
            queue: VecDeque::new(),
            broken: false,
            written: 0,
            progress: now,
            heard: now,
        }
    }

    /// Queues whole frames.
    pub fn send(&mut self, frames: Bytes) {
        if frames.is_empty() {
            return;
        }
        if self.queue.is_empty() {
            self.progress = Instant::now();
        }
        self.queue.push_back(frames);
    }

    /// Whether everything that was queued is written.
    pub fn is_idle(&self) -> bool {
        self.queue.is_empty()
    }

    /// Whether more may be queued.
    pub fn has_room(&self) -> bool {
        self.queue.len() < QUEUE
    }

    /// Since when nothing could be written, if something is waiting.
    pub fn stuck_since(&self) -> Option<Instant> {
        (!self.queue.is_empty()).then_some(self.progress)
    }

    /// When the client was last heard of.
    pub fn heard(&self) -> Instant {
        self.heard
    }

    /// Bytes written since the last call.
    pub fn take_written(&mut self) -> u64 {
        std::mem::take(&mut self.written)
    }

    /// Writes what is queued and waits for what comes; nothing is lost when the future is dropped.
    pub async fn next(&mut self, listen: bool) -> Event {
        std::future::poll_fn(|cx| self.poll(cx, listen)).await
    }

    fn poll(&mut self, cx: &mut Context<'_>, listen: bool) -> Poll<Event> {
        if listen
            && self.has_room()
            && let Poll::Ready(event) = self.poll_read(cx)
        {
            return Poll::Ready(event);
        }
        match self.poll_write(cx) {
            Poll::Ready(Ok(true)) => Poll::Ready(Event::Drained),
            Poll::Ready(Err(_)) => Poll::Ready(Event::Gone),
            Poll::Ready(Ok(false)) | Poll::Pending => Poll::Pending,
        }
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Event> {
        loop {
            let mut pipe = Pipe { io: &mut self.io, cx, answers: &mut self.answers, heard: false };
            let read = self.protocol.read(&mut pipe);
            if pipe.heard {
                self.heard = Instant::now();
            }
            match read {
                Ok(Message::Text(text)) => return Poll::Ready(Event::Text(text)),
                Ok(Message::Binary(_)) => return Poll::Ready(Event::NotText),
                Ok(Message::Close(_)) | Err(Error::ConnectionClosed) => return Poll::Ready(Event::Closing),
                // A ping's answer is made when reading goes on.
                Ok(_) => {}
                Err(Error::Io(e)) if e.kind() == io::ErrorKind::WouldBlock => return Poll::Pending,
                Err(error) => return Poll::Ready(wrong(&error)),
            }
            if self.answers.len() > 4 << 10 {
                return Poll::Pending;
            }
        }
    }

    /// Ready: whether something was written and nothing is left.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        if !self.answers.is_empty() {
            let answers = std::mem::take(&mut self.answers).into();
            if self.queue.is_empty() {
                self.progress = Instant::now();
            }
            self.queue.insert(usize::from(self.broken), answers);
        }
        if self.queue.is_empty() {
            return Poll::Ready(Ok(false));
        }
        while !self.queue.is_empty() {
            let mut slices = [IoSlice::new(&[]); SLICES];
            let count = self.queue.len().min(SLICES);
            for (slice, frames) in slices.iter_mut().zip(&self.queue) {
                *slice = IoSlice::new(frames);
            }
            let n = ready!(Pin::new(&mut self.io).poll_write_vectored(cx, &slices[..count]))?;
            if n == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.sent(n);
        }
        Poll::Ready(Ok(true))
    }

    fn sent(&mut self, mut n: usize) {
        self.written += n as u64;
        self.progress = Instant::now();
        while n > 0 {
            let Some(first) = self.queue.front_mut() else { break };
            if n < first.len() {
                first.advance(n);
                self.broken = true;
                return;
            }
            n -= first.len();
            self.broken = false;
            self.queue.pop_front();
        }
    }

    /// Says goodbye, unless the client did so first, and ends the connection. What was queued and not begun is left unsent.
    pub async fn close(mut self, code: CloseCode, reason: &'static str) {
        self.queue.truncate(usize::from(self.broken));
        let farewell = async {
            let close = Some(CloseFrame { code, reason: reason.into() });
            std::future::poll_fn(|cx| {
                let mut pipe = Pipe { io: &mut self.io, cx, answers: &mut self.answers, heard: false };
                // An error means that the handshake is over; what is to be said lies in `answers`.
                let _ = self.protocol.close(&mut pipe, close.clone());
                Poll::Ready(())
            })
            .await;
            std::future::poll_fn(|cx| self.poll_write(cx)).await?;
            self.io.shutdown().await?;
            tokio::io::copy(&mut (&mut self.io).take(READ_AWAY), &mut tokio::io::sink()).await
        };
        // A client that does not take its leave is left.
        let _ = tokio::time::timeout(FAREWELL, farewell).await;
    }
}

fn wrong(error: &Error) -> Event {
    match error {
        Error::Capacity(CapacityError::MessageTooLong { .. }) => {
            Event::Wrong(CloseCode::Size, "the message is too large")
        }
        Error::Utf8(_) => Event::Wrong(CloseCode::Invalid, "the message is no UTF-8"),
        Error::Protocol(tungstenite::error::ProtocolError::ResetWithoutClosingHandshake) | Error::Io(_) => Event::Gone,
        Error::AlreadyClosed => Event::Gone,
        _ => Event::Wrong(CloseCode::Protocol, "the frame breaks the protocol"),
    }
}

/// The socket as the protocol library sees it: it reads from the socket, and what it writes is put aside.
struct Pipe<'a, 'cx, S> {
    io: &'a mut S,
    cx: &'a mut Context<'cx>,
    answers: &'a mut Vec<u8>,
    heard: bool,
}

impl<S: AsyncRead + Unpin> Read for Pipe<'_, '_, S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut buffer = ReadBuf::new(buffer);
        match Pin::new(&mut *self.io).poll_read(self.cx, &mut buffer) {
            Poll::Ready(result) => result?,
            Poll::Pending => return Err(io::ErrorKind::WouldBlock.into()),
        }
        self.heard |= !buffer.filled().is_empty();
        Ok(buffer.filled().len())
    }
}

impl<S> Write for Pipe<'_, '_, S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.answers.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
