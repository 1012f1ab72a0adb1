//! Whether several networks order the regions alike, and the effects over all of them.
//!
//! Of settings that differ in nothing but their network, by Kendall's coefficient of concordance (`kendall`). Its
//! interval is that of these networks on other images and, where they have several, with other seeds: the images are
//! drawn again for all networks at once, which share them, the seeds for each by itself (the pigeonhole bootstrap of
//! [`ranking`](super::ranking())). Noise makes networks differ that would agree, so that W is rather too small, and
//! drawn again more so: the interval, which is widened to hold W where the draws do not reach it, errs towards less
//! agreement.
//!
//! The mean effect of a region treats the networks as drawn from many, as other intervals do seeds: networks and
//! images are crossed. Of two networks it has the one degree of freedom that two have; nothing is borrowed from other
//! regions.

use rand::RngExt;
use rayon::prelude::*;

use super::cells::{Cell, EffectsError, Masked, Pair, asked, cells, pair, same_images};
use super::crossed::{Differences, Estimate};
use super::holm::holm;
use super::kendall::{Rankings, smallest_p};
use super::metric::Metric;
use super::ranking::{BLOCK, DRAWS, shared, stretch, weighted_sums};
use super::scores::RunScores;
use crate::plan::{Swept, is_of_network, network_names};
use crate::random::generator;
use crate::region::Masking;
use crate::store::{NetworkAgreementRow, NetworkMeanRow};

/// Values that differ by less are equal: the same sum may be rounded otherwise in another order.
const GRAIN: f64 = 1e-12;

/// What several networks have in common.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AcrossNetworks {
    pub agreement: Vec<NetworkAgreementRow>,
    pub means: Vec<NetworkMeanRow>,
}

/// The agreement of networks, by mode, phase, fill, metric and what is swept besides, and the regions' effects over
/// them: of the regions that every network masked alone, over the seeds that a network's whole faces and all these
/// regions share. A network without such seeds is left out; there must be two networks and two regions.
///
/// # Errors
/// As of [`effects`](super::effects()).
pub fn across_networks(runs: &[RunScores]) -> Result<AcrossNetworks, EffectsError> {
    let cells = cells(runs)?;
    let mut found = AcrossNetworks::default();
    for group in groups(&cells) {
        for masking in maskings(&group.cells) {
            let Some(compared) = Compared::of(&group, masking)? else { continue };
            for metric in Metric::ALL {
                found.add(&compared, metric)?;
            }
        }
    }
    Ok(found)
}

/// Settings that differ in their network alone.
struct Group<'b, 'a> {
    /// What is swept besides.
    swept: Swept,
    cells: Vec<&'b Cell<'a>>,
    /// One a cell.
    names: Vec<String>,
}

fn groups<'b, 'a>(cells: &'b [Cell<'a>]) -> Vec<Group<'b, 'a>> {
    let besides = |cell: &Cell| -> Swept {
        let others = cell.swept.iter().filter(|(key, _)| !is_of_network(key));
        others.map(|(key, value)| (key.clone(), value.clone())).collect()
    };
    let mut groups: Vec<Group> = Vec::new();
    for cell in cells {
        let swept = besides(cell);
        match groups.iter_mut().find(|group| group.swept == swept) {
            Some(group) => group.cells.push(cell),
            None => groups.push(Group { swept, cells: vec![cell], names: Vec::new() }),
        }
    }
    groups.retain(|group| group.cells.len() > 1);
    for group in &mut groups {
        let settings: Vec<&Swept> = group.cells.iter().map(|cell| cell.swept).collect();
        group.names = network_names(&settings);
    }
    groups
}

/// Of regions that are masked alone, in order of first occurrence.
fn maskings(cells: &[&Cell]) -> Vec<Masking> {
    let mut maskings: Vec<Masking> = Vec::new();
    for masked in cells.iter().flat_map(|cell| &cell.masked) {
        if masked.regions.len() == 1 && !maskings.contains(&masked.masking) {
            maskings.push(masked.masking);
        }
    }
    maskings
}

