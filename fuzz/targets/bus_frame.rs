//! Frames of the embedded log: no panic, nothing read beyond the input.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use whittle_bus::frame;

fuzz_target!(|data: &[u8]| {
    let _ = frame::decode(data);
    if let Some(head) = frame::decode_head(data) {
        let _ = frame::open(&head, &Bytes::copy_from_slice(data), 0);
    }
});
