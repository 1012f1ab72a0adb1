//! Example images: a network's inputs under each condition, kept in the experiment's folder for the report, which
//! has no data set.

use std::io::Write as _;

use image::imageops::{self, FilterType};
use image::{DynamicImage, GrayImage, ImageEncoder as _, RgbImage};

use super::{EngineError, Libtorch, Observer, Work, data};
use crate::dataset::{Dataset, Split};
use crate::plan::Condition;
use crate::store::{StoreError, write_whole};

/// At most this many conditions have example images: those with the fewest regions, the first controls last.
const MOST: usize = 30;
/// A picture is no larger, pixels; larger ones are made smaller.
const SIDE: usize = 64;

/// The first images of each class in a split: places in the split, at most `count` a class, in class order.
pub fn first_images(dataset: &Dataset, split: Split, count: usize) -> Vec<Vec<usize>> {
    let mut images = vec![Vec::new(); dataset.classes.len()];
    for (image, class) in dataset.actual(split).into_iter().enumerate() {
        if images[class].len() < count {
            images[class].push(image);
        }
    }
    images
}

/// Writes a strip for each condition of the experiment's first setting: of each class the first test image, in
/// class order, as the network's input. A class without images leaves its place grey.
///
/// # Errors
/// Where the data set cannot be read or a strip not be written.
pub fn write_examples(
    work: &Work,
    libtorch: &dyn Libtorch,
    observer: &mut dyn Observer,
) -> Result<(), EngineError> {
    let spec = &work.experiment.settings.dataset;
    let dataset = data::load_with_progress(spec, work.results, observer)?;
    let renderer = libtorch.renderer(&dataset, Split::Test);
    let images = first_images(&dataset, Split::Test, 1);
    remove_examples(work)?;
    for condition in chosen(&work.plan.conditions) {
        let pictures = images.iter().map(|of_class| {
            let image = of_class.first()?;
            Some(renderer.pixels(*image, condition.occlusion.as_ref()))
        });
        let strip = strip(pictures.collect(), [dataset.height, dataset.width, dataset.channels]);
        let path = work.results.example_path(&work.experiment.name, &condition.name)?;
        let png = encoded(&strip).map_err(|error| StoreError::write(&path, error))?;
        write_whole(&path, |file| file.write_all(&png))?;
    }
    Ok(())
}

/// Removes all strips of the experiment, so that no image of the data set is left in its folder.
///
/// # Errors
/// Where one cannot be removed.
pub fn remove_examples(work: &Work) -> Result<(), EngineError> {
    let folder = work.results.examples_dir(&work.experiment.name)?;
    let removed = match std::fs::read_dir(&folder) {
        Ok(entries) => entries
            .filter_map(Result::ok)
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|ending| ending == "png"))
            .try_for_each(|path| std::fs::remove_file(&path)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    };
    Ok(removed.map_err(|error| StoreError::write(&folder, error))?)
}

/// The conditions of the first setting that get a strip, in the order of the plan.
fn chosen(conditions: &[Condition]) -> Vec<&Condition> {
    let shown = |(_, condition): &(usize, &Condition)| condition.cell == 0 && condition.is_shown();
    let mut chosen: Vec<(usize, &Condition)> =
        conditions.iter().enumerate().filter(shown).collect();
    chosen.sort_by_key(|(_, condition)| (condition.control.is_some(), condition.regions.len()));
    chosen.truncate(MOST);
    chosen.sort_by_key(|(place, _)| *place);
    chosen.into_iter().map(|(_, condition)| condition).collect()
}

/// Pictures `[H, W, C]` of u8, side by side.
fn strip(pictures: Vec<Option<Vec<u8>>>, [height, width, channels]: [usize; 3]) -> DynamicImage {
    let missing = || vec![128; height * width * channels];
    let shrunk = width.max(height) as f64 / SIDE as f64;
    let (width, height) = (width as u32, height as u32);
    let size = |side: u32| (f64::from(side) / shrunk.max(1.0)).round().max(1.0) as u32;
    let (across, down) = (size(width), size(height));
    let mut strip = match channels {
        1 => DynamicImage::new_luma8(across * pictures.len() as u32, down),
        _ => DynamicImage::new_rgb8(across * pictures.len() as u32, down),
    };
    for (place, pixels) in pictures.into_iter().enumerate() {
        let pixels = pixels.unwrap_or_else(missing);
        let picture = match channels {
            1 => GrayImage::from_raw(width, height, pixels).map(DynamicImage::from),
            _ => RgbImage::from_raw(width, height, pixels).map(DynamicImage::from),
        };
        let Some(picture) = picture else { continue };
        let picture = match (across, down) == (width, height) {
            true => picture,
            false => picture.resize_exact(across, down, FilterType::Triangle),
        };
        imageops::replace(&mut strip, &picture, i64::from(across) * place as i64, 0);
    }
    strip
}

fn encoded(strip: &DynamicImage) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    image::codecs::png::PngEncoder::new(&mut bytes)
        .write_image(strip.as_bytes(), strip.width(), strip.height(), strip.color().into())
        .map_err(std::io::Error::other)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment;
    use crate::plan::Plan;

    fn conditions(occlusion: &str) -> Vec<Condition> {
        let text = format!("name = \"x\"\n[dataset]\nkind = \"faces\"\n[occlusion]\n{occlusion}");
        let experiment = experiment::parse(&text, "x", &[]).unwrap();
        Plan::new(&experiment).unwrap().conditions
    }

    #[test]
    fn the_plainest_conditions_have_pictures() {
        let all =
            conditions("regions = \"subsets\"\nphases = [\"evaluate\"]\nevaluated_controls = 0");
        let chosen = chosen(&all);
        assert_eq!(chosen.len(), MOST);
        assert!(chosen.iter().all(|condition| condition.regions.len() <= 3));
        assert_eq!(chosen.iter().filter(|condition| condition.regions.len() == 1).count(), 7);
        let place = |name: &str| all.iter().position(|condition| condition.name == name);
        assert!(chosen.windows(2).all(|pair| place(&pair[0].name) < place(&pair[1].name)));
    }

    #[test]
    fn of_many_controls_the_first_have_pictures() {
        let all =
            conditions("regions = [\"nose\"]\nphases = [\"evaluate\"]\nevaluated_controls = 7");
        let controls: Vec<Option<u32>> = chosen(&all).iter().map(|one| one.control).collect();
        assert_eq!((all.len(), controls.len()), (2 + 7, 2 + 4));
        assert_eq!(controls[2..], [0, 1, 2, 3].map(Some));
    }

    #[test]
    fn pictures_stand_side_by_side_and_are_never_large() {
        let small = strip(vec![Some(vec![10; 4]), None, Some(vec![30; 4])], [2, 2, 1]);
        assert_eq!(
            small.to_luma8().as_raw(),
            &[10, 10, 128, 128, 30, 30, 10, 10, 128, 128, 30, 30]
        );
        let large = strip(vec![Some(vec![9; 3 * 200 * 200]); 2], [200, 200, 3]);
        assert_eq!((large.width(), large.height()), (128, 64));
        let read = image::load_from_memory(&encoded(&large).unwrap()).unwrap();
        assert!(read.to_rgb8().as_raw().iter().all(|value| *value == 9));
    }
}
