//! TLS from files: certificate chain and key in PEM, TLS 1.2 and 1.3, HTTP/2 and HTTP/1.1.
//!
//! A renewed certificate counts from the next connection on: before each handshake the two files are looked at, and read again when
//! they have changed. What cannot be read, or does not fit together (one file is there and the other not yet), changes nothing.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use crate::config::TlsFiles;

/// The certificate in force and the files it came from.
pub struct Tls {
    files: TlsFiles,
    loaded: Mutex<Loaded>,
}

struct Loaded {
    stamps: Stamps,
    acceptor: TlsAcceptor,
}

/// What tells that a file is another one: inode, size, time of change in seconds and nanoseconds. Nothing where it is missing.
type Stamps = [Option<(u64, u64, i64, i64)>; 2];

impl Tls {
    /// Reads the files. The error names the field.
    pub fn open(files: &TlsFiles) -> Result<Self, String> {
        let stamps = stamps(files);
        let loaded = Mutex::new(Loaded { stamps, acceptor: read(files)? });
        Ok(Self { files: files.clone(), loaded })
    }

    /// For the next handshake.
    pub fn acceptor(&self) -> TlsAcceptor {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        let stamps = stamps(&self.files);
        if stamps != loaded.stamps {
            // Noted also when they cannot be used: said once, and tried again when they change again.
            loaded.stamps = stamps;
            match read(&self.files) {
                Ok(acceptor) => {
                    loaded.acceptor = acceptor;
                    tracing::info!("the certificate in {} is used from now on", self.files.cert_file.display());
                }
                Err(error) => tracing::warn!("the new certificate is not used, the one before stays: {error}"),
            }
        }
        loaded.acceptor.clone()
    }
}

fn stamps(files: &TlsFiles) -> Stamps {
    let stamp = |file: &Path| {
        std::fs::metadata(file).ok().map(|about| (about.ino(), about.size(), about.mtime(), about.mtime_nsec()))
    };
    [stamp(&files.cert_file), stamp(&files.key_file)]
}

fn read(files: &TlsFiles) -> Result<TlsAcceptor, String> {
    let cert = files.cert_file.display();
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(&files.cert_file)
        .and_then(Iterator::collect)
        .map_err(|error| format!("tls.cert_file: {cert}: {error}"))?;
    if chain.is_empty() {
        return Err(format!("tls.cert_file: {cert} holds no certificate in PEM"));
    }
    let key = PrivateKeyDer::from_pem_file(&files.key_file)
        .map_err(|error| format!("tls.key_file: {}: {error}", files.key_file.display()))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("tls: {error}"))?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|error| format!("tls.key_file: {error}"))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
