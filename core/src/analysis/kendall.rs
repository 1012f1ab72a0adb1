//! Kendall's coefficient of concordance: how far several judges agree on the order of the same things.
//!
//! With m judges and n things, R the sum of a thing's ranks over the judges (equal ones share the mean of their
//! ranks) and t the sizes of a judge's groups of equals,
//!
//! ```text
//! S = Σ (R − m(n + 1)/2)²        W = 12 S / (m²(n³ − n) − m Σ (t³ − t))
//! ```
//!
//! 0 where the sums of ranks are all equal, 1 where all judges have the same order (Kendall and Babington Smith 1939,
//! "The problem of m rankings", Ann. Math. Stat. 10; with equals Kendall 1970, "Rank correlation methods", 4th ed.,
//! ch. 6). Of two judges W is (1 + r)/2, where r is Spearman's rank correlation.

use rand::seq::SliceRandom;

use crate::random::generator;

/// More arrangements than this are not all tried, but drawn.
const MOST_ARRANGEMENTS: f64 = 50_000.0;
/// Arrangements that are drawn, beside the one that was found.
const DRAWS: usize = 19_999;

/// The order that each judge has of the same things.
#[derive(Debug, Clone, PartialEq)]
pub struct Rankings {
    /// `[judges][things]`: twice the ranks from 1, so that shared ones are whole numbers too.
    doubled: Vec<Vec<i64>>,
    things: usize,
}

impl Rankings {
    /// By each judge's values of the same things, larger first or last alike; `None` for fewer than two judges or two
    /// things, lists of several lengths, and values that are no numbers.
    pub fn of(judges: &[Vec<f64>]) -> Option<Rankings> {
        let things = judges.first()?.len();
        let sound = judges.iter().all(|values| values.len() == things)
            && judges.iter().flatten().all(|value| value.is_finite());
        (judges.len() > 1 && things > 1 && sound).then(|| Rankings {
            doubled: judges.iter().map(|own| doubled_ranks(own)).collect(),
            things,
        })
    }

    /// W, from 0 to 1; `None` where every judge finds all things equal.
    pub fn concordance(&self) -> Option<f64> {
        let (m, n) = (self.doubled.len() as i64, self.things as i64);
        let ties: i64 = self.doubled.iter().map(|ranks| ties(ranks)).sum();
        let most = m * m * (n * n * n - n) - m * ties;
        // The doubled ranks make S four times as large.
        (most > 0).then(|| 3.0 * squares(&self.sums(), m * (n + 1)) as f64 / most as f64)
    }

    /// The probability of as large a W, or a larger one, where each judge orders the things at random, with the equals
    /// that he has. All arrangements are tried where they are few; else 19,999 are drawn, always the same, and the one
    /// that was found counts among them (Phipson and Smyth 2010, Stat. Appl. Genet. Mol. Biol. 9(1):39). `None` with W.
    pub fn p(&self) -> Option<f64> {
        self.concordance()?;
        match arrangements(self.things, self.doubled.len()) <= MOST_ARRANGEMENTS {
            true => Some(self.p_of_all()),
            false => Some(self.p_of_draws()),
        }
    }

    fn centre(&self) -> i64 {
        self.doubled.len() as i64 * (self.things as i64 + 1)
    }

    /// Of each thing's doubled ranks.
    fn sums(&self) -> Vec<i64> {
        let of_thing = |thing: usize| self.doubled.iter().map(|ranks| ranks[thing]).sum();
        (0..self.things).map(of_thing).collect()
    }

    fn p_of_all(&self) -> f64 {
        let (centre, found) = (self.centre(), squares(&self.sums(), self.centre()));
        let orders = permutations(self.things);
        // Only how judges stand to each other matters: the first one's order stays.
        let [first, others @ ..] = &self.doubled[..] else { return 1.0 };
        let mut count = Count { reached: 0, all: 0 };
        count_all(first, others, &orders, &mut |sums| {
            count.reached += u64::from(squares(sums, centre) >= found);
            count.all += 1;
        });
        count.reached as f64 / count.all as f64
    }

    fn p_of_draws(&self) -> f64 {
        let (centre, found) = (self.centre(), squares(&self.sums(), self.centre()));
        let mut random = generator(0, "concordance", &[]);
        let mut drawn = self.doubled.clone();
        let mut reached = 1;
        for _ in 0..DRAWS {
            let mut sums = drawn[0].clone();
            for ranks in &mut drawn[1..] {
                ranks.shuffle(&mut random);
                sums.iter_mut().zip(&*ranks).for_each(|(sum, rank)| *sum += rank);
            }
            reached += usize::from(squares(&sums, centre) >= found);
        }
        reached as f64 / (DRAWS + 1) as f64
    }
}

