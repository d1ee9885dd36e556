#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use versant::io::idx::Idx;

fuzz_target!(|bytes: &[u8]| {
    let _ = Idx::read_from(Cursor::new(bytes), "idx");
});
