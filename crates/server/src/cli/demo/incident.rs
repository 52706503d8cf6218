//! What goes wrong in the demo, when, and how it unfolds.

use whittle_domain::Level;
use whittle_synth::{LineTemplate, Source, Template};

/// When incidents happen, in microseconds from the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeline {
    first: i64,
    every: i64,
    length: i64,
}

const SECOND: i64 = 1_000_000;

impl Timeline {
    /// To be watched: one within the first seconds, then one after the other.
    pub const LIVE: Timeline = Timeline { first: 8 * SECOND, every: 45 * SECOND, length: 30 * SECOND };
    /// For the past: a quarter of an hour, every two hours.
    pub const SLOW: Timeline = Timeline { first: 1_800 * SECOND, every: 7_200 * SECOND, length: 900 * SECOND };

    /// The incident that goes on: its number from 0, and how far it is (0 to 1).
    pub fn at(&self, elapsed: i64) -> Option<(u64, f64)> {
        let since = elapsed - self.first;
        let number = u64::try_from(since.div_euclid(self.every)).ok()?;
        let into = since.rem_euclid(self.every);
        (into < self.length).then(|| (number, into as f64 / self.length as f64))
    }
}

/// An incident that began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Incident {
    /// Microseconds from the start.
    pub elapsed: i64,
    /// What happens.
    pub title: &'static str,
    /// What to search for.
    pub look_for: &'static str,
}

/// A story with its sources found and its messages read.
#[derive(Debug)]
pub(super) struct Story {
    pub(super) title: &'static str,
    pub(super) look_for: &'static str,
    steps: Vec<(Step, usize, LineTemplate)>,
}

impl Story {
    /// What is said at `progress`, by a chance between 0 and 1: the source and its line.
    pub(super) fn step(&self, progress: f64, chance: f64) -> Option<(usize, &LineTemplate)> {
        let on = |step: &Step| step.from <= progress && progress < step.to;
        let all: u32 = self.steps.iter().filter(|(step, ..)| on(step)).map(|(step, ..)| step.weight).sum();
        let mut left = chance * f64::from(all);
        for (step, source, line) in self.steps.iter().filter(|(step, ..)| on(step)) {
            left -= f64::from(step.weight);
            if left < 0.0 {
                return Some((*source, line));
            }
        }
        None
    }
}

/// A message of a story: from when to when (0 to 1), how often beside the others.
#[derive(Debug, Clone, Copy)]
struct Step {
    from: f64,
    to: f64,
    weight: u32,
    source: &'static str,
    level: Level,
    message: &'static str,
}

const fn step((from, to): (f64, f64), weight: u32, source: &'static str, level: Level, message: &'static str) -> Step {
    Step { from, to, weight, source, level, message }
}

/// A story as it is written down.
pub(super) struct Script {
    title: &'static str,
    look_for: &'static str,
    steps: &'static [Step],
}

impl Script {
    /// Finds the sources. A step whose source is not there is left out.
    pub(super) fn bind(&self, sources: &[Source]) -> Story {
        let bind = |step: &Step| {
            let source = sources.iter().position(|source| *source.name == *step.source)?;
            let message = Template::parse(step.message);
            Some((*step, source, LineTemplate { level: step.level, sent: step.level.as_str(), weight: 1, message }))
        };
        Story { title: self.title, look_for: self.look_for, steps: self.steps.iter().filter_map(bind).collect() }
    }
}

use Level::{Error, Info, Warn};

