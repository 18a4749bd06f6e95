//! Requests byte by byte, for what no client would send.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

/// Longer than any limit of the server's.
const PATIENCE: Duration = Duration::from_secs(20);

/// What came back on a connection until the server closed it.
#[derive(Debug)]
pub struct Raw {
    pub text: String,
}

/// Sends bytes and reads until the server closes the connection. The last request must ask for that, or be refused.
pub fn exchange(port: u16, bytes: &[u8]) -> Raw {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("a connection");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    stream.set_write_timeout(Some(PATIENCE)).expect("a socket");
    // A server that has refused may close before everything is sent: what it said counts.
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    Raw { text: String::from_utf8_lossy(&answer).into_owned() }
}

impl Raw {
    /// The statuses of all answers on the connection.
    pub fn statuses(&self) -> Vec<u16> {
        let lines = self.text.split("HTTP/1.1 ").skip(1);
        lines.filter_map(|rest| rest.get(..3)?.parse().ok()).collect()
    }
}
