//! Lines for the tests: those of real systems where they are at hand, else a few made ones; and a fixed sequence of numbers.
#![allow(dead_code, reason = "each test binary uses a part")]

use std::path::PathBuf;

/// A deterministic sequence.
pub struct Numbers(u64);

impl Numbers {
    pub fn new(seed: u64) -> Self {
        Numbers(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 >> 11
    }

    pub fn word(&mut self) -> String {
        (0..3 + self.next() % 9).map(|_| char::from(b'a' + (self.next() % 26) as u8)).collect()
    }

    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for at in (1..items.len()).rev() {
            items.swap(at, (self.next() % (at as u64 + 1)) as usize);
        }
    }
}

/// The rows of a system's table without its head, if the tables are there.
pub fn table(system: &str) -> Option<Vec<Vec<String>>> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/loghub").join(format!("{system}.tsv"));
    let text = std::fs::read(path).ok()?;
    let rows = String::from_utf8_lossy(&text)
        .lines()
        .skip(1)
        .map(|line| line.splitn(7, '\t').map(str::to_owned).collect())
        .collect();
    Some(rows)
}

/// All systems that there are tables of.
pub const SYSTEMS: [&str; 8] = ["Apache", "HDFS", "Hadoop", "HealthApp", "OpenSSH", "Proxifier", "Spark", "Zookeeper"];

/// Many lines of many kinds.
pub fn sample() -> Vec<String> {
    let mut numbers = Numbers::new(1);
    let mut lines: Vec<String> =
        SYSTEMS.iter().filter_map(|system| table(system)).flatten().map(|mut row| row.swap_remove(6)).collect();
    for _ in 0..500 {
        let (a, b, c) = (numbers.next() % 900, numbers.next() % 7, numbers.next() % 5);
        let user = ["root", "admin", "bob", "0101", "eve"][c as usize];
        lines.push(match b {
            0 => format!("Accepted password for user {user} from 10.0.0.{a} port {a}"),
            1 => format!("free {a} {} of {a} MB", ["KB", "MB", "B", "GB", "KB"][c as usize]),
            2 => {
                format!("cannot reach {}:{a} now", ["gate", "10.0.0.1", "a.example.com", "router", "gate"][c as usize])
            }
            3 => format!("state name={} uid={a} host=", if c == 0 { "" } else { user }),
            4 => format!(
                "the {} lamp in room{a} is {}",
                ["red", "blue", "green", "dim", "red"][c as usize],
                ["on", "off"][(a % 2) as usize]
            ),
            5 => format!("REPORT : {}", "7 ".repeat(c as usize + 1)),
            _ => format!("{user} {} again", ["wrote", "took", "gave", "lost", "kept"][(a % 5) as usize]),
        });
    }
    lines
}