/// How many arrangements reached what was found.
struct Count {
    reached: u64,
    all: u64,
}

/// The smallest p that so many judges of so many things can have, where all agree and none has equals.
pub fn smallest_p(judges: usize, things: usize) -> f64 {
    1.0 / arrangements(things, judges)
}

/// (n!)^(m − 1): in how many ways the judges can stand to each other; infinite where that is beyond any number.
fn arrangements(things: usize, judges: usize) -> f64 {
    let orders: f64 = (1..=things).map(|factor| factor as f64).product();
    (1..judges).map(|_| orders).product()
}

/// Twice the rank of each value, the mean of the ranks where several are equal.
fn doubled_ranks(values: &[f64]) -> Vec<i64> {
    let rank = |value: &f64| {
        let below = values.iter().filter(|other| *other < value).count();
        let equal = values.iter().filter(|other| *other == value).count();
        (2 * below + equal + 1) as i64
    };
    values.iter().map(rank).collect()
}

/// Σ (t³ − t) over groups of equal ranks.
fn ties(ranks: &[i64]) -> i64 {
    // A group of t things has t of them, each with t − 1 equals: t³ − t = t(t² − 1).
    let of_thing = |rank: &i64| {
        let equal = ranks.iter().filter(|other| *other == rank).count() as i64;
        equal * equal - 1
    };
    ranks.iter().map(of_thing).sum()
}

fn squares(sums: &[i64], centre: i64) -> i64 {
    sums.iter().map(|sum| (sum - centre) * (sum - centre)).sum()
}

/// Every order of so many things.
fn permutations(things: usize) -> Vec<Vec<usize>> {
    (0..things).fold(vec![Vec::new()], |orders, next| {
        let with_next = |order: &Vec<usize>| {
            let order = order.clone();
            (0..=order.len()).map(move |place| {
                let mut longer = order.clone();
                longer.insert(place, next);
                longer
            })
        };
        orders.iter().flat_map(with_next).collect()
    })
}

