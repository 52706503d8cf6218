//! A server that reads requests and answers 202: what a request costs on this machine whatever the server does.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use anyhow::Context;

const ANSWER: &[u8] =
    b"HTTP/1.1 202 Accepted\r\ncontent-type: application/json\r\ncontent-length: 19\r\n\r\n{\"status\":\"queued\"}";

/// Serves until killed; the first line that it prints is its address.
pub fn run() -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    writeln!(std::io::stdout(), "{}", listener.local_addr()?)?;
    for stream in listener.incoming() {
        let stream = stream?;
        std::thread::spawn(move || serve(stream));
    }
    Ok(())
}

fn serve(stream: TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut writer = stream.try_clone()?;
    let mut reader = BufReader::with_capacity(64 << 10, stream);
    let mut line = String::new();
    let mut body = Vec::new();
    loop {
        let mut length = 0;
        loop {
            line.clear();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            if line == "\r\n" {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or(0);
            }
        }
        body.resize(length, 0);
        reader.read_exact(&mut body)?;
        writer.write_all(ANSWER)?;
    }
}

/// The null server as a child process; killed when dropped.
#[derive(Debug)]
pub struct NullServer {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
}

impl NullServer {
    /// Starts it.
    ///
    /// # Errors
    /// This program cannot be run again.
    pub fn start() -> anyhow::Result<NullServer> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("null-server")
            .stdout(Stdio::piped())
            .stdin(Stdio::null())
            .spawn()?;
        let mut line = String::new();
        let stdout = child.stdout.take().context("a pipe was asked for")?;
        let read = BufReader::new(stdout).read_line(&mut line);
        let address = read.ok().and_then(|_| line.trim().parse().ok());
        let mut server = NullServer { child, address: ([127, 0, 0, 1], 0).into() };
        server.address = address.context("the null server did not say its address")?;
        Ok(server)
    }
}

impl Drop for NullServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
