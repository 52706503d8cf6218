//! The decoder of frames: any bytes, and bytes that once were a frame.

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::Entry;
use crate::frame::{Decoded, HEAD_BYTES, Stamp, decode, decode_head, encode, open, payload_bytes};

const STAMP: Stamp = Stamp { generation: 7, base_offset: 40, durable_before: 30 };

fn entry() -> impl Strategy<Value = Entry> {
    let bytes = |most| vec(any::<u8>(), 0..most).prop_map(Bytes::from);
    let headers = vec((".{0,10}", bytes(20)), 0..5);
    (bytes(30), headers, bytes(500), 1..2000_u32, any::<i64>()).prop_map(|(key, headers, body, count, time)| Entry {
        key,
        partition: None,
        headers,
        body,
        count,
        time,
    })
}

fn frame_of(entry: &Entry) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(entry, STAMP, &mut bytes);
    bytes.extend_from_slice(&entry.body);
    bytes
}

/// Makes the checksums right again, so that what stands behind them is looked at.
fn mend(bytes: &mut [u8]) {
    if bytes.len() < HEAD_BYTES {
        return;
    }
    let payload = crc32c::crc32c(&bytes[HEAD_BYTES..]);
    bytes[8..12].copy_from_slice(&payload.to_le_bytes());
    let head = crc32c::crc32c(&bytes[8..HEAD_BYTES]);
    bytes[4..8].copy_from_slice(&head.to_le_bytes());
}

/// What holds for every input.
fn check(input: &[u8]) {
    match decode(input) {
        Decoded::Whole(head) => {
            assert!(head.len() <= input.len());
            let frame = open(&head, &Bytes::copy_from_slice(input), 3).expect("a whole frame can be opened");
            let headers: usize = frame.headers.iter().map(|(name, value)| 8 + name.len() + value.len()).sum();
            assert_eq!(HEAD_BYTES + frame.key.len() + headers + frame.body.len(), head.len());
            assert_eq!(decode_head(input), Some(head));
        }
        Decoded::Short(needed) => assert!(needed > input.len()),
        Decoded::BadPayload(head) => assert!(head.len() <= input.len()),
        Decoded::BadHead => assert_eq!(decode_head(input), None),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn comes_back_as_it_was(entry in entry(), more in vec(any::<u8>(), 0..50)) {
        let mut bytes = frame_of(&entry);
        let len = bytes.len();
        prop_assert_eq!(len, HEAD_BYTES + payload_bytes(&entry));
        bytes.extend_from_slice(&more);
        let Decoded::Whole(head) = decode(&bytes) else { panic!("{:?}", decode(&bytes)) };
        prop_assert_eq!(head.len(), len);
        prop_assert_eq!((head.generation, head.durable_before), (7, 30));
        prop_assert_eq!(head.next_offset(), 40 + u64::from(entry.count));
        let frame = open(&head, &bytes.into(), 3).unwrap();
        prop_assert_eq!((frame.partition, frame.base_offset, frame.count, frame.time), (3, 40, entry.count, entry.time));
        prop_assert_eq!((frame.key, frame.headers, frame.body), (entry.key, entry.headers, entry.body));
    }

    #[test]
    fn any_bytes(input in vec(any::<u8>(), 0..300)) {
        check(&input);
    }

    #[test]
    fn any_bytes_behind_the_magic(mut input in vec(any::<u8>(), 64..300)) {
        input[..4].copy_from_slice(&crate::frame::MAGIC);
        mend(&mut input);
        check(&input);
        let payload = (input.len() - HEAD_BYTES) as u32;
        input[12..16].copy_from_slice(&payload.to_le_bytes());
        input[54..56].fill(0);
        input[58..60].fill(0);
        mend(&mut input);
        check(&input);
    }

    #[test]
    fn a_frame_cut_short(entry in entry(), keep in 0.0..1.0_f64) {
        let bytes = frame_of(&entry);
        let keep = (bytes.len() as f64 * keep) as usize;
        check(&bytes[..keep]);
        prop_assert!(matches!(decode(&bytes[..keep]), Decoded::Short(_)));
    }

    #[test]
    fn a_frame_with_wrong_bytes(entry in entry(), changes in vec((any::<prop::sample::Index>(), 1..=255_u8), 1..4), mended: bool) {
        let sound = frame_of(&entry);
        let mut bytes = sound.clone();
        for (at, change) in &changes {
            let at = at.index(bytes.len());
            bytes[at] ^= change;
        }
        if mended {
            mend(&mut bytes);
        } else if bytes != sound {
            prop_assert!(!matches!(decode(&bytes), Decoded::Whole(_)));
        }
        check(&bytes);
    }
}
