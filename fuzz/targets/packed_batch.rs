//! Batches on their way to the database: any bytes are a batch, all of which can be read, or none.
#![no_main]

use libfuzzer_sys::fuzz_target;
use whittle_domain::packed;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(batch) = packed::unpack(bytes) {
        for row in batch.rows() {
            let text = batch.text(row);
            assert!(batch.vars(row).iter().all(|var| var.range().end <= text.message.len()));
        }
        assert_eq!(packed::unpack(&packed::pack(&batch)).as_ref(), Ok(&batch));
    }
});
