//! The variables of a message: each kind and how its values vary.

use std::fmt::Write as _;

use whittle_domain::timestamp;

use crate::template::Scene;
use crate::words;

/// A variable.
#[derive(Debug, Clone)]
pub enum Slot {
    /// A whole number, all alike.
    Int(u64, u64),
    /// A whole number, small ones more often: durations, counts.
    Skewed(u64, u64),
    /// A number with three digits after the point.
    Float(f64, f64),
    /// That many hex digits.
    Hex(usize),
    /// One of some texts.
    Of(Vec<&'static str>),
    /// One of the kinds that have a name alone.
    Named(Named),
}

/// The kinds without arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Named {
    /// A UUID of version 4.
    Uuid,
    /// An address of the own network.
    Ip,
    /// Any other address.
    ExternalIp,
    /// An ephemeral port.
    Port,
    /// A user's id; some come often.
    User,
    /// An e-mail address.
    Email,
    /// Number of an order.
    Order,
    /// An amount.
    Money,
    /// Path of a URL.
    Path,
    /// A browser.
    Agent,
    /// A machine of the cluster.
    Host,
    /// A pod of the cluster.
    Pod,
    /// A table of the database.
    Table,
    /// A topic of the queue.
    Topic,
    /// The record's time as RFC 3339.
    Iso,
    /// The record's time as web servers write it.
    Clf,
    /// The record's time in seconds since 1970.
    Epoch,
    /// An amount of bytes with its unit.
    Size,
    /// A product.
    Sku,
    /// A city.
    City,
    /// The end of a card's number.
    Card,
    /// A class of a program.
    Class,
    /// A file.
    File,
    /// A host name of the world.
    Domain,
    /// A word that people search for.
    Word,
    /// A number that only rises.
    Seq,
    /// The machine that the record comes from.
    OwnHost,
    /// The pod that the record comes from.
    OwnPod,
    /// The region that the record comes from.
    OwnRegion,
}

const NAMED: [(&str, Named); 29] = [
    ("uuid", Named::Uuid),
    ("ip", Named::Ip),
    ("extip", Named::ExternalIp),
    ("port", Named::Port),
    ("user", Named::User),
    ("email", Named::Email),
    ("order", Named::Order),
    ("money", Named::Money),
    ("path", Named::Path),
    ("agent", Named::Agent),
    ("host", Named::Host),
    ("pod", Named::Pod),
    ("table", Named::Table),
    ("topic", Named::Topic),
    ("iso", Named::Iso),
    ("clf", Named::Clf),
    ("epoch", Named::Epoch),
    ("size", Named::Size),
    ("sku", Named::Sku),
    ("city", Named::City),
    ("card", Named::Card),
    ("class", Named::Class),
    ("file", Named::File),
    ("domain", Named::Domain),
    ("word", Named::Word),
    ("seq", Named::Seq),
    ("own-host", Named::OwnHost),
    ("own-pod", Named::OwnPod),
    ("own-region", Named::OwnRegion),
];

impl Slot {
    /// The slot of a name and its arguments, if there is one.
    pub fn parse(name: &str, arguments: &'static str) -> Option<Slot> {
        let range = || arguments.split_once('-');
        match name {
            "int" | "dur" => {
                let (min, max) = range()?;
                let (min, max) = (min.parse().ok()?, max.parse().ok()?);
                let fits = min <= max;
                fits.then_some(if name == "int" { Slot::Int(min, max) } else { Slot::Skewed(min, max) })
            }
            "float" => {
                let (min, max) = range()?;
                Some(Slot::Float(min.parse().ok()?, max.parse().ok()?))
            }
            "hex" => arguments.parse().ok().map(Slot::Hex),
            "of" => (!arguments.is_empty()).then(|| Slot::Of(arguments.split('|').collect())),
            _ if !arguments.is_empty() => None,
            _ => NAMED.iter().find(|(known, _)| *known == name).map(|(_, kind)| Slot::Named(*kind)),
        }
    }

    /// Appends a value.
    pub fn fill(&self, scene: &mut Scene<'_>, out: &mut String) {
        match self {
            Slot::Int(min, max) => number(out, scene.rng.u64(*min..=*max)),
            Slot::Skewed(min, max) => number(out, skewed(scene, *min, *max)),
            Slot::Float(min, max) => write(out, format_args!("{:.3}", min + scene.rng.f64() * (max - min))),
            Slot::Hex(digits) => hex(scene, *digits, out),
            Slot::Of(texts) => out.push_str(pick(scene, texts)),
            Slot::Named(kind) => kind.fill(scene, out),
        }
    }
}

impl Named {
    fn fill(self, scene: &mut Scene<'_>, out: &mut String) {
        match self {
            Named::OwnHost => out.push_str(&scene.origin.host),
            Named::OwnPod => out.push_str(&scene.origin.pod),
            Named::OwnRegion => out.push_str(scene.origin.region),
            Named::Seq => number(out, scene.seq),
            Named::Iso => out.push_str(&timestamp::to_string(scene.time)),
            Named::Clf => clf(scene.time, out),
            Named::Epoch => number(out, scene.time.unsigned_abs() / 1_000_000),
            Named::Table => out.push_str(pick(scene, &words::TABLES)),
            Named::Topic => out.push_str(pick(scene, &words::TOPICS)),
            Named::City => out.push_str(pick(scene, &words::CITIES)),
            Named::Agent => out.push_str(pick(scene, &words::AGENTS)),
            Named::Word => out.push_str(pick(scene, &words::SEARCHED)),
            Named::Host | Named::Pod | Named::Class | Named::File => self.fill_name(scene, out),
            Named::Uuid | Named::Port | Named::Ip | Named::ExternalIp => self.fill_network(scene, out),
            _ => self.fill_business(scene, out),
        }
    }

