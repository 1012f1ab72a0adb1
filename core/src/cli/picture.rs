//! Where a picture goes.
//!
//! In: a path, named on the command line or within the results folder. Out: the picture there, or an error before any
//! work is done. An existing file is only replaced if it is a picture that this program made.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

pub use crate::report::FigureFormat as PictureFormat;
use crate::report::{Figure, ReportError, is_own_picture};
use crate::store::{FileKind, file_kind, write_new, write_whole};

/// A path that a picture may be written to.
#[derive(Debug)]
pub struct Place {
    path: PathBuf,
    format: PictureFormat,
    /// The option that names the path; `None` within the results folder.
    option: Option<&'static str>,
}

/// Why a picture cannot go where it is to go.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error("`{option} {}`: name a file that ends in {endings}", path.display())]
    Ending { option: &'static str, path: PathBuf, endings: String },
    #[error("`{}` cannot be written: there is no folder `{}`; make it, or name another place", path.display(), folder.display())]
    NoFolder { path: PathBuf, folder: PathBuf },
    #[error("`{}` is {kind} and is not overwritten: name a new file", path.display())]
    Kind { path: PathBuf, kind: FileKind },
    #[error("`{}` exists and was not drawn by fer-lab, so it is not overwritten: name a new file, or remove it first", path.display())]
    Foreign { path: PathBuf },
    #[error("cannot read `{}`: {reason}", path.display())]
    Unknown { path: PathBuf, reason: std::io::Error },
}

impl Place {
    /// The file that an option of the command line names.
    pub fn named(
        option: &'static str,
        path: &Path,
        formats: &[PictureFormat],
    ) -> Result<Place, Refused> {
        // `Path` reads `x.png/` as `x.png`; the user meant a folder.
        let folder = path.as_os_str().as_encoded_bytes().ends_with(b"/");
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        let ending = if folder { "" } else { ending };
        let format = formats.iter().find(|format| ending.eq_ignore_ascii_case(format.ending()));
        let Some(format) = format else {
            let endings: Vec<String> =
                formats.iter().map(|format| format!(".{}", format.ending())).collect();
            let endings = endings.join(" or ");
            return Err(Refused::Ending { option, path: path.to_owned(), endings });
        };
        let place = Place { path: path.to_owned(), format: *format, option: Some(option) };
        place.is_taken()?;
        Ok(place)
    }

    /// A PNG file within the results folder, whose folders are made; an existing file there is this program's.
    pub fn within_results(path: PathBuf) -> Result<Place, Refused> {
        let place = Place { path, format: PictureFormat::Png, option: None };
        place.is_taken()?;
        Ok(place)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether an existing picture may be replaced.
    fn is_taken(&self) -> Result<bool, Refused> {
        let path = || self.path.clone();
        match file_kind(&self.path) {
            Ok(FileKind::File) => match self.option.is_none() || is_own_picture(&self.path) {
                true => Ok(true),
                false => Err(Refused::Foreign { path: path() }),
            },
            Ok(kind) => Err(Refused::Kind { path: path(), kind }),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
                match folder.filter(|folder| self.option.is_some() && !folder.is_dir()) {
                    Some(folder) => {
                        Err(Refused::NoFolder { path: path(), folder: folder.to_owned() })
                    }
                    None => Ok(false),
                }
            }
            Err(reason) => Err(Refused::Unknown { path: path(), reason }),
        }
    }

    /// Writes the picture atomically. A file that appeared since the check is not replaced.
    pub fn save(&self, figure: &Figure) -> anyhow::Result<()> {
        let bytes = self.format.of(figure)?;
        let write = |file: &mut std::fs::File| std::io::Write::write_all(file, &bytes);
        let written = match self.is_taken()? {
            true => write_whole(&self.path, write),
            false => write_new(&self.path, write),
        };
        Ok(written.map_err(ReportError::from)?)
    }
}
