//! What the outbox holds, without the disk: notices that wait, keys that were taken, notices that were given up.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use sha2::{Digest, Sha256};
use whittle_domain::alerts::{Notice, NoticeKind};

use super::record::{KEYS_A_RECORD, KnownKey, Record, VERSION, encode};

/// Keys that are remembered: some times as many as there may be windows.
const MAX_KEYS: usize = 100_000;
/// How long they are remembered, in milliseconds: much longer than a replay reaches back.
const KEY_AGE: i64 = 7 * 86_400_000;
/// Given-up notices that are kept.
const MAX_DEAD: usize = 1_000;
/// Bytes that a remembered key takes in the file.
const KEY_BYTES: u64 = 85;

/// A notice's key as a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Key(u128);

impl Key {
    fn parse(text: &str) -> Self {
        u128::from_str_radix(text, 16).map(Key).unwrap_or_else(|_| {
            let mut half = [0; 16];
            half.copy_from_slice(&Sha256::digest(text)[..16]);
            Key(u128::from_le_bytes(half))
        })
    }
}

/// What becomes of a notice that is offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offer {
    /// It will be delivered.
    Taken,
    /// The same key and kind was taken before, with this count.
    Known {
        /// The count of the notice that was taken.
        count: u64,
    },
}

/// A notice on its way to one sink or several.
#[derive(Debug)]
pub(crate) struct Pending {
    /// Its number in the outbox.
    pub seq: u64,
    /// Notices of one key are delivered in order.
    pub key: Key,
    /// When it was taken: milliseconds since 1970.
    pub at: i64,
    /// What is delivered.
    pub notice: Notice,
}

/// A notice that was given up.
#[derive(Debug, Clone)]
pub struct DeadNotice {
    /// Which sink did not take it.
    pub sink: Arc<str>,
    /// When it was given up: milliseconds since 1970.
    pub at: i64,
    /// Why.
    pub reason: String,
    pending: Arc<Pending>,
    bytes: u64,
}

impl DeadNotice {
    /// The notice.
    pub fn notice(&self) -> &Notice {
        &self.pending.notice
    }
}

#[derive(Debug)]
struct Entry {
    pending: Arc<Pending>,
    waiting: Vec<Arc<str>>,
    bytes: u64,
}

#[derive(Debug, Clone, Copy)]
struct Known {
    count: u64,
    at: i64,
}

/// The state. Every change is also a record; applying the records gives the state again.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    keys: HashMap<(Key, NoticeKind), Known>,
    order: VecDeque<(Key, NoticeKind)>,
    entries: BTreeMap<u64, Entry>,
    dead: VecDeque<DeadNotice>,
    next_seq: u64,
    entry_bytes: u64,
}

impl Ledger {
    /// Takes a notice for some sinks, unless it was taken before; what was taken is appended to `out` as a frame.
    pub(super) fn offer(
        &mut self,
        notice: Notice,
        sinks: &[Arc<str>],
        at: i64,
        out: &mut Vec<u8>,
    ) -> (Offer, Option<Arc<Pending>>) {
        self.forget(at);
        let key = Key::parse(&notice.key);
        if let Some(known) = self.keys.get(&(key, notice.kind)) {
            return (Offer::Known { count: known.count }, None);
        }
        let seq = self.next_seq;
        let before = out.len();
        encode(&add(seq, at, sinks, &notice), out);
        let pending = self.insert(seq, at, notice, sinks.to_vec(), (out.len() - before) as u64);
        (Offer::Taken, (!sinks.is_empty()).then_some(pending))
    }

    /// Notes that a sink is done with a notice; false when it was already.
    pub(super) fn settle(&mut self, seq: u64, sink: &str, at: i64, dead: Option<&str>, out: &mut Vec<u8>) -> bool {
        let settled = self.remove(seq, sink, at, dead);
        if settled {
            encode(&Record::Done { seq, at, sink: sink.into(), dead: dead.map(Into::into) }, out);
        }
        settled
    }

    /// Takes in a record of the file, whose frame has so many bytes.
    pub(super) fn apply(&mut self, record: Record<'_>, bytes: u64) {
        match record {
            Record::Format(_) => {}
            Record::Add { seq, at, sinks, notice } => {
                let sinks = sinks.iter().map(|sink| Arc::from(&**sink)).collect();
                self.insert(seq, at, notice.into_owned(), sinks, bytes);
            }
            Record::Done { seq, at, sink, dead } => {
                self.remove(seq, &sink, at, dead.as_deref());
            }
            Record::Dead { at, sink, reason, notice } => {
                let notice = notice.into_owned();
                let pending = Arc::new(Pending { seq: u64::MAX, key: Key::parse(&notice.key), at, notice });
                self.bury(DeadNotice { sink: (&*sink).into(), at, reason: reason.into_owned(), pending, bytes });
            }
            Record::Keys(keys) => {
                for known in keys {
                    self.remember(Key::parse(&known.key), known.kind, known.count, known.at);
                }
            }
        }
    }

    /// The notices that wait for a sink, oldest first.
    pub(super) fn waiting(&self, sink: &str) -> impl Iterator<Item = &Arc<Pending>> {
        let waits = move |entry: &&Entry| entry.waiting.iter().any(|name| &**name == sink);
        self.entries.values().filter(waits).map(|entry| &entry.pending)
    }

