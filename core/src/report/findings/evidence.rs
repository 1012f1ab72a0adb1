//! The rows of an experiment's derived tables.

use std::collections::BTreeMap;

use crate::analysis::{self, BeyondChance, EffectsError, RunScores};
use crate::plan::Swept;
use crate::region::Masking;
use crate::store::{
    ClassEffectRow, ConfusionShiftRow, ContrastRow, EffectRow, InterplayRow, MaskLeakRow,
    NetworkAgreementRow, NetworkMeanRow, RankingRow, RunRow, SettingContrastRow,
    ShapleyContrastRow, ShapleyRow,
};
use crate::study::Study;

/// What an answer rests on. Every list may be empty.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    pub effects: Vec<EffectRow>,
    pub class_effects: Vec<ClassEffectRow>,
    pub contrasts: Vec<ContrastRow>,
    /// Of the settings of a sweep.
    pub setting_contrasts: Vec<SettingContrastRow>,
    pub shapley: Vec<ShapleyRow>,
    pub shapley_contrasts: Vec<ShapleyContrastRow>,
    pub interplay: Vec<InterplayRow>,
    pub ranking: Vec<RankingRow>,
    pub confusions: Vec<ConfusionShiftRow>,
    pub mask_leaks: Vec<MaskLeakRow>,
    /// Whether networks order the regions alike.
    pub network_agreement: Vec<NetworkAgreementRow>,
    /// The effects over all networks.
    pub network_means: Vec<NetworkMeanRow>,
    /// What networks of whole faces reach beyond chance.
    pub whole: Vec<BeyondChance>,
}

impl Evidence {
    /// Every table that follows from the scores of runs, computed once and at the same time.
    ///
    /// # Errors
    /// Where runs that belong together cannot be paired.
    pub fn of(scores: &[RunScores]) -> Result<Evidence, EffectsError> {
        let effects = || {
            rayon::join(
                || rayon::join(|| analysis::effects(scores), || analysis::class_effects(scores)),
                || {
                    rayon::join(
                        || analysis::contrasts(scores),
                        || analysis::setting_contrasts(scores),
                    )
                },
            )
        };
        let games = || rayon::join(|| analysis::shapley(scores), || analysis::interplay(scores));
        let others = || {
            rayon::join(
                || rayon::join(|| analysis::ranking(scores), || analysis::across_networks(scores)),
                || {
                    rayon::join(
                        || analysis::confusion_shifts(scores),
                        || analysis::mask_leaks(scores),
                    )
                },
            )
        };
        let (
            ((effects, class_effects), (contrasts, setting_contrasts)),
            ((shapley, interplay), ((ranking, networks), (confusions, mask_leaks))),
        ) = rayon::join(effects, || rayon::join(games, others));
        let networks = networks?;
        let shapley = shapley?;
        Ok(Evidence {
            network_agreement: networks.agreement,
            network_means: networks.means,
            effects: effects?,
            class_effects: class_effects?,
            contrasts: contrasts?,
            setting_contrasts: setting_contrasts?,
            shapley: shapley.values,
            shapley_contrasts: shapley.contrasts,
            interplay: interplay?,
            ranking: ranking?,
            confusions: confusions?,
            mask_leaks: mask_leaks?,
            whole: analysis::whole_faces(scores)?,
        })
    }

    /// The same with the settings, phases, fills and modes in the order in which they stand in the study,
    /// which is that of the experiment file. Where runs failed, the rows alone might have another.
    pub(super) fn in_order_of(mut self, study: &Study) -> Evidence {
        let sweeps = first_places(study.settings.iter().map(|setting| &setting.swept));
        let maskings = || study.runs.iter().filter_map(RunRow::masking);
        let phases = first_places(maskings().map(|masking| masking.phase));
        let fills = first_places(maskings().map(|masking| masking.fill));
        let modes = first_places(maskings().map(|masking| masking.mode));
        let order = |swept: &Swept, masking: Masking| {
            let Masking { mode, phase, fill } = masking;
            let places =
                [sweeps.get(swept), phases.get(&phase), fills.get(&fill), modes.get(&mode)];
            places.map(|place| place.copied().unwrap_or(usize::MAX))
        };
        self.effects.sort_by_key(|row| order(&row.swept, row.masking()));
        self.class_effects.sort_by_key(|row| order(&row.swept, row.masking()));
        self.ranking.sort_by_key(|row| order(&row.swept, row.masking()));
        self.confusions.sort_by_key(|row| order(&row.swept, row.masking()));
        self.contrasts.sort_by_key(|row| order(&row.swept, row.masking()));
        self.shapley.sort_by_key(|row| order(&row.swept, row.masking()));
        self.shapley_contrasts.sort_by_key(|row| order(&row.swept, row.masking()));
        self.interplay.sort_by_key(|row| order(&row.swept, row.masking()));
        let unswept = Swept::new();
        self.network_agreement.sort_by_key(|row| order(&unswept, row.masking()));
        self.network_means.sort_by_key(|row| order(&unswept, row.masking()));
        self.mask_leaks.sort_by_key(|row| sweeps.get(&row.swept).copied());
        self.whole.sort_by_key(|found| sweeps.get(&found.swept).copied());
        self
    }

