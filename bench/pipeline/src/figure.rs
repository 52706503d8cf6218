//! One measured number, with what it should be.

use serde::Serialize;

/// Which way is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Better {
    /// Costs, times, sizes.
    Lower,
    /// Rates.
    Higher,
}

/// What a figure came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As good as the goal.
    Goal,
    /// As good as it must be.
    Least,
    /// Not.
    Missed,
    /// Printed alone.
    Unjudged,
}

/// A measured number.
#[derive(Debug, Clone, Serialize)]
pub struct Figure {
    /// What was measured.
    pub name: String,
    /// The number.
    pub value: f64,
    /// Its unit.
    pub unit: &'static str,
    /// What it must be, and what it should be.
    pub targets: Option<Targets>,
    /// How it was measured, where the name does not say.
    pub note: String,
    /// CPU milliseconds of the yardstick just before.
    pub yardstick_ms: f64,
}

/// What a number must be, and what it should be.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Targets {
    /// It must be so.
    pub least: f64,
    /// It should be so.
    pub goal: f64,
    /// Which way is better.
    pub better: Better,
}

impl Figure {
    /// A figure without a target.
    pub fn new(name: impl Into<String>, value: f64, unit: &'static str) -> Figure {
        Figure { name: name.into(), value, unit, targets: None, note: String::new(), yardstick_ms: 0.0 }
    }

    /// It must be at most `least` and should be at most `goal`.
    #[must_use]
    pub fn at_most(mut self, least: f64, goal: f64) -> Figure {
        self.targets = Some(Targets { least, goal, better: Better::Lower });
        self
    }

    /// It must be at least `least` and should be at least `goal`.
    #[must_use]
    pub fn at_least(mut self, least: f64, goal: f64) -> Figure {
        self.targets = Some(Targets { least, goal, better: Better::Higher });
        self
    }

    /// How it was measured.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Figure {
        self.note = note.into();
        self
    }

    /// What it came to.
    pub fn verdict(&self) -> Verdict {
        let Some(targets) = self.targets else { return Verdict::Unjudged };
        let reaches = |target: f64| match targets.better {
            Better::Lower => self.value <= target,
            Better::Higher => self.value >= target,
        };
        match () {
            () if reaches(targets.goal) => Verdict::Goal,
            () if reaches(targets.least) => Verdict::Least,
            () => Verdict::Missed,
        }
    }
}

/// A number with as many digits as say something.
pub fn short(value: f64) -> String {
    match value.abs() {
        v if v >= 10_000.0 => thousands(value.round() as i64),
        v if v >= 100.0 => format!("{value:.0}"),
        v if v >= 10.0 => format!("{value:.1}"),
        v if v >= 0.095 || v == 0.0 => format!("{value:.2}"),
        _ => format!("{value:.4}"),
    }
}

fn thousands(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::from(if number < 0 { "-" } else { "" });
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_follow_the_direction() {
        let cost = |value| Figure::new("x", value, "s").at_most(1.5, 1.0).verdict();
        assert_eq!(
            [cost(0.9), cost(1.0), cost(1.2), cost(1.6)],
            [Verdict::Goal, Verdict::Goal, Verdict::Least, Verdict::Missed]
        );
        let rate = |value| Figure::new("x", value, "/s").at_least(30.0, 45.0).verdict();
        assert_eq!([rate(50.0), rate(31.0), rate(29.0)], [Verdict::Goal, Verdict::Least, Verdict::Missed]);
        assert_eq!(Figure::new("x", 1.0, "s").verdict(), Verdict::Unjudged);
    }

    #[test]
    fn numbers_are_short() {
        let shown = [1_234_567.0, 999.4, 12.34, 0.5, 0.0123, 0.0].map(short);
        assert_eq!(shown, ["1,234,567", "999", "12.3", "0.50", "0.0123", "0.00"]);
    }
}
