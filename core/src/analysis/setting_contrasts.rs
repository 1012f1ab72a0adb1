//! Differences between settings: the same condition under two choices of the swept keys.
//!
//! Overlapping intervals do not mean that settings do not differ. Settings of one study share their seeds and, as a rule,
//! their test images, so that what these have in common cancels in the paired difference. Settings that were tested on
//! other images, or share no seed, cannot be compared pair by pair: they are two independent samples, and the variances
//! of their seeds and of their images are added up, each with Satterthwaite's degrees of freedom (Welch 1947, "The
//! generalization of Student's problem when several different population variances are involved").
//!
//! Compared is the answer to the question that a condition asks: masked, what it costs against the setting's own whole
//! faces; alone visible, what it reaches beyond the setting's own chance. What a region alone loses against whole faces
//! would grow with whatever makes whole faces better.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::cells::{Cell, EffectsError, Masked, Pair, asked, cells, paired};
use super::crossed::{Differences, Estimate, Part, Variance};
use super::holm::holm;
use super::metric::Metric;
use super::moderated::{Prior, Spread};
use super::scores::RunScores;
use crate::plan::Swept;
use crate::region::Masking;
use crate::store::SettingContrastRow;

/// Larger families are not compared pair by pair: thousands of pairs are not read, and after the correction hardly any
/// would be significant.
const MOST_PAIRS: usize = 2016;

/// Every pair of settings for each condition that both have, in the order of the runs, metric by metric: over the seeds
/// of the condition and its whole faces that both have, where they were tested on the same images; else over those of
/// each. p is Holm-corrected over all conditions and pairs of settings of a family: sets of equally many regions of one
/// mode, phase, fill and metric. Families of more than 2,016 pairs have no row, nor has a study of one setting.
///
/// # Errors
/// As of [`effects`](super::effects()).
pub fn setting_contrasts(runs: &[RunScores]) -> Result<Vec<SettingContrastRow>, EffectsError> {
    let cells = cells(runs)?;
    let pairs: Vec<Vec<(&Masked, Vec<Pair>)>> =
        cells.iter().map(paired).collect::<Result<_, _>>()?;
    let alike = same_images(&pairs);
    let mut rows = Vec::new();
    for family in families(&cells, &pairs) {
        for metric in Metric::ALL {
            rows.extend(of_family(&family, &alike, metric)?);
        }
    }
    Ok(rows)
}

/// A choice of every swept key as a row has it: `train.epochs = 10`, sorted by key.
pub fn assignments(swept: &Swept) -> Vec<String> {
    swept.iter().map(|(key, value)| format!("{key} = {value}")).collect()
}

/// A condition under one setting.
struct Side<'b, 'a> {
    /// The setting's place among the cells.
    setting: usize,
    swept: &'a Swept,
    masked: &'b Masked<'a>,
    /// One a seed; never empty.
    pairs: &'b [Pair<'a>],
}

/// Conditions whose tests are corrected together, each under two settings or more.
type Family<'b, 'a> = Vec<Vec<Side<'b, 'a>>>;

/// For each setting the first that was tested on the same images; of a setting without runs itself.
fn same_images(settings: &[Vec<(&Masked, Vec<Pair>)>]) -> Vec<usize> {
    let test = |setting: &Vec<(&Masked, Vec<Pair>)>| {
        setting.iter().flat_map(|(_, pairs)| pairs).next().map(|pair| Arc::clone(&pair.whole.test))
    };
    let tests: Vec<_> = settings.iter().map(test).collect();
    let first = |(place, test): (usize, &Option<_>)| {
        let same = tests.iter().position(|other| test.is_some() && other == test);
        same.unwrap_or(place)
    };
    tests.iter().enumerate().map(first).collect()
}

