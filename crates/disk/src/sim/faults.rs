//! Which calls fail, and how.

use std::io;

/// The calls that can fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Call {
    Open,
    Create,
    CreateDir,
    List,
    Rename,
    Remove,
    SyncDir,
    Space,
    Lock,
    Read,
    Write,
    Sync,
    SetLen,
    Allocate,
    Len,
}

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// `ENOSPC`. A write may have written a part.
    NoSpace,
    /// `EIO`. A write may have written a part.
    Io,
}

/// Lets some calls fail.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// Only calls of this kind.
    pub call: Option<Call>,
    /// So many of them still work.
    pub after: u64,
    /// So many of them then fail.
    pub times: u64,
    /// How.
    pub fault: Fault,
}

/// The rules in force.
#[derive(Debug, Default)]
pub(super) struct Faults {
    rules: Vec<Rule>,
    calls: u64,
    /// The call at which the power goes.
    off_at: Option<u64>,
}

impl Faults {
    pub fn add(&mut self, rule: Rule) {
        self.rules.push(rule);
    }

    pub fn clear(&mut self) {
        self.rules.clear();
    }

    pub fn calls(&self) -> u64 {
        self.calls
    }

    /// Lets the power go after so many calls.
    pub fn off_after(&mut self, calls: u64) {
        self.off_at = Some(self.calls + calls);
    }

    /// Whether the power has gone.
    pub fn is_off(&self) -> bool {
        self.off_at.is_some_and(|at| self.calls > at)
    }

    /// The power is there, and stays.
    pub fn on(&mut self) {
        self.off_at = None;
    }

    /// Counts a call and says whether it fails.
    pub fn check(&mut self, call: Call) -> io::Result<()> {
        self.calls += 1;
        if self.is_off() {
            return Err(power_is_off());
        }
        let mut failed = Ok(());
        for rule in self.rules.iter_mut().filter(|rule| rule.call.is_none_or(|c| c == call)) {
            if rule.after > 0 {
                rule.after -= 1;
            } else if rule.times > 0 {
                rule.times -= 1;
                failed = Err(rule.fault.error());
            }
        }
        failed
    }
}

impl Fault {
    /// The error as the operating system gives it.
    pub fn error(self) -> io::Error {
        io::Error::from_raw_os_error(match self {
            Fault::NoSpace => 28,
            Fault::Io => 5,
        })
    }
}

/// What every call answers once the power is gone, and what is used of an earlier life of the disk.
pub(super) fn power_is_off() -> io::Error {
    io::Error::other("the power is off")
}
