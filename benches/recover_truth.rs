//! The whole study on worlds whose truth is known, scored.
//!
//! ```text
//! cargo bench --bench recover_truth                       # runs experiments/recover_truth.toml first
//! cargo bench --bench recover_truth -- --set train.epochs=2 --results DIR   # as of `fer-lab run`
//! ```
//!
//! The truth is the loss of an ideal observer of the drawn faces (`truth.parquet`). Printed
//! are, by world and phase: the rank correlation of the regions' Shapley values with the true ones (regions that
//! carry nothing are tied in truth, so that 1 cannot be reached where there are several), and of the pairs whose
//! true values differ how many stand in the right order; how many
//! intervals contain the truth; how many regions without information are significant; then, region by region, the true
//! effect of hiding it and that in each phase; what networks that share their training lose against retrained ones,
//! and save; and, of worlds in which networks of whole faces come within two points of the observer, how many intervals hold
//! his losses.
//!
//! Such worlds need faces that differ in their emotion alone, and more of them: `--set dataset.identity=0
//! --set dataset.nuisance=0 --set dataset.train=3000` and another folder (docs/known-truth.md has the whole command).
//! Results are kept in `target/recover_truth`, so that a second call only scores.

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Command, ExitCode};

use fer_lab::analysis::people::rank_correlation;
use fer_lab::analysis::{Tables, effects, shapley_values};
use fer_lab::region::{Mode, Phase};
use fer_lab::report::{Cell, Column, Format, Table};
use fer_lab::store::{
    EffectRow, EpochRow, Metric, Results, RunRow, ShapleyRow, TruthRow, Worth, read_table,
};

const NAME: &str = "recover_truth";
const PHASES: [Phase; 4] = [Phase::Retrain, Phase::Evaluate, Phase::Amortised, Phase::Tuned];
const PLAYERS: [&str; 4] = ["brows", "eyes", "mouth", "nose"];

fn main() -> ExitCode {
    let mut arguments: Vec<String> =
        std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if !arguments.iter().any(|argument| argument == "--results") {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/target/recover_truth");
        arguments.extend(["--results".to_owned(), folder.to_owned()]);
    }
    let experiment = concat!(env!("CARGO_MANIFEST_DIR"), "/experiments/recover_truth.toml");
    let status = Command::new(env!("CARGO_BIN_EXE_fer-lab"))
        .args(["run", experiment, "--quiet", "--format", "json"])
        .args(&arguments)
        .stdout(std::process::Stdio::null())
        .status()
        .expect("the program");
    if !status.success() {
        return ExitCode::FAILURE;
    }
    let place = arguments.iter().position(|argument| argument == "--results").expect("it is there");
    let results = Results::open(&arguments[place + 1]).expect("the results folder");
    let answer = Answer::read(&results);
    println!("\n{}", answer.scores());
    println!("\n{}", answer.costs());
    println!("\n{}", answer.shared());
    println!("\n{}", answer.near());
    ExitCode::SUCCESS
}

/// The results of the study, and the truth.
struct Answer {
    /// By world, as the experiment file has it: its name for people.
    worlds: Vec<World>,
    effects: Vec<EffectRow>,
    shapley: Vec<ShapleyRow>,
    runs: Vec<RunRow>,
    /// Seconds of each training.
    seconds: BTreeMap<String, f64>,
}

struct World {
    name: &'static str,
    swept: BTreeMap<String, String>,
    /// The observer's accuracy by the visible regions, sorted.
    truth: BTreeMap<Vec<String>, f64>,
}

impl World {
    fn seen(&self, regions: &[&str]) -> f64 {
        let mut regions: Vec<String> = regions.iter().map(|name| (*name).to_owned()).collect();
        regions.sort();
        self.truth[&regions]
    }

    fn all(&self) -> Vec<&str> {
        let whole = self.truth.keys().max_by_key(|set| set.len()).expect("every set has a row");
        whole.iter().map(String::as_str).collect()
    }

    /// The observer's loss when these regions are hidden.
    fn cost(&self, hidden: &[String]) -> f64 {
        let all = self.all();
        let left: Vec<&str> =
            all.iter().copied().filter(|name| !hidden.iter().any(|gone| gone == name)).collect();
        self.seen(&all) - self.seen(&left)
    }