fn families<'b, 'a>(
    cells: &'b [Cell<'a>],
    pairs: &'b [Vec<(&'b Masked<'a>, Vec<Pair<'a>>)>],
) -> Vec<Family<'b, 'a>> {
    let mut families: Vec<((Masking, usize), Family)> = Vec::new();
    for (setting, (cell, conditions)) in cells.iter().zip(pairs).enumerate() {
        for (masked, pairs) in conditions.iter().filter(|(_, pairs)| !pairs.is_empty()) {
            let key = (masked.masking, masked.regions.len());
            let place = families.iter().position(|(known, _)| *known == key);
            let place = place.unwrap_or_else(|| {
                families.push((key, Vec::new()));
                families.len() - 1
            });
            let family = &mut families[place].1;
            let side = Side { setting, swept: cell.swept, masked, pairs };
            match family.iter_mut().find(|sides| sides[0].masked.regions == masked.regions) {
                Some(sides) => sides.push(side),
                None => family.push(vec![side]),
            }
        }
    }
    let mut families: Vec<Family> = families.into_iter().map(|(_, family)| family).collect();
    let tests = |family: &Family| -> usize {
        family.iter().map(|sides| sides.len() * (sides.len() - 1) / 2).sum()
    };
    families.retain(|family| (1..=MOST_PAIRS).contains(&tests(family)));
    families
}

/// What a condition answers under one setting.
struct Answered<'b, 'a> {
    side: &'b Side<'b, 'a>,
    seeds: Vec<u64>,
    /// Seeds × images.
    table: Differences,
}

impl<'b, 'a> Answered<'b, 'a> {
    /// `None` without images.
    fn of(side: &'b Side<'b, 'a>, metric: Metric) -> Result<Option<Self>, EffectsError> {
        let images = side.pairs[0].whole.images();
        let mut values = Vec::with_capacity(side.pairs.len());
        for pair in side.pairs {
            values.push(asked(pair, side.masked.masking.mode, metric)?);
        }
        let table = Differences::from_fn(values.len(), images, |seed, image| values[seed][image]);
        let seeds = side.pairs.iter().map(|pair| pair.masked.run.seed).collect();
        Ok(table.map(|table| Answered { side, seeds, table }))
    }
}

/// Two settings beside each other.
enum Beside {
    /// The first less the second, on the seeds and images of both; and the mean of each there.
    Paired {
        difference: Differences,
        means: [f64; 2],
    },
    Apart,
}

impl Beside {
    fn of(first: &Answered, second: &Answered, alike: &[usize]) -> Beside {
        if alike[first.side.setting] != alike[second.side.setting] {
            return Beside::Apart;
        }
        let shared: Vec<(usize, usize)> = (0..first.seeds.len())
            .filter_map(|place| {
                let other = second.seeds.iter().position(|seed| *seed == first.seeds[place])?;
                Some((place, other))
            })
            .collect();
        let tables = (&first.table, &second.table);
        let difference = Differences::from_fn(shared.len(), tables.0.images(), |seed, image| {
            let (one, other) = shared[seed];
            tables.0.of_seed(one)[image] - tables.1.of_seed(other)[image]
        });
        let Some(difference) = difference else { return Beside::Apart };
        let mean = |table: &Differences, seeds: &mut dyn Iterator<Item = usize>| {
            let of_seed = |seed| table.of_seed(seed).iter().sum::<f64>() / table.images() as f64;
            seeds.map(of_seed).sum::<f64>() / shared.len() as f64
        };
        let means = [
            mean(tables.0, &mut shared.iter().map(|(one, _)| *one)),
            mean(tables.1, &mut shared.iter().map(|(_, other)| *other)),
        ];
        Beside::Paired { difference, means }
    }
}

