//! The time to fill masked pixels by diffusion, against the former scheme.
//!
//! ```text
//! cargo bench --bench inpaint
//! ```
//!
//! Drawn faces of 48 × 48 and 100 × 100 pixels, 64 per batch, with the mouth hidden and with all but the mouth
//! hidden; one thread. The former scheme (`inpaint/before.rs`) relaxed each level of a pyramid 24 times
//! without a convergence test. Both fill the same batches in turns; given are means of the time on
//! the processor, in which what else the machine does counts for little.

#[path = "inpaint/before.rs"]
mod before;

use std::fs;

use fer_lab::dataset::{Split, faces};
use fer_lab::experiment::{self, Source};
use fer_lab::region::{Fill, Mode, Occlusion, Regions};
use fer_lab::report::{Cell, Column, Format, Table};
use fer_lab::train::{FilledMask, OnDevice, Standardisation, device};
use tch::{Device, Kind, Tensor};

const BATCH: usize = 64;
const ROUNDS: usize = 30;

fn main() {
    device::prepare(1);
    let mut table = Table::new(vec![
        Column::text("pixels", "pixels"),
        Column::text("mouth", "mouth"),
        Column::number("before", "before, ms"),
        Column::number("now", "now, ms"),
        Column::number("ratio", "ratio"),
    ]);
    for side in [48, 100] {
        for mode in [Mode::Hide, Mode::Keep] {
            let [before, now] = measure(side, mode);
            table.push(vec![
                Cell::text(format!("{side} × {side}")),
                Cell::text(match mode {
                    Mode::Hide => "hidden",
                    Mode::Keep => "kept",
                }),
                Cell::number(before, 1),
                Cell::number(now, 1),
                Cell::number(now / before, 2),
            ]);
        }
    }
    println!("{}", table.render(Format::Markdown, 80).expect("a table"));
}

/// Milliseconds per batch, of the former and the present scheme.
fn measure(side: usize, mode: Mode) -> [f64; 2] {
    let text = format!(
        "name = \"a\"\n[dataset]\nkind = \"faces\"\nsize = [{side}, {side}]\nchannels = 1\ntrain = {BATCH}\n"
    );
    let experiment = experiment::parse(&text, "bench", &[]).expect("an experiment");
    let spec = &experiment.settings.dataset;
    let Source::Faces(drawn) = &spec.source else { unreachable!("the file says so") };
    let dataset = faces::generate(spec, drawn);
    let frames: Vec<_> = dataset
        .train
        .landmarks
        .iter()
        .map(|points| {
            points.and_then(|points| points.frame()).expect("drawn faces know where they are")
        })
        .collect();
    let polygons = Regions::aligned().get("mouth").expect("a region").polygons.clone();
    let masks = Occlusion { polygons, mode, fill: Fill::Inpaint }.masks(&frames, side, side);
    let size = [BATCH as i64, 1, side as i64, side as i64];
    let masks = Tensor::from_slice(&masks).view(size).to_kind(Kind::Float);
    let standardisation = Standardisation::of(&dataset.train, 1);
    let data = OnDevice::new(&dataset, Split::Train, &standardisation, Device::Cpu);
    let pictures = data.pictures(&Tensor::arange(BATCH as i64, (Kind::Int64, Device::Cpu)));

    let mut times = [0.0; 2];
    for round in 0..=ROUNDS {
        let start = on_processor();
        let _ = before::inpainted(&pictures, &masks);
        let between = on_processor();
        let filled_mask =
            FilledMask { hidden: &masks, fill: Fill::Inpaint, seed: 0, objects: None };
        let _ = data.met(pictures.shallow_clone(), None, Some(filled_mask));
        // The first round warms up.
        if round > 0 {
            times[0] += between - start;
            times[1] += on_processor() - between;
        }
    }
    times.map(|time| time / ROUNDS as f64)
}

/// How long this thread has been on the processor, in milliseconds; the kernel counts by the few.
fn on_processor() -> f64 {
    let text =
        fs::read_to_string("/proc/thread-self/schedstat").expect("Linux counts a thread's time");
    let nanoseconds: f64 =
        text.split(' ').next().and_then(|text| text.parse().ok()).expect("nanoseconds");
    nanoseconds / 1e6
}