    /// What waits for sinks that are not among these.
    pub(super) fn orphans(&self, sinks: &[Arc<str>]) -> Vec<(u64, Arc<str>)> {
        let gone = |sink: &&Arc<str>| !sinks.contains(sink);
        let all = self.entries.iter().flat_map(|(seq, entry)| entry.waiting.iter().map(move |sink| (*seq, sink)));
        all.filter(|(_, sink)| gone(sink)).map(|(seq, sink)| (seq, sink.clone())).collect()
    }

    /// What was given up, oldest first.
    pub(super) fn dead(&self) -> impl Iterator<Item = &DeadNotice> {
        self.dead.iter()
    }

    /// About how many bytes the file would have if it were written anew.
    pub(super) fn live_bytes(&self) -> u64 {
        let dead: u64 = self.dead.iter().map(|dead| dead.bytes).sum();
        self.entry_bytes + dead + self.keys.len() as u64 * KEY_BYTES
    }

    /// All that is to be kept, cheap to take under a lock.
    pub(super) fn snapshot(&self) -> Snapshot {
        let keys = self.order.iter().filter_map(|&(key, kind)| {
            let known = self.keys.get(&(key, kind))?;
            Some((key, kind, *known))
        });
        Snapshot {
            keys: keys.collect(),
            dead: self.dead.iter().cloned().collect(),
            entries: self.entries.values().map(|entry| (entry.pending.clone(), entry.waiting.clone())).collect(),
        }
    }

    fn insert(&mut self, seq: u64, at: i64, notice: Notice, sinks: Vec<Arc<str>>, bytes: u64) -> Arc<Pending> {
        let key = Key::parse(&notice.key);
        self.remember(key, notice.kind, notice.count, at);
        self.next_seq = self.next_seq.max(seq.saturating_add(1));
        let pending = Arc::new(Pending { seq, key, at, notice });
        if !sinks.is_empty() {
            self.entry_bytes += bytes;
            self.entries.insert(seq, Entry { pending: pending.clone(), waiting: sinks, bytes });
        }
        pending
    }

    fn remove(&mut self, seq: u64, sink: &str, at: i64, dead: Option<&str>) -> bool {
        let Some(entry) = self.entries.get_mut(&seq) else { return false };
        let Some(place) = entry.waiting.iter().position(|name| &**name == sink) else { return false };
        let sink = entry.waiting.remove(place);
        let (pending, bytes) = (entry.pending.clone(), entry.bytes);
        if entry.waiting.is_empty() {
            self.entry_bytes -= entry.bytes;
            self.entries.remove(&seq);
        }
        if let Some(reason) = dead {
            self.bury(DeadNotice { sink, at, reason: reason.to_owned(), pending, bytes });
        }
        true
    }

    fn bury(&mut self, dead: DeadNotice) {
        if self.dead.len() >= MAX_DEAD {
            self.dead.pop_front();
        }
        self.dead.push_back(dead);
    }

    fn remember(&mut self, key: Key, kind: NoticeKind, count: u64, at: i64) {
        if self.keys.insert((key, kind), Known { count, at }).is_none() {
            self.order.push_back((key, kind));
        }
    }

    /// Forgets keys that are old or too many.
    fn forget(&mut self, now: i64) {
        while let Some(oldest) = self.order.front() {
            let at = self.keys.get(oldest).map_or(i64::MIN, |known| known.at);
            if self.order.len() <= MAX_KEYS && at >= now.saturating_sub(KEY_AGE) {
                break;
            }
            self.keys.remove(oldest);
            self.order.pop_front();
        }
    }
}

fn add<'a>(seq: u64, at: i64, sinks: &'a [Arc<str>], notice: &'a Notice) -> Record<'a> {
    let sinks = sinks.iter().map(|sink| (&**sink).into()).collect();
    Record::Add { seq, at, sinks, notice: std::borrow::Cow::Borrowed(notice) }
}

/// A copy of what is to be kept.
pub(super) struct Snapshot {
    keys: Vec<(Key, NoticeKind, Known)>,
    dead: Vec<DeadNotice>,
    entries: Vec<(Arc<Pending>, Vec<Arc<str>>)>,
}

impl Snapshot {
    /// The whole file.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        encode(&Record::Format(VERSION), &mut out);
        for keys in self.keys.chunks(KEYS_A_RECORD) {
            let known = |&(key, kind, known): &(Key, NoticeKind, Known)| KnownKey {
                key: format!("{:032x}", key.0),
                kind,
                count: known.count,
                at: known.at,
            };
            encode(&Record::Keys(keys.iter().map(known).collect()), &mut out);
        }
        for dead in &self.dead {
            let notice = std::borrow::Cow::Borrowed(dead.notice());
            let (sink, reason) = ((&*dead.sink).into(), dead.reason.as_str().into());
            encode(&Record::Dead { at: dead.at, sink, reason, notice }, &mut out);
        }
        for (pending, waiting) in &self.entries {
            encode(&add(pending.seq, pending.at, waiting, &pending.notice), &mut out);
        }
        out
    }
}
