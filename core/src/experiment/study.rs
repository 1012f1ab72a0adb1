//! The sections `[occlusion]` and `[seeds]`: the conditions and their replicates.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::region::atlas::SET_WORDS;
use crate::region::object::{self, Objects};
use crate::region::{FillKind, Mode, Phase, RandomSets, Regions, Tuning};

use super::error::Problem;
use super::reader::{Section, twice};
use super::regions::atlas_help;
use super::spec::OcclusionStudy;
use super::tree::{Node, Value};

/// The most sets of regions that a file may name.
pub(super) const MAX_SETS: usize = 1_000;

/// The section's keys, but for `regions`.
#[derive(Deserialize)]
struct Keys {
    modes: Vec<Mode>,
    phases: Vec<Phase>,
    fills: Vec<FillKind>,
    constant: f64,
    blur: f64,
    tuned_epochs: u32,
    tuned_rate: f64,
    controls: u32,
    evaluated_controls: u32,
    masks_alone: bool,
}

/// Reads `[occlusion]`.
pub(crate) fn read(root: &Section<'_>, regions: &Regions, own: &[&str]) -> Option<OcclusionStudy> {
    let section = root.section("occlusion");
    let Keys {
        modes,
        phases,
        fills,
        constant,
        blur,
        tuned_epochs,
        tuned_rate,
        controls,
        evaluated_controls,
        masks_alone,
    } = section.read()?;
    if fills.contains(&FillKind::Object) {
        check_object(&section, regions);
    }
    let tuning = Tuning { epochs: tuned_epochs, rate: tuned_rate };
    let fills = fills.into_iter().map(|kind| kind.with(constant, blur)).collect();
    let sets = read_sets(&section, regions, own);
    let phases = with_start(phases);
    let study = OcclusionStudy {
        sets,
        modes,
        phases,
        fills,
        tuning,
        controls,
        evaluated_controls,
        masks_alone,
    };
    let names: BTreeSet<&String> = study.sets.iter().flatten().collect();
    if study.phases.contains(&Phase::Amortised) && names.len() > RandomSets::MOST {
        let title = format!("`amortised` can mask at most {} different regions", RandomSets::MOST);
        let label = format!("these sets name {} different ones", names.len());
        section.problem(
            Problem::new(title, &section.place_of("regions"), label)
                .help("divide them among several experiments: trainings are shared"),
        );
    }
    Some(study)
}

/// Objects are drawn for occluders alone, and cover them: regions that are none, and `keep`, are mistakes.
fn check_object(section: &Section<'_>, regions: &Regions) {
    let modes = match section.node("modes").map(|node| &node.value) {
        Some(Value::Array(modes)) => &modes[..],
        _ => &[],
    };
    if let Some(keep) = modes.iter().find(|mode| mode.is_text(Mode::Keep.name())) {
        let title = "the fill `object` does not go with the mode `keep`";
        let help = "an object covers its region and nothing around it: leave `keep` out of `occlusion.modes`, or \
                    `object` out of `occlusion.fills`";
        section.problem(Problem::new(title, &keep.place, "covers all but the region").help(help));
    }
    let Some(node) = section.node("regions") else { return };
    let help = format!(
        "objects are drawn for {} and for unions of them: name only these (`fer-lab regions` shows them), or leave \
         `object` out of `occlusion.fills`; another file can mask the other regions",
        object::names()
    );
    let items = match &node.value {
        Value::Array(items) => &items[..],
        // One of the words, all of which are of the atlas.
        _ => {
            let title = "the fill `object` is for occluders alone";
            section.problem(Problem::new(title, &node.place, "regions of the atlas").help(help));
            return;
        }
    };
    let names = items.iter().flat_map(|item| match &item.value {
        Value::Array(names) => &names[..],
        _ => std::slice::from_ref(item),
    });
    for node in names {
        let Value::Text(name) = &node.value else { continue };
        let Some(region) = regions.get(name) else { continue };
        if Objects::on(&region.polygons).is_err() {
            let title = format!("the fill `object` is for occluders alone, and `{name}` is none");
            let label = "has no object";
            section.problem(Problem::new(title, &node.place, label).help(help.clone()));
        }
    }
}

/// Tuned networks start from amortised ones, which are evaluated too, so that the effect of tuning is known.
fn with_start(mut phases: Vec<Phase>) -> Vec<Phase> {
    let place = phases.iter().position(|phase| *phase == Phase::Tuned);
    if let Some(place) = place.filter(|_| !phases.contains(&Phase::Amortised)) {
        phases.insert(place, Phase::Amortised);
    }
    phases
}

