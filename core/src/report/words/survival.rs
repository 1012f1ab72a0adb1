//! Whether a finding survives another choice of fill and settings.

use crate::region::Mode;
use crate::report::findings::finding::{Leader, Slice, leader, most_seen};
use crate::report::words::numbers::counted;
use crate::report::words::phrase::subject;
use crate::store::EffectRow;

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
    let how = if told.mode == Mode::Keep { "Seen alone" } else { "Hidden" };
    let come = subject(first).with_verb("comes", "come");
    let combinations = |count: usize| counted(count as u64, "other combination");
    let place = match (same, others.len()) {
        (1, 1) => "in the other combination".to_owned(),
        (same, all) if same == all => format!("in all {}", combinations(all)),
        (same, all) => format!("for sure in {same} of {}", combinations(all)),
    };
    Some(format!("{how}, {come} first {place} of fill and settings."))
}

/// What leads others, none of which may be as large.
fn clear_leader<'a>(slice: &Slice<'a>) -> Option<&'a [String]> {
    let single = slice.of_single_regions();
    let rows: &[&EffectRow] = &single.as_ref().unwrap_or(slice).rows;
    if rows.len() < 2 {
        return None;
    }
    let Leader { row, rivals } =
        if slice.mode == Mode::Keep { most_seen(rows) } else { leader(rows) }?;
    rivals.is_empty().then_some(&row.regions[..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::region::FillKind;
    use crate::report::findings::finding::slices;
    use crate::report::findings::finding::tests::row;
    use crate::store::{Metric, Term};

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
        let slices = slices(&rows, Metric::Accuracy);
        let told = slices.iter().find(|slice| slice.fill == FillKind::Mean).unwrap();
        survival(&slices, told)
    }

    #[test]
    fn a_finding_is_held_against_every_other_choice() {
        let mean = costs("mean", 21.0, 10.0);
        assert_eq!(said(std::slice::from_ref(&mean)), None, "there is no other choice");
        let both = [mean.clone(), costs("noise", 30.0, 20.0)];
        let expected =
            "Hidden, the mouth comes first in the other combination of fill and settings.";
        assert_eq!(said(&both).unwrap(), expected);
        let three = [both.concat(), costs("blur", 15.0, 14.0)];
        let expected = "Hidden, the mouth comes first for sure in 1 of 2 other combinations of fill and settings.";
        assert_eq!(said(&three).unwrap(), expected);
        let all = [both.concat(), costs("blur", 15.0, 4.0)];
        let expected =
            "Hidden, the mouth comes first in all 2 other combinations of fill and settings.";
        assert_eq!(said(&all).unwrap(), expected);
        let open = [costs("mean", 21.0, 20.0), costs("noise", 30.0, 20.0)];
        assert_eq!(said(&open), None, "nothing was said to come first");
    }

    #[test]
    fn seen_alone_the_smallest_loss_comes_first() {
        let mut rows = vec![costs("mean", 21.0, 50.0), costs("noise", 30.0, 60.0)];
        for row in rows.iter_mut().flatten() {
            row.mode = Mode::Keep;
            row.covered = row.baseline - row.effect;
        }
        let expected =
            "Seen alone, the mouth comes first in the other combination of fill and settings.";
        assert_eq!(said(&rows).unwrap(), expected);
    }
}
