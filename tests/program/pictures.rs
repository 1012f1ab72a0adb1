//! Images on disk, before and after they are read.

use std::fs;

use serde_json::Value;

use super::driver::Program;

/// Blank images in two classes, 100 each, and a study of the mouth.
fn folder() -> Program {
    let program = Program::new();
    for class in ["left", "right"] {
        fs::create_dir_all(program.path(&format!("data/{class}"))).unwrap();
        for image in 0..100u32 {
            let grey = |x: u32, y: u32| image::Luma([(x * 37 + y * 91 + image * 53) as u8]);
            let path = program.path(&format!("data/{class}/{image}.png"));
            image::GrayImage::from_fn(24, 24, grey).save(path).unwrap();
        }
    }
    program.write(
        "own.toml",
        r#"
        name = "own"
        [dataset]
        kind = "folder"
        root = "data"
        size = [24, 24]
        channels = 1
        classes = ["left", "right"]
        [model]
        blocks = [[4], [8]]
        [train]
        epochs = 2
        batch_size = 16
        [occlusion]
        regions = ["mouth"]
        masks_alone = false
        [seeds]
        count = 2
        "#,
    );
    program
}

/// A dot at the edge of the face, which is outside of the images of one class.
#[test]
fn a_region_without_pixels_in_some_images_gives_a_warning_each_time() {
    let program = folder();
    let mut points =
        String::from("image,eye_left_x,eye_left_y,eye_right_x,eye_right_y,nose_tip_x,nose_tip_y\n");
    for (class, shift) in [("left", -0.3), ("right", 0.0)] {
        for image in 0..100 {
            points += &format!(
                "{class}/{image}.png,{},0.385,{},0.385,{},0.61\n",
                0.32 + shift,
                0.68 + shift,
                0.5 + shift
            );
        }
    }
    program.write("points.csv", &points);
    let file = String::from_utf8(program.bytes("own.toml")).unwrap();
    let dot = "[regions]\ndot = [[[0.05, 0.4], [0.2, 0.4], [0.2, 0.6], [0.05, 0.6]]]\n[occlusion]";
    let file = file.replacen("size =", "landmarks = \"points.csv\"\nsize =", 1);
    let file = file.replace("[occlusion]", dot).replace("\"mouth\"", "\"dot\"");
    program.write("own.toml", &file);
    let words = "in some test images the regions of “dot masked” (50.0 %) lie outside";
    let flat = |text: String| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let first = program.run(&["run", "own.toml"]);
    first.succeeds();
    assert!(first.stderr.contains("images have no pixel of `dot`"), "{}", first.stderr);
    assert!(flat(first.stdout.clone()).contains(words), "{}", first.stdout);
    // Nothing is read any more.
    for again in [program.run(&["run", "own.toml"]), program.run(&["report", "own"])] {
        again.succeeds();
        assert!(flat(again.stdout.clone()).contains(words), "{}", again.stdout);
    }
    let page = String::from_utf8(program.bytes("results/own/report.html")).unwrap();
    assert!(flat(page).contains(words), "the page says nothing of it");
    let runs = program.json(&["show", "own", "--format", "json"]);
    let missed: Vec<f64> =
        runs.as_array().unwrap().iter().filter_map(|run| run["missed"].as_f64()).collect();
    assert_eq!(missed, [0.5, 0.5]);
}

#[test]
fn a_plan_has_the_number_of_images_once_they_were_read() {
    let program = folder();
    let plan = || program.json(&["plan", "own.toml", "--format", "json"]);
    let before = plan();
    for key in ["images", "steps_per_training", "estimated_seconds", "estimate_is_measured"] {
        assert_eq!(before[key], Value::Null, "{key}");
    }
    let words = program.run(&["plan", "own.toml"]).stdout;
    assert!(words.contains("the time is estimated once the images have been read"), "{words}");

    // A file that was just written is not cached by its time: it could change within the same tick.
    std::thread::sleep(std::time::Duration::from_secs(4));
    program.run(&["data", "own.toml"]).succeeds();
    let after = plan();
    assert_eq!(after["images"], serde_json::json!({ "train": 160, "val": 20, "test": 20 }));
    assert_eq!(after["steps_per_training"], 2 * 10);
    assert!(after["estimated_seconds"].as_f64().unwrap() > 0.0, "{after}");
    assert_eq!(after["estimate_is_measured"], false);
    // Two seeds and 20 images cannot detect a small effect; two points need more images.
    assert!(after["minimum_detectable_effect_points"].as_f64().unwrap() > 10.0, "{after}");
    assert_eq!((&after["power"], &after["effect_points"]), (&0.8.into(), &2.0.into()));
    assert_eq!(after["seeds_needed"], Value::Null);
    let words = program.run(&["plan", "own.toml"]).stdout;
    for part in [
        "images: 160 train, 20 val, 20 test; 20 steps per training",
        "for 2 seeds, ",
        "minimum detectable effect: ",
        " points of accuracy (80 % power, 2 seeds, 20 test",
    ] {
        assert!(words.contains(part), "{part}: {words}");
    }

    program.run(&["run", "own.toml", "-q"]).succeeds();
    let done = plan();
    assert_eq!(done["estimated_seconds"], 0.0);
    let words = program.run(&["plan", "own.toml"]).stdout;
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("(variances of the runs of `own`)"), "{words}");
    let one = program.json(&["plan", "own.toml", "--format", "json", "--set", "seeds.count=1"]);
    assert_eq!(one["minimum_detectable_effect_points"], Value::Null);
}
