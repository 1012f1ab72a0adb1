//! Whether a finding survives another choice of fill and settings.

use crate::region::Mode;
use crate::report::findings::finding::{Slice, effect_significant, leader};
use crate::report::words::numbers::counted;
use crate::report::words::phrase::subject;

/// In how many of the other fills and swept settings the region leads that leads under `told`; `None` where there
/// is no other or none that leads.
pub fn survival(slices: &[Slice<'_>], told: &Slice<'_>) -> Option<String> {
    let others: Vec<&Slice<'_>> = slices
        .iter()
        .filter(|slice| slice.mode == told.mode && slice.phase == told.phase)
        .filter(|slice| (slice.fill, slice.swept) != (told.fill, told.swept))
        .collect();
    let first = clear_leader(told)?;
    if others.is_empty() {
        return None;
    }
    let same = others.iter().filter(|slice| clear_leader(slice) == Some(first)).count();
    let combinations = |count: usize| counted(count as u64, "other combination");
    let (also, place) = match (same, others.len()) {
        (1, 1) => ("also ", "in the other combination".to_owned()),
        (same, all) if same == all => ("also ", format!("in all {}", combinations(all))),
        (same, all) => ("", format!("in {same} of {}", combinations(all))),
    };
    let region = subject(first).words;
    let finding = match told.mode {
        Mode::Hide => format!("Masking {region} {also}costs most"),
        Mode::Keep => {
            format!("With only one region visible, accuracy is {also}highest for {region}")
        }
    };
    Some(format!("{finding} {place} of fill and settings."))
}

/// What leads all others, significantly.
fn clear_leader<'a>(slice: &Slice<'a>) -> Option<&'a [String]> {
    let single = slice.of_single_regions();
    let slice = single.as_ref().unwrap_or(slice);
    let found = leader(slice).filter(|leader| slice.rows.len() > 1 && leader.is_first())?;
    let costs = slice.mode == Mode::Keep || effect_significant(found.row) == Some(true);
    costs.then_some(&found.row.regions[..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::region::FillKind;
    use crate::report::findings::finding::slices;
    use crate::report::findings::finding::tests::{paired, row};
    use crate::store::{EffectRow, Metric, Term};

    /// The mouth's and the eyes' cost, under a fill.
    fn costs(fill: &str, mouth: f64, eyes: f64) -> Vec<EffectRow> {
        [("mouth", mouth), ("eyes", eyes)]
            .map(|(region, cost)| {
                let mut row = row(region, "hide", cost, Some((cost - 2.0, cost + 2.0)));
                row.fill = FillKind::of(fill).unwrap();
                row
            })
            .to_vec()
    }

    fn said(rows: &[Vec<EffectRow>]) -> Option<String> {
        let rows = rows.concat();
        let contrasts = paired(&rows);
        let slices = slices(&rows, &contrasts, Metric::Accuracy);
        let told = slices.iter().find(|slice| slice.fill == FillKind::Mean).unwrap();
        survival(&slices, told)
    }

    #[test]
    fn a_finding_is_compared_with_every_other_choice() {
        let mean = costs("mean", 21.0, 10.0);
        assert_eq!(said(std::slice::from_ref(&mean)), None, "there is no other choice");
        let both = [mean.clone(), costs("noise", 30.0, 20.0)];
        let expected =
            "Masking the mouth also costs most in the other combination of fill and settings.";
        assert_eq!(said(&both).unwrap(), expected);
        let three = [both.concat(), costs("blur", 15.0, 14.0)];
        let expected =
            "Masking the mouth costs most in 1 of 2 other combinations of fill and settings.";
        assert_eq!(said(&three).unwrap(), expected);
        let all = [both.concat(), costs("blur", 15.0, 4.0)];
        let expected =
            "Masking the mouth also costs most in all 2 other combinations of fill and settings.";
        assert_eq!(said(&all).unwrap(), expected);
        let open = [costs("mean", 21.0, 20.0), costs("noise", 30.0, 20.0)];
        assert_eq!(said(&open), None, "nothing was said to come first");
    }

    #[test]
    fn alone_visible_the_smallest_loss_comes_first() {
        let mut rows = vec![costs("mean", 21.0, 50.0), costs("noise", 30.0, 60.0)];
        for row in rows.iter_mut().flatten() {
            row.mode = Mode::Keep;
            row.covered = row.baseline - row.effect;
        }
        let expected = "With only one region visible, accuracy is also highest for the mouth in the other combination of fill and settings.";
        assert_eq!(said(&rows).unwrap(), expected);
    }
}
