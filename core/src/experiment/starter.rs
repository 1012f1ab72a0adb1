//! A first experiment file: every key with its default, its unit and its range.

use super::dataset::Kind;

const EXPERIMENT: &str = include_str!("starter/experiment.toml");

/// The text of an experiment file called `name` (an experiment's name: see [`is_name`](super::is_name))
/// on a kind of data set, ready to run where the data are built in. Lines that begin with `#` and a key
/// hold defaults, those with `##` what may stand in their place or beside them.
pub fn starter(name: &str, kind: Kind) -> String {
    let dataset = match kind {
        Kind::Faces => include_str!("starter/faces.toml"),
        Kind::Ferplus => include_str!("starter/ferplus.toml"),
        Kind::Rafdb => include_str!("starter/rafdb.toml"),
        Kind::Folder => include_str!("starter/folder.toml"),
    };
    EXPERIMENT.replace("{name}", name).replace("{dataset}\n", dataset)
}