/// The same regions masked alone for several networks.
struct Compared<'a> {
    swept: Swept,
    masking: Masking,
    regions: Vec<&'a str>,
    networks: Vec<String>,
    /// `[networks][regions]`: one a seed, all on the same images.
    pairs: Vec<Vec<Vec<Pair<'a>>>>,
}

impl<'a> Compared<'a> {
    /// `None` without two networks and two regions.
    fn of(group: &Group<'_, 'a>, masking: Masking) -> Result<Option<Compared<'a>>, EffectsError> {
        let mut of_networks: Vec<(&String, &Cell<'a>, Vec<&Masked<'a>>)> = Vec::new();
        for (name, cell) in group.names.iter().zip(&group.cells) {
            let mut alone = Vec::new();
            for masked in cell.masked.iter().filter(|masked| masked.masking == masking) {
                if masked.regions.len() == 1 && !pair(cell, masked)?.is_empty() {
                    alone.push(masked);
                }
            }
            if !alone.is_empty() {
                of_networks.push((name, cell, alone));
            }
        }
        let Some((_, _, first)) = of_networks.first() else { return Ok(None) };
        let by_all = |region: &&'a str| {
            let has = |own: &[&Masked<'a>]| own.iter().any(|masked| masked.regions[0] == **region);
            of_networks.iter().all(|(.., own)| has(own))
        };
        let regions: Vec<&str> =
            first.iter().map(|masked| masked.regions[0].as_str()).filter(by_all).collect();
        let (mut networks, mut pairs) = (Vec::new(), Vec::new());
        for (name, cell, own) in &of_networks {
            let of_region = |region: &&str| own.iter().find(|masked| masked.regions[0] == **region);
            let own: Vec<&Masked<'a>> = regions.iter().filter_map(of_region).copied().collect();
            let own = shared(cell, &own)?;
            if own.first().is_some_and(|seeds| !seeds.is_empty()) {
                networks.push((*name).clone());
                pairs.push(own);
            }
        }
        if networks.len() < 2 || regions.len() < 2 {
            return Ok(None);
        }
        same_images(pairs.iter().flatten().flatten().map(|pair| pair.whole))?;
        let swept = group.swept.clone();
        Ok(Some(Compared { swept, masking, regions, networks, pairs }))
    }

    fn images(&self) -> usize {
        self.pairs[0][0][0].whole.images()
    }

    /// What each region is asked, `[networks][regions]`: masked, its cost; alone visible, what it reaches beyond chance.
    /// `None` without images.
    fn effects(&self, metric: Metric) -> Result<Option<Vec<Vec<Differences>>>, EffectsError> {
        let mut tables = Vec::new();
        for regions in &self.pairs {
            let mut of_network = Vec::new();
            for pairs in regions {
                let mut values = Vec::new();
                for pair in pairs {
                    values.push(asked(pair, self.masking.mode, metric)?);
                }
                let value = |seed: usize, image: usize| values[seed][image];
                let Some(table) = Differences::from_fn(values.len(), self.images(), value) else {
                    return Ok(None);
                };
                of_network.push(table);
            }
            tables.push(of_network);
        }
        Ok(Some(tables))
    }
}

