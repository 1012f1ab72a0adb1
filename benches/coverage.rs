//! The coverage of the intervals, the uniformity of p under the null hypothesis, and the time of the analysis of a
//! large study.
//!
//! ```text
//! cargo bench --bench coverage                     # everything, about three minutes on two cores
//! cargo bench --bench coverage -- --experiments N  # other than 2,000 simulated experiments a cell
//! cargo bench --bench coverage -- --studies        # studies alone
//! cargo bench --bench coverage -- --studies --images 1400    # of so many test images, other than 500
//! cargo bench --bench coverage -- --places         # places of controls alone
//! ```
//!
//! A simulated experiment is a table of differences, seeds × images, of known mean (`coverage/worlds.rs`).
//! Each candidate (`coverage/candidates.rs`) gives an interval and the p-value of that mean; the last is the
//! one that the program uses. Given are the share of intervals that contain the mean, the share of p below
//! 0.05, and the largest distance of the distribution of p from the uniform one (Kolmogorov and Smirnov;
//! 0.03 is what chance alone gives at 2,000 experiments one time in twenty). The draws are seeded: the same
//! command gives the same table.
//!
//! Studies of several conditions follow (`coverage/studies.rs`), in which they share networks: of each rule the share
//! of intervals that contain the mean, their mean length as a share of the former rule's, and how much the length varies
//! between the conditions of one study: its ninth decile over its first, the mean over studies.
//!
//! Signals follow (`coverage/places.rs`), whose controls lie at places that are drawn as well: how many intervals hold the
//! truth with the places as they are, and with the places as a sample, as the program has them.
//!
//! The large study is 50 conditions × 10 seeds × 3,579 images of 7 classes (`coverage/large.rs`): from
//! scores to every table that the analysis writes. It is timed in a process of its own, whose peak of
//! memory is given.

#[path = "coverage/candidates.rs"]
mod candidates;
#[path = "coverage/large.rs"]
mod large;
#[path = "coverage/places.rs"]
mod places;
#[path = "coverage/studies.rs"]
mod studies;
#[path = "coverage/worlds.rs"]
mod worlds;

use std::process::{Command, ExitCode};
use std::time::Instant;

use candidates::{CANDIDATES, Judged};
use fer_lab::report::{Cell, Column, Format, Table};
use rayon::prelude::*;
use studies::{RULES, STUDIES, Study};
use worlds::{World, worlds};

const SEEDS: [usize; 3] = [3, 5, 10];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--large") {
        large::measure();
        return ExitCode::SUCCESS;
    }
    let number = |name: &str, otherwise: usize| {
        let place = arguments.iter().position(|argument| argument == name);
        place.map_or(otherwise, |place| {
            let number = arguments.get(place + 1).and_then(|text| text.parse().ok());
            number.unwrap_or_else(|| panic!("`{name}` takes a number"))
        })
    };
    let experiments = number("--experiments", 2000);
    let images = number("--images", studies::IMAGES);
    if arguments.iter().any(|argument| argument == "--studies") {
        println!("{}", in_studies(experiments, images));
        return ExitCode::SUCCESS;
    }
    if arguments.iter().any(|argument| argument == "--places") {
        println!("{}", with_places(experiments));
        return ExitCode::SUCCESS;
    }
    let start = Instant::now();
    let cells: Vec<(World, usize, Vec<Outcome>)> = worlds()
        .into_iter()
        .flat_map(|world| SEEDS.map(|seeds| (world, seeds)))
        .map(|(world, seeds)| (world, seeds, simulate(&world, seeds, experiments)))
        .collect();
    let show = |title: &str, figure: &dyn Fn(&Outcome) -> String| {
        println!("\n{title}\n\n{}", table(&cells, figure));
    };
    show("intervals that hold the truth, %", &|outcome| format!("{:.1}", 100.0 * outcome.covered));
    show("p below 0.05, %", &|outcome| format!("{:.1}", 100.0 * outcome.rejected));
    show("largest distance of p from uniform", &|outcome| format!("{:.3}", outcome.distance));
    show("median width of the interval, points", &|outcome| {
        format!("{:.2}", 100.0 * outcome.width)
    });
    println!(
        "\nstudies: hold the truth, % · length · its spread\n\n{}",
        in_studies(experiments, images)
    );
    println!("\nsignals that hold the truth, %\n\n{}", with_places(experiments));
    let seconds = start.elapsed().as_secs_f64();
    println!("\n{experiments} experiments a row, {} images, {seconds:.0} s", worlds::IMAGES);
    let program = std::env::current_exe().expect("this program");
    let status = Command::new(program).arg("--large").status().expect("this program");
    if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The result of one candidate in one world.
struct Outcome {
    covered: f64,
    rejected: f64,
    distance: f64,
    width: f64,
}

