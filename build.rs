//! Tells the program where libtorch lies and which commit it was built from.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What the program is made of.
const SOURCES: [&str; 4] = ["src", "Cargo.toml", "Cargo.lock", "build.rs"];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let root =
        PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo names the package's folder"));
    match libtorch(&root) {
        Ok(()) => commit(&root),
        Err(message) => println!("cargo::error={message}"),
    }
}

/// Writes the folder of libtorch's libraries into everything that is linked, so that the program starts
/// from any folder and without `LD_LIBRARY_PATH`; and into the program, which opens the CUDA library
/// there by itself, where a GPU is to be used.
fn libtorch(root: &Path) -> Result<(), String> {
    println!("cargo::rerun-if-env-changed=LIBTORCH");
    let cure = "run scripts/setup, or set LIBTORCH to the folder of a libtorch 2.13.0";
    let folder = env::var_os("LIBTORCH").ok_or_else(|| format!("LIBTORCH is not set: {cure}"))?;
    // A relative path means one from the package's folder, where cargo runs this script.
    let libraries = root.join(&folder).join("lib");
    println!("cargo::rerun-if-changed={}", libraries.join("libtorch_cpu.so").display());
    let found = libraries.join("libtorch_cpu.so").is_file();
    let libraries = libraries.canonicalize().ok().filter(|_| found);
    let libraries =
        libraries.ok_or_else(|| format!("there is no libtorch in {}: {cure}", folder.display()))?;
    let libraries = libraries.to_str().ok_or("the path of libtorch is not valid UTF-8: move it")?;
    door(&root.join(&folder));
    println!("cargo::rustc-link-arg=-Wl,-rpath,{libraries}");
    println!("cargo::rustc-env=FER_LAB_LIBTORCH={libraries}");
    Ok(())
}

/// Compiles the C++ that is this package's own, with the standard and the ABI that libtorch's wheels have.
fn door(libtorch: &Path) {
    const SOURCE: &str = "src/train/door.cpp";
    println!("cargo::rerun-if-changed={SOURCE}");
    let include = libtorch.join("include");
    cc::Build::new()
        .cpp(true)
        .std("c++17")
        .warnings(false)
        .include(&include)
        .include(include.join("torch/csrc/api/include"))
        .file(SOURCE)
        .compile("fer_lab_door");
}

/// Sets `FER_LAB_GIT` to the commit, as `1a2b3c4d5e6f` or, with changes on top, `1a2b3c4d5e6f-dirty`; to
/// nothing where this is no git checkout, as in a published package.
fn commit(root: &Path) {
    let own = git(root, &["rev-parse", "--show-toplevel"])
        .is_some_and(|top| Path::new(&top).canonicalize().ok() == root.canonicalize().ok());
    let commit = own.then(|| git(root, &["rev-parse", "--short=12", "HEAD"])).flatten();
    let mut description = commit.unwrap_or_default();
    if !description.is_empty() {
        // Whatever changes the answer runs this script anew: a commit, a checkout, an edit.
        for path in ["HEAD", "logs/HEAD"] {
            let path = git(root, &["rev-parse", "--git-path", path]);
            if let Some(path) = path.filter(|path| root.join(path).exists()) {
                println!("cargo::rerun-if-changed={path}");
            }
        }
        for path in SOURCES {
            println!("cargo::rerun-if-changed={path}");
        }
        let question = ["status", "--porcelain", "--untracked-files=normal", "--"];
        let changes = git(root, &[&question[..], &SOURCES].concat());
        if changes.is_none_or(|changes| !changes.is_empty()) {
            description.push_str("-dirty");
        }
    }
    println!("cargo::rustc-env=FER_LAB_GIT={description}");
}

/// What git answers, without the line's end; `None` where it cannot be asked.
fn git(root: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new("git")
        .arg("--no-optional-locks")
        .arg("-C")
        .arg(root)
        .args(arguments)
        .output()
        .ok()?;
    let answer = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| answer.trim_end().to_owned())
}
