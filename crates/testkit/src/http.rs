//! A small blocking HTTP/1.1 client on one connection.
//!
//! Tests send what no proper client would, and benches must not pay for the client on the machine that they measure:
//! requests are bytes that were made before, answers are read into buffers that stay.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Largest answer that is read.
const MAX_ANSWER: usize = 1 << 30;
/// Bodies above this are written by a thread of their own, since a server may answer before it has read them.
const WRITE_ASIDE: usize = 256 << 10;

/// An answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// Status line and headers, as sent.
    pub head: Vec<u8>,
    /// The body.
    pub body: Vec<u8>,
}

impl Response {
    /// The value of a header, by its name in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let head = std::str::from_utf8(&self.head).ok()?;
        head.split("\r\n").skip(1).find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON; null when it is none.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// One connection to a server.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    address: SocketAddr,
    /// Bytes that came after the last answer's end.
    ahead: Vec<u8>,
}

impl Connection {
    /// Connects. Each read and write may take `timeout`.
    ///
    /// # Errors
    /// Nobody listens there.
    pub fn open(address: SocketAddr, timeout: Duration) -> std::io::Result<Connection> {
        let stream = TcpStream::connect_timeout(&address, timeout)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(timeout))?;
        stream.set_write_timeout(Some(timeout))?;
        Ok(Connection { stream, address, ahead: Vec::new() })
    }

    /// The bytes of a request.
    pub fn render(method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
        let mut request = Vec::with_capacity(body.len() + 256);
        request.extend_from_slice(format!("{method} {path} HTTP/1.1\r\n").as_bytes());
        for (name, value) in headers {
            request.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        let named = |wanted: &str| headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(wanted));
        if !named("host") {
            request.extend_from_slice(b"host: localhost\r\n");
        }
        let sized = named("content-length") || named("transfer-encoding");
        if !sized && (!body.is_empty() || method == "POST") {
            request.extend_from_slice(format!("content-length: {}\r\n", body.len()).as_bytes());
        }
        request.extend_from_slice(b"\r\n");
        request.extend_from_slice(body);
        request
    }

    /// Sends a request and reads the answer.
    ///
    /// # Errors
    /// The connection broke, or the time is over.
    pub fn request(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> std::io::Result<Response> {
        let mut response = Response::default();
        self.exchange(&Self::render(method, path, headers, body), &mut response)?;
        Ok(response)
    }

    /// `GET`.
    ///
    /// # Errors
    /// As [`Connection::request`].
    pub fn get(&mut self, path: &str) -> std::io::Result<Response> {
        self.request("GET", path, &[], &[])
    }

    /// `POST` with a content type.
    ///
    /// # Errors
    /// As [`Connection::request`].
    pub fn post(&mut self, path: &str, content_type: &str, body: &[u8]) -> std::io::Result<Response> {
        self.request("POST", path, &[("content-type", content_type)], body)
    }

    /// Sends the bytes of a request and reads the answer into `response`.
    ///
    /// # Errors
    /// The connection broke, or the time is over.
    pub fn exchange(&mut self, request: &[u8], response: &mut Response) -> std::io::Result<()> {
        if request.len() <= WRITE_ASIDE {
            self.stream.write_all(request)?;
            return self.read_response(response);
        }
        let mut writer = self.stream.try_clone()?;
        let (written, read) = std::thread::scope(|scope| {
            let writing = scope.spawn(move || writer.write_all(request));
            let read = self.read_response(response);
            if read.is_err() {
                // The writer must not wait for a server that is gone.
                let _ = self.stream.shutdown(std::net::Shutdown::Both);
            }
            (writing.join(), read)
        });
        if !matches!(written, Ok(Ok(()))) {
            // Refused before all was sent: the answer counts, the connection is of no more use.
            self.reopen()?;
        }
        read
    }

    /// Sends bytes alone, whole or a part of a request.
    ///
    /// # Errors
    /// The connection broke, or the time is over.
    pub fn send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Sends the head of a request with `Expect: 100-continue`, and the body only when the server asks for it. A
    /// connection that the server closed after a refusal is opened again.
    ///
    /// # Errors
    /// The connection broke, or the time is over.
    pub fn exchange_asking(&mut self, head: &[u8], body: &[u8], response: &mut Response) -> std::io::Result<()> {
        let mut bytes = std::mem::take(&mut self.ahead);
        let first = self.stream.write_all(head).and_then(|()| self.read_head(&mut bytes));
        let (status, head_end) = match first {
            Ok(first) => first,
            Err(error) if is_closed(&error) && bytes.is_empty() => {
                self.reopen()?;
                self.stream.write_all(head)?;
                self.read_head(&mut bytes)?
            }
            Err(error) => return Err(error),
        };
        if status == 100 {
            bytes.drain(..head_end);
            self.stream.write_all(body)?;
        }
        self.ahead = bytes;
        self.read_response(response)
    }

    /// Reads one answer.
    ///
    /// # Errors
    /// The connection broke, the time is over, or it is no HTTP.
    pub fn read_response(&mut self, response: &mut Response) -> std::io::Result<()> {
        let mut bytes = std::mem::take(&mut self.ahead);
        let head_end = loop {
            let (status, head_end) = self.read_head(&mut bytes)?;
            if status != 100 {
                response.status = status;
                break head_end;
            }
            bytes.drain(..head_end);
        };
        response.head.clear();
        response.head.extend_from_slice(&bytes[..head_end - 2]);
        bytes.drain(..head_end);
        response.body.clear();
        if response.header("transfer-encoding").is_some_and(|v| v.eq_ignore_ascii_case("chunked")) {
            self.read_chunks(&mut bytes, &mut response.body)?;
        } else {
            let length = response.header("content-length").and_then(|v| v.parse().ok()).unwrap_or(0_usize);
            while bytes.len() < length {
                self.read_more(&mut bytes)?;
            }
            response.body.extend_from_slice(&bytes[..length]);
            bytes.drain(..length);
        }
        self.ahead = bytes;
        Ok(())
    }

    /// Reads until `bytes` start with a whole head: its status, and where it ends.
    fn read_head(&mut self, bytes: &mut Vec<u8>) -> std::io::Result<(u16, usize)> {
        loop {
            if let Some(at) = find(bytes, b"\r\n\r\n") {
                return Ok((status_of(bytes).ok_or_else(|| invalid("no status line"))?, at + 4));
            }
            self.read_more(bytes)?;
        }
    }

    fn reopen(&mut self) -> std::io::Result<()> {
        let timeout = self.stream.read_timeout()?.unwrap_or(Duration::from_secs(10));
        *self = Connection::open(self.address, timeout)?;
        Ok(())
    }

    fn read_chunks(&mut self, bytes: &mut Vec<u8>, body: &mut Vec<u8>) -> std::io::Result<()> {
        loop {
            let line_end = loop {
                match find(bytes, b"\r\n") {
                    Some(at) => break at,
                    None => self.read_more(bytes)?,
                }
            };
            let size = std::str::from_utf8(&bytes[..line_end]).unwrap_or("").split(';').next().unwrap_or("");
            let size = usize::from_str_radix(size.trim(), 16).map_err(|_| invalid("a chunk without a size"))?;
            while bytes.len() < line_end + 2 + size + 2 {
                self.read_more(bytes)?;
            }
            body.extend_from_slice(&bytes[line_end + 2..line_end + 2 + size]);
            bytes.drain(..line_end + 2 + size + 2);
            if size == 0 {
                return Ok(());
            }
        }
    }

    fn read_more(&mut self, bytes: &mut Vec<u8>) -> std::io::Result<()> {
        if bytes.len() > MAX_ANSWER {
            return Err(invalid("the answer is too large"));
        }
        let before = bytes.len();
        bytes.resize(before + (16 << 10), 0);
        let read = loop {
            match self.stream.read(&mut bytes[before..]) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        bytes.truncate(before + *read.as_ref().unwrap_or(&0));
        match read {
            Ok(0) => Err(std::io::Error::new(ErrorKind::UnexpectedEof, "the server closed the connection")),
            Ok(_) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// Whether a connection was closed by the other side.
fn is_closed(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::BrokenPipe | ErrorKind::ConnectionReset)
}

fn invalid(what: &str) -> std::io::Error {
    std::io::Error::new(ErrorKind::InvalidData, what)
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|part| part == needle)
}

/// The status of `HTTP/1.1 202 Accepted`.
fn status_of(head: &[u8]) -> Option<u16> {
    std::str::from_utf8(head.get(9..12)?).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    /// A server that reads a little of each connection and answers with given bytes.
    fn answering(answers: Vec<&'static str>) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("bound");
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("the test connects");
            for answer in answers {
                let mut buffer = [0; 4096];
                let _ = stream.read(&mut buffer).expect("a request");
                stream.write_all(answer.as_bytes()).expect("the test reads");
            }
        });
        address
    }

    fn open(address: SocketAddr) -> Connection {
        Connection::open(address, Duration::from_secs(10)).expect("somebody listens")
    }

    #[test]
    fn answers_of_both_framings_are_read_on_one_connection() {
        let address = answering(vec![
            "HTTP/1.1 202 Accepted\r\nContent-Length: 5\r\nX-Total-Count: 7\r\n\r\nhello",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2;x\r\nde\r\n0\r\n\r\n",
            "HTTP/1.1 204 No Content\r\n\r\n",
        ]);
        let mut connection = open(address);
        let first = connection.post("/", "text/plain", b"x").expect("answered");
        assert_eq!((first.status, first.text().as_str(), first.header("x-total-count")), (202, "hello", Some("7")));
        assert_eq!(connection.get("/").expect("answered").body, b"abcde");
        assert_eq!(connection.get("/").expect("answered").status, 204);
        assert!(connection.get("/").is_err(), "the server has closed");
    }

    #[test]
    fn a_body_is_sent_when_it_is_asked_for() {
        let address = answering(vec![
            "HTTP/1.1 429 Too Many Requests\r\ncontent-length: 2\r\n\r\nno",
            "HTTP/1.1 100 Continue\r\n\r\n",
            "HTTP/1.1 202 Accepted\r\ncontent-length: 3\r\n\r\nyes",
        ]);
        let (mut connection, mut response) = (open(address), Response::default());
        connection.exchange_asking(b"head", b"body", &mut response).expect("answered");
        assert_eq!((response.status, response.text().as_str()), (429, "no"));
        connection.exchange_asking(b"head", b"body", &mut response).expect("answered");
        assert_eq!((response.status, response.text().as_str()), (202, "yes"));
    }

    #[test]
    fn an_answer_before_the_body_is_read_is_seen() {
        let address = answering(vec!["HTTP/1.1 413 Payload Too Large\r\nContent-Length: 2\r\n\r\nno"]);
        let response = open(address).post("/", "text/plain", &vec![b'x'; 50 << 20]);
        // The server closes with unread bytes, so the kernel may reset the connection and drop the answer.
        assert!(response.is_err() || response.is_ok_and(|r| r.status == 413));
    }
}