    /// The Shapley values of the four regions, from `keep`.
    fn shapley(&self) -> Vec<f64> {
        let worth = |set: usize| {
            let member = |player: &usize| set >> player & 1 == 1;
            let seen: Vec<&str> =
                (0..PLAYERS.len()).filter(member).map(|player| PLAYERS[player]).collect();
            self.seen(&seen)
        };
        shapley_values(&(0..1 << PLAYERS.len()).map(worth).collect::<Vec<f64>>())
    }
}

impl Answer {
    fn read(results: &Results) -> Answer {
        let tables = Tables::read(results, NAME).expect("the tables");
        let truth: Vec<TruthRow> =
            read_table(&results.table_path::<TruthRow>(NAME).expect("a name")).expect("the truth");
        let path = results.table_path::<ShapleyRow>(NAME).expect("a name");
        // Without all sets there are none.
        let shapley = match path.exists() {
            true => read_table(&path).expect("values"),
            false => Vec::new(),
        };
        let effects = effects(&tables.scores).expect("effects");
        let effects = effects.into_iter().filter(|row| row.metric == Metric::Accuracy).collect();
        let mut worlds: Vec<World> = Vec::new();
        for row in truth {
            let known = worlds.iter().position(|world| world.swept == row.swept);
            let place = known.unwrap_or_else(|| {
                let (name, swept) = (name(&row.swept), row.swept.clone());
                worlds.push(World { name, swept, truth: BTreeMap::new() });
                worlds.len() - 1
            });
            let mut regions = row.regions;
            regions.sort();
            worlds[place].truth.insert(regions, row.accuracy);
        }
        let mut seconds: BTreeMap<String, f64> = BTreeMap::new();
        for EpochRow { training_id, seconds: epoch, .. } in tables.epochs {
            *seconds.entry(training_id).or_default() += epoch;
        }
        Answer { worlds, effects, shapley, runs: tables.runs, seconds }
    }

    /// A row per world and phase.
    fn scores(&self) -> String {
        let mut table = Table::new(vec![
            Column::text("world", "world"),
            Column::text("phase", "phase"),
            Column::number("correlation", "rank correlation"),
            Column::text("ordered", "pairs in order"),
            Column::number("error", "mean error, points"),
            Column::text("held", "intervals that hold the truth"),
            Column::text("found", "found that carry nothing"),
        ]);
        for world in &self.worlds {
            // To a hundredth of a point: the truth is simulated, and sums of it are rounded.
            let truth: Vec<f64> =
                world.shapley().into_iter().map(|value| (value * 1e4).round() / 1e4).collect();
            for phase in PHASES {
                let rows: Option<Vec<&ShapleyRow>> = PLAYERS
                    .iter()
                    .map(|region| {
                        let of = |row: &&ShapleyRow| {
                            row.region == *region
                                && row.metric == Worth::Accuracy
                                && row.phase == phase
                                && row.swept == world.swept
                        };
                        self.shapley.iter().find(of)
                    })
                    .collect();
                // A phase that was not asked for, as `tuned`.
                let Some(rows) = rows else { continue };
                let pairs: Vec<(f64, f64)> =
                    rows.iter().zip(&truth).map(|(row, truth)| (row.value, *truth)).collect();
                let error =
                    pairs.iter().map(|(value, truth)| (value - truth).abs()).sum::<f64>() / 4.0;
                let holds = |(row, truth): &(&&ShapleyRow, &f64)| {
                    row.low.is_some_and(|low| low <= **truth)
                        && row.high.is_some_and(|high| **truth <= high)
                };
                let held = rows.iter().zip(&truth).filter(holds).count();
                // A constant truth has no rank correlation.
                let varied = truth.iter().any(|value| (value - truth[0]).abs() > 0.005);
                let correlation = rank_correlation(&pairs).filter(|_| varied);
                let (mut ordered, mut different) = (0, 0);
                for (index, one) in pairs.iter().enumerate() {
                    for other in &pairs[index + 1..] {
                        if (one.1 - other.1).abs() > 0.005 {
                            different += 1;
                            ordered += usize::from((one.0 > other.0) == (one.1 > other.1));
                        }
                    }
                }
                let (false_alarms, empty) = self.false_alarms(world, phase);
                table.push(vec![
                    Cell::text(world.name),
                    Cell::text(phase.name()),
                    correlation.map_or(Cell::Empty, |found| Cell::number(found.value, 2)),
                    Cell::text(format!("{ordered} of {different}")),
                    Cell::number(100.0 * error, 1),
                    Cell::text(format!("{held} of {}", rows.len())),
                    Cell::text(format!("{false_alarms} of {empty}")),
                ]);
            }
        }
        table.render(Format::Markdown, 200).expect("a table")
    }

