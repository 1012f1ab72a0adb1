//! Files that the set-up script fetches only where they are asked for: a model, a library.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::python::Environment;

/// The folder of this package in the clone that the program was built in.
const PACKAGE: &str = env!("CARGO_MANIFEST_DIR");

/// Such a file.
#[derive(Debug, Clone, Copy)]
pub struct Fetched {
    /// The variable that names another place for it.
    pub variable: &'static str,
    /// Its name in a folder of the user's data.
    pub file: &'static str,
    /// The folder of a clone in which the set-up script leaves it.
    pub in_clone: &'static str,
    /// The folder of a Python package, beside the programs of a wheel, that has it too, and the version at its name's end
    /// there.
    pub in_packages: Option<(&'static str, &'static str)>,
}

impl Fetched {
    /// The place of the file: the variable's; else the first at which it is, of the Python environment that the program was
    /// installed into, the clone that it was built in, and a folder of the user's data (`XDG_DATA_HOME`, by default
    /// `~/.local/share`); else the one at which it is missed.
    pub fn place(&self) -> PathBuf {
        let variable = |name: &str| env::var_os(name).filter(|value| !value.is_empty());
        let clone = Path::new(PACKAGE).parent().filter(|clone| clone.is_dir());
        let environment = Environment::here();
        self.among(&variable, clone, environment.as_ref().map(Environment::packages))
    }

    fn among(
        &self,
        variable: &dyn Fn(&str) -> Option<OsString>,
        clone: Option<&Path>,
        packages: Option<&Path>,
    ) -> PathBuf {
        if let Some(place) = variable(self.variable) {
            return PathBuf::from(place);
        }
        let data = variable("XDG_DATA_HOME").map(PathBuf::from);
        let home = || variable("HOME").map(|home| Path::new(&home).join(".local/share"));
        let of_user = data.or_else(home).unwrap_or_default().join("fer-lab").join(self.file);
        let in_packages = packages.zip(self.in_packages).map(|(packages, (folder, version))| {
            packages.join(folder).join(format!("{}.{version}", self.file))
        });
        let in_clone = clone.map(|clone| clone.join(self.in_clone).join(self.file));
        let known = [in_packages.as_ref(), in_clone.as_ref(), Some(&of_user)];
        let found = known.into_iter().flatten().find(|path| path.exists()).cloned();
        // Whoever has a wheel has no clone.
        found.or(in_clone.filter(|_| packages.is_none())).unwrap_or(of_user)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODEL: Fetched = Fetched {
        variable: "OWN_MODEL",
        file: "some.model",
        in_clone: ".models",
        in_packages: Some(("models/of", "1.2.3")),
    };

    #[test]
    fn a_file_is_looked_for_where_the_program_came_from_and_in_the_user_s_data() {
        let folder = tempfile::tempdir().unwrap();
        let (clone, packages) = (folder.path().join("clone"), folder.path().join("packages"));
        let data = folder.path().join("data");
        let place = |own: bool, clone: Option<&Path>, packages: Option<&Path>| {
            let variable = |name: &str| match name {
                "OWN_MODEL" => own.then(|| OsString::from("/own.model")),
                "XDG_DATA_HOME" => Some(data.clone().into_os_string()),
                _ => None,
            };
            MODEL.among(&variable, clone, packages)
        };
        let make = |path: &Path| {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        };
        let in_clone = clone.join(".models/some.model");
        let in_packages = packages.join("models/of/some.model.1.2.3");
        let of_user = data.join("fer-lab/some.model");
        // Nowhere: where it would be.
        assert_eq!(place(false, Some(&clone), None), in_clone);
        assert_eq!(place(false, None, None), of_user);
        assert_eq!(place(false, Some(&clone), Some(&packages)), of_user);
        make(&of_user);
        assert_eq!(place(false, Some(&clone), None), of_user);
        make(&in_clone);
        assert_eq!(place(false, Some(&clone), Some(&packages)), in_clone);
        make(&in_packages);
        assert_eq!(place(false, Some(&clone), Some(&packages)), in_packages);
        assert_eq!(place(false, Some(&clone), None), in_clone);
        assert_eq!(place(true, Some(&clone), Some(&packages)), Path::new("/own.model"));
    }

    #[test]
    fn by_default_the_user_s_data_lie_in_the_home_folder() {
        let home = |name: &str| (name == "HOME").then(|| OsString::from("/home/me"));
        let wanted = "/home/me/.local/share/fer-lab/some.model";
        assert_eq!(MODEL.among(&home, None, None), Path::new(wanted));
    }
}
