//! Request bodies: no panic; an array and NDJSON of the same records read the same; what is read normalizes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use whittle_domain::raw::{BodyFormat, Limits, parse};
use whittle_domain::{Arrival, Normalizer};

fuzz_target!(|data: &[u8]| {
    let limits = Limits::default();
    for format in [BodyFormat::Json, BodyFormat::Ndjson] {
        let Ok(raw) = parse(data.to_vec().into(), format, &limits) else { continue };
        let mut normalizer = Normalizer::new(None);
        let arrival = Arrival { partition: 0, base_offset: 0, received_at: 0, event_id: 0 };
        normalizer.push(&raw, arrival, 0..raw.rows().len());
        assert_eq!(normalizer.take().len(), raw.rows().len());
        if format == BodyFormat::Ndjson {
            let lines = raw.rows().iter().map(|row| raw.str(row.json)).collect::<Vec<_>>();
            let array = format!("[{}]", lines.join(","));
            let again = parse(array.into(), BodyFormat::Json, &limits).expect("the same records as an array");
            for (one, other) in raw.rows().iter().zip(again.rows()) {
                assert_eq!(raw.str(one.message), again.str(other.message));
                assert_eq!(one.timestamp, other.timestamp);
            }
        }
    }
});