    fn fill_network(self, scene: &mut Scene<'_>, out: &mut String) {
        match self {
            Named::Uuid => {
                let n = scene.rng.u128(..);
                let n = n & !(0xf << 76) | 4 << 76;
                let n = n & !(0b11 << 62) | 0b10 << 62;
                let (a, b, c, d, e) =
                    (n >> 96, n >> 80 & 0xffff, n >> 64 & 0xffff, n >> 48 & 0xffff, n & 0xffff_ffff_ffff);
                write(out, format_args!("{a:08x}-{b:04x}-{c:04x}-{d:04x}-{e:012x}"));
            }
            Named::Port => number(out, scene.rng.u64(32_768..61_000)),
            Named::Ip => {
                write(out, format_args!("10.{}.{}.{}", scene.rng.u8(0..4), scene.rng.u8(0..32), scene.rng.u8(1..255)))
            }
            _ => {
                // Most strangers come again and again.
                let known = scene.rng.u8(0..4) > 0;
                let n = if known { scene.rng.u32(0..4_000).wrapping_mul(2_654_435_761) } else { scene.rng.u32(..) };
                let [a, b, c, d] = n.to_be_bytes();
                write(out, format_args!("{}.{b}.{c}.{d}", a % 200 + 20));
            }
        }
    }

    fn fill_name(self, scene: &mut Scene<'_>, out: &mut String) {
        match self {
            Named::Host => {
                write(out, format_args!("node-{:02}.{}.internal", scene.rng.u8(1..49), pick(scene, &words::REGIONS)))
            }
            Named::Pod => {
                let service = pick(scene, &words::DEPLOYED);
                write(out, format_args!("{service}-{}", pod_suffix(scene.rng.u32(0..600))));
            }
            Named::Class => {
                write(out, format_args!("{}{}", pick(scene, &words::CLASS_HEADS), pick(scene, &words::CLASS_TAILS)))
            }
            _ => {
                let (stem, end) = (pick(scene, &words::FILE_STEMS), pick(scene, &words::FILE_ENDS));
                write(out, format_args!("{stem}-{}.{end}", scene.rng.u16(1..2000)));
            }
        }
    }

    fn fill_business(self, scene: &mut Scene<'_>, out: &mut String) {
        match self {
            Named::User => write(out, format_args!("u{}", skewed(scene, 1_000, 90_000))),
            Named::Email => {
                let (name, number) = (pick(scene, &words::NAMES), scene.rng.u32(1..400));
                write(out, format_args!("{name}{number}@{}", pick(scene, &words::DOMAINS)));
            }
            Named::Order => {
                write(out, format_args!("A-{}", 4_000_000 + scene.seq / 9 % 900_000 + scene.rng.u64(0..400)))
            }
            Named::Money => write(out, format_args!("{}.{:02}", skewed(scene, 2, 900), scene.rng.u8(0..100))),
            Named::Size => write(
                out,
                format_args!("{}.{}{}", scene.rng.u16(1..1000), scene.rng.u8(0..10), pick(scene, &words::UNITS)),
            ),
            Named::Sku => write(out, format_args!("SKU-{}", skewed(scene, 10_000, 99_999))),
            Named::Card => write(out, format_args!("****{:04}", scene.rng.u16(0..10_000))),
            Named::Domain => {
                write(out, format_args!("{}.{}", pick(scene, &words::SUBDOMAINS), pick(scene, &words::DOMAINS)))
            }
            _ => {
                out.push_str(pick(scene, &words::PATHS));
                if scene.rng.u8(0..3) > 0 {
                    write(out, format_args!("/{}", skewed(scene, 1, 90_000)));
                }
            }
        }
    }
}

/// The end of a pod's name, one of a fixed few for each number.
pub(crate) fn pod_suffix(number: u32) -> String {
    let n = u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let tail: String =
        (0..5).map(|i| char::from(b"bcdfghjklmnpqrstvwxz2456789"[(n >> (20 + 6 * i)) as usize % 27])).collect();
    format!("{:x}-{tail}", (n >> 44) % 40 + 0x7d9f_8000)
}

fn write(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    let _ = out.write_fmt(text);
}

fn number(out: &mut String, n: u64) {
    write(out, format_args!("{n}"));
}

fn pick<T: Copy>(scene: &mut Scene<'_>, from: &[T]) -> T {
    from[scene.rng.usize(0..from.len())]
}

/// Even over the orders of magnitude.
fn skewed(scene: &mut Scene<'_>, min: u64, max: u64) -> u64 {
    let (low, high) = (((min + 1) as f64).ln(), ((max + 2) as f64).ln());
    let value = (low + scene.rng.f64() * (high - low)).exp() as u64;
    value.saturating_sub(1).clamp(min, max)
}

fn hex(scene: &mut Scene<'_>, digits: usize, out: &mut String) {
    for i in (0..digits).step_by(16) {
        let width = (digits - i).min(16);
        let n = scene.rng.u64(..) >> (64 - 4 * width);
        write(out, format_args!("{n:0width$x}"));
    }
}

/// `14/Nov/2023:22:13:20 +0000`.
fn clf(time: i64, out: &mut String) {
    let iso = timestamp::to_string(time);
    let month = iso[5..7].parse().unwrap_or(1_usize).clamp(1, 12);
    write(out, format_args!("{}/{}/{}:{} +0000", &iso[8..10], words::MONTHS[month - 1], &iso[..4], &iso[11..19]));
}
