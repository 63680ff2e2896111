//! libFuzzer's door to `basalt_fuzz::input`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| basalt_fuzz::input(data));
