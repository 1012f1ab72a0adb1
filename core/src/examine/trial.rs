//! Which assumption fits, judged by accuracy on faces without masks.

use statrs::distribution::{Binomial, DiscreteCDF};

use super::assumption::Assumption;
use super::orders::Order;
use crate::dataset::labels::Classes;

/// Images that assumptions are tried with.
pub const TRIED: usize = 200;

/// The significance level for "better": of some dozens of assumptions, one must not win by luck.
const LEVEL: f64 = 1e-3;

/// Of so many columns every assignment of classes to columns is tried.
const MOST_ASSIGNED: usize = 12;

/// The answers under one assumption about the pictures.
#[derive(Debug, Clone)]
pub struct Trial {
    pub assumption: Assumption,
    /// `[N, columns]`, row-major.
    pub answers: Vec<f32>,
}

/// One assumption about pictures and columns, and how well it fits.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    pub assumption: Assumption,
    pub order: Order,
    /// By image: whether the largest answer among the data's classes is that of the image's class.
    pub right: Vec<bool>,
}

impl Outcome {
    pub fn accuracy(&self) -> f64 {
        self.right.iter().filter(|right| **right).count() as f64 / self.right.len().max(1) as f64
    }
}

/// What the trials say.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// The best allowed assumption; `next` is the best of the others, where they are not the same answers.
    Fits { best: Outcome, next: Option<Outcome>, majority: f64 },
    /// What the user says is significantly worse than another assumption.
    Contradicted { said: Outcome, better: Outcome },
    /// The columns fit significantly better in an order that nobody has.
    OtherOrder { best: Outcome, classes: Vec<String>, accuracy: f64 },
    /// No assumption is significantly better than naming the commonest class.
    NothingFits { best: Outcome, majority: f64 },
}

/// The numbers of the images of a split that are tried, evenly spaced over it.
pub fn tried_images(images: usize) -> Vec<usize> {
    let count = images.min(TRIED);
    (0..count).map(|place| place * images / count.max(1)).collect()
}

/// Judges trials. `actual` has each image's class, by its place in `classes`; `orders` are those that are tried, of which
/// `said` is the user's, if there is one; `allowed` says which assumptions about pictures agree with what the user says.
/// `None` where there is no trial or no order.
pub fn judge(
    trials: &[Trial],
    (actual, classes): (&[usize], &[String]),
    orders: &[Order],
    said: Option<&Order>,
    allowed: &dyn Fn(&Assumption) -> bool,
) -> Option<Verdict> {
    let outcome = |trial: &Trial, order: &Order| Outcome {
        assumption: trial.assumption.clone(),
        order: order.clone(),
        right: right(trial, order, (actual, classes)),
    };
    let mut outcomes: Vec<Outcome> = Vec::new();
    for trial in trials {
        outcomes.extend(orders.iter().map(|order| outcome(trial, order)));
    }
    let is_allowed = |outcome: &&Outcome| {
        allowed(&outcome.assumption) && said.is_none_or(|said| *said == outcome.order)
    };
    // The first of the best, which stand in the order of how usual they are.
    let best_of = |outcomes: &mut dyn Iterator<Item = &Outcome>| {
        outcomes.fold(None, |best: Option<Outcome>, next| match best {
            Some(best) if best.accuracy() >= next.accuracy() => Some(best),
            _ => Some(next.clone()),
        })
    };
    let best = best_of(&mut outcomes.iter().filter(is_allowed))?;
    let better = best_of(&mut outcomes.iter())?;
    if is_better(&better.right, &best.right) {
        return Some(Verdict::Contradicted { said: best, better });
    }
    let counts: Vec<usize> = (0..classes.len())
        .map(|class| actual.iter().filter(|actual| **actual == class).count())
        .collect();
    let majority = counts.iter().max().copied().unwrap_or(0) as f64 / actual.len().max(1) as f64;
    let trial = trials.iter().find(|trial| trial.assumption == best.assumption)?;
    if let Some(assigned) = best_assignment(trial, (actual, classes)) {
        let order = Order { of: String::new(), classes: assigned };
        let right = right(trial, &order, (actual, classes));
        if is_better(&right, &best.right) {
            let accuracy = Outcome { right, ..best.clone() }.accuracy();
            return Some(Verdict::OtherOrder { best, classes: order.classes, accuracy });
        }
    }
    let correct = best.right.iter().filter(|right| **right).count() as u64;
    let by_luck = Binomial::new(majority.clamp(0.0, 1.0), best.right.len() as u64)
        .map_or(1.0, |guessing| guessing.sf(correct.saturating_sub(1)));
    if by_luck > LEVEL {
        return Some(Verdict::NothingFits { best, majority });
    }
    let others = outcomes.iter().filter(|outcome| outcome.right != best.right);
    let next = best_of(&mut others.into_iter());
    Some(Verdict::Fits { best, next, majority })
}

