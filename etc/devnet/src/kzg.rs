//! The trusted setup, loaded early and off the start-up path.

use bridge::opening::Kzg;

/// Lets the EVM share the setup and begins to load it on a thread of its own: seconds of work that no start should wait
/// for. Whoever needs the setup before it is there waits for the same loading.
pub(crate) fn prepare() {
    execution::kzg::share_setup();
    let loader = std::thread::Builder::new().name("kzg setup".into()).spawn(|| {
        let begun = std::time::Instant::now();
        Kzg::load();
        tracing::debug!(target: "devnet", took_ms = begun.elapsed().as_millis(), "KZG setup loaded");
    });
    if let Err(error) = loader {
        tracing::warn!(target: "devnet", %error, "no thread to load the KZG setup early; its first use will");
    }
}
