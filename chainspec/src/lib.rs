//! What chain is this? Forks, timing, genesis, predeploys and presets. Pure data: no clock, no files, no network.
//!
//! ```text
//!  genesis.json ──► ChainSpec ──► forks, blob schedule, genesis header      (any layer)
//!  chain file   ──► RollupConfig ──► hub, origin lags, gas bounds, L2 genesis (L2 only)
//! ```
//!
//! Invariants: a [`ChainSpec`] never changes after it was made; its genesis header is computed once, from the
//! allocation, so two nodes with the same file agree on the genesis hash or refuse to talk.

mod fork_id;
mod forks;
mod rollup;
mod spec;

pub mod dev;
pub mod predeploys;

pub use rollup::{ConfigError, MAX_ORIGIN_LAG, RollupConfig};
pub use spec::{ChainSpec, Layer, SpecError};