/// The stories, in the order in which they happen.
pub(super) const STORIES: [Script; 6] = [
    Script {
        title: "database connections run out",
        look_for: "Connection is not available",
        steps: &[
            step(
                (0.0, 0.5),
                3,
                "orders",
                Warn,
                "com.zaxxer.hikari.pool.HikariPool : HikariPool-1 - Pool stats (total=20, active=20, idle=0, waiting=<int:3-80>)",
            ),
            step((0.1, 0.4), 1, "postgres", Warn, "<int:17-19> of 20 connection slots are used by application orders"),
            step((0.2, 0.9), 3, "postgres", Error, "sorry, too many clients already"),
            step(
                (0.25, 0.95),
                6,
                "orders",
                Error,
                "java.sql.SQLTransientConnectionException: HikariPool-1 - Connection is not available, request timed out after <int:30000-30090>ms (<int:3-90> waiting)",
            ),
            step(
                (0.3, 0.95),
                4,
                "checkout",
                Error,
                "Order <order> could not be saved: orders answered 503 after <int:30000-31000> ms",
            ),
            step(
                (0.35, 0.95),
                5,
                "gateway",
                Error,
                "<int:20-31>#<int:20-31>: *<seq> upstream timed out (110: Connection timed out) while reading response header from upstream, client: <extip>, request: \"POST /api/orders HTTP/1.1\", upstream: \"http://<ip>:8080/api/orders\"",
            ),
            step(
                (0.4, 0.95),
                5,
                "gateway",
                Warn,
                "<extip> - - \"POST /api/orders HTTP/1.1\" 504 160 \"-\" \"<agent>\" 30.00<int:0-9>",
            ),
            step(
                (0.9, 1.0),
                5,
                "orders",
                Info,
                "com.zaxxer.hikari.pool.HikariPool : HikariPool-1 - closed <int:4-12> leaked connections, pool is back to active=<int:2-9>",
            ),
        ],
    },
    Script {
        title: "a bad deploy of the cart",
        look_for: "Cannot read properties of undefined",
        steps: &[
            step(
                (0.0, 0.1),
                6,
                "kubernetes",
                Info,
                "Normal ScalingReplicaSet deployment/cart Scaled up replica set cart-6c9d5f7b84 to <int:1-8>",
            ),
            step((0.05, 0.15), 3, "cart", Info, "cart 7.3.0 listens on :8080 (was 7.2.9)"),
            step(
                (0.1, 0.85),
                8,
                "cart",
                Error,
                "TypeError: Cannot read properties of undefined (reading 'currency') at applyVoucher (/app/dist/voucher.js:<int:110-114>:17) cart=<uuid>",
            ),
            step(
                (0.15, 0.85),
                4,
                "mobile-api",
                Error,
                "POST /api/cart/vouchers 500 <dur:8-90>ms user=<user> upstream=cart",
            ),
            step(
                (0.2, 0.85),
                3,
                "checkout",
                Warn,
                "Cart <uuid> could not be loaded (cart answered 500), asking user <user> to retry",
            ),
            step(
                (0.3, 0.8),
                2,
                "kubernetes",
                Warn,
                "Warning BackOff pod/cart-6c9d5f7b84-<hex:5> Back-off restarting failed container app in pod cart-6c9d5f7b84-<hex:5>_shop(<uuid>)",
            ),
            step(
                (0.85, 1.0),
                4,
                "kubernetes",
                Info,
                "Normal DeploymentRollback deployment/cart Rolled back deployment \"cart\" to revision <int:40-60>",
            ),
        ],
    },
    Script {
        title: "a broker's disk fills up",
        look_for: "No space left on device",
        steps: &[
            step(
                (0.0, 0.25),
                3,
                "kafka",
                Warn,
                "Disk /var/lib/kafka of broker 3 is 85 % full (<int:70-74> GB of 500 GB left)",
            ),
            step(
                (0.2, 0.4),
                4,
                "kafka",
                Warn,
                "Disk /var/lib/kafka of broker 3 is 97 % full (<int:11-15> GB of 500 GB left)",
            ),
            step(
                (0.4, 0.9),
                6,
                "kafka",
                Error,
                "Error while appending records to <topic>-<int:0-11> in dir /var/lib/kafka: java.io.IOException: No space left on device",
            ),
            step(
                (0.45, 0.9),
                2,
                "kafka",
                Error,
                "[LogDirFailureChannel] Stopping serving logs in dir /var/lib/kafka, <int:20-60> partitions are offline",
            ),
            step(
                (0.5, 0.95),
                4,
                "notifications",
                Error,
                "Cannot read from topic mails-<int:0-11>: leader is not available, <int:100-90000> messages wait",
            ),
            step(
                (0.5, 0.95),
                3,
                "scheduler",
                Warn,
                "Task mail-digest-<int:100000-999999> put off: broker 3 does not answer (attempt <int:1-9>)",
            ),
            step(
                (0.9, 1.0),
                4,
                "kafka",
                Info,
                "[LogCleaner] Deleted <int:20-90> segments of topic clicks, <int:120-180> GB free again",
            ),
        ],
    },
    Script {
        title: "a payment provider slows down and a retry storm follows",
        look_for: "circuit",
        steps: &[
            step(
                (0.0, 0.4),
                5,
                "payments",
                Warn,
                "Acquirer worldline answered in <dur:2000-15000> ms, above the limit of 2000 ms",
            ),
            step((0.15, 0.6), 5, "checkout", Warn, "Retrying payment for order <order>, attempt <int:2-8> of 8"),
            step(
                (0.3, 0.6),
                6,
                "payments",
                Error,
                "Charge for order <order> failed: worldline answered 429 Too Many Requests (<int:300-4000> requests in the last minute)",
            ),
            step((0.4, 0.7), 3, "checkout", Error, "Payment for order <order> timed out after <int:8-9> attempts"),
            step(
                (0.55, 0.85),
                5,
                "payments",
                Warn,
                "circuit for acquirer worldline is open, sending order <order> to adyen",
            ),
            step(
                (0.8, 0.92),
                2,
                "payments",
                Info,
                "circuit for acquirer worldline is half open, trying <int:1-5> of 100 charges",
            ),
            step(
                (0.9, 1.0),
                3,
                "payments",
                Info,
                "circuit for acquirer worldline is closed again after <int:60-400> s",
            ),
        ],
    },
    Script {
        title: "a certificate expires",
        look_for: "certificate has expired",
        steps: &[
            step((0.0, 0.2), 2, "auth", Warn, "Certificate of ldap.corp.example expires in <int:1-9> minutes"),
            step(
                (0.2, 0.85),
                6,
                "auth",
                Error,
                "TLS handshake with ldaps://ldap.corp.example:636 failed: certificate has expired (notAfter <iso>)",
            ),
            step(
                (0.25, 0.85),
                5,
                "auth",
                Warn,
                "Sign-in of user <user> with password refused: directory is not available",
            ),
            step((0.3, 0.85), 4, "mobile-api", Error, "POST /v2/sessions 503 <dur:20-900>ms user=<user> upstream=auth"),
            step(
                (0.3, 0.85),
                4,
                "gateway",
                Warn,
                "<extip> - - \"POST /v2/sessions HTTP/1.1\" 503 212 \"-\" \"<agent>\" 0.0<int:10-99>",
            ),
            step((0.85, 1.0), 3, "auth", Info, "Certificate of ldap.corp.example renewed, valid for <int:80-90> days"),
        ],
    },
    Script {
        title: "a search node runs out of memory",
        look_for: "primary shard is not active",
        steps: &[
            step(
                (0.0, 0.3),
                4,
                "search",
                Warn,
                "[gc][<seq>] overhead, spent [<dur:600-980>ms] collecting in the last [1s]",
            ),
            step(
                (0.25, 0.4),
                4,
                "kernel",
                Error,
                "[<int:100000-999999>.<int:100000-999999>] Out of memory: Killed process <int:300-90000> (java) total-vm:<int:6000000-9000000>kB, anon-rss:<int:4000000-5000000>kB, file-rss:0kB",
            ),
            step(
                (0.3, 0.45),
                2,
                "kubernetes",
                Warn,
                "Warning OOMKilling pod/search-2 Memory cgroup out of memory: Killed process <int:300-90000> (java)",
            ),
            step(
                (0.35, 0.9),
                6,
                "search",
                Error,
                "all shards failed for phase: [query] NoShardAvailableActionException: [products-v<int:40-60>][<int:0-4>] primary shard is not active",
            ),
            step(
                (0.4, 0.9),
                4,
                "mobile-api",
                Error,
                "GET /api/search 503 <dur:100-3000>ms user=<user> upstream=search",
            ),
            step(
                (0.85, 1.0),
                4,
                "search",
                Info,
                "cluster health status changed from [RED] to [GREEN] (reason: [shards started [[products-v<int:40-60>][<int:0-4>]]])",
            ),
        ],
    },
];
