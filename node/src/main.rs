//! `basalt`: parse the command line, run one command, say what went wrong.

use basalt_node::{
    cli::{Cli, Command, DeployArgs, DevnetSubcommand},
    deploy, devnet, telemetry,
};
use clap::Parser;
use std::process::ExitCode;

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
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> eyre::Result<()> {
    match command {
        Command::Devnet(command) => match command.test {
            None => Ok(devnet::run(command.args).await?),
            Some(DevnetSubcommand::Test(args)) => devnet::test::run(args).await,
        },
        Command::Node(args) => devnet::run_node(args).await,
        Command::L1(args) => Ok(devnet::run_l1(args).await?),
        Command::Deploy(args) => run_deploy(args).await,
    }
}

async fn run_deploy(args: DeployArgs) -> eyre::Result<()> {
    let rpc = l1::L1Rpc::new(&args.l1_rpc_url)?;
    let signer = l1::Signer::from_file(&args.key_file)?;
    let balance = alloy_primitives::U256::from(args.l2_balance_ether)
        * alloy_primitives::U256::from(10).pow(alloy_primitives::U256::from(18));
    let deployment = deploy::deploy(&rpc, &signer, args.l1_slot_ms, balance).await?;
    std::fs::write(&args.out, serde_json::to_string_pretty(&deployment.config)? + "\n")?;
    println!("Hub             {}", deployment.config.hub);
    println!("ExecuteVerifier {}", deployment.verifier);
    println!("OpenSchedule    {}", deployment.schedule);
    println!("L2 chain        {}", deployment.config.genesis.config.chain_id);
    println!("L1 gas          {}", deployment.gas_used);
    println!("chain file      {}", args.out.display());
    Ok(())
}
