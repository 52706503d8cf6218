//! A blocking WebSocket client.

use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use tokio_tungstenite::tungstenite::{self, Message, WebSocket};

use crate::error::{KitError, Result};

/// A connection to the gateway.
#[derive(Debug)]
pub struct WsClient {
    socket: WebSocket<TcpStream>,
}

impl WsClient {
    /// Connects to `path` (with its query).
    ///
    /// # Errors
    /// Nobody listens there, or the upgrade is refused.
    pub fn connect(address: SocketAddr, path: &str, timeout: Duration) -> Result<WsClient> {
        let trying = || format!("cannot connect to ws://{address}{path}");
        let stream = TcpStream::connect_timeout(&address, timeout).map_err(KitError::while_trying(trying()))?;
        stream.set_read_timeout(Some(timeout)).map_err(KitError::while_trying(trying()))?;
        stream.set_nodelay(true).map_err(KitError::while_trying(trying()))?;
        let (socket, _) = tungstenite::client(format!("ws://{address}{path}"), stream)
            .map_err(|error| KitError(format!("{}: {error}", trying())))?;
        Ok(WsClient { socket })
    }

    /// The next text message; nothing when none comes within `limit`.
    ///
    /// # Errors
    /// The server closed the connection, or it broke.
    pub fn next_text(&mut self, limit: Duration) -> Result<Option<String>> {
        let until = Instant::now() + limit;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(None);
            }
            let set = self.socket.get_ref().set_read_timeout(Some(left));
            set.map_err(KitError::while_trying("cannot wait for a message"))?;
            match self.socket.read() {
                Ok(Message::Text(text)) => return Ok(Some(text.as_str().to_owned())),
                Ok(Message::Close(frame)) => return Err(KitError(format!("the gateway closed: {frame:?}"))),
                Ok(_) => {}
                Err(tungstenite::Error::Io(error)) if is_timeout(&error) => return Ok(None),
                Err(error) => return Err(KitError(format!("the WebSocket broke: {error}"))),
            }
        }
    }

    /// Sends a text message.
    ///
    /// # Errors
    /// The connection broke.
    pub fn send(&mut self, text: &str) -> Result<()> {
        self.socket.send(Message::text(text)).map_err(|error| KitError(format!("the WebSocket broke: {error}")))
    }
}

fn is_timeout(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut)
}
