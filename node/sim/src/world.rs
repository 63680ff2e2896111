//! Whole nodes in one world: an L1, machines on it, their rollup and its users, and a plan of what goes wrong.
//!
//! ```text
//!  seed ─► plan ─► run: slots, users, faults ─► check after every step ─► settle: calm, a fresh node ─► report
//!             └─ shrink: the same without some faults, while it still fails
//! ```

pub mod check;
#[cfg(test)]
mod lane_tests;
pub mod library;
pub mod machine;
#[cfg(test)]
mod nodes_tests;
pub mod plan;
pub mod rollup;
pub mod run;
mod settle;
pub mod shrink;
#[cfg(test)]
mod tests;
pub mod users;
