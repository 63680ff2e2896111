//! Side-by-side benchmarks of Basalt's execution and state. `README.md` says what is compared and how.
//!
//! ```text
//!  workload ──► workfile (state, blocks, gas used and state root of each)
//!                  │ read by
//!                  ▼
//!  driver ──go──► runner (a process): calibrate, work, calibrate ──line──► driver ──► pairs, ratios, table
//! ```
//!
//! Invariants:
//! - A runner checks gas used and state root of every block; a wrong one ends the comparison.
//! - Runners are processes of their own, and a ratio comes only from slices that ran next to each other.
//! - `workfile` and `slice` know nothing but bytes and time, so that peers with other dependencies use the same source.

pub mod driver;
pub mod report;
pub mod runner;
pub mod slice;
pub mod suite;
pub mod workfile;
pub mod workload;

#[cfg(test)]
mod tests;
