#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use versant::io::npy;

fuzz_target!(|bytes: &[u8]| {
    let _ = npy::load_from(Cursor::new(bytes), "npy");
});