fn of_family(
    family: &Family,
    alike: &[usize],
    metric: Metric,
) -> Result<Vec<SettingContrastRow>, EffectsError> {
    let mut answered: Vec<Vec<Answered>> = Vec::new();
    for sides in family {
        let of_sides: Vec<Option<Answered>> =
            sides.iter().map(|side| Answered::of(side, metric)).collect::<Result<_, _>>()?;
        answered.push(of_sides.into_iter().flatten().collect());
    }
    let mut two: Vec<(&Answered, &Answered)> = Vec::new();
    for sides in &answered {
        for (place, first) in sides.iter().enumerate() {
            two.extend(sides[place + 1..].iter().map(|second| (first, second)));
        }
    }
    // The tables of all pairs at once would not fit.
    let spread = |(first, second): &(&Answered, &Answered)| match Beside::of(first, second, alike) {
        Beside::Paired { difference, .. } => Spread::of(&difference),
        Beside::Apart => None,
    };
    let of_pairs = Prior::of(&two.iter().filter_map(spread).collect::<Vec<_>>());
    let of_settings = priors(&answered);
    let mut rows: Vec<SettingContrastRow> = two
        .iter()
        .map(|(first, second)| match Beside::of(first, second, alike) {
            Beside::Paired { difference, means } => {
                let estimate = difference.estimate_among(of_pairs.as_ref());
                let counts = (true, difference.seeds(), difference.images());
                row(first, second, metric, estimate, means, counts)
            }
            Beside::Apart => {
                let prior = |of: &Answered| of_settings.get(&of.side.setting);
                let estimate = apart([&first.table, &second.table], [prior(first), prior(second)]);
                let means = [first.table.mean(), second.table.mean()];
                let fewer = |of: fn(&Differences) -> usize| of(&first.table).min(of(&second.table));
                let counts = (false, fewer(Differences::seeds), fewer(Differences::images));
                row(first, second, metric, estimate, means, counts)
            }
        })
        .collect();
    let adjusted = holm(&rows.iter().map(|row| row.p).collect::<Vec<_>>());
    for (row, adjusted) in rows.iter_mut().zip(adjusted) {
        row.p_adjusted = adjusted;
    }
    Ok(rows)
}

/// How much seeds vary under each setting, over the conditions of a family.
fn priors(answered: &[Vec<Answered>]) -> BTreeMap<usize, Prior> {
    let mut spreads: BTreeMap<usize, Vec<Spread>> = BTreeMap::new();
    for of in answered.iter().flatten() {
        spreads.entry(of.side.setting).or_default().extend(Spread::of(&of.table));
    }
    let fitted = |(setting, spreads): (_, Vec<Spread>)| Some((setting, Prior::of(&spreads)?));
    spreads.into_iter().filter_map(fitted).collect()
}

fn row(
    first: &Answered,
    second: &Answered,
    metric: Metric,
    estimate: Estimate,
    [value, against]: [f64; 2],
    (paired, seeds, images): (bool, usize, usize),
) -> SettingContrastRow {
    let Masked { regions, masking, condition, .. } = first.side.masked;
    let (low, high) = estimate.interval.unzip();
    SettingContrastRow {
        condition: (*condition).to_owned(),
        against_condition: second.side.masked.condition.to_owned(),
        setting: assignments(first.side.swept),
        against_setting: assignments(second.side.swept),
        regions: regions.to_vec(),
        mode: masking.mode,
        phase: masking.phase,
        fill: masking.fill,
        metric,
        value,
        against,
        difference: estimate.mean,
        low,
        high,
        p: estimate.p,
        p_adjusted: None,
        paired,
        seeds: u32::try_from(seeds).unwrap_or(u32::MAX),
        images: images as u64,
        method: estimate.method.to_owned(),
    }
}

/// The difference of the means of two independent samples of seeds and images: the variances add up. Without interval
/// where either has none, as where nothing varies in it; p is 1 where neither is anything but 0.
fn apart(tables: [&Differences; 2], priors: [Option<&Prior>; 2]) -> Estimate {
    let [first, second] = [0, 1].map(|place| tables[place].estimate_among(priors[place]));
    let mean = first.mean - second.mean;
    if first.interval.is_none() || second.interval.is_none() {
        let nothing = |estimate: &Estimate| estimate.mean == 0.0 && estimate.p == Some(1.0);
        let p = (nothing(&first) && nothing(&second)).then_some(1.0);
        let method = "none: nothing varies under one of the settings";
        return Estimate { mean, interval: None, p, method };
    }
    let method = match tables.iter().all(|table| table.seeds() > 1) {
        true => "independent samples: seeds and images of each setting, Welch-Satterthwaite",
        false => {
            "independent samples: images of each setting, seeds where there are several, Welch-Satterthwaite"
        }
    };
    let [one, other] = [0, 1].map(|place| tables[place].variance(priors[place]));
    Variance {
        seeds: added(one.seeds, other.seeds),
        images: added(one.images, other.images),
        ..Variance::default()
    }
    .judge(mean, method)
}

