#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use versant::io::safetensors;

fuzz_target!(|bytes: &[u8]| {
    let _ = safetensors::load_from(Cursor::new(bytes), "safetensors");
});