impl AcrossNetworks {
    fn add(&mut self, compared: &Compared, metric: Metric) -> Result<(), EffectsError> {
        let Some(effects) = compared.effects(metric)? else { return Ok(()) };
        let Masking { mode, phase, fill } = compared.masking;
        let regions = compared.regions.len();
        let seeds = effects.iter().map(|network| network[0].seeds()).min().unwrap_or(0);
        let over: Vec<Estimate> =
            (0..regions).map(|region| over_networks(&effects, region)).collect();
        // The region that matters most is first.
        let mut order: Vec<usize> = (0..regions).collect();
        order.sort_by(|a, b| over[*b].mean.total_cmp(&over[*a].mean));
        let adjusted = holm(&over.iter().map(|estimate| estimate.p).collect::<Vec<_>>());
        let worths: Vec<Vec<f64>> = effects
            .iter()
            .map(|network| network.iter().map(|table| grain(table.mean())).collect())
            .collect();
        let first = order[0];
        let rankings = Rankings::of(&worths);
        let w = rankings.as_ref().and_then(Rankings::concordance);
        let several = effects.iter().any(|network| network[0].seeds() > 1);
        let drawn = Drawn::of(&effects, first).filter(|_| several || compared.images() > 1);
        let (low, high) = drawn.as_ref().zip(w).and_then(|(drawn, w)| drawn.interval(w)).unzip();
        let method = match several {
            true => {
                "images drawn for all networks, seeds in each: pigeonhole bootstrap, percentiles"
            }
            false => "images only, drawn for all networks: one seed each; bootstrap, percentiles",
        };
        let region = |place: &usize| compared.regions[*place].to_owned();
        self.agreement.push(NetworkAgreementRow {
            networks: compared.networks.clone(),
            ranked: order.iter().map(region).collect(),
            mode,
            phase,
            fill,
            metric,
            w,
            low,
            high,
            p: rankings.as_ref().and_then(Rankings::p),
            smallest_p: smallest_p(worths.len(), regions),
            first_in: worths.iter().filter(|own| leads(own, first)).count() as u32,
            first_in_all: drawn.map(|drawn| drawn.first_in_all),
            seeds: u32::try_from(seeds).unwrap_or(u32::MAX),
            images: compared.images() as u64,
            method: method.to_owned(),
            swept: compared.swept.clone(),
        });
        for place in order {
            let of_networks = effects.iter().map(|network| network[place].mean());
            let (low, high) = over[place].interval.unzip();
            self.means.push(NetworkMeanRow {
                region: region(&place),
                mode,
                phase,
                fill,
                metric,
                effect: over[place].mean,
                low,
                high,
                p: over[place].p,
                p_adjusted: adjusted[place],
                smallest: of_networks.clone().fold(f64::INFINITY, f64::min),
                largest: of_networks.fold(f64::NEG_INFINITY, f64::max),
                networks: effects.len() as u32,
                images: compared.images() as u64,
                method: over[place].method.replace("seed", "network"),
                swept: compared.swept.clone(),
            });
        }
        Ok(())
    }
}

/// What a region answers over networks, each the mean over its seeds.
fn over_networks(effects: &[Vec<Differences>], region: usize) -> Estimate {
    let table =
        Differences::from_fn(effects.len(), effects[0][region].images(), |network, image| {
            let own = &effects[network][region];
            (0..own.seeds()).map(|seed| own.of_seed(seed)[image]).sum::<f64>() / own.seeds() as f64
        });
    table.expect("there are networks and images").estimate()
}

fn grain(value: f64) -> f64 {
    (value / GRAIN).round()
}

/// Whether a value is larger than all others.
fn leads(values: &[f64], place: usize) -> bool {
    values.iter().enumerate().all(|(other, value)| other == place || *value < values[place])
}

/// What other images and seeds would have given.
struct Drawn {
    /// Sorted; of the draws that have one.
    w: Vec<f64>,
    /// The share of draws in which one region is first in every network.
    first_in_all: f64,
}

