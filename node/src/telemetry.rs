//! Log lines: to standard error, filtered by `RUST_LOG`, `info` without it.

use crate::cli::LogFormat;
use std::io::IsTerminal;
use tracing_subscriber::{EnvFilter, fmt};

/// Starts logging for this process.
pub fn init(format: LogFormat) {
    // Libraries talk at `warn`; our own crates at `info`.
    let ours = "warn,basalt_node=info,basalt_l1=info,basalt_devnet=info,basalt_rpc=info,basalt_storage=info,devnet=info,rpc=info";
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(ours));
    let color = std::io::stderr().is_terminal();
    let builder = fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false).with_ansi(color);
    match format {
        LogFormat::Text => builder.compact().init(),
        LogFormat::Json => builder.json().init(),
    }
}
