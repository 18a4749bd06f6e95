//! The running server: bind, open, say where it listens, serve, stop in good order.

use std::fmt;
use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;

use domain::clock::Clock;
use domain::entropy::Entropy;
use domain::services::Open;
use domain::{Secret, Services};
use tokio::signal::unix::{SignalKind, signal};
use url::Url;

use crate::config::Config;
use crate::edge::guard::Guard;
use crate::edge::listener::{self, Listener};
use crate::edge::{Edge, tls};
use crate::ops::health::{self, Health};
use crate::ops::metrics::{self, Metrics};
use crate::{assets, ui};

/// How services are opened with this configuration.
pub fn open(config: &Config, public_url: Url) -> Open {
    Open {
        database_url: config.database_url.expose().to_owned(),
        data_dir: config.data_dir.clone(),
        master_key_file: config.master_key_file.clone(),
        master_key: config.master_key.clone(),
        public_url,
        mail: config.mail.clone(),
        throttle: config.throttle.clone(),
        outbound_allow: config.outbound_allow.clone(),
        clock: Clock::System,
        entropy: Entropy::System,
    }
}
