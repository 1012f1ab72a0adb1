//! The events that a worker appends to a file, read as they come.

use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;

use super::event::Event;

/// How much is read at once; the rest is read the next time.
const MOST: u64 = 16 * 1024 * 1024;

/// How far a file of events was read.
#[derive(Debug, Default)]
pub(super) struct Tail {
    offset: u64,
}

impl Tail {
    /// The events that were added, whole lines only; none where there is no file yet. Lines that are no events are skipped.
    pub fn read(&mut self, path: &Path) -> std::io::Result<Vec<Event>> {
        let mut file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        file.seek(SeekFrom::Start(self.offset))?;
        let mut bytes = Vec::new();
        file.take(MOST).read_to_end(&mut bytes)?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        self.offset += whole as u64;
        let lines = bytes[..whole].split(|byte| *byte == b'\n');
        Ok(lines.filter_map(|line| serde_json::from_slice(line).ok()).collect())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn lines_are_read_once_and_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("1.jsonl");
        let mut tail = Tail::default();
        assert_eq!(tail.read(&path).unwrap(), []);
        let mut file = File::create(&path).unwrap();
        let warning = |text: &str| Event::Warning { text: text.to_owned() };
        let line = |text: &str| serde_json::to_string(&warning(text)).unwrap();
        write!(file, "{}\nslurmstepd: error: noise\n{}", line("a"), &line("b")[..9]).unwrap();
        assert_eq!(tail.read(&path).unwrap(), [warning("a")]);
        assert_eq!(tail.read(&path).unwrap(), []);
        writeln!(file, "{}", &line("b")[9..]).unwrap();
        assert_eq!(tail.read(&path).unwrap(), [warning("b")]);
    }
}
