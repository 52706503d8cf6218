//! What the gateway may hold, and when it lets go of a client.

use std::time::Duration;

use serde::Deserialize;

/// The `[gateway]` table.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GatewaySettings {
    /// Events that are held for slow and returning clients, at least.
    pub room_events: usize,
    /// Bytes that they may take together. This bound is the stronger one: larger events than `room_bytes / room_events` on
    /// average (2 KiB as set) leave room for fewer.
    pub room_bytes: usize,
    /// Clients at once; more are refused with 503.
    pub max_clients: usize,
    /// Bytes of a message from a client.
    pub max_message_bytes: usize,
    /// Milliseconds that news are gathered before clients are woken; four times as many when there are very many plain clients.
    pub pulse_ms: u64,
    /// Events a second above which a client with `batchMs` gets one in so many; bursts of two seconds' worth pass whole. 0: never.
    pub sample_above: u32,
    /// Milliseconds between pings.
    pub ping_ms: u64,
    /// Milliseconds without a byte from a client after which it counts as gone.
    pub idle_ms: u64,
    /// Milliseconds without progress in writing after which a client is let go.
    pub stall_ms: u64,
    /// Bytes that the kernel may hold for a client that does not read.
    pub send_buffer_bytes: usize,
}

impl Default for GatewaySettings {
    fn default() -> Self {
        GatewaySettings {
            room_events: 65_536,
            room_bytes: 128 << 20,
            max_clients: 2_048,
            max_message_bytes: 64 << 10,
            pulse_ms: 5,
            sample_above: 10_000,
            ping_ms: 20_000,
            idle_ms: 75_000,
            stall_ms: 60_000,
            send_buffer_bytes: 256 << 10,
        }
    }
}

impl GatewaySettings {
    /// Checks what a type does not show.
    ///
    /// # Errors
    /// Says which key of `[gateway]` is wrong and what it takes.
    pub fn validate(&self) -> Result<(), String> {
        let ranges = [
            ("room_events", self.room_events as u64, 1, 1 << 24),
            ("room_bytes", self.room_bytes as u64, 1 << 20, 1 << 36),
            ("max_clients", self.max_clients as u64, 1, 1 << 17),
            ("max_message_bytes", self.max_message_bytes as u64, 1 << 10, 1 << 20),
            ("pulse_ms", self.pulse_ms, 1, 50),
            ("ping_ms", self.ping_ms, 100, 300_000),
            ("idle_ms", self.idle_ms, 200, 3_600_000),
            ("stall_ms", self.stall_ms, 100, 3_600_000),
            ("send_buffer_bytes", self.send_buffer_bytes as u64, 16 << 10, 64 << 20),
        ];
        for (key, value, least, most) in ranges {
            if value < least || value > most {
                return Err(format!("gateway.{key} = {value} is out of range; give {least} to {most}"));
            }
        }
        if self.idle_ms < 2 * self.ping_ms {
            return Err(
                "gateway.idle_ms must be twice gateway.ping_ms or more: only a ping makes a quiet client answer".into(),
            );
        }
        Ok(())
    }

    pub(super) fn ping(&self) -> Duration {
        Duration::from_millis(self.ping_ms)
    }

    pub(super) fn idle(&self) -> Duration {
        Duration::from_millis(self.idle_ms)
    }

    pub(super) fn stall(&self) -> Duration {
        Duration::from_millis(self.stall_ms)
    }
}