/// The sum of two variances (Satterthwaite 1946, "An approximate distribution of estimates of variance components").
fn added(one: Part, other: Part) -> Part {
    let variance = one.variance + other.variance;
    let over = |part: Part| match part.variance > 0.0 {
        true => part.variance * part.variance / part.freedom,
        false => 0.0,
    };
    let sum = over(one) + over(other);
    Part { variance, freedom: if sum > 0.0 { variance * variance / sum } else { 0.0 } }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;
    use rand_distr::{Distribution, StandardNormal};
    use statrs::distribution::{ContinuousCDF, StudentsT};

    use super::super::effects;
    use super::super::effects::fixture::{run, scored};
    use super::*;
    use crate::store::RunRow;

    const IMAGES: usize = 60;

    /// Wrong about the first so many images, but of every seed about another one of the rest.
    fn wrong(row: RunRow, count: usize, images: usize) -> RunScores {
        let seed = row.seed as usize;
        let predicted: Vec<usize> = (0..images)
            .map(|image| usize::from(image < count || image == images - 1 - seed))
            .collect();
        scored(row, &vec![0; images], &predicted)
    }

    fn with_epochs(mut row: RunRow, epochs: &str) -> RunRow {
        row.run_id += epochs;
        row.condition = format!("{} of {epochs}", row.regions.join("+"));
        row.swept.insert("train.epochs".to_owned(), epochs.to_owned());
        row
    }

    /// Regions with how many images each leaves wrong under a setting, on so many images; whole faces are right.
    fn setting(
        epochs: &str,
        mode: &str,
        wrongs: &[(&str, usize)],
        seeds: std::ops::Range<u64>,
        images: usize,
    ) -> Vec<RunScores> {
        let mut runs = Vec::new();
        for seed in seeds {
            let whole = with_epochs(run(&format!("w{seed}"), &[], "none", seed), epochs);
            runs.push(wrong(whole, 0, images));
            for (region, count) in wrongs {
                let row = run(&format!("{region}{mode}{seed}"), &[*region], mode, seed);
                runs.push(wrong(with_epochs(row, epochs), *count, images));
            }
        }
        runs
    }

    fn accuracy(runs: &[RunScores]) -> Vec<SettingContrastRow> {
        let mut rows = setting_contrasts(runs).unwrap();
        rows.retain(|row| row.metric == Metric::Accuracy);
        rows
    }

    /// The intervals overlap by far; but for every seed and nearly every image the shorter training costs more.
    #[test]
    fn settings_are_paired_by_seed_and_image() {
        let mut runs = setting("5", "hide", &[("eyes", 12), ("mouth", 30)], 1..4, IMAGES);
        runs.extend(setting("10", "hide", &[("eyes", 21), ("mouth", 30)], 1..4, IMAGES));
        let costs = effects(&runs).unwrap();
        let eyes: Vec<_> = costs
            .iter()
            .filter(|row| row.metric == Metric::Accuracy && row.regions == ["eyes"])
            .collect();
        assert!(eyes[0].effect_high > eyes[1].effect_low, "{eyes:?}");
        let rows = accuracy(&runs);
        assert_eq!(rows.len(), 2);
        let row = &rows[0];
        assert_eq!(
            (&row.setting[..], &row.against_setting[..]),
            (&["train.epochs = 5".to_owned()][..], &["train.epochs = 10".to_owned()][..],)
        );
        assert_eq!((&*row.condition, &*row.against_condition), ("eyes of 5", "eyes of 10"));
        assert!(row.paired && row.seeds == 3 && row.images == IMAGES as u64);
        let close = |found: f64, images: f64| assert!((60.0 * found - images).abs() < 1e-9);
        close(row.value, 12.0);
        close(row.against, 21.0);
        close(row.difference, -9.0);
        assert!(row.high.unwrap() < 0.0 && row.p_adjusted.unwrap() < 0.05, "{row:?}");
        // Equal answers under both settings.
        assert_eq!((rows[1].difference, rows[1].p), (0.0, Some(1.0)));
        let p: Vec<Option<f64>> = rows.iter().map(|row| row.p).collect();
        assert_eq!(rows.iter().map(|row| row.p_adjusted).collect::<Vec<_>>(), holm(&p));
        // The same by hand: the paired differences of one image each.
        let by_hand =
            Differences::from_fn(
                3,
                IMAGES,
                |_, image| {
                    if (12..21).contains(&image) { -1.0 } else { 0.0 }
                },
            );
        let spread = Spread::of(by_hand.as_ref().unwrap());
        let expected = by_hand.unwrap().estimate_among(Prior::of(&[spread.unwrap()]).as_ref());
        assert_eq!((row.low, row.p), (expected.interval.map(|range| range.0), expected.p));
    }

    /// Whole faces alone got better: alone the eyes reach what they reached, though they lose more against them.
    #[test]
    fn alone_visible_it_is_what_is_reached_beyond_chance() {
        let of = |epochs: &str, whole: usize| {
            let mut runs = Vec::new();
            for seed in 1..4 {
                let actual: Vec<usize> = (0..IMAGES).map(|image| image % 2).collect();
                let flip = |count: usize| -> Vec<usize> {
                    let wrong = |image| image < count || image == IMAGES - 1 - seed as usize;
                    (0..IMAGES).map(|i| actual[i] ^ usize::from(wrong(i))).collect()
                };
                let row = with_epochs(run(&format!("w{seed}"), &[], "none", seed), epochs);
                runs.push(scored(row, &actual, &flip(whole)));
                let row = with_epochs(run(&format!("k{seed}"), &["eyes"], "keep", seed), epochs);
                runs.push(scored(row, &actual, &flip(24)));
            }
            runs
        };
        let mut runs = of("5", 20);
        runs.extend(of("10", 2));
        let lost: Vec<f64> = effects(&runs)
            .unwrap()
            .iter()
            .filter(|row| row.metric == Metric::Accuracy)
            .map(|row| row.effect)
            .collect();
        assert!(lost[1] - lost[0] > 0.25, "{lost:?}");
        let [row] = &accuracy(&runs)[..] else { panic!() };
        assert_eq!((row.difference, row.p), (0.0, Some(1.0)));
        // 35 of 60 right, chance 30.
        assert!((row.value - 5.0 / 60.0).abs() < 1e-12, "{row:?}");
    }

    #[test]
    fn other_images_or_seeds_are_independent_samples() {
        let first = setting("5", "hide", &[("eyes", 12)], 1..4, IMAGES);
        for other in [
            setting("10", "hide", &[("eyes", 30)], 1..4, IMAGES + 5),
            setting("10", "hide", &[("eyes", 30)], 11..14, IMAGES),
        ] {
            let rows = accuracy(&[first.clone(), other.clone()].concat());
            let [row] = &rows[..] else { panic!("{rows:?}") };
            assert!(!row.paired && row.method.starts_with("independent samples"), "{row:?}");
            let own: Vec<_> = [&first, &other]
                .map(|runs| effects(runs).unwrap().swap_remove(0))
                .into_iter()
                .collect();
            assert!((row.difference - (own[0].effect - own[1].effect)).abs() < 1e-12);
            // Wider than either, narrower than both together.
            let half = |low: Option<f64>, high: Option<f64>| (high.unwrap() - low.unwrap()) / 2.0;
            let halves = own.iter().map(|row| half(row.effect_low, row.effect_high));
            let (most, sum) = halves.fold((0.0, 0.0), |(a, b), half| (f64::max(a, half), b + half));
            let found = half(row.low, row.high);
            assert!(most < found && found < sum, "{most} < {found} < {sum}");
        }
    }

    /// Of 1, 2, 3, 4 against 2, 4, 9 by hand: Var = 5/12 + 13/3, with (19/4)² / ((5/12)²/3 + (13/3)²/2) = 2.388 degrees of
    /// freedom.
    #[test]
    fn one_factor_alone_is_welchs_test() {
        let of = |values: &[f64]| {
            Differences::from_fn(1, values.len(), |_, image| values[image]).unwrap()
        };
        let (first, second) = (of(&[1.0, 2.0, 3.0, 4.0]), of(&[2.0, 4.0, 9.0]));
        let variance = |table: &Differences| table.variance(None).images;
        let part = added(variance(&first), variance(&second));
        assert!((part.variance - 4.75).abs() < 1e-12, "{part:?}");
        assert!((part.freedom - 2.388_385_2).abs() < 1e-6, "{part:?}");
        let found = apart([&first, &second], [None, None]);
        assert_eq!(found.mean, -2.5);
        let half =
            StudentsT::new(0.0, 1.0, part.freedom).unwrap().inverse_cdf(0.975) * 4.75f64.sqrt();
        let (low, high) = found.interval.unwrap();
        assert!((low + 2.5 + half).abs() < 1e-9 && (high + 2.5 - half).abs() < 1e-9, "{found:?}");
    }

    #[test]
    fn what_does_not_vary_has_no_interval() {
        let none = Differences::from_fn(2, 4, |_, _| 0.0).unwrap();
        let some = Differences::from_fn(2, 4, |s, i| (s + i) as f64).unwrap();
        let all = Differences::from_fn(2, 4, |_, _| 1.0).unwrap();
        let tested = |pair| {
            let Estimate { interval, p, .. } = apart(pair, [None, None]);
            (interval, p)
        };
        assert_eq!(tested([&none, &none]), (None, Some(1.0)));
        assert_eq!(tested([&some, &none]), (None, None));
        assert_eq!(tested([&all, &some]), (None, None));
        assert_eq!(tested([&all, &none]), (None, None));
    }

    #[test]
    fn independent_samples_cover_the_true_difference() {
        let mut random = ChaCha8Rng::seed_from_u64(7);
        let mut held = 0;
        for _ in 0..400 {
            let mut table = |seeds: usize, images: usize, of_seeds: f64| {
                let mut normal = || -> f64 { StandardNormal.sample(&mut random) };
                let by_seed: Vec<f64> = (0..seeds).map(|_| of_seeds * normal()).collect();
                let by_image: Vec<f64> = (0..images).map(|_| normal()).collect();
                Differences::from_fn(seeds, images, |s, i| by_seed[s] + by_image[i] + normal())
            };
            let first = table(3, 80, 0.1).unwrap();
            let second = table(5, 120, 0.2).unwrap();
            let (low, high) = apart([&first, &second], [None, None]).interval.unwrap();
            held += usize::from(low <= 0.0 && 0.0 <= high);
        }
        assert!((368..=398).contains(&held), "{held} of 400");
    }

    #[test]
    fn one_setting_and_thousands_of_pairs_are_not_compared() {
        let one = setting("5", "hide", &[("eyes", 12)], 1..3, IMAGES);
        assert_eq!(setting_contrasts(&one).unwrap(), []);
        let many: Vec<RunScores> = (0..65)
            .flat_map(|epochs| setting(&epochs.to_string(), "hide", &[("eyes", 2)], 1..2, 4))
            .collect();
        assert_eq!(setting_contrasts(&many).unwrap(), []);
        assert_eq!(accuracy(&many[..2 * 64]).len(), 2016);
    }
}
