//! The services and what they say, from `catalog/*.txt`.
//!
//! A file has sections: `[service] weight=9`, then `@ context` (a JSON object with slots), then lines
//! `level weight message`. `level=sent` says how the service spells the level (`info=LOG`). `#` starts a comment.

use whittle_domain::Level;

use crate::template::Template;

const FILES: [&str; 3] =
    [include_str!("../catalog/shop.txt"), include_str!("../catalog/platform.txt"), include_str!("../catalog/data.txt")];

/// A message of a service.
#[derive(Debug, Clone)]
pub struct LineTemplate {
    /// Its level.
    pub level: Level,
    /// The level as the service spells it.
    pub sent: &'static str,
    /// How often it comes, beside the others of the service.
    pub weight: u32,
    /// The message.
    pub message: Template,
}

/// A service.
#[derive(Debug, Clone)]
pub struct Service {
    /// Its name.
    pub name: &'static str,
    /// How much it logs, beside the others.
    pub weight: u32,
    /// The context of its records: a JSON object.
    pub context: Template,
    /// What it says.
    pub lines: Vec<LineTemplate>,
}

/// All services.
#[derive(Debug, Clone)]
pub struct Catalog {
    /// In the order of the files.
    pub services: Vec<Service>,
}

impl Catalog {
    /// Reads the catalogue that is built in.
    pub fn built_in() -> Catalog {
        let mut services = Vec::new();
        for line in FILES.iter().flat_map(|file| file.lines()) {
            read_line(line, &mut services);
        }
        Catalog { services }
    }

    /// The service of a name.
    pub fn service(&self, name: &str) -> Option<usize> {
        self.services.iter().position(|service| service.name == name)
    }
}

fn read_line(line: &'static str, services: &mut Vec<Service>) {
    if let Some(service) = line.strip_prefix('[').and_then(read_head) {
        services.push(service);
        return;
    }
    let Some(service) = services.last_mut() else { return };
    if let Some(context) = line.strip_prefix("@ ") {
        service.context = Template::parse(context);
    } else if let Some(message) = read_message(line) {
        service.lines.push(message);
    }
}

fn read_head(rest: &'static str) -> Option<Service> {
    let (name, weight) = rest.split_once("] weight=")?;
    Some(Service { name, weight: weight.parse().ok()?, context: Template::default(), lines: Vec::new() })
}

fn read_message(line: &'static str) -> Option<LineTemplate> {
    let mut parts = line.splitn(3, ' ');
    let (level, weight, message) = (parts.next()?, parts.next()?, parts.next()?);
    let (level, sent) = level.split_once('=').unwrap_or((level, level));
    Some(LineTemplate {
        level: Level::from_payload(level)?,
        sent,
        weight: weight.parse().ok()?,
        message: Template::parse(message),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_files_is_read() {
        let catalog = Catalog::built_in();
        let written = |starts: &[&str]| {
            FILES.iter().flat_map(|f| f.lines()).filter(|l| starts.iter().any(|s| l.starts_with(s))).count()
        };
        assert_eq!(catalog.services.len(), written(&["["]));
        let messages: usize = catalog.services.iter().map(|s| s.lines.len()).sum();
        assert_eq!(messages, written(&["info", "debug", "warn", "error"]));
        assert!(messages >= 300, "{messages}");
    }

    #[test]
    fn every_service_has_a_context_and_all_levels() {
        for service in Catalog::built_in().services {
            assert!(service.context.slots() > 0, "{}", service.name);
            for level in Level::ALL {
                assert!(service.lines.iter().any(|line| line.level == level), "{} {level:?}", service.name);
            }
            for line in &service.lines {
                assert_eq!(Level::from_name(line.sent), Some(line.level), "{} {}", service.name, line.sent);
            }
        }
    }

    #[test]
    fn no_slot_is_misspelt() {
        for text in FILES.iter().flat_map(|file| file.lines()).filter(|line| !line.starts_with('#')) {
            for part in text.split('<').skip(1) {
                let name = part.split([':', '>']).next().unwrap_or("");
                let like_a_slot = !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c == '-');
                if like_a_slot && part.contains('>') {
                    let arguments = part.split('>').next().and_then(|p| p.split_once(':')).map_or("", |(_, a)| a);
                    assert!(crate::slot::Slot::parse(name, arguments).is_some(), "<{name}> in: {text}");
                }
            }
        }
    }
}
