//! `basalt`: parse the command line, run one command, say what went wrong.

use basalt_node::{
    cli::{Cli, Command, DevnetSubcommand},
    commands, devnet, export, import, telemetry,
};
use clap::Parser;
use std::process::ExitCode;

/// For RocksDB too. Huge pages for state and tree save a quarter of a block's time; see `.cargo/config.toml`.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    telemetry::init(cli.log_format);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let result = runtime.map_err(eyre::Report::from).and_then(|runtime| {
        let result = runtime.block_on(run(cli.command));
        // A blocking thread that still waits for input must not keep the process.
        runtime.shutdown_timeout(std::time::Duration::from_secs(1));
        result
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", message(&error));
            ExitCode::FAILURE
        }
    }
}

/// An error and its causes, each once: most of ours already say what their cause says.
fn message(error: &eyre::Report) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

async fn run(command: Command) -> eyre::Result<()> {
    match command {
        Command::Devnet(command) => match command.test {
            None => Ok(devnet::run(command.args).await?),
            Some(DevnetSubcommand::Test(args)) => devnet::test::run(args).await,
        },
        Command::Node(args) => commands::node(*args).await,
        Command::L1(args) => commands::l1(args).await,
        Command::Chaos(args) => devnet::test::chaos::run(args).await,
        Command::Deploy(args) => commands::deploy(args).await,
        // Neither waits for anything but the disk.
        Command::Import(args) => Ok(import::run(&args)?),
        Command::Export(args) => Ok(export::run(&args)?),
    }
}
