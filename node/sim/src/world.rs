//! Whole nodes in one world: an L1, machines on it, and their rollup.

#[cfg(test)]
mod lane_tests;
pub mod machine;
pub mod rollup;
#[cfg(test)]
mod tests;
