//! Whether a network and humans rank the regions of a face alike, emotion by emotion.

use crate::analysis::holm;
use crate::analysis::people::{RankCorrelation, ceiling, rank_correlation, ranks, weight};
use crate::region::{Region, Regions};

use super::emotion_cells::{EmotionCell, EmotionCells};
use super::facts::Facts;
use super::finding::ALPHA;

/// The network's regions for each emotion beside those that humans use (Wegrzyn et al. 2017).
#[derive(Debug, Clone)]
pub struct Agreement<'a> {
    /// Of the setting.
    pub facts: &'a Facts,
    /// Whose numbers the network's are, and in which unit.
    pub heading: &'a str,
    /// In the one order; of each, an emotion has one of every number.
    pub regions: Vec<&'a str>,
    /// In the order of the cells; never empty.
    pub emotions: Vec<EmotionRanks<'a>>,
}

/// One emotion over all regions; NaN where there is no number.
#[derive(Debug, Clone)]
pub struct EmotionRanks<'a> {
    pub emotion: &'a str,
    /// Changes of recall, shares.
    pub network: Vec<f64>,
    /// Whether each differs significantly from zero, by its own interval.
    pub significant: Vec<bool>,
    /// Per cent over an average tile.
    pub humans: Vec<f64>,
    /// The region's rank in the network minus that in humans.
    pub ranks: Vec<f64>,
    /// Over the regions that both have.
    pub correlation: Option<RankCorrelation>,
    /// Of the correlation, Holm-corrected over the emotions.
    pub p_adjusted: Option<f64>,
    /// What the human reference's own noise allows.
    pub ceiling: Option<f64>,
}

impl<'a> Agreement<'a> {
    /// `None` where no cell has a region that is known and a number.
    pub fn of(
        EmotionCells { heading, cells }: &'a EmotionCells,
        regions: &'a Regions,
        facts: &'a Facts,
    ) -> Option<Agreement<'a>> {
        let (mut emotions, mut columns): (Vec<&str>, Vec<&Region>) = (Vec::new(), Vec::new());
        for cell in cells.iter().filter(|cell| cell.value.is_finite()) {
            let Some(region) = regions.get(&cell.region) else { continue };
            if !emotions.contains(&cell.emotion.as_str()) {
                emotions.push(&cell.emotion);
            }
            if !columns.iter().any(|column| column.name == region.name) {
                columns.push(region);
            }
        }
        if emotions.is_empty() {
            return None;
        }
        columns.sort_by_key(|region| facts.place(std::slice::from_ref(&region.name)));
        let mut emotions: Vec<EmotionRanks<'a>> =
            emotions.into_iter().map(|name| row(name, cells, &columns)).collect();
        let p: Vec<Option<f64>> =
            emotions.iter().map(|row| row.correlation.map(|found| found.p)).collect();
        for (row, adjusted) in emotions.iter_mut().zip(holm(&p)) {
            row.p_adjusted = adjusted;
        }
        Some(Agreement {
            facts,
            heading,
            emotions,
            regions: columns.into_iter().map(|region| region.name.as_str()).collect(),
        })
    }
}

impl EmotionRanks<'_> {
    /// Whether the rankings correlate significantly, corrected for the number of emotions.
    pub fn correlates(&self) -> bool {
        self.p_adjusted.is_some_and(|p| p < ALPHA)
    }
}

fn row<'a>(emotion: &'a str, cells: &[EmotionCell], columns: &[&Region]) -> EmotionRanks<'a> {
    let of = |region: &&Region| {
        cells.iter().find(|cell| cell.emotion == emotion && cell.region == region.name)
    };
    let network: Vec<f64> =
        columns.iter().map(|region| of(region).map_or(f64::NAN, |cell| cell.value)).collect();
    let significant = columns.iter().map(|region| of(region).is_some_and(|cell| cell.significant));
    let humans: Vec<f64> = columns
        .iter()
        .map(|region| weight(emotion, region).map_or(f64::NAN, |weight| 100.0 * (weight - 1.0)))
        .collect();
    // Both sides rank the regions that both have.
    let both: Vec<usize> = (0..columns.len())
        .filter(|&column| network[column].is_finite() && humans[column].is_finite())
        .collect();
    let of_both = |values: &[f64]| both.iter().map(|&column| values[column]).collect::<Vec<f64>>();
    let (of_network, of_humans) = (of_both(&network), of_both(&humans));
    let mut difference = vec![f64::NAN; columns.len()];
    for ((&column, a), b) in both.iter().zip(ranks(&of_network)).zip(ranks(&of_humans)) {
        difference[column] = a - b;
    }
    let pairs: Vec<(f64, f64)> = of_network.into_iter().zip(of_humans).collect();
    EmotionRanks {
        emotion,
        significant: significant.collect(),
        network,
        humans,
        ranks: difference,
        correlation: rank_correlation(&pairs),
        p_adjusted: None,
        ceiling: ceiling(emotion),
    }
}