/// Whether the largest answer among the data's classes is that of each image's class.
fn right(trial: &Trial, order: &Order, (actual, classes): (&[usize], &[String])) -> Vec<bool> {
    let columns = order.classes.len();
    let places: Vec<Option<usize>> = places(order, classes);
    let answers = trial.answers.chunks_exact(columns).zip(actual);
    answers
        .map(|(answers, actual)| {
            let of_class =
                places.iter().map(|place| place.map_or(f32::NEG_INFINITY, |place| answers[place]));
            let largest =
                of_class.enumerate().fold(None, |best: Option<(usize, f32)>, next| match best {
                    Some(best) if best.1 >= next.1 => Some(best),
                    _ => Some(next),
                });
            largest.is_some_and(|(class, _)| class == *actual)
        })
        .collect()
}

/// The column of each class.
fn places(order: &Order, classes: &[String]) -> Vec<Option<usize>> {
    let known = Classes::unsaid(classes);
    let of = |class: &String| order.classes.iter().position(|name| known.of(name) == class);
    classes.iter().map(of).collect()
}

/// The columns' names if every class is assigned to the column that gives the most images right, one to one; further
/// columns have none. `None` of too many columns.
fn best_assignment(trial: &Trial, (actual, classes): (&[usize], &[String])) -> Option<Vec<String>> {
    let columns = trial.answers.len() / actual.len().max(1);
    if columns > MOST_ASSIGNED || classes.len() > columns || actual.is_empty() {
        return None;
    }
    // How often each column is the largest of all, by class.
    let mut counts = vec![vec![0_u32; columns]; classes.len()];
    for (answers, class) in trial.answers.chunks_exact(columns).zip(actual) {
        let largest = (0..columns).fold(
            0,
            |best, next| {
                if answers[next] > answers[best] { next } else { best }
            },
        );
        counts[*class][largest] += 1;
    }
    // The most images right with the first classes in some set of columns.
    let mut most: Vec<Option<u32>> = vec![None; 1 << columns];
    let mut from = vec![0; 1 << columns];
    most[0] = Some(0);
    for set in 0..1_usize << columns {
        let class = set.count_ones() as usize;
        let Some(sum) = most[set].filter(|_| class < classes.len()) else { continue };
        for column in (0..columns).filter(|column| set & (1 << column) == 0) {
            let (next, sum) = (set | 1 << column, sum + counts[class][column]);
            if most[next].is_none_or(|most| sum > most) {
                (most[next], from[next]) = (Some(sum), column);
            }
        }
    }
    let full = (0..1_usize << columns).filter(|set| set.count_ones() as usize == classes.len());
    let mut set = full.max_by_key(|set| most[*set])?;
    let mut names = vec![String::new(); columns];
    while set != 0 {
        let column = from[set];
        names[column] = classes[set.count_ones() as usize - 1].clone();
        set &= !(1 << column);
    }
    Some(names)
}

