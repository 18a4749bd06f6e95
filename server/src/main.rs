//! The program `vestibule`.

mod assets;
mod cli;
mod config;
mod edge;
mod export;
mod logs;
mod ops;
mod serve;
mod ui;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
