//! Logs go to standard error: text on a terminal, otherwise one JSON object a line.

use std::io::IsTerminal as _;

use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, fmt};

use crate::config::LogSettings;

/// Turns the logs on, and makes panics part of them.
pub fn start(settings: &LogSettings) {
    // Refused by the configuration if it cannot be read. A dead cookie is everyday life, and no "suspicious activity".
    let levels: Targets = settings.level.parse().unwrap_or_default();
    let levels = Targets::new().with_targets([("tower_sessions", tracing::Level::ERROR), ("tower_sessions_core", tracing::level_filters::LevelFilter::OFF.into_level().unwrap_or(tracing::Level::ERROR))]).with_targets(levels.iter().map(|(target, level)| (target.to_owned(), level))).with_default(levels.default_level().unwrap_or(tracing::level_filters::LevelFilter::INFO));
    let json = settings.json.unwrap_or_else(|| !std::io::stderr().is_terminal());
    let layer = if json {
        fmt::layer().json().flatten_event(true).with_current_span(false).with_span_list(false).with_writer(std::io::stderr).boxed()
    } else {
        fmt::layer().with_target(false).with_writer(std::io::stderr).boxed()
    };
    // Only the first call of a process counts; tests make several.
    let _ = tracing_subscriber::registry().with(layer.with_filter(levels)).try_init();
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let said = panic.payload_as_str().unwrap_or("no message");
        tracing::error!("a fault of the program at {place}: {said}");
    }));
}
