//! How much memory bodies cost, counted by an allocator of this test's own: hostile ones little, ordinary lines none each.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use whittle_domain::raw::{self, BodyFormat, Limits};
use whittle_domain::{Arrival, Normalizer};

thread_local! {
    static CALLS: Cell<usize> = const { Cell::new(0) };
    static HELD: Cell<isize> = const { Cell::new(0) };
    static MOST: Cell<isize> = const { Cell::new(0) };
}

/// Counts for each thread: tests run beside each other.
struct Counting;

fn count(bytes: isize) {
    let held = HELD.get() + bytes;
    HELD.set(held);
    MOST.set(MOST.get().max(held));
}

// SAFETY: every call is passed on as it came; counting neither allocates nor panics.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        CALLS.set(CALLS.get() + 1);
        count(layout.size() as isize);
        // SAFETY: the caller keeps to the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: the caller keeps to the contract of `dealloc`.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What some work allocated: how often, at most at once, and what it still holds.
struct Cost {
    calls: usize,
    most: isize,
    held: isize,
}

fn cost_of<T>(work: impl FnOnce() -> T) -> (T, Cost) {
    let (calls, held) = (CALLS.get(), HELD.get());
    MOST.set(held);
    let result = work();
    let cost = Cost { calls: CALLS.get() - calls, most: MOST.get() - held, held: HELD.get() - held };
    (result, cost)
}

fn lines(count: usize) -> bytes::Bytes {
    let line = |i: usize| {
        format!(
            r#"{{"level":30,"time":1764533400000,"hostname":"h{i}","source":"app","message":"request {i} done","context":{{"ms":{i},"path":"/a"}}}}"#
        )
    };
    (0..count).map(line).collect::<Vec<_>>().join("\n").into()
}

#[test]
fn a_list_of_nothing_is_refused_before_it_costs_memory() {
    let body = format!("[{}0]", "0,".repeat(1_000_000));
    let (read, cost) = cost_of(|| raw::parse(body.into(), BodyFormat::Json, &Limits::default()));
    assert!(read.is_err());
    assert!(cost.most < 100_000, "{} bytes", cost.most);
}

#[test]
fn wording_an_error_costs_no_memory() {
    let body = format!(r#"{{"source":"a","list":[{}0],"message":oops}}"#, "0,".repeat(400_000));
    let (read, cost) = cost_of(|| raw::parse(body.into(), BodyFormat::Json, &Limits::default()));
    assert!(read.is_err());
    assert!(cost.most < 100_000, "{} bytes", cost.most);
}

#[test]
fn lines_are_read_and_normalized_without_an_allocation_each() {
    let body = lines(1000);
    let (raw, cost) = cost_of(|| raw::parse(body, BodyFormat::Ndjson, &Limits::default()).expect("valid"));
    assert!(cost.calls < 50, "{} allocations to read", cost.calls);
    let mut normalizer = Normalizer::new(None);
    let arrival = Arrival { partition: 0, base_offset: 0, received_at: 0, event_id: 0 };
    let (batch, cost) = cost_of(|| {
        normalizer.push(&raw, arrival, 0..raw.rows().len());
        normalizer.take()
    });
    assert_eq!(batch.len(), 1000);
    assert_eq!(batch.text(&batch.rows()[7]).level_text, "30");
    assert!(cost.calls < 50, "{} allocations to normalize", cost.calls);
}

#[test]
fn a_batch_counts_all_that_it_holds() {
    let body = lines(1000);
    let text = body.len();
    let (raw, cost) = cost_of(|| raw::parse(body, BodyFormat::Ndjson, &Limits::default()).expect("valid"));
    let held = cost.held as usize;
    assert!(raw.memory() >= text + held, "{} bytes are counted of {held} and the text of {text}", raw.memory());
}
