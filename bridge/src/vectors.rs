//! Golden vectors in `bridge/vectors`, read by these tests and by the contracts' (forge) tests.
//!
//! `BLESS=1` writes them; otherwise the computed value must equal the file.

use serde_json::Value;
use std::path::{Path, PathBuf};

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors").join(format!("{name}.json"))
}

/// Compares `value` with `vectors/<name>.json`, or writes the file under `BLESS=1`.
pub(crate) fn golden(name: &str, value: Value) {
    let path = file(name);
    let text = format!("{}\n", serde_json::to_string_pretty(&value).unwrap());
    if std::env::var_os("BLESS").is_some_and(|v| v == "1") {
        std::fs::write(&path, text).unwrap();
        return;
    }
    let have =
        std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}; write it with BLESS=1", path.display()));
    assert!(
        have == text,
        "{} differs from what the code computes; if that is meant, write it with BLESS=1",
        path.display()
    );
}

/// 0x-prefixed hex, as forge's JSON reader wants it.
pub(crate) fn hex0x(bytes: impl AsRef<[u8]>) -> String {
    alloy_primitives::hex::encode_prefixed(bytes)
}
