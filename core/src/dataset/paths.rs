//! Paths of data as people write them: `~` is the home folder, `$NAME` and `${NAME}` are variables of the environment.

use std::path::{Path, PathBuf};

use super::DatasetError;
use crate::experiment::{DatasetSpec, LandmarkSource};

/// A specification whose paths are those of the disk.
///
/// # Errors
///
/// Where a variable is not set.
pub fn on_disk(spec: &DatasetSpec) -> Result<DatasetSpec, DatasetError> {
    let mut spec = spec.clone();
    let table = match &mut spec.landmarks {
        Some(LandmarkSource::Table(path)) => Some(path),
        Some(LandmarkSource::Find) | None => None,
    };
    for path in spec.source.paths_mut().into_iter().chain(table) {
        *path = expanded_path(path)?;
    }
    Ok(spec)
}

/// The path with the home folder and the values of variables in their places; one that is there as it stands stays so.
///
/// # Errors
///
/// Where a variable is not set.
pub fn expanded_path(path: &Path) -> Result<PathBuf, DatasetError> {
    expanded(path, &|name| std::env::var(name).ok(), std::env::home_dir())
}

fn expanded(
    path: &Path,
    value: &dyn Fn(&str) -> Option<String>,
    home: Option<PathBuf>,
) -> Result<PathBuf, DatasetError> {
    let Some(text) = path.to_str() else { return Ok(path.to_owned()) };
    if !text.contains(['~', '$']) || path.exists() {
        return Ok(path.to_owned());
    }
    let unset = |name: &str| DatasetError::Unset { name: name.to_owned(), path: text.to_owned() };
    let (mut expanded, rest) = match text.strip_prefix('~') {
        Some(rest) if rest.is_empty() || rest.starts_with(std::path::is_separator) => {
            let home = home.ok_or_else(|| unset("HOME"))?;
            (home.to_string_lossy().into_owned(), rest)
        }
        _ => (String::new(), text),
    };
    let mut parts = rest.split('$');
    expanded += parts.next().unwrap_or_default();
    for part in parts {
        match variable(part) {
            Some((name, rest)) => {
                expanded += &value(name).ok_or_else(|| unset(name))?;
                expanded += rest;
            }
            None => {
                expanded.push('$');
                expanded += part;
            }
        }
    }
    Ok(PathBuf::from(expanded))
}

/// The name at the start of what follows a `$`, and the rest.
fn variable(text: &str) -> Option<(&str, &str)> {
    let named = |text: &str| {
        let is_part = |(at, sign): (usize, char)| {
            sign == '_' || sign.is_ascii_alphabetic() || (at > 0 && sign.is_ascii_digit())
        };
        text.char_indices().take_while(|part| is_part(*part)).count()
    };
    let (name, rest) = match text.strip_prefix('{') {
        Some(inner) => inner.split_once('}').filter(|(name, _)| named(name) == name.len())?,
        None => text.split_at(named(text)),
    };
    (!name.is_empty()).then_some((name, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expand(path: &str) -> Result<String, String> {
        let value = |name: &str| match name {
            "DATA" => Some("/big/disk".to_owned()),
            "SET_2" => Some("faces".to_owned()),
            _ => None,
        };
        let found = expanded(Path::new(path), &value, Some(PathBuf::from("/home/me")));
        found.map(|path| path.display().to_string()).map_err(|error| error.to_string())
    }

    #[test]
    fn the_home_folder_and_variables_are_put_in() {
        for (path, wanted) in [
            ("~/faces", "/home/me/faces"),
            ("~", "/home/me"),
            ("$DATA/x", "/big/disk/x"),
            ("${DATA}x/${SET_2}", "/big/diskx/faces"),
            ("a/$SET_2.png", "a/faces.png"),
            ("~other/x", "~other/x"),
            ("a~/b$/c$1/${}/${a b}", "a~/b$/c$1/${}/${a b}"),
            ("plain", "plain"),
        ] {
            assert_eq!(expand(path).as_deref(), Ok(wanted), "{path}");
        }
    }

    #[test]
    fn a_variable_that_is_not_set_is_named() {
        assert_eq!(
            expand("$SCRATCH/faces").unwrap_err(),
            "the variable SCRATCH is not set, which `$SCRATCH/faces` names; set it, or write the path out"
        );
    }
}