fn read_sets(section: &Section<'_>, regions: &Regions, own: &[&str]) -> Vec<Vec<String>> {
    let Some(node) = section.node("regions") else { return Vec::new() };
    let items = match &node.value {
        Value::Text(word) => return read_collection(section, node, word),
        Value::Array(items) => items,
        _ => {
            let title = "`occlusion.regions` must be a list of regions or one of the words each, pairs, halves, subsets";
            let label = format!("this is {}", node.type_name());
            section.problem(Problem::new(title, &node.place, label));
            return Vec::new();
        }
    };
    if items.len() > MAX_SETS {
        let title = format!("`occlusion.regions` has more than {MAX_SETS} sets");
        let label = format!("this list has {}", items.len());
        section.problem(Problem::new(title, &node.place, label));
        return Vec::new();
    }
    let mut sets: Vec<Vec<String>> = Vec::new();
    for item in items {
        let names = match &item.value {
            Value::Array(names) => &names[..],
            _ => std::slice::from_ref(item),
        };
        if names.is_empty() {
            section.problem(
                Problem::new("a set of regions is empty", &item.place, "masks nothing")
                    .help("leave it out: the whole face is always part of the study"),
            );
        }
        let Some(set) = read_set(section, names, regions, own) else { continue };
        if sets.contains(&set) {
            section.problem(twice(item, "occlusion.regions"));
        } else if !set.is_empty() {
            sets.push(set);
        }
    }
    sets
}

/// One condition's regions, sorted; `None` where a name is wrong.
fn read_set(
    section: &Section<'_>,
    names: &[Node],
    regions: &Regions,
    own: &[&str],
) -> Option<Vec<String>> {
    let mut set = BTreeSet::new();
    let mut sound = true;
    for item in names {
        let problem = match &item.value {
            // A mistake in the file's own region has been reported at its definition.
            Value::Text(name) if regions.get(name).is_none() && !own.contains(&name.as_str()) => {
                let problem = Problem::new(
                    format!("unknown region `{name}`"),
                    &item.place,
                    "not in the atlas `aligned`",
                );
                match name.as_str() {
                    word if SET_WORDS.contains(&word) => problem.help(format!(
                        "`{name}` stands alone, without a list: `regions = \"{name}\"`"
                    )),
                    _ => problem.help(atlas_help(name, own)),
                }
            }
            Value::Text(name) if !set.insert(name.clone()) => twice(item, "occlusion.regions"),
            Value::Text(_) => continue,
            _ => Problem::new(
                "`occlusion.regions` must be a list of regions, or of lists of regions",
                &item.place,
                format!("this is {}", item.type_name()),
            ),
        };
        section.problem(problem);
        sound = false;
    }
    sound.then(|| set.into_iter().collect())
}

/// The sets that a word stands for: of the seven regions of the atlas, or of the halves of the face.
fn read_collection(section: &Section<'_>, node: &Node, word: &str) -> Vec<Vec<String>> {
    let names = Regions::built_in_names();
    match word {
        "each" => names.map(|name| vec![name.to_owned()]).to_vec(),
        "pairs" => subsets(&names).into_iter().filter(|set| set.len() == 2).collect(),
        "halves" => Regions::face_half_names().map(|name| vec![name.to_owned()]).to_vec(),
        "subsets" => subsets(&names),
        _ => {
            let help = match Regions::aligned().get(word) {
                Some(_) => format!("write it as a list: `regions = [\"{word}\"]`"),
                None => "give a list of regions, or one of the words each, pairs, halves, subsets"
                    .to_owned(),
            };
            let title = format!("`occlusion.regions` cannot be `{word}`");
            section.problem(Problem::new(title, &node.place, "not a list").help(help));
            Vec::new()
        }
    }
}

/// Every set of names but the empty one, small sets first. All regions together are not the whole image: hair and
/// background lie outside of them.
fn subsets(names: &[&str]) -> Vec<Vec<String>> {
    let mut sets: Vec<Vec<String>> = (1..1_u32 << names.len())
        .map(|members| {
            let member = |index: &usize| members >> index & 1 == 1;
            let mut set: Vec<String> =
                (0..names.len()).filter(member).map(|index| names[index].to_owned()).collect();
            set.sort();
            set
        })
        .collect();
    sets.sort_by_key(Vec::len);
    sets
}

/// Reads `[seeds]`.
pub(crate) fn read_seeds(root: &Section<'_>) -> Option<Vec<u64>> {
    let section = root.section("seeds");
    let Seeds { count, list } = section.read()?;
    if section.is_set("list") && section.is_set("count") {
        let title = "`seeds.count` and `seeds.list` exclude each other";
        section.problem(
            Problem::new(title, &section.place_of("count"), "the list says which seeds")
                .help("leave out one of the two"),
        );
    }
    Some(list.unwrap_or_else(|| (1..=count).collect()))
}

#[derive(Deserialize)]
struct Seeds {
    count: u64,
    list: Option<Vec<u64>>,
}
