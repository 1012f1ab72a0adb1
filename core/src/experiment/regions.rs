//! The `[regions]` section: names of the user's own, beside the built-in atlas.

use std::collections::BTreeMap;

use crate::region::{Point, Polygon, Region, Regions};

use super::error::Problem;
use super::reader::{Bounds, Section, read_float};
use super::suggest;
use super::tree::{Entry, Node, Value};

const MAX_REGIONS: usize = 200;
const MAX_NAME: usize = 64;
const MAX_CORNERS: usize = 1_000;

/// Reads `[regions]`: the atlas with the file's own regions added.
pub(crate) fn read(root: &Section<'_>) -> Regions {
    let section = root.section("regions");
    let entries = section.table().map(|table| table.entries()).unwrap_or_default();
    if entries.len() > MAX_REGIONS {
        let title = format!("more than {MAX_REGIONS} regions");
        section.problem(Problem::new(title, &section.place, "there are too many"));
        return Regions::aligned();
    }
    let atlas = Regions::aligned();
    let own: BTreeMap<&str, &Entry> =
        entries.iter().map(|entry| (entry.key.as_str(), entry)).collect();
    let mut reading = Reading { section: &section, atlas: &atlas, own, done: BTreeMap::new() };
    let mut regions = atlas.clone();
    for entry in entries {
        let polygons = reading.resolve(entry, &mut Vec::new());
        // Empty polygons have been reported already.
        if check_name(&section, entry) && !polygons.is_empty() {
            match regions.clone().with(vec![Region::new(&entry.key, polygons)]) {
                Ok(with) => regions = with,
                Err(error) => {
                    section.problem(Problem::new(
                        error.to_string(),
                        &entry.key_place,
                        "not a free name",
                    ));
                }
            }
        }
    }
    regions
}

/// The help under an unknown region, with the names of the file's `own`.
pub(crate) fn atlas_help(name: &str, own: &[&str]) -> String {
    let mut listing = atlas_listing();
    if !own.is_empty() {
        listing += &format!("; the file's own: {}", suggest::listed(own.iter().copied()));
    }
    let atlas = Regions::aligned();
    let plain = || Regions::built_in_names().into_iter().chain(own.iter().copied());
    // Halves are suggested for names of parts, or if nothing else is similar.
    match suggest::is_compound(name) || suggest::closest(name, plain()).is_none() {
        true => suggest::with_listing(name, atlas.names().chain(own.iter().copied()), &listing),
        false => suggest::with_listing(name, plain(), &listing),
    }
}

/// `the atlas has: …`
pub(crate) fn atlas_listing() -> String {
    let mut built_in = Regions::built_in_names();
    built_in.sort_unstable();
    format!("the atlas has: {}", suggest::listed(built_in))
}

/// Whether the name of a region is one.
fn check_name(section: &Section<'_>, entry: &Entry) -> bool {
    let name = &entry.key;
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    let sound = !name.is_empty() && name.len() <= MAX_NAME && name.bytes().all(plain);
    if !sound {
        let title = format!("a region cannot be named `{name}`");
        section.problem(
            Problem::new(title, &entry.key_place, "not a name")
                .help(format!("1 to {MAX_NAME} lower-case letters, digits and `_`")),
        );
    }
    sound
}

/// The file's own regions on their way from names to polygons.
struct Reading<'s, 'a> {
    section: &'s Section<'a>,
    atlas: &'s Regions,
    own: BTreeMap<&'a str, &'a Entry>,
    /// Resolved, by name; empty where something was wrong.
    done: BTreeMap<&'a str, Vec<Polygon>>,
}

