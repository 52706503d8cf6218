//! Text frames of the WebSocket protocol (RFC 6455, section 5.2), made once and sent to any number of clients.
//!
//! Frames of a server are not masked, so the bytes are the same for all. The protocol library reads what clients send; it would
//! copy every frame for every client.

use bytes::Bytes;

/// The most that the head of a frame takes.
const HEAD: usize = 10;

/// An empty ping.
pub(super) const PING: &[u8] = &[0x89, 0];

/// The head of a whole text message of so many bytes: the array's last bytes, from the index returned.
fn head(len: usize) -> ([u8; HEAD], usize) {
    let mut head = [0; HEAD];
    head[2..].copy_from_slice(&(len as u64).to_be_bytes());
    let at = match len {
        0..=125 => {
            head[9] = len as u8;
            8
        }
        126..=0xFFFF => {
            head[7] = 126;
            6
        }
        _ => {
            head[1] = 127;
            0
        }
    };
    head[at] = 0x81;
    (head, at)
}

/// Appends a text message.
pub(super) fn push(text: &[u8], out: &mut Vec<u8>) {
    let (head, at) = head(text.len());
    out.extend_from_slice(&head[at..]);
    out.extend_from_slice(text);
}

/// A text message.
pub(super) fn text(text: &str) -> Bytes {
    let mut out = Vec::with_capacity(HEAD + text.len());
    push(text.as_bytes(), &mut out);
    out.into()
}

/// A text message that is written in place: its head is put before it at the end, when its length is known.
pub(super) struct Message {
    bytes: Vec<u8>,
}

impl Message {
    pub fn new(capacity: usize) -> Self {
        let mut bytes = Vec::with_capacity(HEAD + capacity);
        bytes.resize(HEAD, 0);
        Message { bytes }
    }

    pub fn payload(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    pub fn finish(mut self) -> Bytes {
        let (head, at) = head(self.bytes.len() - HEAD);
        self.bytes[..HEAD].copy_from_slice(&head);
        Bytes::from(self.bytes).slice(at..)
    }
}
