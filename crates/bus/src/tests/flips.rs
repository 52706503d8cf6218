//! Every bit of a segment wrong, one after the other: each is found out, costs the records of its frame and no others, and
//! the count of the lost is exact, both for a reader and for a start.

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use whittle_disk::{Disk, File, SimDisk};

use super::*;
use crate::frame::{self, Decoded, decode};
use crate::reader::{Reader, Step};
use crate::recovery::{find_end, read_head};
use crate::segment::{FIRST, Segment, SegmentHead};
use crate::window::Window;

const SIZE: usize = 64 << 10;

/// A file with one wrong bit.
struct OneBitWrong {
    bytes: Vec<u8>,
    bit: AtomicU64,
}

impl File for OneBitWrong {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let rest = self.bytes.get(offset as usize..).unwrap_or_default();
        let n = rest.len().min(buf.len());
        buf[..n].copy_from_slice(&rest[..n]);
        let bit = self.bit.load(Ordering::Relaxed);
        if let Some(byte) = (bit / 8).checked_sub(offset).and_then(|at| buf[..n].get_mut(at as usize)) {
            *byte ^= 1 << (bit % 8);
        }
        Ok(n)
    }

    fn write_all_at(&self, _: &[u8], _: u64) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }

    fn set_len(&self, _: u64) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn allocate(&self, _: u64) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.bytes.len() as u64)
    }
}

/// Where a frame stands, and its offsets.
#[derive(Clone)]
struct Place {
    bytes: Range<usize>,
    offsets: Range<u64>,
}

/// A segment that a bus wrote and closed, and zeros behind it.
fn image() -> (Vec<u8>, Vec<Place>) {
    let disk = SimDisk::new(1);
    let settings = Settings { segment_bytes: SIZE as u64, ..settings() };
    let (bus, mut hand) = SegmentBus::open_by_hand(Arc::new(disk.clone()), Path::new("/bus"), settings).unwrap();
    bus.ensure_topic("t", 1).unwrap();
    let answers = Answers::default();
    let mut rng = fastrand::Rng::with_seed(3);
    for i in 0..40 {
        let mut body = vec![0; rng.usize(0..3000)];
        rng.fill(&mut body);
        produce(&bus, &answers, Entry { body: body.into(), count: rng.u32(1..100), key: "key".into(), ..entry("") });
        if i % 3 == 0 {
            hand.write();
        }
    }
    hand.close(&bus);
    let path = disk.files().into_iter().find(|p| p.extension().is_some_and(|e| e == "log")).unwrap();
    let file = disk.open(&path).unwrap();
    let mut bytes = vec![0; SIZE];
    let len = file.read_at(&mut bytes, 0).unwrap();
    assert!(len > SIZE * 2 / 3 && len < SIZE, "{len}");
    let mut places = Vec::new();
    let mut at = FIRST as usize;
    while let Decoded::Whole(head) = decode(&bytes[at..]) {
        places.push(Place { bytes: at..at + head.len(), offsets: head.base_offset..head.next_offset() });
        at += head.len();
    }
    assert_eq!(places.len(), 41, "40 entries and the mark of the close");
    (bytes, places)
}

/// The offsets of the frame with this bit; none where it is in no frame.
fn lost_by(bit: u64, places: &[Place]) -> Option<Range<u64>> {
    let byte = (bit / 8) as usize;
    let place = places.iter().find(|p| p.bytes.contains(&byte))?;
    Some(place.offsets.clone()).filter(|offsets| !offsets.is_empty())
}

fn check_reader(file: &Arc<OneBitWrong>, head: SegmentHead, places: &[Place], lost: Option<Range<u64>>) {
    let end = places.last().unwrap().offsets.end;
    let segment = Arc::new(Segment::new(PathBuf::new(), head, SIZE as u64, end, SIZE as u64));
    let mut reader = Reader::new(segment, file.clone(), 0);
    let mut at = 0;
    loop {
        let offsets = match reader.next(0).unwrap() {
            Step::Frame(frame) => {
                let offsets = frame.base_offset..frame.next_offset();
                assert_ne!(Some(&offsets), lost.as_ref(), "a damaged frame was taken for a sound one");
                offsets
            }
            Step::Lost(offsets) => {
                assert_eq!(Some(&offsets), lost.as_ref(), "other records were lost than those of the frame");
                offsets
            }
            Step::End => break,
        };
        assert_eq!(offsets.start, at);
        at = offsets.end;
    }
    assert_eq!(at, end);
}

