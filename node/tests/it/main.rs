//! Integration tests of the whole node: one binary, so that it links once.

mod architecture;
