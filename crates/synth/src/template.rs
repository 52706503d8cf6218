//! A message with slots: `Order <order> placed by user <user>`.
//!
//! A slot is `<name>` or `<name:arguments>`, the name of lower-case letters and dashes. Anything else in angle brackets is
//! text, so that `to=<<email>>` puts an address in brackets.

use fastrand::Rng;

use crate::slot::Slot;

/// Text with slots.
#[derive(Debug, Clone, Default)]
pub struct Template {
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone)]
enum Piece {
    Text(&'static str),
    Slot(Slot),
}

/// The machine that a record comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Name of the machine.
    pub host: String,
    /// Name of the pod, or of whatever runs the service.
    pub pod: String,
    /// Region of the machine.
    pub region: &'static str,
}

/// What slots are filled from.
#[derive(Debug)]
pub struct Scene<'a> {
    /// Chance.
    pub rng: &'a mut Rng,
    /// Time of the record, in microseconds since 1970.
    pub time: i64,
    /// A number that only rises, as offsets and transaction ids do.
    pub seq: u64,
    /// Where the record comes from.
    pub origin: &'a Origin,
}

impl Template {
    /// Reads a template. What is no slot stays text.
    pub fn parse(text: &'static str) -> Template {
        let mut pieces = Vec::new();
        let mut start = 0;
        let mut at = 0;
        while let Some(open) = text[at..].find('<').map(|i| at + i) {
            at = open + 1;
            let Some((slot, after)) = slot_at(text, open) else { continue };
            if start < open {
                pieces.push(Piece::Text(&text[start..open]));
            }
            pieces.push(Piece::Slot(slot));
            (start, at) = (after, after);
        }
        if start < text.len() {
            pieces.push(Piece::Text(&text[start..]));
        }
        Template { pieces }
    }

    /// Appends the text with its slots filled.
    pub fn render(&self, scene: &mut Scene<'_>, out: &mut String) {
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Slot(slot) => slot.fill(scene, out),
            }
        }
    }

    /// How many slots there are.
    pub fn slots(&self) -> usize {
        self.pieces.iter().filter(|p| matches!(p, Piece::Slot(_))).count()
    }
}

/// The slot that starts with the bracket at `open`, and where the text goes on.
fn slot_at(text: &'static str, open: usize) -> Option<(Slot, usize)> {
    let close = open + text[open..].find('>')?;
    let inner = &text[open + 1..close];
    let (name, arguments) = inner.split_once(':').unwrap_or((inner, ""));
    Some((Slot::parse(name, arguments)?, close + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(template: &'static str) -> String {
        let origin = Origin { host: "node-1".into(), pod: "cart-1".into(), region: "eu-1" };
        let mut rng = Rng::with_seed(7);
        let mut scene = Scene { rng: &mut rng, time: 1_700_000_000_123_000, seq: 42, origin: &origin };
        let mut out = String::new();
        Template::parse(template).render(&mut scene, &mut out);
        out
    }

    #[test]
    fn what_is_no_slot_stays_text() {
        for text in ["", "a < b > c", "<NOSRV>", "<no-reply@shop.example>", "<unknown>", "<int:x>", "<int", "<<>>"] {
            assert_eq!(render(text), text);
        }
    }

    #[test]
    fn slots_are_filled_where_they_stand() {
        assert_eq!(render("<own-host>/<own-pod>@<own-region> n=<seq>"), "node-1/cart-1@eu-1 n=42");
        assert_eq!(render("<iso> <clf> <epoch>"), "2023-11-14T22:13:20.123Z 14/Nov/2023:22:13:20 +0000 1700000000");
        assert_eq!(render("<<of:a>>"), "<a>");
        let number: u32 = render("<int:10-12>").parse().expect("a number");
        assert!((10..=12).contains(&number), "{number}");
    }
}
