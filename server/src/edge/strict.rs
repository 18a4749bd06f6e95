//! Lines of HTTP/1.1 end with CR LF, and with nothing else (WEB-09).
//!
//! hyper also ends a line at a bare LF. A proxy in front that does not would see one header where we see two, and could be made
//! to let something pass. [`Strict`] stands between the socket and hyper and turns a bare LF in the head of a request into
//! a NUL, which no part of a head may hold: hyper answers 400 and closes the connection, as for any malformed request.
//!
//! To tell a head from a body it reads `Content-Length` itself. Where it is wrong about a length it can only refuse more, or as much
//! as hyper alone: bytes never get another meaning. Bodies in chunks are refused by the guard, which closes the connection.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The longest start of a line that matters: `Content-Length:` with blanks and the twenty digits of the greatest number.
const KEPT: usize = 64;

/// A connection whose requests have lines that end one way only.
#[derive(Debug)]
pub struct Strict<S> {
    stream: S,
    heads: Heads,
}

impl<S> Strict<S> {
    /// In front of a connection on which nothing has been read.
    pub fn new(stream: S) -> Self {
        Self { stream, heads: Heads::default() }
    }
}

/// Where in the requests of a connection the next byte is.
#[derive(Debug, Default)]
struct Heads {
    at: At,
    /// The start of the present line.
    line: Vec<u8>,
    /// How long the present line is.
    length: usize,
    after_cr: bool,
    /// The present head has a line.
    begun: bool,
    /// Bytes of the body that follow the head.
    body: u64,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum At {
    #[default]
    Head,
    /// So many bytes are none of our business.
    Body(u64),
    /// HTTP/2, or a request after which the connection ends.
    Through,
}

impl Heads {
    /// Looks at bytes in their order; those that must not be are replaced.
    fn look(&mut self, bytes: &mut [u8]) {
        let mut rest = bytes;
        loop {
            match self.at {
                At::Through => return,
                At::Body(left) => {
                    let skipped = usize::try_from(left).unwrap_or(usize::MAX).min(rest.len());
                    let left = left.saturating_sub(skipped as u64);
                    self.at = if left == 0 { At::Head } else { At::Body(left) };
                    rest = rest.get_mut(skipped..).unwrap_or_default();
                }
                At::Head => {
                    let Some((byte, after)) = rest.split_first_mut() else { return };
                    self.look_at(byte);
                    rest = after;
                }
            }
            if rest.is_empty() {
                return;
            }
        }
    }

    fn look_at(&mut self, byte: &mut u8) {
        if *byte != b'\n' {
            self.after_cr = *byte == b'\r';
            self.length += 1;
            if self.line.len() < KEPT {
                self.line.push(*byte);
            }
            return;
        }
        if !self.after_cr {
            *byte = 0;
            self.at = At::Through;
            return;
        }
        self.after_cr = false;
        // The line with its CR and without its LF: one byte is an empty line.
        match (self.length, self.begun) {
            (1, true) => {
                self.begun = false;
                self.at = if self.body == 0 { At::Head } else { At::Body(self.body) };
                self.body = 0;
            }
            // Empty lines before a request count for nothing.
            (1, false) => {}
            _ => self.line_ended(),
        }
        self.line.clear();
        self.length = 0;
    }

    fn line_ended(&mut self) {
        if !self.begun {
            self.begun = true;
            if self.line.starts_with(b"PRI * HTTP/2.0") {
                self.at = At::Through;
            }
            return;
        }
        let Some((name, value)) = std::str::from_utf8(&self.line).ok().and_then(|line| line.split_once(':')) else {
            return;
        };
        if name.eq_ignore_ascii_case("transfer-encoding") {
            self.at = At::Through;
        } else if name.eq_ignore_ascii_case("content-length") {
            self.body = value.trim().parse().unwrap_or(0);
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Strict<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let Self { stream, heads } = &mut *self;
        let before = buffer.filled().len();
        let read = Pin::new(stream).poll_read(cx, buffer);
        heads.look(buffer.filled_mut().get_mut(before..).unwrap_or_default());
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Strict<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::Heads;

    /// What hyper is given, in reads of so many bytes.
    fn given(bytes: &str, at_once: usize) -> String {
        let (mut heads, mut bytes) = (Heads::default(), bytes.as_bytes().to_vec());
        for part in bytes.chunks_mut(at_once) {
            heads.look(part);
        }
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn honest_requests_stay_as_they_are() {
        let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
        let post = "POST / HTTP/1.1\r\nHost: a\r\ncontent-LENGTH:  5 \r\n\r\n\na\n\nb";
        let through = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\n\n\n";
        let chunked = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\na\n";
        for bytes in [get.to_owned(), format!("{get}\r\n{post}{post}{get}{chunked}"), through.to_owned()] {
            for at_once in [1, 2, 3, 7, 1000] {
                assert_eq!(given(&bytes, at_once), bytes, "{at_once} at once");
            }
        }
    }

    #[test]
    fn the_first_bare_line_feed_of_a_head_becomes_what_is_refused() {
        let post = "POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n\n\n";
        for (bytes, seen) in [
            ("GET / HTTP/1.1\nHost: a\n\n", "GET / HTTP/1.1\0Host: a\n\n"),
            ("GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\0X: b\r\n\r\n"),
            ("GET / HTTP/1.1\r\nHost: a\r\n\nx", "GET / HTTP/1.1\r\nHost: a\r\n\0x"),
            ("\nGET / HTTP/1.1\r\n", "\0GET / HTTP/1.1\r\n"),
        ] {
            for at_once in [1, 2, 3, 7, 1000] {
                assert_eq!(given(bytes, at_once), seen, "{at_once} at once (WEB-09)");
                assert_eq!(given(&format!("{post}{bytes}"), at_once), format!("{post}{seen}"), "after another");
            }
        }
    }
}
