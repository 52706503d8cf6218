//! Grouping of real lines against the truth, one configuration for all. Template text is scored by the bench script.

mod lines;

use std::collections::HashMap;

use lines::{SYSTEMS, table};
use whittle_patterns::Miner;

/// Column of the truth.
const LUNAR: usize = 5;

/// Grouping accuracy by lines and F1 by groups.
fn grouping<A: std::hash::Hash + Eq + Copy, B: std::hash::Hash + Eq + Copy>(truth: &[A], found: &[B]) -> (f64, f64) {
    let (mut a, mut b, mut both) = (HashMap::new(), HashMap::new(), HashMap::new());
    for (&t, &f) in truth.iter().zip(found) {
        *a.entry(t).or_insert(0) += 1;
        *b.entry(f).or_insert(0) += 1;
        *both.entry((t, f)).or_insert(0) += 1;
    }
    let right: Vec<i32> = both.iter().filter(|((t, f), n)| a[t] == **n && b[f] == **n).map(|(_, n)| *n).collect();
    let lines = right.iter().sum::<i32>() as f64 / truth.len() as f64;
    (lines, 2.0 * right.len() as f64 / (a.len() + b.len()) as f64)
}

#[test]
#[expect(clippy::print_stdout, reason = "says that nothing was tested")]
fn real_lines_are_grouped_rightly() {
    let (mut accuracy, mut f1) = (0.0, 0.0);
    for system in SYSTEMS {
        let Some(rows) = table(system) else {
            println!("no tables of real lines: nothing to test");
            return;
        };
        let (mut miner, mut vars) = (Miner::default(), Vec::new());
        let forms: Vec<_> = rows.iter().map(|row| miner.observe(&row[6], &mut vars).form).collect();
        let found: Vec<_> = forms.iter().map(|form| miner.resolve(form.0)).collect();
        let truth: Vec<&str> = rows.iter().map(|row| row[LUNAR].as_str()).collect();
        let (ga, fga) = grouping(&truth, &found);
        assert!(ga >= 0.98 && fga >= 0.92, "{system}: GA {ga:.3}, FGA {fga:.3}");
        accuracy += ga / SYSTEMS.len() as f64;
        f1 += fga / SYSTEMS.len() as f64;
    }
    assert!(accuracy >= 0.995 && f1 >= 0.97, "GA {accuracy:.4}, FGA {f1:.4}");
}
