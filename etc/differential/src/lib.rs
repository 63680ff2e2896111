//! Differential and hostile testing of execution: generated blocks, and everybody who must agree about them.
//!
//! ```text
//!   seed ─► generate ─► Plan (data) ─► play: storage::Chain in memory, Building ─► Case (a block and its EXECUTE input)
//!              ▲                                                                      │
//!              └── shrink ◄── a failure                                               ├─► judge    revm, stateless::validate, LEVM
//!                                                                                     ├─► parity   the block without what was refused
//!                                                                                     └─► hostile  mutants, forgeries, what is to spare
//! ```
//!
//! Only public interfaces of the crates below are used, so that what is tested is what a node does. One seed is one sequence of
//! blocks; a failure names its seed, and `basalt-differential replay` plays it again and makes it smaller.

pub mod asm;
pub mod cast;
pub mod corpus;
pub mod generate;
pub mod hostile;
pub mod judge;
pub mod plan;
pub mod play;
pub mod shrink;
pub mod tally;

pub use judge::Case;
pub use plan::Plan;
pub use tally::Tally;