/// The sums of ranks for every choice of an order for each of the judges.
fn count_all(
    sums: &[i64],
    judges: &[Vec<i64>],
    orders: &[Vec<usize>],
    each: &mut impl FnMut(&[i64]),
) {
    let [judge, others @ ..] = judges else { return each(sums) };
    for order in orders {
        let sums: Vec<i64> =
            sums.iter().zip(order).map(|(sum, place)| sum + judge[*place]).collect();
        count_all(&sums, others, orders, each);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(judges: &[&[f64]]) -> Rankings {
        let judges: Vec<Vec<f64>> = judges.iter().map(|values| values.to_vec()).collect();
        Rankings::of(&judges).unwrap()
    }

    fn close(found: f64, expected: f64, tolerance: f64) {
        assert!((found - expected).abs() < tolerance, "{found} is not {expected}");
    }

    #[test]
    fn one_order_is_full_agreement_and_opposite_ones_are_none() {
        let same = of(&[&[0.1, 0.5, 0.3, 0.9], &[1.0, 4.0, 2.0, 8.0]]);
        assert_eq!(same.concordance(), Some(1.0));
        // One of 4! arrangements.
        close(same.p().unwrap(), 1.0 / 24.0, 1e-15);
        assert_eq!(smallest_p(2, 4), 1.0 / 24.0);
        let opposite = of(&[&[1.0, 2.0, 3.0, 4.0], &[4.0, 3.0, 2.0, 1.0]]);
        assert_eq!((opposite.concordance(), opposite.p()), (Some(0.0), Some(1.0)));
        // Every order of three things once: the sums are equal.
        let all: Vec<Vec<f64>> = permutations(3)
            .iter()
            .map(|order| order.iter().map(|place| *place as f64).collect())
            .collect();
        assert_eq!(Rankings::of(&all).unwrap().concordance(), Some(0.0));
    }

    /// Ranks 1 2.5 2.5 4, 1 3 2 4 and 2 2 2 4 + … by hand: m = 3, n = 4; the third judge's are 2, 2, 2, 4.
    /// Sums 4, 7.5, 6.5, 12 about 7.5: S = 12.25 + 0 + 1 + 20.25 = 33.5. Σ(t³ − t) = 6 + 0 + 24 = 30.
    /// W = 12 · 33.5 / (9 · 60 − 3 · 30) = 402 / 450.
    #[test]
    fn equals_are_corrected_for_by_hand() {
        let tied = of(&[&[1.0, 2.0, 2.0, 3.0], &[1.0, 3.0, 2.0, 4.0], &[5.0, 5.0, 5.0, 7.0]]);
        close(tied.concordance().unwrap(), 402.0 / 450.0, 1e-15);
    }

    #[test]
    fn where_nobody_sees_a_difference_there_is_no_coefficient() {
        let equal = of(&[&[1.0, 1.0, 1.0], &[2.0, 2.0, 2.0]]);
        assert_eq!((equal.concordance(), equal.p()), (None, None));
        assert_eq!(Rankings::of(&[vec![1.0, 2.0]]), None);
        assert_eq!(Rankings::of(&[vec![1.0], vec![2.0]]), None);
        assert_eq!(Rankings::of(&[vec![1.0, f64::NAN], vec![2.0, 3.0]]), None);
    }

    /// SciPy 1.17.1 (`scipy.stats.friedmanchisquare`, whose statistic is m(n − 1)W with the same correction) finds
    /// 16.73972602739725 of four judges of seven things; 200,000 permutations with NumPy's `default_rng(1)` of
    /// `scipy.stats.rankdata`'s ranks, p = 0.00132. Of three judges of five things all 14,400 arrangements, tried in
    /// Python: 832 reach S.
    #[test]
    fn the_numbers_are_those_of_scipy() {
        let rankings = of(&[
            &[5.0, 3.0, 3.0, 1.0, 4.0, 2.0, 2.0],
            &[6.0, 3.0, 1.0, 2.0, 5.0, 2.0, 4.0],
            &[4.0, 4.0, 2.0, 1.0, 6.0, 3.0, 5.0],
            &[7.0, 2.0, 3.0, 3.0, 5.0, 1.0, 6.0],
        ]);
        close(rankings.concordance().unwrap(), 16.73972602739725 / 24.0, 1e-14);
        close(rankings.p().unwrap(), 0.00132, 0.0011);
        let few = of(&[
            &[1.0, 2.0, 3.0, 4.0, 5.0],
            &[2.0, 1.0, 3.0, 5.0, 4.0],
            &[1.0, 3.0, 2.0, 2.0, 5.0],
        ]);
        close(few.concordance().unwrap(), 0.6836158192090392, 1e-14);
        close(few.p().unwrap(), 832.0 / 14_400.0, 1e-15);
    }

    /// What is drawn is what would be tried: 3 judges of 5 things have 14,400 arrangements.
    #[test]
    fn draws_come_close_to_trying_all() {
        let rankings = of(&[
            &[1.0, 2.0, 3.0, 4.0, 5.0],
            &[2.0, 1.0, 3.0, 5.0, 4.0],
            &[1.0, 3.0, 2.0, 2.0, 5.0],
        ]);
        let (all, drawn) = (rankings.p_of_all(), rankings.p_of_draws());
        // Four standard errors.
        close(drawn, all, 4.0 * (all * (1.0 - all) / 20_000.0).sqrt() + 1e-4);
        assert_eq!(drawn, rankings.p_of_draws());
    }

    fn judges() -> impl Strategy<Value = Vec<Vec<f64>>> {
        (2..6usize, 2..6usize).prop_flat_map(|(judges, things)| {
            let values = prop::collection::vec((0..5i32).prop_map(f64::from), things);
            prop::collection::vec(values, judges)
        })
    }

    proptest! {
        #[test]
        fn it_lies_between_none_and_full_whatever_the_order_and_scale(judges in judges()) {
            let rankings = Rankings::of(&judges).unwrap();
            let found = rankings.concordance();
            if let Some(w) = found {
                prop_assert!((0.0..=1.0 + 1e-12).contains(&w), "{w}");
            }
            let mut turned = judges.clone();
            turned.rotate_left(1);
            for values in &mut turned {
                values.reverse();
                values.iter_mut().for_each(|value| *value = -(*value * 3.0 + 1.0).exp());
            }
            prop_assert_eq!(Rankings::of(&turned).unwrap().concordance(), found);
        }

        /// W of two judges without equals is (1 + r)/2, of Spearman's r = 1 − 6 Σ d² / (n³ − n).
        #[test]
        fn of_two_judges_it_is_spearmans_correlation(
            order in Just((0..6).map(f64::from).collect::<Vec<f64>>()).prop_shuffle(),
        ) {
            let straight: Vec<f64> = (0..6).map(f64::from).collect();
            let squared: f64 = order.iter().zip(&straight).map(|(a, b)| (a - b) * (a - b)).sum();
            let r = 1.0 - 6.0 * squared / 210.0;
            let w = Rankings::of(&[straight, order]).unwrap().concordance().unwrap();
            prop_assert!((w - f64::midpoint(1.0, r)).abs() < 1e-12);
        }
    }
}