    /// The rows of one setting.
    pub(super) fn of_setting(&self, swept: &Swept) -> Evidence {
        fn of<R: Clone>(rows: &[R], is: impl Fn(&R) -> bool) -> Vec<R> {
            rows.iter().filter(|row| is(row)).cloned().collect()
        }
        Evidence {
            effects: of(&self.effects, |row| row.swept == *swept),
            class_effects: of(&self.class_effects, |row| row.swept == *swept),
            contrasts: of(&self.contrasts, |row| row.swept == *swept),
            shapley: of(&self.shapley, |row| row.swept == *swept),
            shapley_contrasts: of(&self.shapley_contrasts, |row| row.swept == *swept),
            interplay: of(&self.interplay, |row| row.swept == *swept),
            ranking: of(&self.ranking, |row| row.swept == *swept),
            confusions: of(&self.confusions, |row| row.swept == *swept),
            mask_leaks: of(&self.mask_leaks, |row| row.swept == *swept),
            // Of no setting alone.
            setting_contrasts: Vec::new(),
            network_agreement: Vec::new(),
            network_means: Vec::new(),
            whole: of(&self.whole, |found| found.swept == *swept),
        }
    }
}

/// Where each value first occurs.
fn first_places<T: Ord>(values: impl Iterator<Item = T>) -> BTreeMap<T, usize> {
    let mut places = BTreeMap::new();
    for (place, value) in values.enumerate() {
        places.entry(value).or_insert(place);
    }
    places
}

#[cfg(test)]
pub(in crate::report) mod tests {
    use super::*;
    use crate::region::{FillKind, Mode, Phase};
    use crate::report::findings::finding::{slices, tests::row};
    use crate::report::findings::game::{games, tests::value};
    use crate::store::{Metric, Term, Worth};
    use crate::study::tests::run;

    /// A loss of recall in points on 90 %, 3 seeds, 200 images; significant by Holm where `p` is small.
    pub fn loss(
        region: &str,
        emotion: &str,
        effect: f64,
        interval: (f64, f64),
        p: f64,
    ) -> ClassEffectRow {
        ClassEffectRow {
            condition: "c".to_owned(),
            regions: vec![region.to_owned()],
            mode: Mode::Hide,
            phase: Phase::Retrain,
            fill: FillKind::Mean,
            emotion: emotion.to_owned(),
            seeds: 3,
            images: 200,
            baseline: 0.9,
            covered: 0.9 - effect / 100.0,
            control: None,
            effect: effect / 100.0,
            effect_low: Some(interval.0 / 100.0),
            effect_high: Some(interval.1 / 100.0),
            signal: None,
            signal_low: None,
            signal_high: None,
            p: Some(p),
            p_adjusted: Some(p),
            method: "two-way variance components".to_owned(),
            signal_p: None,
            signal_p_adjusted: None,
            swept: BTreeMap::new(),
        }
    }

    /// A confusion whose share goes from one number of per cent to another, 3 seeds, 200 images.
    pub fn shift(
        region: &str,
        [actual, predicted]: [&str; 2],
        (from, to): (f64, f64),
        interval: (f64, f64),
    ) -> ConfusionShiftRow {
        ConfusionShiftRow {
            condition: "c".to_owned(),
            regions: vec![region.to_owned()],
            mode: Mode::Hide,
            phase: Phase::Retrain,
            fill: FillKind::Mean,
            actual: actual.to_owned(),
            predicted: predicted.to_owned(),
            baseline: from / 100.0,
            covered: to / 100.0,
            change: (to - from) / 100.0,
            low: Some(interval.0 / 100.0),
            high: Some(interval.1 / 100.0),
            seeds: 3,
            images: 200,
            method: "two-way variance components".to_owned(),
            swept: BTreeMap::new(),
        }
    }

    /// The probabilities of a region's ranks, from 1.
    pub fn ranks(region: &str, probabilities: &[f64]) -> Vec<RankingRow> {
        let row = |(rank, probability): (u32, &f64)| RankingRow {
            condition: "c".to_owned(),
            mode: Mode::Hide,
            phase: Phase::Retrain,
            fill: FillKind::Mean,
            metric: Metric::Accuracy,
            region: region.to_owned(),
            rank,
            probability: *probability,
            seeds: 3,
            images: 1400,
            method: "images by bootstrap, seeds by moderated Student t".to_owned(),
            swept: BTreeMap::new(),
        };
        (1..).zip(probabilities).map(row).collect()
    }

    /// The first fill of the first region failed, so that the rows begin with the second.
    #[test]
    fn rows_stand_in_the_order_of_the_runs() {
        let covered = [("eyes", "mean"), ("eyes", "blur"), ("mouth", "mean"), ("mouth", "blur")];
        let runs: Vec<RunRow> = covered
            .iter()
            .map(|(region, fill)| RunRow { fill: FillKind::of(fill), ..run(&[*region], "keep", 1) })
            .collect();
        let effects = covered[1..].iter().map(|(region, fill)| EffectRow {
            fill: FillKind::of(fill).unwrap(),
            ..row(region, "keep", 10.0, None)
        });
        let shapley = ["blur", "mean"].map(|fill| ShapleyRow {
            fill: FillKind::of(fill).unwrap(),
            ..value("eyes", 7.0, (5.0, 9.0), &[])
        });
        let evidence = Evidence {
            effects: effects.collect(),
            shapley: shapley.to_vec(),
            ..Evidence::default()
        };
        assert_eq!(slices(&evidence.effects, &[], Metric::Accuracy)[0].fill, FillKind::Blur);
        let evidence = evidence.in_order_of(&Study::of(runs, &[]));
        let fills = slices(&evidence.effects, &[], Metric::Accuracy)
            .iter()
            .map(|s| s.fill)
            .collect::<Vec<_>>();
        assert_eq!(fills, [FillKind::Mean, FillKind::Blur]);
        assert_eq!(games(&evidence.shapley, Worth::Accuracy)[0].fill, FillKind::Mean);
    }
}