fn check_recovery(file: &Arc<OneBitWrong>, head: &SegmentHead, places: &[Place], lost: Option<Range<u64>>) {
    let found = find_end(&mut Window::new(file.clone()), head, SIZE as u64).unwrap();
    assert_eq!(found.lost, lost.into_iter().collect::<Vec<_>>());
    assert_eq!(found.offset, places.last().unwrap().offsets.end);
}

#[test]
fn every_bit_of_a_segment() {
    let (bytes, places) = image();
    let half = |first: u64| {
        let (file, places) = (Arc::new(OneBitWrong { bytes: bytes.clone(), bit: 0.into() }), places.clone());
        move || {
            for bit in (first..SIZE as u64 * 8).step_by(2) {
                file.bit.store(bit, Ordering::Relaxed);
                let lost = lost_by(bit, &places);
                let shared: Arc<dyn File> = file.clone();
                let damaged_head = SegmentHead::read(&*shared).unwrap().is_none();
                assert_eq!(damaged_head, bit < FIRST * 8, "bit {bit}");
                let head = read_head(&shared, 0, SIZE as u64).unwrap().expect("the frames tell what the head does not");
                check_reader(&file, head, &places, lost.clone());
                check_recovery(&file, &head, &places, lost);
            }
        }
    };
    let other = thread::spawn(half(1));
    half(0)();
    other.join().expect("a bit was not found out");
}

#[test]
fn a_bus_counts_what_a_bit_costs() {
    let mut rng = fastrand::Rng::with_seed(4);
    for _ in 0..200 {
        let disk = SimDisk::new(1);
        let start = || {
            let (bus, hand) = SegmentBus::open_by_hand(Arc::new(disk.clone()), Path::new("/bus"), settings()).unwrap();
            bus.ensure_topic("t", 1).unwrap();
            (bus, hand)
        };
        let (bus, mut hand) = start();
        let answers = Answers::default();
        for i in 0..60 {
            produce(&bus, &answers, Entry { count: 1 + i % 9, ..entry(&format!("{i:0200}")) });
            hand.write();
        }
        hand.close(&bus);
        let logs: Vec<PathBuf> =
            disk.files().into_iter().filter(|p| p.extension().is_some_and(|e| e == "log")).collect();
        assert!(logs.len() > 2, "several segments");
        let path = rng.choice(&logs).unwrap();
        let len = disk.open(path).unwrap().len().unwrap();
        disk.flip(path, rng.u64(0..len * 8)).unwrap();

        let (bus, hand) = start();
        let end = bus.ends("t").unwrap()[0];
        let mut there = 0;
        for group in ["one", "two"] {
            let mut consumer = bus.subscribe("t", group).unwrap();
            there = 0;
            while let Some(frame) = consumer.poll(1, Duration::ZERO).unwrap().pop() {
                there += u64::from(frame.count);
            }
        }
        assert_eq!(there + bus.stats().damaged_records, end, "{}", path.display());
        assert!(bus.stats().damaged_records <= 9, "one frame at most");
        hand.close(&bus);
    }
}

/// A record may hold the bytes of a frame. Where the frame around it is damaged they must not be taken for one.
#[test]
fn a_frame_inside_a_record_is_no_frame() {
    let mut forged = Vec::new();
    let stamp = frame::Stamp { generation: 1, base_offset: 2, durable_before: 2 };
    frame::encode(&entry(""), stamp, &mut forged);
    let forged = Entry { body: forged.into(), ..entry("") };
    for reopen in [false, true] {
        let disk = SimDisk::new(1);
        let open = || SegmentBus::open_by_hand(Arc::new(disk.clone()), Path::new("/bus"), settings()).unwrap();
        let (mut bus, mut hand) = open();
        bus.ensure_topic("t", 1).unwrap();
        for entry in [entry("0"), entry("1"), forged.clone(), entry("3")] {
            produce(&bus, &Answers::default(), entry);
            hand.write();
        }
        let path = disk.files().into_iter().find(|p| p.extension().is_some_and(|e| e == "log")).unwrap();
        let head_of_the_third = FIRST + 2 * (frame::HEAD_BYTES as u64 + 1);
        disk.flip(&path, (head_of_the_third + 20) * 8).unwrap();
        if reopen {
            hand.close(&bus);
            drop(bus);
            (bus, hand) = open();
        }
        assert_eq!(bodies(&mut *bus.subscribe("t", "g").unwrap()), ["0", "1", "3"]);
        assert_eq!(bus.stats().damaged_records, 1);
        hand.close(&bus);
    }
}
