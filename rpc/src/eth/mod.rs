//! What the `eth_*`, `txpool_*` and `debug_*` methods mean, by topic.
//!
//! All are `impl Backend` blocks of plain functions that may block; `api` decides on which thread they run.

mod blocks;
mod call;
mod config;
mod dev;
mod fees;
mod fill;
pub(crate) mod filters;
mod locate;
mod logs;
pub(crate) mod news;
mod overrides;
mod pool;
mod proof;
mod raw;
mod receipts;
mod send;
mod state;
pub(crate) mod subscribe;
mod transactions;

pub use config::{ConfigAnswer, ForkConfig};
pub use fill::FilledTransaction;
pub use overrides::BlockOverridesParam;
pub use raw::WitnessAnswer;
pub use send::TimeoutParam;
pub use state::{Capability, StateCapabilities, SyncingAnswer};
