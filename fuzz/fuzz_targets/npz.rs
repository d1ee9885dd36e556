#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use versant::io::npz;

fuzz_target!(|bytes: &[u8]| {
    let _ = npz::load_from(Cursor::new(bytes), "npz");
});
