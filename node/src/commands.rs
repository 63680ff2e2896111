//! The subcommands other than `devnet`: from flags to a configuration, then run until asked to stop.

use crate::{
    cli::{DeployArgs, KeyFlags, L1Args, NodeArgs},
    devnet::{Endpoint, write_ready},
    duties::DutiesConfig,
    fleet,
    landings::LandingLimits,
    node::{self, StartError},
    shutdown,
};
use alloy_primitives::U256;
use l1::{KeySource, L1Rpc, Signer};
use sequencer::landing::Policy;
use std::{net::SocketAddr, path::Path, time::Duration};

/// What `--blobs.retention` counts in.
const SECONDS_PER_DAY: Duration = Duration::from_secs(86_400);

/// 10^18.
const WEI_PER_ETHER: u64 = 1_000_000_000_000_000_000;

/// 10^9.
const WEI_PER_GWEI: u128 = 1_000_000_000;

/// Between the ports of two rollups of a process.
pub const RPC_PORT_STEP: u16 = 10;

/// `basalt l1`: the L1 alone, until it is asked to stop.
pub async fn l1(args: L1Args) -> eyre::Result<()> {
    let config = devnet::Config {
        http_port: args.l1.http_port,
        beacon_port: args.l1.beacon_port,
        slot_ms: args.l1.slot_ms,
        finality_slots: args.l1.finality_slots,
        safe_slots: args.l1.finality_slots / 2,
        datadir: Some(args.datadir),
        ..Default::default()
    };
    let handle = devnet::start(config).await?;
    if let Some(path) = &args.ready_file {
        write_ready(path, &Endpoint { http: handle.http, beacon: Some(handle.beacon), more: Vec::new() });
    }
    tracing::info!(rpc = %handle.http, beacon = %handle.beacon, "L1 devnet");
    let reason = shutdown::requested(args.exit_with_stdin).await;
    tracing::info!(reason, "stopping");
    handle.stop().await;
    Ok(())
}

fn landing_limits(args: &NodeArgs) -> LandingLimits {
    let wei = |gwei: u64| u128::from(gwei).saturating_mul(WEI_PER_GWEI);
    let mut policy = Policy::default();
    policy.cap.max_fee = wei(args.max_fee_gwei);
    policy.cap.tip = policy.cap.tip.min(policy.cap.max_fee);
    policy.cap.max_blob_fee = wei(args.max_blob_fee_gwei);
    LandingLimits { policy, min_landings: args.min_landings }
}

/// `basalt node`, until it is asked to stop or fails.
pub async fn node(args: NodeArgs) -> eyre::Result<()> {
    let key = key_source(&args.key)?;
    let rollups = args.chain.iter().map(|path| chain_file(path)).collect::<Result<Vec<_>, _>>()?;
    let sequencer = match key {
        Some((source, flag)) if args.sequencer => {
            let signer = Signer::open(&source).await.map_err(|error| StartError::Signer { error, flag })?;
            tracing::info!(address = %signer.address(), "signing");
            let fee_recipient = args.fee_recipient.unwrap_or_else(|| signer.address());
            let served = args.validators.clone();
            let duties = served.map(|served| DutiesConfig { served, fallback_slots: args.fallback_slots });
            Some(node::SequencerConfig {
                signer,
                // The rollups' blocks are built one after the other.
                lead_ms: args.lead_ms.saturating_mul(rollups.len() as u64),
                blocks_per_slot: args.blocks_per_slot,
                landing: landing_limits(&args),
                fee_recipient,
                duties,
            })
        }
        _ => None,
    };
    let history = if args.prune_archive { storage::History::All } else { storage::History::Blocks(args.prune_history) };
    let database = storage::Limits { history, ..Default::default() };
    let ports = http_ports(&args.http_port, rollups.len());
    let mut configs = Vec::with_capacity(rollups.len());
    for (index, (rollup, port)) in rollups.into_iter().zip(ports).enumerate() {
        let chain_id = rollup.genesis.config.chain_id;
        configs.push(node::Config {
            rollup,
            datadir: if index == 0 { args.datadir.clone() } else { args.datadir.join(format!("rollup-{chain_id}")) },
            database,
            l1_rpc_url: args.l1_rpc_url.clone(),
            l1_beacon_url: args.l1_beacon_url.clone(),
            archive_url: args.archive_url.clone(),
            blob_retention: (args.blob_retention_days > 0).then(|| SECONDS_PER_DAY * args.blob_retention_days),
            http: http_config(&args, port)?,
            limits: rpc::Limits { transaction_fee_cap_wei: fee_cap(args.rpc_txfeecap), ..Default::default() },
            sequencer: sequencer.clone(),
        });
    }
    let mut handle = fleet::launch(configs).await?;
    let mut listening = handle.http();
    if let Some(path) = &args.ready_file {
        let more = listening.split_off(1);
        write_ready(path, &Endpoint { http: listening[0], beacon: None, more });
    }
    tracing::info!(rpc = ?handle.http(), "node");
    tokio::select! {
        reason = shutdown::requested(args.exit_with_stdin) => {
            tracing::info!(reason, "stopping");
            handle.stop().await;
            Ok(())
        }
        error = handle.failed() => {
            tracing::error!(%error, "the node fails");
            Err(error.into())
        }
    }
}