impl Drawn {
    /// `[networks][regions]`, larger first; `None` without any.
    fn of(effects: &[Vec<Differences>], first: usize) -> Option<Drawn> {
        let images = effects.first()?.first()?.images();
        let stretched: Vec<Vec<Vec<f64>>> =
            effects.iter().map(|network| network.iter().map(stretch).collect()).collect();
        let seeds: Vec<usize> = effects.iter().map(|network| network[0].seeds()).collect();
        let of_block = |block: usize| -> Vec<(Option<f64>, bool)> {
            let (image_counts, seed_counts) = draw(block, images, &seeds);
            // `[draws][networks][regions]`
            let mut worths = vec![vec![Vec::new(); effects.len()]; BLOCK];
            for (network, (regions, counts)) in stretched.iter().zip(&seed_counts).enumerate() {
                for table in regions {
                    let mut sums = [0.0; BLOCK];
                    for (row, counts) in table.chunks_exact(images).zip(counts) {
                        let row = weighted_sums(row, &image_counts);
                        for ((sum, row), count) in sums.iter_mut().zip(row).zip(counts) {
                            *sum += count * row;
                        }
                    }
                    let all = (images * counts.len()) as f64;
                    for (draw, sum) in worths.iter_mut().zip(sums) {
                        draw[network].push(grain(sum / all));
                    }
                }
            }
            let judged = |draw: &Vec<Vec<f64>>| {
                let w = Rankings::of(draw).and_then(|rankings| rankings.concordance());
                (w, draw.iter().all(|own| leads(own, first)))
            };
            worths.iter().map(judged).collect()
        };
        let draws: Vec<(Option<f64>, bool)> =
            (0..DRAWS / BLOCK).into_par_iter().flat_map_iter(of_block).collect();
        let firsts = draws.iter().filter(|(_, first)| *first).count();
        let mut w: Vec<f64> = draws.iter().filter_map(|(w, _)| *w).collect();
        w.sort_by(f64::total_cmp);
        Some(Drawn { w, first_in_all: firsts as f64 / draws.len() as f64 })
    }

    /// The middle 95 % of the draws, and W itself.
    fn interval(&self, w: f64) -> Option<(f64, f64)> {
        let outside = self.w.len() / 40;
        let (low, high) = (self.w.get(outside)?, self.w.get(self.w.len() - 1 - outside)?);
        Some((low.min(w), high.max(w)))
    }
}

/// How often each image was drawn, for all networks, and each seed of each network, in each draw of a block.
fn draw(
    block: usize,
    images: usize,
    seeds: &[usize],
) -> (Vec<[f64; BLOCK]>, Vec<Vec<[f64; BLOCK]>>) {
    let mut image_counts = vec![[0.0; BLOCK]; images];
    let mut seed_counts: Vec<Vec<[f64; BLOCK]>> =
        seeds.iter().map(|seeds| vec![[0.0; BLOCK]; *seeds]).collect();
    for draw in 0..BLOCK {
        let mut random = generator(0, "networks", &[(block * BLOCK + draw) as u64]);
        for _ in 0..images {
            image_counts[random.random_range(0..images)][draw] += 1.0;
        }
        for of_network in &mut seed_counts {
            for _ in 0..of_network.len() {
                let seed = random.random_range(0..of_network.len());
                of_network[seed][draw] += 1.0;
            }
        }
    }
    (image_counts, seed_counts)
}

#[cfg(test)]
mod tests {
    use super::super::effects::fixture::{run, scored};
    use super::*;

    /// Runs of networks in which masking each region makes so many of 40 answers wrong.
    fn runs(networks: &[(&str, &[(&str, usize)])], seeds: &[u64], mode: &str) -> Vec<RunScores> {
        let actual = [0; 40];
        let mut runs = Vec::new();
        for (network, wrong) in networks {
            let of = |regions: &[&str], mode: &str, seed: u64| {
                let mut row = run(&format!("{network}{regions:?}{seed}"), regions, mode, seed);
                row.swept.insert("model.name".to_owned(), format!("\"{network}\""));
                row.swept.insert("train.epochs".to_owned(), "5".to_owned());
                row
            };
            for seed in seeds {
                runs.push(scored(of(&[], "none", *seed), &actual, &[0; 40]));
                for (region, wrong) in *wrong {
                    let predicted: Vec<usize> = (0..40).map(|i| usize::from(i < *wrong)).collect();
                    runs.push(scored(of(&[region], mode, *seed), &actual, &predicted));
                }
            }
        }
        runs
    }

    fn accuracy(found: &AcrossNetworks) -> &NetworkAgreementRow {
        found.agreement.iter().find(|row| row.metric == Metric::Accuracy).unwrap()
    }

