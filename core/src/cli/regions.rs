//! `fer-lab regions`

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::picture::{PictureFormat, Place};
use super::{Exit, Options, output};
use crate::dataset::faces;
use crate::experiment::{self, DatasetSpec, Experiment, FacesSpec, Source};
use crate::plan::masks_nothing;
use crate::region::atlas::SET_WORDS;
use crate::region::mask::rasterise;
use crate::region::object::Objects;
use crate::region::reach::masks_everything;
use crate::region::{Affine, Outlines, Region, Regions};
use crate::report::{self, Cell, Column, ContactSheet, Format, ReportError, Table, Tile};

/// List and draw the regions that an experiment can name
///
/// The seven of the built-in atlas, their left and right halves, the halves of the face, the background and the
/// file's own.
#[derive(Debug, Args)]
pub struct Arguments {
    /// An experiment file whose own regions to include
    #[arg(value_name = "FILE")]
    pub(super) file: Option<PathBuf>,
    /// Output file: a new one, or one that fer-lab drew; default `<results>/regions.png`
    #[arg(long, value_name = "PNG")]
    out: Option<PathBuf>,
}

pub fn run(arguments: &Arguments, options: &Options) -> anyhow::Result<Exit> {
    let regions = match &arguments.file {
        Some(file) => {
            let experiment = options.experiment(file)?;
            warn_of_ineffective(&experiment);
            experiment.regions
        }
        None => Regions::aligned(),
    };
    if options.format == Format::Json && arguments.out.is_none() {
        output::data(&(serde_json::to_string_pretty(&json(&regions))? + "\n"))?;
        return Ok(Exit::Done);
    }
    let place = match &arguments.out {
        Some(path) => Place::named("--out", path, &[PictureFormat::Png])?,
        None => Place::within_results(options.results.join("regions.png"))?,
    };
    let drawn: Vec<Region> = regions.built_in().iter().chain(regions.own()).cloned().collect();
    let occluded = match &arguments.out {
        Some(path) => {
            let stem = path.file_stem().unwrap_or_default().to_string_lossy();
            let beside = path.with_file_name(format!("{stem}_occluders.png"));
            Place::named("--out", &beside, &[PictureFormat::Png])?
        }
        None => Place::within_results(options.results.join("regions_occluders.png"))?,
    };
    let face = face()?;
    place.save(&report::atlas_figure(&drawn, Some(&face.tile()?))?)?;
    occluded.save(&face.occluded(regions.occluders())?.figure()?)?;
    if options.format == Format::Json {
        output::data(&(serde_json::to_string_pretty(&json(&regions))? + "\n"))?;
        return Ok(Exit::Done);
    }
    let mut text = table(&regions).render(options.format, output::width().min(100))?;
    if options.format == Format::Table {
        text += "\nx and y run from 0 to 1 from the top left of the canonical face frame; the area\n\
                 is a share of the frame; each, pairs, halves and subsets stand for many sets\n";
        text += &format!("{}\n{}\n", place.path().display(), occluded.path().display());
    }
    if options.format == Format::Table {
        output::text(&text)?
    } else {
        output::data(&text)?
    }
    Ok(Exit::Done)
}

/// Warns of regions that contain no pixel, or every pixel, at the experiment's image sizes.
fn warn_of_ineffective(experiment: &Experiment) {
    let size =
        |cell: &experiment::Cell| (cell.settings.dataset.height, cell.settings.dataset.width);
    let sizes: BTreeSet<(usize, usize)> = experiment.cells.iter().map(size).collect();
    for size in sizes {
        for region in experiment.regions.iter() {
            if let Some(nothing) = masks_nothing(&region.name, &region.polygons, size) {
                output::warning(&nothing);
            }
            let (name, (height, width)) = (&region.name, size);
            if masks_everything(&region.polygons, &[Affine::IDENTITY], height, width) {
                output::warning(&format!(
                    "`{name}` contains every pixel of any {height} × {width} image"
                ));
            }
        }
    }
}

