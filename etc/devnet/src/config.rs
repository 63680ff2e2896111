//! What one can choose about the devnet, and which choices make no sense. Must not know how any of it is used.

use std::{
    net::{IpAddr, Ipv4Addr},
    path::PathBuf,
};

/// Everything there is to choose. [`Config::default`] is what `make devnet` runs; port 0 means any free port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Address that both servers listen on. The admin calls have no password: keep it local.
    pub address: IpAddr,
    /// Port of JSON-RPC (HTTP and WebSocket), `--l1.http-port`.
    pub http_port: u16,
    /// Port of the beacon API, `--l1.beacon-port`.
    pub beacon_port: u16,
    /// Slot time in milliseconds, `--l1.slot-ms`: whole seconds, 1,000 to [`SLOT_MS_MAX`]. Block timestamps are seconds.
    pub slot_ms: u64,
    /// A block is `safe` when the head is this many slots above it; at most `finality_slots`.
    pub safe_slots: u64,
    /// A block is `finalized` when the head is this many slots above it, `--l1.finality-slots`: 1 to [`FINALITY_SLOTS_MAX`].
    /// Reorgs go no deeper.
    pub finality_slots: u64,
    /// Gas limit of every block. EIP-8037 counts 1,530 gas for each deployed byte of code against it.
    pub gas_limit: u64,
    /// Time of slot 0 in seconds since 1970, for a new chain only. `None`: one slot ago, so that slot 1 comes within a second.
    pub genesis_time: Option<u64>,
    /// Blocks whose blobs are kept. 131,072 is as many slots as mainnet keeps them for.
    pub blob_retention: u64,
    /// Whether L1 has the EXECUTE precompile. Without it, it is the Ethereum of today, where no rollup can be native.
    pub execute: bool,
    /// Folder of the chain, `--datadir`. `None`: in memory.
    pub datadir: Option<PathBuf>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            http_port: 8545,
            beacon_port: 5052,
            slot_ms: 4_000,
            safe_slots: 4,
            finality_slots: 8,
            gas_limit: chainspec::dev::L1_GAS_LIMIT,
            genesis_time: None,
            blob_retention: 131_072,
            execute: true,
            datadir: None,
        }
    }
}

/// An hour: beyond it a mistyped number is likelier than a wish.
pub const SLOT_MS_MAX: u64 = 3_600_000;

/// A day of 4 s slots. Finality is looked for block by block, and what is not final is kept ready for reorgs.
pub const FINALITY_SLOTS_MAX: u64 = 21_600;

/// The least gas limit: a block has to hold at least one transaction of the greatest execution gas (EIP-7825).
pub const GAS_LIMIT_MIN: u64 = 1 << 24;

/// 16 times the default. Gas arithmetic stays far from its bounds and a block is executed within seconds.
pub const GAS_LIMIT_MAX: u64 = 3_200_000_000;

/// A choice that makes no sense, with the flag that changes it, or the field where there is no flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// Not whole seconds, or out of range.
    #[error("--l1.slot-ms {0}: slots are whole seconds, from 1000 to {SLOT_MS_MAX} (block timestamps count seconds)")]
    SlotTime(u64),
    /// Out of range.
    #[error("--l1.finality-slots {0}: must be 1 to {FINALITY_SLOTS_MAX}")]
    Finality(u64),
    /// `safe` would be behind `finalized`.
    #[error("safe_slots {safe}: must not exceed --l1.finality-slots {finality}")]
    Safe {
        /// Slots until safe.
        safe: u64,
        /// Slots until finalised.
        finality: u64,
    },
    /// Out of range.
    #[error("gas_limit {0}: must be {GAS_LIMIT_MIN} to {GAS_LIMIT_MAX}")]
    GasLimit(u64),
    /// Blobs of blocks that can still be reorged are needed.
    #[error("blob_retention {retention}: must be at least --l1.finality-slots {finality}")]
    BlobRetention {
        /// Blocks whose blobs are kept.
        retention: u64,
        /// Slots until finalised.
        finality: u64,
    },
}

impl Config {
    /// Slot time in seconds; only after [`Config::check`].
    pub(crate) const fn slot_s(&self) -> u64 {
        self.slot_ms / 1_000
    }

    /// Refuses what makes no sense.
    ///
    /// # Errors
    /// The first field that is out of its range.
    pub fn check(&self) -> Result<(), ConfigError> {
        if self.slot_ms < 1_000 || !self.slot_ms.is_multiple_of(1_000) || self.slot_ms > SLOT_MS_MAX {
            return Err(ConfigError::SlotTime(self.slot_ms));
        }
        if !(1..=FINALITY_SLOTS_MAX).contains(&self.finality_slots) {
            return Err(ConfigError::Finality(self.finality_slots));
        }
        if self.safe_slots > self.finality_slots {
            return Err(ConfigError::Safe { safe: self.safe_slots, finality: self.finality_slots });
        }
        if !(GAS_LIMIT_MIN..=GAS_LIMIT_MAX).contains(&self.gas_limit) {
            return Err(ConfigError::GasLimit(self.gas_limit));
        }
        if self.blob_retention < self.finality_slots {
            return Err(ConfigError::BlobRetention { retention: self.blob_retention, finality: self.finality_slots });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(change: impl FnOnce(&mut Config)) -> String {
        let mut config = Config::default();
        change(&mut config);
        config.check().unwrap_err().to_string()
    }

    #[test]
    fn the_default_is_accepted() {
        Config::default().check().unwrap();
    }

    #[test]
    fn a_refused_value_names_what_sets_it() {
        for slot_ms in [0, 500, 999, 1_500, SLOT_MS_MAX + 1_000, u64::MAX] {
            assert!(refused(|config| config.slot_ms = slot_ms).starts_with("--l1.slot-ms "), "{slot_ms}");
        }
        assert!(refused(|config| config.finality_slots = 0).starts_with("--l1.finality-slots 0"));
        assert!(refused(|config| config.safe_slots = 9).starts_with("safe_slots 9"));
        assert!(refused(|config| config.gas_limit = 30).starts_with("gas_limit 30"));
        assert!(refused(|config| config.blob_retention = 7).starts_with("blob_retention 7"));
    }
}