/// `basalt deploy`.
pub async fn deploy(args: DeployArgs) -> eyre::Result<()> {
    let rpc = L1Rpc::new(&args.l1_rpc_url)?;
    let signer = Signer::from_file(&args.key_file)?;
    let balance = U256::from(args.l2_balance_ether) * U256::from(WEI_PER_ETHER);
    let refund_delay = Duration::from_secs(args.refund_delay);
    let deployment = crate::deploy::deploy(&rpc, &signer, args.l1_slot_ms, balance, refund_delay).await?;
    std::fs::write(&args.out, serde_json::to_string_pretty(&deployment.config)? + "\n")?;
    println!("Hub             {}", deployment.config.hub);
    println!("ExecuteVerifier {}", deployment.verifier);
    println!("OpenSchedule    {}", deployment.schedule);
    println!("TokenBridge     {}", deployment.token_bridge);
    println!("L1Gateway       {}", deployment.gateway);
    println!("L2 chain        {}", deployment.config.genesis.config.chain_id);
    println!("L1 gas          {}", deployment.gas_used);
    println!("chain file      {}", args.out.display());
    Ok(())
}

fn chain_file(path: &Path) -> Result<chainspec::RollupConfig, StartError> {
    let text =
        std::fs::read_to_string(path).map_err(|source| StartError::ChainFile { path: path.to_owned(), source })?;
    Ok(chainspec::RollupConfig::from_json(&text)?)
}

/// A port for each of `rollups`: those that are named, then ten above the one before; after a 0 any.
fn http_ports(named: &[u16], rollups: usize) -> Vec<u16> {
    let mut ports: Vec<u16> = named.iter().copied().take(rollups).collect();
    while let Some(last) = ports.last().copied().filter(|_| ports.len() < rollups) {
        ports.push(if last == 0 { 0 } else { last.saturating_add(RPC_PORT_STEP) });
    }
    ports
}

/// Where the sequencer's key is, and the flag that says so.
fn key_source(flags: &KeyFlags) -> Result<Option<(KeySource, &'static str)>, StartError> {
    Ok(match flags.clone() {
        KeyFlags { keystore: Some(path), password_file: Some(password_file), .. } => {
            Some((KeySource::Keystore { path, password_file }, "--sequencer.keystore, --sequencer.password-file"))
        }
        KeyFlags { signer_url: Some(url), signer_address: Some(address), .. } => {
            Some((KeySource::Remote { url, address }, "--sequencer.signer-url, --sequencer.signer-address"))
        }
        KeyFlags { key_file: Some(path), insecure_raw_key: true, .. } => {
            Some((KeySource::RawKey { path }, "--sequencer.key-file"))
        }
        KeyFlags { key_file: Some(path), .. } => return Err(StartError::RawKey { path }),
        _ => None,
    })
}

/// What the `--http.*` flags say.
fn http_config(args: &NodeArgs, port: u16) -> Result<rpc::Config, rpc::catalogue::UnknownNamespace> {
    let all = |list: &[String]| list.iter().any(|entry| entry == "*");
    let cors = match &args.http_corsdomain[..] {
        [] => rpc::Cors::None,
        origins if all(origins) => rpc::Cors::Any,
        origins => rpc::Cors::Origins(origins.to_vec()),
    };
    Ok(rpc::Config {
        listen: SocketAddr::new(args.http_addr, port),
        namespaces: args.http_api.iter().map(|name| name.parse()).collect::<Result<_, _>>()?,
        cors,
        hosts: if all(&args.http_vhosts) { Vec::new() } else { args.http_vhosts.clone() },
    })
}

/// 0 is no limit.
fn fee_cap(wei: U256) -> U256 {
    if wei.is_zero() { U256::MAX } else { wei }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rollup_listens_where_it_is_told_or_ten_ports_above_the_one_before() {
        assert_eq!(http_ports(&[9545], 1), [9545]);
        assert_eq!(http_ports(&[9545], 3), [9545, 9555, 9565]);
        assert_eq!(http_ports(&[9545, 7000], 3), [9545, 7000, 7010]);
        assert_eq!(http_ports(&[0], 2), [0, 0]);
        assert_eq!(http_ports(&[1, 2, 3], 2), [1, 2]);
    }
}
