//! What this binary calls itself.

/// `basalt/v0.1.0/linux-x86_64`, as explorers and Hardhat parse it.
pub fn client() -> String {
    format!("basalt/v{}/{}-{}", env!("CARGO_PKG_VERSION"), std::env::consts::OS, std::env::consts::ARCH)
}