    /// The effects of hiding sets in a world.
    fn hidden(&self, world: &World, phase: Phase) -> impl Iterator<Item = &EffectRow> {
        self.effects.iter().filter(move |row| {
            row.mode == Mode::Hide && row.phase == phase && row.swept == world.swept
        })
    }

    /// Of the sets whose hiding costs the observer nothing, those with a significant positive effect (Holm's p under
    /// 0.05).
    fn false_alarms(&self, world: &World, phase: Phase) -> (usize, usize) {
        let empty: Vec<&EffectRow> =
            self.hidden(world, phase).filter(|row| world.cost(&row.regions).abs() < 1e-9).collect();
        let found =
            |row: &&&EffectRow| row.effect > 0.0 && row.p_adjusted.is_some_and(|p| p < 0.05);
        (empty.iter().filter(found).count(), empty.len())
    }

    /// The effect of hiding each region, true and by phase.
    fn costs(&self) -> String {
        let mut columns = vec![
            Column::text("world", "world"),
            Column::text("hidden", "hidden"),
            Column::number("truth", "truth"),
        ];
        columns.extend(PHASES.map(|phase| Column::number(phase.name(), phase.name())));
        let mut table = Table::new(columns);
        for world in &self.worlds {
            for regions in [&["brows"][..], &["mouth"], &["brows", "mouth"], &["eyes"]] {
                let mut names: Vec<String> =
                    regions.iter().map(|name| (*name).to_owned()).collect();
                names.sort();
                let mut row = vec![
                    Cell::text(world.name),
                    Cell::text(names.join(" + ")),
                    Cell::number(100.0 * world.cost(&names), 1),
                ];
                for phase in PHASES {
                    let mut hidden = self.hidden(world, phase);
                    let found = hidden.find(|row| row.regions == names).map(|found| {
                        let interval = found.effect_low.zip(found.effect_high);
                        Cell::share(found.effect).with_interval(interval)
                    });
                    row.push(found.unwrap_or(Cell::Empty));
                }
                table.push(row);
            }
        }
        table.render(Format::Markdown, 200).expect("a table")
    }

    /// How far networks that share their training stay behind those trained for each set, and what each took. A
    /// tuned network's time holds that of the one it starts from.
    fn shared(&self) -> String {
        let mut table = Table::new(vec![
            Column::text("world", "world"),
            Column::text("phase", "phase"),
            Column::number("behind", "behind, points"),
            Column::number("most", "at most"),
            Column::number("retrain", "retrained, s"),
            Column::number("took", "this, s"),
            Column::number("share", "share of the time"),
        ]);
        for world in &self.worlds {
            let retrained = self.seconds_of(world, &[Phase::Retrain]);
            let both = [Phase::Amortised, Phase::Tuned];
            for (phase, all) in [(Phase::Amortised, &both[..1]), (Phase::Tuned, &both[..])] {
                let behind = self.behind(world, phase);
                if behind.is_empty() {
                    continue;
                }
                let most = behind.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let took = self.seconds_of(world, all);
                table.push(vec![
                    Cell::text(world.name),
                    Cell::text(phase.name()),
                    Cell::number(100.0 * mean(&behind), 1),
                    Cell::number(100.0 * most, 1),
                    Cell::number(retrained, 0),
                    Cell::number(took, 0),
                    Cell::number(took / retrained, 2),
                ]);
            }
        }
        table.render(Format::Markdown, 200).expect("a table")
    }

