//! Whether what was found survives another network.

use crate::plan::{Swept, is_of_network, network_names};
use crate::store::{EffectRow, Metric, NetworkAgreementRow, NetworkMeanRow};
use crate::study::Study;

use super::evidence::Evidence;
use super::finding::ALPHA;

/// The regions masked alone, or alone visible, under several networks.
#[derive(Debug, Clone)]
pub struct Networks<'a> {
    pub row: &'a NetworkAgreementRow,
    /// In the order of the row's regions.
    pub means: Vec<&'a NetworkMeanRow>,
    /// In the order of the row's networks; each effect in that of its regions, `None` where it is not known.
    pub effects: Vec<Vec<Option<&'a EffectRow>>>,
    pub verdict: Verdict,
}

/// Whether networks order the regions alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Significantly, and the same region is first in all of them.
    Survives,
    /// Significantly, but another region is first in some.
    InPart,
    /// The agreement is not significant.
    NotShown,
    /// So few networks and regions could not agree significantly.
    TooFew,
    /// No network tells any two regions apart.
    Equal,
}

/// All that networks have in common by one metric, masking by masking.
pub fn networks<'a>(study: &Study, evidence: &'a Evidence, metric: Metric) -> Vec<Networks<'a>> {
    let rows = evidence.network_agreement.iter().filter(|row| row.metric == metric);
    rows.map(|row| Networks::of(study, evidence, row)).collect()
}

impl<'a> Networks<'a> {
    fn of(study: &Study, evidence: &'a Evidence, row: &'a NetworkAgreementRow) -> Networks<'a> {
        let besides = |swept: &Swept| {
            swept.iter().filter(|(key, _)| !is_of_network(key)).eq(row.swept.iter())
        };
        let own: Vec<&Swept> =
            study.settings.iter().map(|of| &of.swept).filter(|swept| besides(swept)).collect();
        let names = network_names(&own);
        let effect = |swept: &Swept, region: &String| {
            evidence.effects.iter().find(|effect| {
                effect.metric == row.metric
                    && effect.masking() == row.masking()
                    && effect.swept == *swept
                    && effect.regions == [region.clone()]
            })
        };
        let of_network = |name: &String| -> Vec<Option<&'a EffectRow>> {
            let place = names.iter().position(|own| own == name);
            row.ranked.iter().map(|region| effect(own[place?], region)).collect()
        };
        let mean = |region: &String| {
            evidence.network_means.iter().find(|mean| {
                mean.metric == row.metric
                    && mean.masking() == row.masking()
                    && mean.swept == row.swept
                    && mean.region == *region
            })
        };
        Networks {
            row,
            means: row.ranked.iter().filter_map(mean).collect(),
            effects: row.networks.iter().map(of_network).collect(),
            verdict: verdict(row),
        }
    }
}

fn verdict(row: &NetworkAgreementRow) -> Verdict {
    match row.p {
        None => Verdict::Equal,
        _ if row.smallest_p >= ALPHA => Verdict::TooFew,
        Some(p) if p >= ALPHA => Verdict::NotShown,
        Some(_) if row.first_in as usize == row.networks.len() => Verdict::Survives,
        Some(_) => Verdict::InPart,
    }
}

#[cfg(test)]
pub(in crate::report) mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::region::{FillKind, Mode, Phase};
    use crate::report::findings::Findings;
    use crate::report::findings::finding::tests::row;
    use crate::study::tests::{run, swept};

    /// Networks with what masking each region costs, in points, and a W with its p.
    pub fn findings(
        networks: &[(&str, &[f64])],
        regions: &[&str],
        (w, p, smallest_p): (f64, f64, f64),
        first_in: u32,
    ) -> Findings {
        let (mut runs, mut effects) = (Vec::new(), Vec::new());
        for (name, costs) in networks {
            let named = |run| swept(run, "model.name", &format!("\"{name}\""));
            runs.push(named(run(&[], "none", 1)));
            for (region, cost) in regions.iter().zip(*costs) {
                let run = named(run(&[region], "hide", 1));
                let mut row = row(region, "hide", *cost, Some((cost - 2.0, cost + 2.0)));
                row.swept = run.swept.clone();
                runs.push(run);
                effects.push(row);
            }
        }
        let (mode, phase, fill) = (Mode::Hide, Phase::Retrain, FillKind::Mean);
        let agreement = NetworkAgreementRow {
            networks: networks.iter().map(|(name, _)| (*name).to_owned()).collect(),
            ranked: regions.iter().map(|region| (*region).to_owned()).collect(),
            mode,
            phase,
            fill,
            metric: Metric::Accuracy,
            w: Some(w),
            low: Some(w - 0.1),
            high: Some(w),
            p: Some(p),
            smallest_p,
            first_in,
            first_in_all: Some(0.9),
            seeds: 3,
            images: 1400,
            method: "bootstrap".to_owned(),
            swept: BTreeMap::new(),
        };
        let mean = |(place, region): (usize, &&str)| {
            let costs = || networks.iter().map(|(_, costs)| costs[place] / 100.0);
            let effect = costs().sum::<f64>() / networks.len() as f64;
            NetworkMeanRow {
                region: (*region).to_owned(),
                mode,
                phase,
                fill,
                metric: Metric::Accuracy,
                effect,
                low: Some(effect - 0.08),
                high: Some(effect + 0.08),
                p: Some(0.04),
                p_adjusted: Some(0.04),
                smallest: costs().fold(f64::INFINITY, f64::min),
                largest: costs().fold(f64::NEG_INFINITY, f64::max),
                networks: networks.len() as u32,
                images: 1400,
                method: "networks and images crossed".to_owned(),
                swept: BTreeMap::new(),
            }
        };
        let network_means = regions.iter().enumerate().map(mean).collect();
        let network_agreement = vec![agreement];
        let evidence =
            Evidence { effects, network_agreement, network_means, ..Evidence::default() };
        Findings::of(Study::of(runs, &[]), evidence)
    }

    #[test]
    fn the_verdict_is_no_more_than_networks_and_regions_allow() {
        let of = |p, smallest_p, first_in| {
            let networks: [(&str, &[f64]); 2] = [("VGG", &[21.0, 9.0]), ("ResNet", &[19.0, 8.0])];
            let found = findings(&networks, &["mouth", "eyes"], (0.9, p, smallest_p), first_in);
            networks_of(&found)
        };
        assert_eq!(of(0.5, 0.5, 2), Verdict::TooFew);
        assert_eq!(of(0.01, 0.001, 2), Verdict::Survives);
        assert_eq!(of(0.01, 0.001, 1), Verdict::InPart);
        assert_eq!(of(0.2, 0.001, 2), Verdict::NotShown);
    }

    fn networks_of(findings: &Findings) -> Verdict {
        let found = networks(&findings.study, &findings.evidence, Metric::Accuracy);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].effects[1][0].unwrap().effect, 0.19);
        assert_eq!((found[0].effects.len(), found[0].means.len()), (2, 2));
        found[0].verdict
    }
}
