//! `fer-lab landmarks`

use std::collections::HashSet;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use serde_json::json;

use super::interrupt::Interruption;
use super::{Exit, Options, output};
use crate::dataset::{self, BadPicture, FoundImage, Split};
use crate::landmarker::LEAST_PRESENCE;
use crate::region::Landmark;
use crate::report::{Cell, Column, Format, Table, thousands};
use crate::store::{FileKind, Results, file_kind, write_new, write_whole};

/// Find the landmarks in the pictures of an experiment's data set
///
/// They are found by MediaPipe's Face Landmarker, which `scripts/setup --landmarks` fetches, on all cores, and kept in the
/// results folder's cache, so that an interrupted search goes on where it was. `dataset.landmarks = "find"` has the same
/// points found when an experiment needs them.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The experiment file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Write the points to this table, which `dataset.landmarks` reads: a new file, or one that this command wrote
    #[arg(long, value_name = "CSV")]
    out: Option<PathBuf>,
}

pub fn run(arguments: &Arguments, options: &Options) -> anyhow::Result<Exit> {
    let interruption = Interruption::catch(String::new())?;
    let experiment = options.experiment(&arguments.file)?;
    if let Some(path) = &arguments.out {
        check_place(path)?;
    }
    let results = Results::create(&options.results)?;
    let (images, bad) = super::progress::watched(options, &interruption, |watch| {
        dataset::find_landmarks(&experiment.settings.dataset, &results.cache_dir(), watch)
    })?;
    if let Some(path) = &arguments.out {
        save(path, &images)?;
    }
    answer(&Counts::of(&images, &bad), arguments.out.as_deref(), options.format)?;
    Ok(Exit::Done)
}

/// What was found.
struct Counts<'a> {
    /// For each split its images, and the names of those in which no face was found.
    splits: Vec<(Split, usize, Vec<&'a str>)>,
    bad: &'a [BadPicture],
}

impl<'a> Counts<'a> {
    fn of(images: &'a [FoundImage], bad: &'a [BadPicture]) -> Counts<'a> {
        let count = |split| {
            let images = || images.iter().filter(move |image| image.split == split);
            let missed = images().filter(|image| image.points.presence < LEAST_PRESENCE);
            (split, images().count(), missed.map(|image| image.name.as_str()).collect())
        };
        Counts { splits: Split::ALL.into_iter().map(count).collect(), bad }
    }

    fn table(&self) -> Table {
        let mut table = Table::new(vec![
            Column::text("split", "split"),
            Column::number("images", "images"),
            Column::number("found", "found"),
            Column::number("not_found", "not found"),
        ]);
        for (split, images, missed) in &self.splits {
            let counts = [*images, images - missed.len(), missed.len()];
            let counts = counts.map(|count| Cell::Count(count as u64));
            table.push([vec![Cell::text(split.name())], counts.to_vec()].concat());
        }
        table
    }
}

fn answer(counts: &Counts<'_>, out: Option<&Path>, format: Format) -> anyhow::Result<()> {
    match format {
        Format::Table => {
            let mut text = counts.table().render(Format::Table, output::width().min(100))?;
            text += "\n";
            for (split, _, missed) in counts.splits.iter().filter(|(.., missed)| !missed.is_empty())
            {
                text += &format!("no face found in {split}: {}\n", some_of(missed));
            }
            if !counts.bad.is_empty() {
                let count = thousands(counts.bad.len() as u64);
                text += &format!("pictures that cannot be read: {count}\n");
                for BadPicture { path, why } in counts.bad.iter().take(SHOWN) {
                    text += &format!("  {}: {why}\n", path.display());
                }
            }
            match out {
                Some(path) => text += &format!("{}\n", path.display()),
                None => text += "for a table of the points: --out points.csv\n",
            }
            output::text(&text)
        }
        Format::Json => {
            let split = |(split, images, missed): &(Split, usize, Vec<&str>)| {
                let found = images - missed.len();
                let counts = json!({ "images": images, "found": found, "not_found": missed });
                (split.name().to_owned(), counts)
            };
            let splits: serde_json::Map<_, _> = counts.splits.iter().map(split).collect();
            let bad = |BadPicture { path, why }: &BadPicture| json!({ "picture": path.to_string_lossy(), "reason": why });
            let bad: Vec<_> = counts.bad.iter().map(bad).collect();
            let table = out.map(Path::to_string_lossy);
            let all = json!({ "splits": splits, "unreadable": bad, "table": table });
            output::data(&(serde_json::to_string_pretty(&all)? + "\n"))
        }
        other => output::table(&counts.table(), other),
    }
}

