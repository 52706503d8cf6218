//! A bus over a real Kafka obeys the laws that every bus obeys, in both protocols of groups.

#[path = "../../bus/tests/laws/mod.rs"]
mod laws;

use std::sync::Arc;
use std::time::Duration;

use laws::Harness;
use whittle_bus::Bus;
use whittle_kafka::{GroupProtocol, KafkaBus, Settings};
use whittle_testkit::Kafka;

const MAX_ENTRY: usize = 2 << 20;

/// A cluster whose topics are deleted between laws.
struct Real {
    kafka: Kafka,
    groups: GroupProtocol,
    bus: Option<Arc<KafkaBus>>,
    kills: u32,
}

impl Real {
    fn open(&mut self) -> Arc<KafkaBus> {
        let mut settings = Settings::new(self.kafka.brokers());
        (settings.groups, settings.entry_bytes) = (self.groups, MAX_ENTRY);
        let bus = KafkaBus::open(settings).expect("the settings are taken");
        self.bus = Some(bus.clone());
        bus
    }
}

impl Harness for Real {
    fn fresh(&mut self) -> Arc<dyn Bus> {
        if let Some(bus) = self.bus.take() {
            bus.abandon();
        }
        let bus = self.open();
        let topics = bus.topics().expect("the brokers answer");
        let ours: Vec<&str> = topics.iter().map(String::as_str).filter(|name| !name.starts_with("__")).collect();
        if !ours.is_empty() {
            bus.delete_topics(&ours).expect("topics can be deleted");
        }
        bus
    }

    fn reopen(&mut self) -> Arc<dyn Bus> {
        self.bus.take().expect("a bus is open").close(Duration::from_secs(20));
        self.open()
    }

    /// The client's process is killed, and every other time the broker with it.
    fn kill(&mut self) -> Arc<dyn Bus> {
        self.bus.take().expect("a bus is open").abandon();
        self.kills += 1;
        if self.kills.is_multiple_of(2) {
            self.kafka.kill(1).expect("the broker can be killed");
            self.kafka.restart(1).expect("the broker starts again");
        }
        self.open()
    }

    fn takes_many(&self) -> bool {
        false
    }

    fn max_entry(&self) -> usize {
        MAX_ENTRY
    }
}

fn obeys(groups: GroupProtocol) {
    let Some(kafka) = Kafka::start(1).expect("Kafka starts") else { return };
    laws::check(&mut Real { kafka, groups, bus: None, kills: 0 });
}

#[test]
fn the_laws_hold_in_the_new_protocol() {
    obeys(GroupProtocol::Auto);
}

#[test]
fn the_laws_hold_in_the_classic_protocol() {
    obeys(GroupProtocol::Classic);
}

/// Brokers before Kafka 4.0, or ones that were told so.
#[test]
fn brokers_that_know_the_classic_protocol_alone_are_spoken_to_in_it() {
    let only_classic = "group.coordinator.rebalance.protocols=classic";
    let Some(kafka) = Kafka::start_with(1, only_classic).expect("Kafka starts") else { return };
    let bus = KafkaBus::open(Settings::new(kafka.brokers())).expect("the settings are taken");
    bus.ensure_topic("old", 2).expect("the topic is made");
    laws::hands::append(&*bus, "old", laws::hands::entry("here"));
    let mut consumer = bus.subscribe("old", "g").expect("joins");
    let frames = laws::hands::read(&mut *consumer, 1);
    consumer.commit(&laws::hands::behind(&frames)).expect("commits");
    assert_eq!(laws::hands::texts(&frames), ["here"]);

    let stubborn = Settings { groups: GroupProtocol::Consumer, ..Settings::new(kafka.brokers()) };
    let bus = KafkaBus::open(stubborn).expect("the settings are taken");
    let mut consumer = bus.subscribe("old", "h").expect("joins");
    let refused = consumer.poll(1, laws::PATIENCE).expect_err("these brokers do not know the new protocol");
    assert!(refused.to_string().contains("not supported") || refused.to_string().contains("Unsupported"), "{refused}");
}
