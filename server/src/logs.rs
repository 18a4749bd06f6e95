//! Logs go to standard error: text on a terminal, otherwise one JSON object a line.

use std::io::IsTerminal as _;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, fmt};

use crate::config::LogSettings;

/// Crates whose usual words are not for operators: a cookie that has ended is everyday life and no "suspicious activity".
const QUIET: [(&str, LevelFilter); 4] = [
    ("sea_orm_migration", LevelFilter::WARN),
    ("tower_sessions", LevelFilter::ERROR),
    ("tower_sessions_core", LevelFilter::OFF),
    ("sqlx", LevelFilter::WARN),
];

/// For commands: warnings only, unless more is asked for.
pub fn start_quiet(settings: &LogSettings) {
    let level = if settings.level == "info" { "warn".to_owned() } else { settings.level.clone() };
    start(&LogSettings { level, ..settings.clone() });
}

/// Turns the logs on, and makes panics part of them.
pub fn start(settings: &LogSettings) {
    // The configuration has checked that the level can be read.
    let asked: Targets = settings.level.parse().unwrap_or_default();
    let usual = asked.default_level().unwrap_or(LevelFilter::INFO);
    let levels = Targets::new()
        .with_targets(QUIET)
        .with_targets(asked.iter().map(|(part, level)| (part.to_owned(), level)))
        .with_default(usual);
    let json = settings.json.unwrap_or_else(|| !std::io::stderr().is_terminal());
    let layer = if json {
        fmt::layer()
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(false)
            .with_writer(std::io::stderr)
            .boxed()
    } else {
        fmt::layer().with_target(false).with_writer(std::io::stderr).boxed()
    };
    // Only the first call of a process counts.
    let _ = tracing_subscriber::registry().with(layer.with_filter(levels)).try_init();
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!("a fault of the program at {place}: {}", panic.payload_as_str().unwrap_or("no message"));
    }));
}