fn simulate(world: &World, seeds: usize, experiments: usize) -> Vec<Outcome> {
    let judged: Vec<Vec<Judged>> = (0..experiments)
        .into_par_iter()
        .map(|experiment| {
            let table = world.draw(seeds, experiment as u64);
            CANDIDATES.iter().map(|(_, judge)| judge(&table)).collect()
        })
        .collect();
    let count = experiments as f64;
    (0..CANDIDATES.len())
        .map(|candidate| {
            let of_candidate = judged.iter().map(|all| &all[candidate]);
            let holds = |one: &&Judged| one.low <= 0.0 && 0.0 <= one.high;
            let covered = of_candidate.clone().filter(holds).count() as f64 / count;
            let mut p: Vec<f64> = of_candidate.clone().map(|one| one.p).collect();
            let mut widths: Vec<f64> = of_candidate.map(|one| one.high - one.low).collect();
            p.sort_by(f64::total_cmp);
            widths.sort_by(f64::total_cmp);
            let rejected = p.iter().filter(|p| **p < 0.05).count() as f64 / count;
            let steps = p.iter().enumerate();
            let apart = steps.map(|(rank, p)| {
                let rank = rank as f64;
                (p - rank / count).abs().max((p - (rank + 1.0) / count).abs())
            });
            let distance = apart.fold(0.0, f64::max);
            Outcome { covered, rejected, distance, width: widths[widths.len() / 2] }
        })
        .collect()
}

fn table(cells: &[(World, usize, Vec<Outcome>)], figure: &dyn Fn(&Outcome) -> String) -> String {
    let mut columns = vec![Column::text("world", "world"), Column::number("seeds", "seeds")];
    columns.extend(CANDIDATES.iter().map(|(name, _)| Column::text(name, name)));
    let mut table = Table::new(columns);
    for (world, seeds, outcomes) in cells {
        let mut row = vec![Cell::text(world.name), Cell::Count(*seeds as u64)];
        row.extend(outcomes.iter().map(|outcome| Cell::text(figure(outcome))));
        table.push(row);
    }
    table.render(Format::Markdown, 100).expect("a table")
}

/// Signals of two to five seeds and two to twenty places.
fn with_places(experiments: usize) -> String {
    let mut table = Table::new(vec![
        Column::number("seeds", "seeds"),
        Column::number("places", "places"),
        Column::text("fixed", "places fixed"),
        Column::text("sampled", "places a sample"),
    ]);
    let cells: Vec<(u64, u32)> =
        [2, 3, 5].iter().flat_map(|seeds| [2, 5, 20].map(|places| (*seeds, places))).collect();
    let count = (experiments / 10).max(20) as u64;
    let found: Vec<places::Covered> =
        cells.par_iter().map(|(seeds, places)| places::covered(*seeds, *places, count)).collect();
    for ((seeds, places), covered) in cells.iter().zip(found) {
        table.push(vec![
            Cell::Count(*seeds),
            Cell::Count(u64::from(*places)),
            Cell::text(format!("{:.1}", 100.0 * covered.fixed)),
            Cell::text(format!("{:.1}", 100.0 * covered.sampled)),
        ]);
    }
    table.render(Format::Markdown, 100).expect("a table")
}

/// Every rule in every study, of 2, 3, 5 and 10 seeds and 2 to 128 conditions: about this many conditions per row.
fn in_studies(experiments: usize, images: usize) -> String {
    let mut columns = vec![
        Column::text("study", "study"),
        Column::number("seeds", "seeds"),
        Column::number("conditions", "conditions"),
    ];
    columns.extend(RULES.iter().map(|(name, _)| Column::text(name, name)));
    let mut table = Table::new(columns);
    for study in STUDIES {
        for seeds in [2, 3, 5, 10] {
            for conditions in [2, 7, 32, 128] {
                let mut row = vec![
                    Cell::text(study.name),
                    Cell::Count(seeds as u64),
                    Cell::Count(conditions as u64),
                ];
                let count = (experiments / conditions).max(100);
                row.extend(
                    rules(&study, [seeds, conditions, images], count).into_iter().map(Cell::text),
                );
                table.push(row);
            }
        }
    }
    table.render(Format::Markdown, 100).expect("a table")
}

/// The result of each rule in one study, simulated this often.
fn rules(study: &Study, sizes: [usize; 3], count: usize) -> Vec<String> {
    let [_, conditions, _] = sizes;
    let judged: Vec<Vec<Vec<Judged>>> = (0..count)
        .into_par_iter()
        .map(|experiment| {
            let tables = study.draw(sizes, experiment as u64);
            RULES.iter().map(|(_, rule)| rule(&tables)).collect()
        })
        .collect();
    let length = |one: &Judged| one.high - one.low;
    let mean_length = |rule: usize| -> f64 {
        judged.iter().flat_map(|of_rules| &of_rules[rule]).map(length).sum::<f64>()
    };
    let former = mean_length(0);
    (0..RULES.len())
        .map(|rule| {
            let all = || judged.iter().flat_map(|of_rules| &of_rules[rule]);
            let held = all().filter(|one| one.low <= 0.0 && 0.0 <= one.high).count();
            let spread = |of_rules: &Vec<Vec<Judged>>| {
                let mut lengths: Vec<f64> = of_rules[rule].iter().map(length).collect();
                lengths.sort_by(f64::total_cmp);
                let decile = |tenths: usize| lengths[(lengths.len() - 1) * tenths / 10];
                // Of two conditions, the longer over the shorter.
                let last = if lengths.len() < 10 { lengths[lengths.len() - 1] } else { decile(9) };
                last / decile(1)
            };
            let spread = judged.iter().map(spread).sum::<f64>() / count as f64;
            let covered = 100.0 * held as f64 / (count * conditions) as f64;
            format!("{covered:.1} · {:.2} · {spread:.1}", mean_length(rule) / former)
        })
        .collect()
}
