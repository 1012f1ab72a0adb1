//! One cell of the study, and what it is called.

use std::collections::BTreeMap;

use crate::experiment::{Cell, Experiment};
use crate::region::{Fill, Mode, Occlusion, Phase};

/// An occlusion (or none) and one choice of every swept key.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// For people; no two conditions of a plan share it. As short as the experiment allows: phase, fill
    /// and swept keys are named only where there are several.
    pub name: String,
    /// Index into the experiment's `cells`.
    pub cell: usize,
    /// Sorted; empty for whole faces. A control has the regions that it is compared with.
    pub regions: Vec<String>,
    /// `None` for whole faces.
    pub occlusion: Option<Occlusion>,
    /// `None` for whole faces.
    pub phase: Option<Phase>,
    /// Which placement of a control this is, from 0; `None` where it is no control.
    pub control: Option<u32>,
}

/// How the conditions of one experiment are named. The name is the key that joins its tables: no two conditions
/// share it, and a condition has the same in all of them.
#[derive(Debug)]
pub struct Naming {
    several_phases: bool,
    several_fills: bool,
    /// Swept key → the shortest end of it that no other swept key has.
    short: BTreeMap<String, String>,
}

impl Naming {
    pub fn new(experiment: &Experiment) -> Naming {
        let keys: Vec<&String> =
            experiment.cells.iter().flat_map(|cell| cell.swept.keys()).collect();
        let short = keys.iter().map(|key| ((*key).clone(), shortest(key, &keys))).collect();
        Naming {
            several_phases: experiment.occlusion.phases.len() > 1,
            several_fills: experiment.occlusion.fills.len() > 1,
            short,
        }
    }

    /// `whole`.
    pub fn whole(&self, cell: &Cell) -> String {
        format!("whole{}", self.swept(cell))
    }

    /// `masks alone`.
    pub fn masks(&self, cell: &Cell) -> String {
        format!("masks alone{}", self.swept(cell))
    }

    /// What no condition of the experiment leaves to be seen: `keep eyes + mouth`, of neither phase nor fill.
    pub fn seen(&self, cell: &Cell, regions: &[&str]) -> String {
        let regions = match regions {
            [] => "nothing".to_owned(),
            regions => regions.join(" + "),
        };
        format!("{} {regions}{}", Mode::Keep.name(), self.swept(cell))
    }

    /// `hide eyes + mouth (evaluate, noise), control 1, learning_rate = 0.01`.
    pub fn covered(
        &self,
        cell: &Cell,
        regions: &[String],
        (mode, phase, fill): (Mode, Phase, Fill),
        control: Option<u32>,
    ) -> String {
        let mut name = format!("{} {}", mode.name(), regions.join(" + "));
        let details: Vec<&str> =
            [(self.several_phases, phase.name()), (self.several_fills, fill.name())]
                .into_iter()
                .filter_map(|(several, detail)| several.then_some(detail))
                .collect();
        if !details.is_empty() {
            name += &format!(" ({})", details.join(", "));
        }
        if let Some(draw) = control {
            name += &format!(", control {}", draw + 1);
        }
        name + &self.swept(cell)
    }

    fn swept(&self, cell: &Cell) -> String {
        let short = |key: &String| self.short.get(key).unwrap_or(key).clone();
        cell.swept.iter().map(|(key, value)| format!(", {} = {value}", short(key))).collect()
    }
}

/// The shortest run of segments at the end of a dotted key that is the end of no other key.
fn shortest(key: &str, keys: &[&String]) -> String {
    let starts = key.rmatch_indices('.').map(|(dot, _)| dot + 1);
    let alone = |end: &str| {
        keys.iter().all(|other| {
            other.as_str() == key || !format!(".{other}").ends_with(&format!(".{end}"))
        })
    };
    starts.map(|start| &key[start..]).find(|end| alone(end)).unwrap_or(key).to_owned()
}
