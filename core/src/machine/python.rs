//! The Python environment that a wheel of this program was installed into, and the libtorch of the `torch` there.
//!
//! pip and uv put both programs into the environment's `bin` and the package `fer_lab` into its `site-packages`, where
//! `torch` lies too, since the wheel requires it. A wheel is built without a folder of libtorch in it: the program with
//! libtorch is started with this one in the loader's path.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::bail;

use super::device::LIBTORCH_VERSION;

/// The package that the wheel installs beside the programs.
const PACKAGE: &str = "fer_lab";

/// Prints where a package lies, without importing it.
const FIND: &str = "import importlib.util as u; found = u.find_spec('torch'); \
                    print(found.submodule_search_locations[0] if found else '')";

/// An environment that this package is installed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    /// `/home/me/venv`
    prefix: PathBuf,
    /// `/home/me/venv/lib/python3.12/site-packages`
    packages: PathBuf,
}

impl Environment {
    /// The one that the running program is part of; `None` where it was not installed by a wheel.
    pub fn here() -> Option<Environment> {
        Environment::around(&env::current_exe().ok()?)
    }

    fn around(program: &Path) -> Option<Environment> {
        let prefix = program.parent()?.parent()?;
        let folders = ["lib", "lib64", "local/lib"].map(|name| prefix.join(name));
        let versions = folders.iter().flat_map(|folder| sub_folders(folder, "python3"));
        let mut packages = versions
            .flat_map(|version| ["site-packages", "dist-packages"].map(|name| version.join(name)));
        let packages =
            packages.find(|packages| packages.join(PACKAGE).join("py.typed").is_file())?;
        Some(Environment { prefix: prefix.to_owned(), packages })
    }

    /// The folder of its packages.
    pub fn packages(&self) -> &Path {
        &self.packages
    }

    /// The folder of libtorch's libraries.
    ///
    /// # Errors
    /// Where there is no `torch`, or one of another version, whose functions are others.
    pub fn libtorch(&self) -> anyhow::Result<PathBuf> {
        let here = Some(self.packages.join("torch")).filter(|torch| torch.is_dir());
        let Some(torch) = here.or_else(|| self.asked()) else {
            bail!(
                "this fer-lab was installed by pip into `{}`, and there is no torch: pip install torch=={LIBTORCH_VERSION}",
                self.prefix.display()
            );
        };
        let version = fs::read_to_string(torch.join("version.py")).unwrap_or_default();
        match version_of(&version) {
            Some(found) if found.split('+').next() != Some(LIBTORCH_VERSION) => bail!(
                "fer-lab needs torch {LIBTORCH_VERSION}, and `{}` is {found}: pip install torch=={LIBTORCH_VERSION}",
                torch.display()
            ),
            _ => Ok(torch.join("lib")),
        }
    }

    /// Where Python would import `torch` from: an environment may build upon another.
    fn asked(&self) -> Option<PathBuf> {
        let version = self.packages.parent()?.file_name()?;
        let own = self.prefix.join("bin").join(version);
        let python = if own.exists() { own.into_os_string() } else { version.to_owned() };
        let mut command = Command::new(python);
        command.args(["-c", FIND]).stdin(Stdio::null()).stderr(Stdio::null());
        let answer = String::from_utf8(command.output().ok()?.stdout).ok()?;
        Some(PathBuf::from(answer.trim_end())).filter(|torch| torch.is_dir())
    }
}

/// The folders in a folder whose names begin so, sorted.
fn sub_folders(folder: &Path, beginning: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let named = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(beginning));
    let mut paths: Vec<PathBuf> = named.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

/// Of `__version__ = '2.13.0+cpu'`
fn version_of(text: &str) -> Option<&str> {
    let line = text.lines().find(|line| line.starts_with("__version__"))?;
    line.split(['\'', '"']).nth(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: &Path, text: &str) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn an_environment_is_known_by_the_package_beside_the_program() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("bin/fer-lab");
        let packages = folder.path().join("lib/python3.12/site-packages");
        write(&packages.join("torch/version.py"), "__version__ = '2.13.0+cpu'\n");
        // Python, with torch, but nothing of this program.
        assert_eq!(Environment::around(&program), None);
        write(&packages.join("fer_lab/py.typed"), "");
        let environment = Environment::around(&program).unwrap();
        assert_eq!(environment.libtorch().unwrap(), packages.join("torch/lib"));
    }

    #[test]
    fn no_torch_or_another_is_said_with_what_to_install() {
        let folder = tempfile::tempdir().unwrap();
        // A version of Python that no machine has: nobody can be asked.
        let packages = folder.path().join("lib/python3.0/site-packages");
        write(&packages.join("fer_lab/py.typed"), "");
        let environment = Environment::around(&folder.path().join("bin/fer-lab")).unwrap();
        let cure = format!("pip install torch=={LIBTORCH_VERSION}");
        let missing = environment.libtorch().unwrap_err().to_string();
        assert!(missing.contains("there is no torch") && missing.ends_with(&cure), "{missing}");
        write(&packages.join("torch/version.py"), "x = 1\n__version__ = \"2.12.1\"\n");
        let other = environment.libtorch().unwrap_err().to_string();
        assert!(other.contains("torch` is 2.12.1") && other.ends_with(&cure), "{other}");
    }
}