    #[test]
    fn networks_that_agree_have_w_1_and_a_mean_over_them() {
        let one: &[(&str, usize)] = &[("eyes", 10), ("mouth", 30), ("jaw", 0), ("nose", 4)];
        let other: &[(&str, usize)] = &[("nose", 6), ("jaw", 2), ("mouth", 34), ("eyes", 12)];
        let runs = runs(&[("one", one), ("other", other)], &[1, 2], "hide");
        let found = across_networks(&runs).unwrap();
        assert_eq!(found.agreement.len(), 3);
        let row = accuracy(&found);
        assert_eq!(row.networks, ["one", "other"]);
        assert_eq!(row.ranked, ["mouth", "eyes", "nose", "jaw"]);
        assert_eq!((row.w, row.high, row.first_in), (Some(1.0), Some(1.0), 2));
        assert!(row.p.unwrap() == 1.0 / 24.0 && row.smallest_p == 1.0 / 24.0);
        assert!(row.low.unwrap() > 0.5 && row.first_in_all.unwrap() > 0.99, "{row:?}");
        assert_eq!((row.seeds, row.images, row.swept.len()), (2, 40, 1));
        let mouth = &found.means[0];
        assert_eq!((mouth.region.as_str(), mouth.networks), ("mouth", 2));
        let close = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-12);
        close(mouth.effect, 0.8);
        let of_accuracy = found.means.iter().filter(|mean| mean.metric == Metric::Accuracy);
        let (p, adjusted): (Vec<_>, Vec<_>) =
            of_accuracy.map(|mean| (mean.p, mean.p_adjusted)).unzip();
        assert_eq!(adjusted, holm(&p));
        close(mouth.smallest, 0.75);
        close(mouth.largest, 0.85);
        assert!(mouth.method.starts_with("networks and images crossed"), "{}", mouth.method);
        assert!(mouth.low.unwrap() < 0.75 && mouth.high.unwrap() > 0.85, "{mouth:?}");
    }

    #[test]
    fn networks_of_opposite_orders_have_w_0() {
        let one: &[(&str, usize)] = &[("eyes", 10), ("mouth", 30), ("nose", 20)];
        let other: &[(&str, usize)] = &[("eyes", 30), ("mouth", 10), ("nose", 20)];
        let found =
            across_networks(&runs(&[("one", one), ("other", other)], &[1], "hide")).unwrap();
        let row = accuracy(&found);
        assert_eq!((row.w, row.low, row.p), (Some(0.0), Some(0.0), Some(1.0)));
        assert_eq!(row.first_in_all, Some(0.0));
        assert!(row.method.starts_with("images only"), "{}", row.method);
    }

    #[test]
    fn alone_visible_what_loses_least_is_first() {
        let own: &[(&str, usize)] = &[("eyes", 30), ("mouth", 10)];
        let found = across_networks(&runs(&[("one", own), ("other", own)], &[1], "keep")).unwrap();
        assert_eq!(accuracy(&found).ranked, ["mouth", "eyes"]);
        // 30 of 40 right, where the constant prediction has all of one class.
        assert_eq!(found.means[0].effect, -0.25);
    }

    #[test]
    fn regions_that_a_network_lacks_are_left_out_and_one_network_is_none() {
        let one: &[(&str, usize)] = &[("eyes", 30), ("mouth", 10), ("jaw", 1)];
        let other: &[(&str, usize)] = &[("eyes", 30), ("mouth", 10)];
        let found =
            across_networks(&runs(&[("one", one), ("other", other)], &[1], "hide")).unwrap();
        assert_eq!(accuracy(&found).ranked, ["eyes", "mouth"]);
        let alone = across_networks(&runs(&[("one", one)], &[1], "hide")).unwrap();
        assert_eq!(alone, AcrossNetworks::default());
        // Other epochs are another setting.
        let mut apart = runs(&[("one", one), ("other", other)], &[1], "hide");
        for scores in apart.iter_mut().filter(|scores| scores.run.run_id.starts_with("other")) {
            scores.run.swept.insert("train.epochs".to_owned(), "9".to_owned());
        }
        assert_eq!(across_networks(&apart).unwrap(), AcrossNetworks::default());
    }
}
