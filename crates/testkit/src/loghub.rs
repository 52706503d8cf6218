//! Real log lines: the samples of Loghub, where they lie beside the project.

use std::path::{Path, PathBuf};

/// The lines of one system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct System {
    /// Its name.
    pub name: String,
    /// Its lines, as they stand in the column `content`.
    pub lines: Vec<String>,
}

/// All systems, by name. Empty, with a printed line, where the folder is absent.
pub fn systems() -> Vec<System> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/loghub");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        eprintln!("skipped: there are no real logs in {}", folder.display());
        return Vec::new();
    };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|end| end == "tsv"));
    paths.sort();
    paths.iter().filter_map(|path| read(path)).collect()
}

fn read(path: &Path) -> Option<System> {
    let text = std::fs::read_to_string(path).ok()?;
    Some(System { name: path.file_stem()?.to_str()?.to_owned(), lines: contents(&text) })
}

/// The column `content`, which is the last, so that tabs in it are its own.
fn contents(text: &str) -> Vec<String> {
    let mut lines = text.split('\n');
    let Some(columns) = lines.next().map(|head| head.split('\t').count()) else { return Vec::new() };
    let content = |line: &str| line.splitn(columns, '\t').nth(columns - 1).map(str::to_owned);
    lines.filter(|line| !line.is_empty()).filter_map(content).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_column_keeps_its_tabs() {
        assert_eq!(contents("a\tcontent\n1\tx\n2\ty\tz \n"), ["x", "y\tz "]);
        assert!(contents("").is_empty());
    }

    #[test]
    fn no_system_is_empty() {
        for system in systems() {
            assert!(system.lines.len() > 1_000, "{}: {}", system.name, system.lines.len());
        }
    }
}
