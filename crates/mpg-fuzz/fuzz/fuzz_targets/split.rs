#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| mpg_fuzz::split(data));
