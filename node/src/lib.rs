//! The `basalt` binary's parts, as a library so that tests can start them.
//!
//! Open [`node`] first: a whole node in one file; [`fleet`] is several in one process. [`driver`] carries out what `engine` decides, [`production`] builds
//! and lands, [`devnet`](mod@devnet) starts everything on one machine.

pub mod carriers;
pub mod cli;
pub mod commands;
pub mod crossing;
pub mod deploy;
pub mod derive;
pub mod devnet;
pub mod driver;
pub mod duties;
pub mod export;
pub mod fleet;
pub mod host;
pub mod import;
pub mod landings;
pub mod node;
pub mod on_l1;
pub mod orders;
pub mod payloads;
pub mod pool;
pub mod production;
pub mod shutdown;
pub mod telemetry;
mod turn;
pub mod version;
pub mod view;
