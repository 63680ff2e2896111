//! Integration tests of the whole node: one binary, so that it links once.

#![allow(
    clippy::unwrap_used,
    reason = "a panic is how a test says no; the exemption for tests does not reach their helpers here"
)]

mod architecture;
mod clients;
mod endpoints;
mod gas;
mod hostile;
mod lane;
mod processes;
mod start;
mod tokens;
mod world;
