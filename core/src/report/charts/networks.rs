//! The regions' effects side by side by network, in one order.

use crate::region::Mode;
use crate::report::canvas::error::ReportError;
use crate::report::canvas::figure::Figure;
use crate::report::charts::comparison::{ComparisonPanel, ComparisonRow, Words, differences};
use crate::report::findings::comparison::Difference;
use crate::report::findings::facts::Facts;
use crate::report::findings::finding::known;
use crate::report::findings::networks::{Networks, Verdict};
use crate::report::words::measure::Measure;
use crate::report::words::networks::agreement;
use crate::report::words::numbers::counted;

/// A panel for the mean over the networks and one for each of them, all with the regions in the order of the mean:
/// where networks agree, every panel falls in the same steps.
///
/// # Errors
/// [`ReportError::Empty`] where no effect is known.
pub fn networks(found: &Networks<'_>, facts: &Facts) -> Result<Figure, ReportError> {
    let row = found.row;
    let measure = Measure::of(row.metric);
    let mean = ComparisonPanel {
        heading: format!("Mean over {}", counted(row.networks.len() as u64, "network")),
        rows: found
            .means
            .iter()
            .map(|mean| ComparisonRow {
                name: mean.region.clone(),
                difference: Some(Difference::of(
                    mean.effect,
                    known(mean.low, mean.high),
                    mean.p_adjusted,
                )),
            })
            .collect(),
    };
    let of_network = |(name, effects): (&String, &Vec<_>)| ComparisonPanel {
        heading: name.clone(),
        rows: row.ranked.iter().zip(effects).map(of_region).collect(),
    };
    let panels: Vec<ComparisonPanel> = std::iter::once(mean)
        .chain(row.networks.iter().zip(&found.effects).map(of_network))
        .collect();
    let (what, axis) = match row.mode {
        Mode::Hide => ("region masked", format!("loss of {}, {}", measure.name, measure.unit)),
        Mode::Keep => {
            let axis = format!("{} above chance, {}", measure.name, measure.unit);
            ("only the region visible", axis)
        }
    };
    let words = Words {
        title: title(found),
        subtitle: vec![
            facts.dataset.clone(),
            facts.several.heading(what, (row.phase, row.fill, &row.swept)),
            agreement(found),
            "lines: 95\u{a0}% CI, that of the mean as if the networks were drawn from many"
                .to_owned(),
        ],
        axis,
        missing: "no run",
    };
    differences(&panels, measure, words)
}

fn of_region((region, effect): (&String, &Option<&crate::store::EffectRow>)) -> ComparisonRow {
    ComparisonRow { name: region.clone(), difference: effect.and_then(Difference::asked) }
}

fn title(found: &Networks<'_>) -> String {
    match found.verdict {
        Verdict::Survives => "The networks agree on the order of the regions, and on the first",
        Verdict::InPart => "The networks agree on the order of the regions, but not on the first",
        Verdict::NotShown => "The networks do not agree significantly on the order of the regions",
        Verdict::TooFew => "Too few networks and regions to tell whether the networks agree",
        Verdict::Equal => "No network tells the regions apart",
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::canvas::figure::tests::{assert_labels_are_apart, words};
    use crate::report::findings::networks::networks as found_of;
    use crate::report::findings::networks::tests::findings;
    use crate::store::Metric;

    #[test]
    fn regions_have_one_order_under_every_network() {
        let networks_of: [(&str, &[f64]); 2] =
            [("a network with a name as long as names may", &[21.0, 9.0]), ("VGG", &[8.0, 19.0])];
        let findings = findings(&networks_of, &["mouth", "eyes"], (0.5, 0.5, 0.5), 1);
        let found = found_of(&findings.study, &findings.evidence, Metric::Accuracy);
        let figure = networks(&found[0], &findings.shown().facts).unwrap();
        for figure in [&figure, figure.narrow.as_ref().unwrap()] {
            assert_labels_are_apart(figure);
        }
        assert_eq!(figure.title, "Too few networks and regions to tell whether the networks agree");
        let words = words(&figure);
        assert_eq!(words.lines().filter(|line| *line == "mouth").count(), 3, "{words}");
        assert!(words.contains("Mean over 2 networks") && words.contains("VGG"), "{words}");
        assert!(words.contains("Kendall's W 0.50"), "{words}");
    }
}
