//! Lines of made services with the template that each was made from: a truth beside that of the eight systems.

use std::io::Write;

use whittle_synth::{Catalog, Generator, Source};

use crate::lines::Numbers;

/// Lines of each template.
const EACH: usize = 40;
/// Machines that each service runs on.
const MACHINES: u32 = 3;
/// Time of the first line, in microseconds since 1970, and between two.
const START: i64 = 1_760_000_000_000_000;
const STEP: i64 = 17_280;

/// Prints `template<TAB>line` for each line, in mixed order; a template's name is its service and number.
pub fn run(out: &mut impl Write) -> anyhow::Result<()> {
    let catalog = Catalog::built_in();
    let services = catalog.services.clone();
    let sources =
        services.iter().enumerate().map(|(at, service)| Source::new(service.name, at, at, MACHINES)).collect();
    let mut generator = Generator::new(catalog, sources, 1);
    let mut lines = Vec::new();
    for (source, service) in services.iter().enumerate() {
        for (number, line) in service.lines.iter().enumerate() {
            for _ in 0..EACH {
                let time = START + lines.len() as i64 * STEP;
                let message = generator.say(source, line, time).message.replace(['\n', '\r'], " ");
                lines.push(format!("{}/{number}\t{message}", service.name));
            }
        }
    }
    Numbers::new(1).shuffle(&mut lines);
    for line in lines {
        writeln!(out, "{line}")?;
    }
    Ok(())
}
