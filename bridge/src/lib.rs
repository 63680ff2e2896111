//! lib
pub mod anchor;
pub mod blob;
pub mod execute;
pub mod message;
pub mod opening;
pub mod outbox;
#[cfg(test)]
mod vectors;
