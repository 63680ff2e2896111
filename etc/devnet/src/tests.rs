//! The whole devnet, through its ports.

mod blobs;
mod chain;
mod controls;
mod interfaces;
mod net;
