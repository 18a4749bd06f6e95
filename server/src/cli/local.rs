//! Services opened by a command, beside a running server or without one.

use domain::{Actor, Call, Secret, Services};
use url::Url;

use super::Failure;
use crate::config::Config;
use crate::serve::{self, Running, explained};

/// Services, and how the operator calls them.
pub struct Local {
    /// The rules.
    pub services: Services,
    request_id: String,
}

impl Local {
    /// Opens what the configuration names.
    pub async fn open(config: &Config) -> Result<Self, Failure> {
        let services =
            Services::open(serve::open(config, public_url(config))).await.map_err(|error| explained(&error))?;
        let id = Secret::random_128(services.entropy()).map_err(|error| explained(&error))?;
        Ok(Self { services, request_id: format!("cli-{}", id.expose()) })
    }

    /// A call by the operator, now.
    pub fn call(&self) -> Call {
        Call::local(Actor::Operator, self.request_id.clone(), self.services.clock().now())
    }
}

/// The address people use: as configured, else that of the running server, else that of the next start.
pub fn public_url(config: &Config) -> Url {
    let running = || Running::read(&config.data_dir).and_then(|running| Url::parse(&running.public_url).ok());
    config.public_url.clone().or_else(running).unwrap_or_else(|| config.public_url(config.listen))
}

/// An error of the domain as a command reports it.
pub trait OrFailure<T> {
    /// Ends the command with the error's words.
    fn or_failure(self) -> Result<T, Failure>;
}

impl<T> OrFailure<T> for domain::Result<T> {
    fn or_failure(self) -> Result<T, Failure> {
        self.map_err(|error| explained(&error))
    }
}
