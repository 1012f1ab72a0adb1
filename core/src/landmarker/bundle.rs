//! The file that holds both networks: a zip archive, as `scripts/setup --landmarks` leaves it.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek};
use std::path::{Path, PathBuf};

use zip::ZipArchive;

use super::tflite::Refused;
use crate::machine::Fetched;

/// The variable that names another place for the file.
pub const PLACE: &str = "FER_LAB_LANDMARKER";

/// Where it lies.
const MODEL: Fetched = Fetched {
    variable: PLACE,
    file: "face_landmarker.task",
    in_clone: ".landmarks",
    in_packages: None,
};

/// A network's file is no longer.
const LONGEST: u64 = 16 << 20;

const SETUP: &str = "scripts/setup --landmarks";

/// Why landmarks cannot be found.
#[derive(Debug, thiserror::Error)]
pub enum LandmarkerError {
    #[error(
        "landmarks are found by a model that is not there, {}: run {SETUP} in fer-lab's folder, or set {PLACE} to the \
         path of a face_landmarker.task", path.display()
    )]
    Missing { path: PathBuf },

    #[error("cannot read the model {}: {why}", path.display())]
    Unreadable { path: PathBuf, why: String },

    #[error(
        "{} is not the model that fer-lab knows, MediaPipe's Face Landmarker (float16, version 1): {why}; run {SETUP} in \
         fer-lab's folder", path.display()
    )]
    Foreign { path: PathBuf, why: String },

    #[error("cannot use {name} in {}: {why}", path.display())]
    Refused { path: PathBuf, name: &'static str, why: Refused },
}

/// One of the networks: its name in the archive, and the hash of its file.
#[derive(Debug, Clone, Copy)]
pub struct Member<'a> {
    pub name: &'static str,
    /// BLAKE3, hexadecimal.
    pub hash: &'a str,
}

/// The place of the model: see [`Fetched::place`].
pub fn place() -> PathBuf {
    MODEL.place()
}

/// An open archive.
pub struct Bundle<'a> {
    path: &'a Path,
    archive: ZipArchive<BufReader<File>>,
}

impl Bundle<'_> {
    pub fn open(path: &Path) -> Result<Bundle<'_>, LandmarkerError> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(why) if why.kind() == io::ErrorKind::NotFound => {
                return Err(LandmarkerError::Missing { path: path.to_owned() });
            }
            Err(why) => return Err(unreadable(path, &why)),
        };
        let mut file = BufReader::new(file);
        // A folder opens too, but cannot be read.
        file.read_exact(&mut [0])
            .and_then(|()| file.rewind())
            .map_err(|why| unreadable(path, &why))?;
        let archive = ZipArchive::new(file).map_err(|why| foreign(path, why.to_string()))?;
        Ok(Bundle { path, archive })
    }

    /// The content of a member, which has its hash.
    pub fn read(&mut self, member: &Member<'_>) -> Result<Vec<u8>, LandmarkerError> {
        let Member { name, hash } = member;
        let file = self.archive.by_name(name);
        let file = file.map_err(|why| foreign(self.path, format!("{name}: {why}")))?;
        let mut bytes = Vec::new();
        let read = file.take(LONGEST).read_to_end(&mut bytes);
        read.map_err(|why| foreign(self.path, format!("{name}: {why}")))?;
        let found = blake3::hash(&bytes).to_hex();
        match found.as_str() == *hash {
            true => Ok(bytes),
            false => Err(foreign(self.path, format!("{name} has another content"))),
        }
    }
}

fn unreadable(path: &Path, why: &io::Error) -> LandmarkerError {
    LandmarkerError::Unreadable { path: path.to_owned(), why: why.to_string() }
}

fn foreign(path: &Path, why: String) -> LandmarkerError {
    LandmarkerError::Foreign { path: path.to_owned(), why }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(path: &Path, member: &Member<'_>) -> String {
        let read = Bundle::open(path).and_then(|mut bundle| bundle.read(member));
        read.unwrap_err().to_string()
    }

    #[test]
    fn what_is_not_the_model_is_said_with_its_cure() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.task");
        let member = Member { name: "network.tflite", hash: "0" };
        let missing = message(&path, &member);
        assert!(missing.contains("model.task: run scripts/setup --landmarks"), "{missing}");
        assert!(missing.contains("FER_LAB_LANDMARKER"), "{missing}");
        std::fs::write(&path, "no archive").unwrap();
        let foreign = message(&path, &member);
        assert!(foreign.contains("model.task is not the model that fer-lab knows"), "{foreign}");
        assert!(message(folder.path(), &member).starts_with("cannot read the model "));
        // An empty archive: the end of a central directory that holds nothing.
        std::fs::write(&path, [b"PK\x05\x06".as_slice(), &[0; 18]].concat()).unwrap();
        let empty = message(&path, &member);
        assert!(empty.contains("network.tflite: "), "{empty}");
    }

    #[test]
    fn a_network_of_another_content_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.task");
        let mut archive = zip::ZipWriter::new(File::create(&path).unwrap());
        let stored = zip::write::SimpleFileOptions::default()
            .compression_method(zip::CompressionMethod::Stored);
        archive.start_file("network.tflite", stored).unwrap();
        io::Write::write_all(&mut archive, b"content").unwrap();
        archive.finish().unwrap();
        let hash = blake3::hash(b"content").to_hex();
        let known = Member { name: "network.tflite", hash: &hash };
        let read = Bundle::open(&path).unwrap().read(&known);
        assert_eq!(read.unwrap(), b"content");
        let other = Member { name: "network.tflite", hash: "0" };
        assert!(message(&path, &other).contains("network.tflite has another content"));
    }
}