fn json(regions: &Regions) -> serde_json::Value {
    let regions: Vec<serde_json::Value> = kinds(regions)
        .into_iter()
        .flat_map(|(regions, kind)| regions.iter().map(move |region| (region, kind)))
        .map(|(region, kind)| {
            let polygons: Vec<Vec<[f64; 2]>> = region
                .polygons
                .iter()
                .map(|polygon| polygon.points().iter().map(|point| [point.x, point.y]).collect())
                .collect();
            json!({ "name": region.name, "kind": kind, "polygons": polygons, "area": region.area() })
        })
        .collect();
    json!({ "regions": regions, "words": SET_WORDS })
}

/// Every region that an experiment can name, and what kind of region it is.
fn kinds(regions: &Regions) -> [(&[Region], &'static str); 6] {
    [
        (regions.built_in(), "atlas"),
        (regions.own(), "this file's"),
        (regions.halves(), "half, as seen"),
        (regions.face_halves(), "half of the face"),
        (regions.background(), "around the face"),
        (regions.occluders(), "before the face"),
    ]
}

fn table(regions: &Regions) -> Table {
    let mut table = Table::new(vec![
        Column::text("region", "region"),
        Column::number("area", "area, %"),
        Column::text("kind", "kind"),
        Column::text("corners", "from"),
        Column::text("corners_to", "to"),
    ]);
    for (regions, kind) in kinds(regions) {
        for region in regions {
            let Some((low, high)) = crate::region::geometry::bounds(&region.polygons) else {
                continue;
            };
            table.push(vec![
                Cell::text(region.name.as_str()),
                Cell::share(region.area()),
                Cell::text(kind),
                Cell::text(format!("{:.2}, {:.2}", low.x, low.y)),
                Cell::text(format!("{:.2}, {:.2}", high.x, high.y)),
            ]);
        }
    }
    table
}

/// One drawn face that looks straight ahead, `[SIDE, SIDE, 3]`.
struct DrawnFace {
    pixels: Vec<u8>,
}

/// Pixels across and down.
const SIDE: usize = 480;

impl DrawnFace {
    fn tile(&self) -> Result<Tile, ReportError> {
        Tile::new(self.pixels.clone(), SIDE, SIDE, 3)
    }

    /// The face under each occluder: as a flat grey shape, and as the object.
    fn occluded(&self, occluders: &[Region]) -> anyhow::Result<ContactSheet> {
        let row = |object: bool| {
            let tile = |occluder| Tile::new(self.under(occluder, object), SIDE, SIDE, 3).map(Some);
            occluders.iter().map(tile).collect::<Result<Vec<_>, _>>()
        };
        Ok(ContactSheet {
            title: "What people wear or hold before the face".to_owned(),
            subtitle:
                "regions to name in occlusion.regions, as flat shapes and with the fill object"
                    .to_owned(),
            rows: vec![("shape".to_owned(), row(false)?), ("object".to_owned(), row(true)?)],
            columns: occluders.iter().map(|occluder| occluder.name.clone()).collect(),
            regions: Vec::new(),
        })
    }

    /// The pixels of the face under an occluder.
    fn under(&self, occluder: &Region, object: bool) -> Vec<u8> {
        let mut mask = vec![0; SIDE * SIDE];
        rasterise(&Outlines::of(&occluder.polygons), &Affine::IDENTITY, SIDE, SIDE, &mut mask);
        let mut pixels = self.pixels.clone();
        match Objects::on(&occluder.polygons) {
            Ok(objects) if object => objects.paint(&Affine::IDENTITY, &mask, SIDE, &mut pixels),
            _ => {
                for (pixel, masked) in pixels.chunks_exact_mut(3).zip(mask) {
                    if masked == 1 {
                        pixel.fill(127);
                    }
                }
            }
        }
        pixels
    }
}

fn face() -> anyhow::Result<DrawnFace> {
    let faces = FacesSpec {
        train: 1,
        val: 1,
        test: 1,
        seed: 3,
        signal: Vec::new(),
        together: Vec::new(),
        identity: 0.0,
        nuisance: 0.0,
    };
    let spec =
        DatasetSpec::new(Source::Faces(faces.clone()), [SIDE, SIDE, 3], &["neutral", "happiness"]);
    let drawn = faces::generate(&spec, &faces);
    Ok(DrawnFace { pixels: drawn.train.pixels.to_vec() })
}