/// Whether the first gives significantly more images right than the second, which saw the same ones (McNemar's exact
/// test, one-sided).
fn is_better(first: &[bool], second: &[bool]) -> bool {
    let pairs = || first.iter().zip(second);
    let gained = pairs().filter(|(first, second)| **first && !**second).count() as u64;
    let lost = pairs().filter(|(first, second)| !**first && **second).count() as u64;
    let by_luck = Binomial::new(0.5, gained + lost)
        .map_or(1.0, |coin| if gained == 0 { 1.0 } else { coin.sf(gained - 1) });
    by_luck < LEVEL
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::examine::assumption::{Declared, assumptions};

    const CLASSES: [&str; 3] = ["neutral", "happiness", "anger"];

    fn owned(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn order(names: &[&str]) -> Order {
        Order { of: "someone".to_owned(), classes: owned(names) }
    }

    /// Answers of a network whose columns are `order` and that is right on all but every `wrong`th image.
    fn answers(actual: &[usize], order: &[&str], wrong: usize) -> Vec<f32> {
        let mut answers = Vec::new();
        for (image, actual) in actual.iter().enumerate() {
            let named = if image % wrong == 0 { (actual + 1) % 3 } else { *actual };
            let column = |name: &&str| if *name == CLASSES[named] { 1.0 } else { 0.0 };
            answers.extend(order.iter().map(column));
        }
        answers
    }

    fn trials(actual: &[usize], of: [(&[&str], usize); 2]) -> Vec<Trial> {
        let known = assumptions(1, false, &Declared::default());
        let each = known.into_iter().zip(of);
        each.map(|(assumption, (order, wrong))| Trial {
            assumption,
            answers: answers(actual, order, wrong),
        })
        .collect()
    }

    fn actual() -> Vec<usize> {
        (0..120).map(|image| image % 3).collect()
    }

    #[test]
    fn the_assumption_that_fits_best_is_found() {
        let (actual, classes) = (actual(), owned(&CLASSES));
        let fer = ["anger", "happiness", "neutral"];
        let trials = trials(&actual, [(&fer, 2), (&fer, 10)]);
        let orders = [order(&CLASSES), order(&fer)];
        let verdict = judge(&trials, (&actual, &classes), &orders, None, &|_| true).unwrap();
        let Verdict::Fits { best, next, majority } = verdict else { panic!("{verdict:?}") };
        assert_eq!((&best.order, &best.assumption), (&orders[1], &trials[1].assumption));
        assert!((best.accuracy() - 0.9).abs() < 0.01 && (majority - 1.0 / 3.0).abs() < 1e-9);
        assert!((next.unwrap().accuracy() - 0.5).abs() < 0.01);
        // What the user says is held against the others.
        let said = judge(&trials, (&actual, &classes), &orders, Some(&orders[0]), &|_| true);
        assert!(
            matches!(said, Some(Verdict::Contradicted { better, .. }) if better.order == orders[1])
        );
        let first = |assumption: &Assumption| *assumption == trials[0].assumption;
        let said = judge(&trials, (&actual, &classes), &orders, None, &first);
        assert!(matches!(said, Some(Verdict::Contradicted { .. })));
    }

    #[test]
    fn an_order_that_nobody_has_is_found() {
        let (actual, classes) = (actual(), owned(&CLASSES));
        let strange = ["happiness", "neutral", "anger"];
        let trials = trials(&actual, [(&strange, 10), (&strange, 7)]);
        let orders = [order(&CLASSES)];
        let verdict = judge(&trials, (&actual, &classes), &orders, None, &|_| true).unwrap();
        let Verdict::OtherOrder { classes, accuracy, .. } = verdict else { panic!("{verdict:?}") };
        assert_eq!(classes, owned(&strange));
        assert!(accuracy > 0.8, "{accuracy}");
    }

    #[test]
    fn guessing_fits_nothing() {
        let (actual, classes) = (actual(), owned(&CLASSES));
        let always = |column: usize| -> Vec<f32> {
            actual.iter().flat_map(|_| (0..3).map(move |c| f32::from(c == column))).collect()
        };
        let known = assumptions(1, false, &Declared::default());
        let trials = [Trial { assumption: known[0].clone(), answers: always(1) }];
        let orders = [order(&CLASSES)];
        let verdict = judge(&trials, (&actual, &classes), &orders, None, &|_| true);
        assert!(matches!(verdict, Some(Verdict::NothingFits { .. })), "{verdict:?}");
    }

    #[test]
    fn tried_images_are_spread_over_a_split() {
        assert_eq!(tried_images(3), [0, 1, 2]);
        let many = tried_images(1000);
        assert_eq!((many.len(), many[0], many[199]), (TRIED, 0, 995));
        assert!(tried_images(0).is_empty());
    }
}
