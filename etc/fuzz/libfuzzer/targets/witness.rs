//! libFuzzer's door to `basalt_fuzz::witness`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| basalt_fuzz::witness(data));
