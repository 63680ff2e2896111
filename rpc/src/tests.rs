//! The server on a free port over a chain of executed blocks: what a client sees.

#![allow(clippy::unwrap_used)] // a panic is how a test fails

mod archive;
mod blocks;
mod calls;
mod catalogue;
mod fees;
mod libraries;
mod logs;
mod messages;
mod send;
mod transport;
mod world;
