//! Tells the programs where libtorch lies, which commit they were built from and what they are made of.

use std::collections::hash_map::DefaultHasher;
use std::env;
use std::fs;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What the programs are made of.
const SOURCES: [&str; 5] = ["src", "core", "Cargo.toml", "Cargo.lock", "build.rs"];

/// Set where a wheel of Python is built: its programs find the libtorch of the environment that they are installed into,
/// and no folder of this machine is written into them.
const WHEEL: &str = "FER_LAB_WHEEL";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let root =
        PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo names the package's folder"));
    // Without it nothing of libtorch is built or linked.
    if env::var_os("CARGO_FEATURE_TORCH").is_some()
        && let Err(message) = libtorch(&root)
    {
        println!("cargo::error={message}");
        return;
    }
    for path in SOURCES {
        println!("cargo::rerun-if-changed={path}");
    }
    fixed_place();
    let commit = commit(&root);
    println!("cargo::rustc-env=FER_LAB_GIT={commit}");
    println!("cargo::rustc-env=FER_LAB_BUILD={}", identity(&root, &commit));
}

/// Links `fer-lab` to a fixed address, where the linker is a C compiler of Linux. Otherwise the loader adds the place of
/// the program to 200,000 addresses within it at every start, which takes a third of the memory of `list` and `show` and
/// half of their page faults. The places of libraries, heap and stack stay random.
fn fixed_place() {
    let is = |key: &str, value: &str| env::var(key).is_ok_and(|known| known == value);
    if is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu") {
        println!("cargo::rustc-link-arg-bin=fer-lab=-no-pie");
    }
}

/// Writes the folder of libtorch's libraries into everything that is linked, so that the program starts
/// from any folder and without `LD_LIBRARY_PATH`; and into the program, which opens the CUDA library
/// there by itself, where a GPU is to be used. (`fer-lab` asks for none of the libraries, so that it looks for none
/// there. Among the targets that an argument can be kept to, tests within the library are none.)
fn libtorch(root: &Path) -> Result<(), String> {
    println!("cargo::rerun-if-env-changed=LIBTORCH");
    let cure = "run scripts/setup, or set LIBTORCH to the folder of a libtorch 2.13.0";
    let folder = env::var_os("LIBTORCH").ok_or_else(|| format!("LIBTORCH is not set: {cure}"))?;
    // A relative path means one from the package's folder, where cargo runs this script.
    let libraries = root.join(&folder).join("lib");
    println!("cargo::rerun-if-changed={}", libraries.join("libtorch_cpu.so").display());
    println!("cargo::rerun-if-env-changed={WHEEL}");
    let found = libraries.join("libtorch_cpu.so").is_file();
    let libraries = libraries.canonicalize().ok().filter(|_| found);
    let libraries =
        libraries.ok_or_else(|| format!("there is no libtorch in {}: {cure}", folder.display()))?;
    let libraries = libraries.to_str().ok_or("the path of libtorch is not valid UTF-8: move it")?;
    ffi(&root.join(&folder));
    if env::var_os(WHEEL).is_some() {
        println!("cargo::rustc-env=FER_LAB_LIBTORCH=");
        return Ok(());
    }
    println!("cargo::rustc-link-arg=-Wl,-rpath,{libraries}");
    println!("cargo::rustc-env=FER_LAB_LIBTORCH={libraries}");
    Ok(())
}

/// Compiles the C++ that is this package's own, with the standard and the ABI that libtorch's wheels have.
fn ffi(libtorch: &Path) {
    const SOURCE: &str = "src/train/ffi.cpp";
    println!("cargo::rerun-if-changed={SOURCE}");
    let include = libtorch.join("include");
    cc::Build::new()
        .cpp(true)
        .std("c++17")
        .warnings(false)
        .include(&include)
        .include(include.join("torch/csrc/api/include"))
        .file(SOURCE)
        .compile("fer_lab_ffi");
}

/// What tells one build from another: a hash of all sources, with the commit that manifests name.
fn identity(root: &Path, commit: &str) -> String {
    let mut hasher = DefaultHasher::new();
    commit.hash(&mut hasher);
    for path in SOURCES {
        hash(&root.join(path), &mut hasher);
    }
    format!("{:016x}", hasher.finish())
}

/// A file's content, or all files below a folder with their names, in the order of these.
fn hash(path: &Path, hasher: &mut DefaultHasher) {
    let Ok(entries) = fs::read_dir(path) else {
        fs::read(path).ok().hash(hasher);
        return;
    };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        path.file_name().hash(hasher);
        hash(&path, hasher);
    }
}

/// The commit, as `1a2b3c4d5e6f` or, with changes on top, `1a2b3c4d5e6f-dirty`; nothing where this is no git
/// checkout, as in a published package.
fn commit(root: &Path) -> String {
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
        let question = ["status", "--porcelain", "--untracked-files=normal", "--"];
        let changes = git(root, &[&question[..], &SOURCES].concat());
        if changes.is_none_or(|changes| !changes.is_empty()) {
            description.push_str("-dirty");
        }
    }
    description
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
