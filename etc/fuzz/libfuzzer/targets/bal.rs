//! libFuzzer's door to `basalt_fuzz::bal`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| basalt_fuzz::bal(data));
