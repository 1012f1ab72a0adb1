//! Intervals of a signal, what a region carries beyond the same area elsewhere, where the places of controls are drawn too.

use fer_lab::analysis::{Differences, Prior, RunScores, Scorer, Spread, effects};
use fer_lab::random::generator;
use fer_lab::store::{Metric, PredictionRow, RunRow};
use rand::{Rng, RngExt};
use rand_distr::{Distribution, StandardNormal};

use super::large::row;

/// Test images of a study.
const IMAGES: usize = 300;
const REGIONS: [&str; 5] = ["brows", "cheeks", "eyes", "mouth", "nose"];
/// What masking a region costs more than masking a place, a share.
const SIGNAL: f64 = 0.05;
/// The standard deviations of accuracies between seeds, and between places.
const BY_SEED: f64 = 0.02;
const BY_PLACE: f64 = 0.03;

/// Of the intervals of one cell the share that holds the truth: with places as they are, and with places as a sample.
pub struct Covered {
    pub fixed: f64,
    pub sampled: f64,
}

/// Simulated studies in which five regions are masked, and as many places of each region's area.
pub fn covered(seeds: u64, places: u32, experiments: u64) -> Covered {
    let (mut fixed, mut sampled, mut all) = (0, 0, 0);
    for experiment in 0..experiments {
        let study = Study::draw(seeds, places, experiment);
        let prior = Prior::of(&study.differences.iter().filter_map(Spread::of).collect::<Vec<_>>());
        for table in &study.differences {
            let holds = table.estimate_among(prior.as_ref()).interval;
            fixed += usize::from(holds.is_some_and(|(low, high)| low <= SIGNAL && SIGNAL <= high));
        }
        let rows = effects(&study.scores).expect("they are of the same images");
        for row in rows.iter().filter(|row| row.metric == Metric::Accuracy) {
            let holds = row.signal_low.zip(row.signal_high);
            sampled +=
                usize::from(holds.is_some_and(|(low, high)| low <= SIGNAL && SIGNAL <= high));
            all += 1;
        }
    }
    let share = |count: usize| count as f64 / all as f64;
    Covered { fixed: share(fixed), sampled: share(sampled) }
}

struct Study {
    scores: Vec<RunScores>,
    /// Of each region: the mean of its controls less it, seeds × images.
    differences: Vec<Differences>,
}

impl Study {
    fn draw(seeds: u64, places: u32, experiment: u64) -> Study {
        let mut random = generator(experiment, "places", &[seeds, u64::from(places)]);
        let difficulty: Vec<f64> = (0..IMAGES).map(|_| random.random_range(-0.2..0.2)).collect();
        let mut scorer = Scorer::new(&["one", "other"].map(str::to_owned));
        let mut scores = Vec::new();
        let mut add = |random: &mut dyn Rng, mean: f64, seed: u64, like: &RunRow| {
            let accuracy = mean + BY_SEED * normal(random);
            let right: Vec<bool> = difficulty
                .iter()
                .map(|harder| random.random_bool((accuracy - harder).clamp(0.0, 1.0)))
                .collect();
            let run_id = format!("{}-{:?}-{seed}", like.condition, like.draw);
            let run = RunRow { run_id, seed, ..like.clone() };
            let rows: Vec<PredictionRow> = predictions(&run, &right);
            scores.push(scorer.score(run, &rows).expect("scores"));
            right
        };
        for seed in 1..=seeds {
            let _ = add(&mut random, 0.75, seed, &row(&[], "none", "none", None));
        }
        let differences = REGIONS.map(|region| {
            let masked = row(&[region], "hide", "retrain", None);
            let of_seeds = |random: &mut dyn Rng, mean, like: &RunRow, add: &mut Add<'_>| {
                (1..=seeds).map(|seed| add(random, mean, seed, like)).collect::<Vec<_>>()
            };
            let own = of_seeds(&mut random, 0.7 - SIGNAL, &masked, &mut add);
            let elsewhere: Vec<Vec<Vec<bool>>> = (0..places)
                .map(|place| {
                    let mean = 0.7 + BY_PLACE * normal(&mut random);
                    let control = row(&[region], "hide", "retrain", Some(place));
                    of_seeds(&mut random, mean, &control, &mut add)
                })
                .collect();
            let number = |right: bool| f64::from(u8::from(right));
            let table = Differences::from_fn(seeds as usize, IMAGES, |seed, image| {
                let right = elsewhere.iter().map(|of_place| number(of_place[seed][image]));
                right.sum::<f64>() / f64::from(places) - number(own[seed][image])
            });
            table.expect("seeds and images")
        });
        Study { differences: differences.to_vec(), scores }
    }
}

/// Adds a run of a mean accuracy; which images it is right about.
type Add<'a> = dyn FnMut(&mut dyn Rng, f64, u64, &RunRow) -> Vec<bool> + 'a;

fn predictions(run: &RunRow, right: &[bool]) -> Vec<PredictionRow> {
    let classes = ["one", "other"];
    let row = |(image, right): (usize, &bool)| {
        let actual = image % 2;
        let predicted = if *right { actual } else { 1 - actual };
        let probabilities = [0, 1].map(|class| if class == predicted { 0.9f32 } else { 0.1 });
        PredictionRow {
            run_id: run.run_id.clone(),
            split: fer_lab::dataset::Split::Test,
            image: format!("image_{image:04}.png"),
            actual: classes[actual].to_owned(),
            predicted: classes[predicted].to_owned(),
            credit: None,
            probabilities: probabilities.to_vec(),
            log_probabilities: Some(probabilities.map(f32::ln).to_vec()),
            label: [0, 1].map(|class| f32::from(u8::from(class == actual))).to_vec(),
        }
    };
    right.iter().enumerate().map(row).collect()
}

fn normal(random: &mut dyn Rng) -> f64 {
    StandardNormal.sample(random)
}
