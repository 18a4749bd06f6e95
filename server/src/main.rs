//! The program `vestibule`.

#[cfg(test)]
mod access;
mod assets;
mod cli;
mod config;
mod edge;
mod export;
mod export_access;
mod logs;
mod ops;
mod serve;
#[cfg(test)]
mod tests;
mod ui;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