impl<'a> Reading<'_, 'a> {
    /// The polygons of a region; those that it is a union of are resolved first. `above` are the
    /// regions that are being resolved.
    fn resolve(&mut self, entry: &'a Entry, above: &mut Vec<&'a str>) -> Vec<Polygon> {
        let name = entry.key.as_str();
        if let Some(done) = self.done.get(name) {
            return done.clone();
        }
        let polygons = match &entry.node.value {
            Value::Array(items)
                if items.iter().all(|item| matches!(item.value, Value::Text(_))) =>
            {
                above.push(name);
                let polygons = self.union(name, &entry.node, items, above);
                above.pop();
                polygons
            }
            Value::Array(corners) if corners.iter().all(is_corner) => {
                let title = format!("`regions.{name}` must be a list of polygons");
                let problem = Problem::new(title, &entry.node.place, "this is a single polygon");
                self.section.problem(problem.help("put one more pair of brackets around it"));
                Vec::new()
            }
            Value::Array(items)
                if items.iter().all(|item| matches!(item.value, Value::Array(_))) =>
            {
                let polygons = items.iter().enumerate();
                polygons.filter_map(|(index, item)| self.polygon(name, index, item)).collect()
            }
            _ => {
                let title = format!("`regions.{name}` must be a list of regions or of polygons");
                let help = "a union as in `[\"brows\", \"eyes\"]`, polygons as in \
                            `[[[0.1, 0.3], [0.5, 0.3], [0.5, 0.5]]]`";
                let problem = Problem::new(title, &entry.node.place, "this is neither");
                self.section.problem(problem.help(help));
                Vec::new()
            }
        };
        self.done.insert(name, polygons.clone());
        polygons
    }

    fn union(
        &mut self,
        name: &str,
        list: &Node,
        items: &'a [Node],
        above: &mut Vec<&'a str>,
    ) -> Vec<Polygon> {
        if items.is_empty() {
            let title = format!("`regions.{name}` is empty");
            let problem = Problem::new(title, &list.place, "a region needs an area");
            self.section.problem(problem.help("name the regions that it is made of"));
        }
        let mut polygons: Vec<Polygon> = Vec::new();
        for item in items {
            let Value::Text(part) = &item.value else { continue };
            // A region of the file that has an occluder's name takes its place here too, but for its own parts.
            let own = part != name && self.own.contains_key(part.as_str());
            let found = if let Some(region) = self.atlas.get(part).filter(|_| !own) {
                region.polygons.clone()
            } else if above.contains(&part.as_str()) {
                let title = format!("the region `{part}` is made of itself");
                let label = format!("`{name}` is part of `{part}`");
                let problem = Problem::new(title, &item.place, label);
                self.section.problem(problem.help("leave it out of the union"));
                continue;
            } else if let Some(entry) = self.own.get(part.as_str()).copied() {
                self.resolve(entry, above)
            } else {
                let own: Vec<&str> = self.own.keys().copied().filter(|own| *own != name).collect();
                let title = format!("unknown region `{part}`");
                let problem = Problem::new(title, &item.place, "not in the atlas `aligned`");
                self.section.problem(problem.help(atlas_help(part, &own)));
                continue;
            };
            for polygon in found {
                if !polygons.contains(&polygon) {
                    polygons.push(polygon);
                }
            }
        }
        polygons
    }

    fn polygon(&self, name: &str, index: usize, node: &Node) -> Option<Polygon> {
        let Value::Array(corners) = &node.value else { return None };
        let problems = self.section.problems;
        if corners.len() > MAX_CORNERS {
            let title = format!("a polygon has at most {MAX_CORNERS} corners");
            problems.push(Problem::new(title, &node.place, format!("this has {}", corners.len())));
            return None;
        }
        let mut points = Vec::new();
        for (number, corner) in corners.iter().enumerate() {
            let path = format!("regions.{name}[{index}][{number}]");
            match &corner.value {
                Value::Array(pair) if pair.len() == 2 => {
                    // The frame and half its width to every side: the maximum extent of a polygon.
                    let reach = Bounds::closed(-0.5, 1.5);
                    let x = read_float(&pair[0], &format!("{path}[0]"), reach, problems);
                    let y = read_float(&pair[1], &format!("{path}[1]"), reach, problems);
                    if let (Some(x), Some(y)) = (x, y) {
                        points.push(Point { x, y });
                    }
                }
                _ => {
                    let title = format!("`{path}` must be a pair of numbers");
                    let help = "x and y in the canonical face frame, as in `[0.15, 0.3]`";
                    problems.push(
                        Problem::new(title, &corner.place, "this is not `[x, y]`").help(help),
                    );
                }
            }
        }
        // With a corner missing the polygon's own checks would mislead.
        if points.len() < corners.len() {
            return None;
        }
        match Polygon::new(points) {
            Ok(polygon) => Some(polygon),
            Err(error) => {
                problems.push(Problem::new(
                    error.to_string(),
                    &node.place,
                    "this is not a polygon",
                ));
                None
            }
        }
    }
}

/// Whether this is `[x, y]`.
fn is_corner(node: &Node) -> bool {
    let number = |node: &Node| matches!(node.value, Value::Integer(_) | Value::Float(_));
    matches!(&node.value, Value::Array(pair) if !pair.is_empty() && pair.iter().all(number))
}