const SHOWN: usize = 10;

/// The first names of many.
fn some_of(names: &[&str]) -> String {
    let shown = names[..names.len().min(SHOWN)].join(", ");
    match names.len() - names.len().min(SHOWN) {
        0 => shown,
        more => format!("{shown} and {} more", thousands(more as u64)),
    }
}

/// The table's first line.
fn header() -> String {
    let axes = Landmark::ALL.map(|landmark| format!("{0}_x,{0}_y", landmark.name()));
    format!("image,presence,{}", axes.join(","))
}

/// Refuses a path that the table cannot be written to, before the work.
fn check_place(path: &Path) -> anyhow::Result<()> {
    let kind = match file_kind(path) {
        Ok(kind) => kind,
        Err(why) if why.kind() == std::io::ErrorKind::NotFound => {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            return match folder.filter(|folder| !folder.is_dir()) {
                Some(folder) => bail!(
                    "`--out {}` cannot be written: there is no folder `{}`; make it, or name another place",
                    path.display(),
                    folder.display()
                ),
                None => Ok(()),
            };
        }
        Err(why) => return Err(why).with_context(|| format!("cannot read `{}`", path.display())),
    };
    if kind != FileKind::File {
        bail!("`{}` is {kind} and is not overwritten: name a new file", path.display());
    }
    let header = header();
    let mut start = vec![0; header.len()];
    let read = std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut start));
    match read.is_ok() && start == header.as_bytes() {
        true => Ok(()),
        false => bail!(
            "`{}` exists and is no table that `fer-lab landmarks` wrote, so it is not overwritten: name a new file, or \
             remove it first",
            path.display()
        ),
    }
}

/// Writes the table. Of images that share a name, as a few of FER+ do, the first one's points stand for both.
fn save(path: &Path, images: &[FoundImage]) -> anyhow::Result<()> {
    let mut named = HashSet::new();
    let mut table = csv::Writer::from_writer(Vec::new());
    table.write_record(header().split(','))?;
    for image in images.iter().filter(|image| named.insert(&image.name)) {
        // Rounded down: what is not trusted must not become so.
        let presence = (image.points.presence * 1e6).floor() / 1e6;
        let mut record = vec![image.name.clone(), format!("{presence:.6}")];
        for point in image.points.points {
            let axes = point.map(|point| [point.x, point.y].map(|value| format!("{value:.6}")));
            record.extend(axes.unwrap_or_default());
        }
        table.write_record(&record)?;
    }
    let table = table.into_inner()?;
    let write = |file: &mut std::fs::File| std::io::Write::write_all(file, &table);
    match path.exists() {
        true => write_whole(path, write)?,
        false => write_new(path, write)?,
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::Row;
    use crate::region::Point;

    fn image(name: &str, presence: f64) -> FoundImage {
        let points = std::array::from_fn(|at| Some(Point { x: 0.1 * at as f64, y: 1.0 / 3.0 }));
        let points = Row { points, presence, line: 0, contour: None };
        FoundImage { split: Split::Train, name: name.to_owned(), points }
    }

    #[test]
    fn the_table_is_what_the_loader_reads() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("points.csv");
        check_place(&path).unwrap();
        let images = [image("a,b.png", 1.0), image("c.png", 0.499_999_9), image("a,b.png", 0.7)];
        save(&path, &images).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert!(
            lines[0].starts_with("image,presence,eye_left_x,eye_left_y,eye_right_x,"),
            "{text}"
        );
        assert!(lines[1].starts_with("\"a,b.png\",1.000000,0.000000,0.333333,0.100000,"), "{text}");
        assert!(lines[2].starts_with("c.png,0.499999,"), "{text}");
        assert_eq!(lines.len(), 3);
        // It may be written again; another file may not.
        check_place(&path).unwrap();
        save(&path, &images).unwrap();
        std::fs::write(&path, "image,label\n").unwrap();
        let refused = check_place(&path).unwrap_err().to_string();
        assert!(refused.contains("is no table that `fer-lab landmarks` wrote"), "{refused}");
        let nowhere = check_place(&folder.path().join("none/points.csv")).unwrap_err().to_string();
        assert!(nowhere.contains("there is no folder"), "{nowhere}");
        assert!(check_place(folder.path()).unwrap_err().to_string().contains("is a folder"));
    }

    #[test]
    fn names_beyond_the_first_are_counted() {
        let names: Vec<String> = (0..1_012).map(|name| name.to_string()).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        assert_eq!(some_of(&names[..2]), "0, 1");
        assert!(some_of(&names).ends_with("8, 9 and 1,002 more"));
    }
}