    /// Of worlds whose networks of whole faces are within [`NEAR`] of the observer: how many intervals of the costs of hiding
    /// hold what it costs him, where that is something.
    fn near(&self) -> String {
        let mut table = Table::new(vec![
            Column::text("world", "world"),
            Column::number("worlds", "worlds"),
            Column::number("whole", "whole faces behind, points"),
            Column::number("intervals", "intervals of true costs"),
            Column::number("held", "hold the truth"),
            Column::number("length", "mean length, points"),
            Column::number("bias", "mean error, points"),
        ]);
        let mut counted: BTreeMap<&str, Near> = BTreeMap::new();
        for world in &self.worlds {
            let rows: Vec<&EffectRow> = self.hidden(world, Phase::Retrain).collect();
            let Some(behind) = rows.first().map(|row| world.seen(&world.all()) - row.baseline)
            else {
                continue;
            };
            if behind.abs() > NEAR {
                continue;
            }
            let near = counted.entry(world.name).or_default();
            near.behind.push(100.0 * behind);
            for row in rows {
                let truth = world.cost(&row.regions);
                if let (true, Some(low), Some(high)) =
                    (truth > 0.005, row.effect_low, row.effect_high)
                {
                    near.held.push(low <= truth && truth <= high);
                    near.lengths.push(100.0 * (high - low));
                    near.errors.push(100.0 * (row.effect - truth));
                }
            }
        }
        for (name, near) in counted {
            let held = near.held.iter().filter(|held| **held).count();
            table.push(vec![
                Cell::text(name),
                Cell::number(near.behind.len() as f64, 0),
                Cell::number(mean(&near.behind), 1),
                Cell::number(near.held.len() as f64, 0),
                Cell::number(held as f64, 0),
                Cell::number(mean(&near.lengths), 1),
                Cell::number(mean(&near.errors), 1),
            ]);
        }
        table.render(Format::Markdown, 200).expect("a table")
    }

    /// By set of regions that is kept: the accuracy of retrained networks less that of this phase's, a share.
    fn behind(&self, world: &World, phase: Phase) -> Vec<f64> {
        let of = |phase: Phase| {
            self.effects.iter().filter(move |row| {
                row.mode == Mode::Keep && row.phase == phase && row.swept == world.swept
            })
        };
        let behind = of(Phase::Retrain).filter_map(|retrained| {
            let same = |row: &&EffectRow| row.regions == retrained.regions;
            Some(retrained.covered - of(phase).find(same)?.covered)
        });
        behind.collect()
    }

    /// How long the trainings took that these phases kept sets of regions in, each once.
    fn seconds_of(&self, world: &World, phases: &[Phase]) -> f64 {
        let kept = self.runs.iter().filter(|run| {
            run.mode == Some(Mode::Keep)
                && run.phase.is_some_and(|phase| phases.contains(&phase))
                && run.swept == world.swept
        });
        let trainings: BTreeSet<&str> = kept.map(|run| run.training_id.as_str()).collect();
        trainings.iter().filter_map(|training| self.seconds.get(*training)).sum()
    }
}

/// How far networks of whole faces may be from the observer to be near him, as a share.
const NEAR: f64 = 0.02;

/// What is counted of worlds whose networks are near the observer.
#[derive(Debug, Default)]
struct Near {
    /// Of each world's networks, in points.
    behind: Vec<f64>,
    /// Of each interval.
    held: Vec<bool>,
    lengths: Vec<f64>,
    errors: Vec<f64>,
}

/// 0 of no values.
fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

/// The name of a world, by its `dataset.signal`.
fn name(swept: &BTreeMap<String, String>) -> &'static str {
    let signal: String =
        swept.get("dataset.signal").expect("the worlds differ in it").split_whitespace().collect();
    match signal.as_str() {
        r#"["mouth"]"# => "one region",
        r#"[["brows","mouth"]]"# => "only together",
        r#"["brows","mouth"]"# => "either is enough",
        "[]" => "none",
        _ => "spread",
    }
}
