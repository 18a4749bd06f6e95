//! A client that costs next to nothing, so that the server has the machine to itself.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

/// One kept-alive connection.
pub struct Connection {
    stream: BufReader<TcpStream>,
    host: String,
    /// The line with the cookie that a browser is known by, once it has signed in.
    device: String,
}

/// What came back.
pub struct Answer {
    /// The status.
    pub status: u16,
    /// `Location`.
    pub location: Option<String>,
    /// The last cookie that was set, as it is sent back.
    pub cookie: Option<String>,
    /// Size of head and body as they came over the wire.
    pub wire_bytes: usize,
    /// The body, still compressed.
    pub body: Vec<u8>,
    closes: bool,
}

impl Connection {
    /// Connects.
    pub fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("the server accepts");
        stream.set_nodelay(true).expect("no delay");
        Self { stream: BufReader::new(stream), host: format!("localhost:{}", address.port()), device: String::new() }
    }

    /// A plain GET.
    pub fn get(&mut self, path: &str) -> Answer {
        self.get_with(path, "")
    }

    /// A GET with further header lines.
    pub fn get_with(&mut self, path: &str, headers: &str) -> Answer {
        self.exchange(&format!("GET {path} HTTP/1.1\r\nHost: {}\r\n{headers}\r\n", self.host))
    }

    /// A form post from the same origin, by a browser that keeps what it is known by.
    pub fn post_form(&mut self, path: &str, body: &str) -> Answer {
        self.exchange(&format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nSec-Fetch-Site: same-origin\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n{}\r\n{body}",
            self.host,
            body.len(),
            self.device,
        ))
    }

    fn exchange(&mut self, request: &str) -> Answer {
        self.stream.get_mut().write_all(request.as_bytes()).expect("sent");
        let answer = self.read();
        if answer.closes {
            let address = self.stream.get_ref().peer_addr().expect("peer");
            *self = Self { device: std::mem::take(&mut self.device), ..Self::open(address) };
        }
        answer
    }

    fn read(&mut self) -> Answer {
        let (mut status, mut length, mut chunked, mut closes, mut wire) = (0, 0, false, false, 0);
        let (mut location, mut cookie) = (None, None);
        loop {
            let mut line = String::new();
            wire += self.stream.read_line(&mut line).expect("a head");
            let line = line.trim_end();
            if line.is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(": ") {
                match name.to_ascii_lowercase().as_str() {
                    "content-length" => length = value.parse().expect("a length"),
                    "transfer-encoding" => chunked = value.contains("chunked"),
                    "location" => location = Some(value.to_owned()),
                    "set-cookie" if value.starts_with("vestibule=") => {
                        cookie = value.split(';').next().map(str::to_owned);
                    }
                    "set-cookie" if value.starts_with("vestibule-device=") => {
                        let pair = value.split(';').next().unwrap_or_default();
                        self.device = format!("Cookie: {pair}\r\n");
                    }
                    "connection" => closes = value.eq_ignore_ascii_case("close"),
                    _ => {}
                }
            } else {
                status = line.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status");
            }
        }
        let mut body = Vec::new();
        if chunked {
            loop {
                let mut size = String::new();
                wire += self.stream.read_line(&mut size).expect("a chunk");
                let size = usize::from_str_radix(size.trim(), 16).expect("a chunk size");
                let mut chunk = vec![0; size + 2];
                self.stream.read_exact(&mut chunk).expect("a chunk");
                wire += chunk.len();
                body.extend_from_slice(chunk.get(..size).unwrap_or_default());
                if size == 0 {
                    break;
                }
            }
        } else {
            body.resize(length, 0);
            self.stream.read_exact(&mut body).expect("a body");
            wire += length;
        }
        Answer { status, location, cookie, wire_bytes: wire, body, closes }
    }
}

/// What a page costs over the wire.
pub struct Weight {
    /// Heads and bodies, compressed.
    pub bytes: usize,
    /// The page and what it loads; the icon is not counted.
    pub requests: usize,
}

/// Loads a page and everything it names, as a browser with an empty cache does.
pub fn page_weight(address: SocketAddr, path: &str) -> Weight {
    signed_in_weight(address, path, "")
}

/// The same with the header line of a session's cookie.
pub fn signed_in_weight(address: SocketAddr, path: &str, cookie: &str) -> Weight {
    let mut connection = Connection::open(address);
    let page = connection.get_with(path, &format!("{cookie}Accept-Encoding: br\r\nAccept: text/html\r\n"));
    assert_eq!(page.status, 200, "{path}");
    let plain = connection.get_with(path, &format!("{cookie}Accept: text/html\r\n"));
    let html = String::from_utf8_lossy(&plain.body).into_owned();
    let mut weight = Weight { bytes: page.wire_bytes, requests: 1 };
    for tag in html
        .split('<')
        .filter(|tag| tag.starts_with("link ") && tag.contains("stylesheet") || tag.starts_with("script "))
    {
        // The loader of the islands names the two files that it loads.
        let named = ["href=\"", " src=\"", "data-js=\"", "data-wasm=\""].iter().filter_map(|key| tag.split_once(key));
        let urls = named.filter_map(|(_, rest)| rest.split('"').next());
        for url in urls.filter(|url| url.starts_with('/')) {
            let asset = connection.get_with(url, "Accept-Encoding: br\r\n");
            assert_eq!(asset.status, 200, "{url}");
            weight.bytes += asset.wire_bytes;
            weight.requests += 1;
        }
    }
    weight
}
