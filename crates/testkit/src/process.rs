//! What the kernel says of a process: CPU time and memory.

use std::collections::BTreeMap;

use crate::error::{KitError, Result};

/// Ticks of `/proc/<pid>/stat` in a second: 100 on every Linux.
const TICKS: f64 = 100.0;

/// Memory of a process, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Memory {
    /// In use now.
    pub resident: u64,
    /// The most that was ever in use.
    pub peak: u64,
}

/// CPU seconds that a process has used, in user mode and in the kernel, all threads, those that ended among them.
///
/// # Errors
/// There is no such process.
pub fn cpu_seconds(pid: u32) -> Result<f64> {
    let stat = read(&format!("/proc/{pid}/stat"))?;
    cpu_of(&stat).ok_or_else(|| KitError(format!("/proc/{pid}/stat cannot be read: {stat}")))
}

fn cpu_of(stat: &str) -> Option<f64> {
    // The name stands in brackets and may hold anything; fields are counted behind it.
    let fields = stat.rsplit_once(')')?.1;
    let mut fields = fields.split_ascii_whitespace().skip(11);
    let (user, system): (u64, u64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some((user + system) as f64 / TICKS)
}

/// CPU seconds of the threads that live now, by their names (digits at the end left out).
///
/// # Errors
/// There is no such process.
pub fn cpu_by_thread(pid: u32) -> Result<BTreeMap<String, f64>> {
    let path = format!("/proc/{pid}/task");
    let tasks = std::fs::read_dir(&path).map_err(KitError::while_trying(&path))?;
    let mut threads = BTreeMap::new();
    for task in tasks.flatten() {
        // A thread may end meanwhile.
        let Ok(name) = std::fs::read_to_string(task.path().join("comm")) else { continue };
        let Ok(times) = std::fs::read_to_string(task.path().join("schedstat")) else { continue };
        let nanos = times.split_ascii_whitespace().next().and_then(|n| n.parse::<u64>().ok()).unwrap_or(0);
        let name = name.trim_end().trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '-' | '_' | '#'));
        *threads.entry(name.to_owned()).or_insert(0.0) += nanos as f64 / 1e9;
    }
    Ok(threads)
}

/// Memory of a process.
///
/// # Errors
/// There is no such process.
pub fn memory(pid: u32) -> Result<Memory> {
    let status = read(&format!("/proc/{pid}/status"))?;
    let kilobytes = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.and_then(|rest| rest.split_ascii_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0)
    };
    Ok(Memory { resident: kilobytes("VmRSS") << 10, peak: kilobytes("VmHWM") << 10 })
}

fn read(path: &str) -> Result<String> {
    std::fs::read_to_string(path).map_err(KitError::while_trying(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_does_not_confuse() {
        let stat = "42 (a b) c) S 1 2 3 4 5 6 7 8 9 10 250 50 0 0 20 0 1 0";
        assert_eq!(cpu_of(stat), Some(3.0));
        assert_eq!(cpu_of("42 (x) S 1"), None);
    }

    #[test]
    fn this_process_uses_cpu_and_memory() {
        let pid = std::process::id();
        let before = cpu_seconds(pid).expect("this process");
        let mut sum = 0_u64;
        while cpu_seconds(pid).expect("this process") < before + 0.05 {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        assert!(cpu_by_thread(pid).expect("this process").values().sum::<f64>() > 0.0);
        let memory = memory(pid).expect("this process");
        assert!(memory.resident > 0 && memory.peak >= memory.resident, "{memory:?}");
    }
}
