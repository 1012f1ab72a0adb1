//! Pictures on disk: what is known of them before they are read, and after.

use std::fs;

use serde_json::Value;

use super::driver::Program;

/// Pictures of nothing in two classes, 100 each, and a study of the mouth.
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

#[test]
fn a_plan_knows_the_pictures_once_they_were_read() {
    let program = folder();
    let plan = || program.json(&["plan", "own.toml", "--format", "json"]);
    let before = plan();
    for key in ["images", "steps_per_training", "estimated_seconds", "estimate_is_measured"] {
        assert_eq!(before[key], Value::Null, "{key}");
    }
    let words = program.run(&["plan", "own.toml"]).stdout;
    assert!(words.contains("how long that takes is known once the pictures are read"), "{words}");

    program.run(&["data", "own.toml"]).succeeds();
    let after = plan();
    assert_eq!(after["images"], serde_json::json!({ "train": 160, "val": 20, "test": 20 }));
    assert_eq!(after["steps_per_training"], 2 * 10);
    assert!(after["estimated_seconds"].as_f64().unwrap() > 0.0, "{after}");
    assert_eq!(after["estimate_is_measured"], false);
    // Of two seeds and 20 images no small effect can be told; two points need more images.
    assert!(after["minimum_detectable_effect_points"].as_f64().unwrap() > 10.0, "{after}");
    assert_eq!((&after["power"], &after["effect_points"]), (&0.8.into(), &2.0.into()));
    assert_eq!((&after["seeds_needed"], &after["variances_from"]), (&Value::Null, &Value::Null));
    let words = program.run(&["plan", "own.toml"]).stdout;
    for part in [
        "images: 160 train, 20 val, 20 test; 20 steps a training",
        "for 2 seeds, ",
        "minimum detectable effect: ",
        " points of accuracy (80 % power, 2 seeds)",
    ] {
        assert!(words.contains(part), "{part}: {words}");
    }

    program.run(&["run", "own.toml", "-q"]).succeeds();
    let done = plan();
    assert_eq!((&done["estimated_seconds"], &done["variances_from"]), (&0.0.into(), &"own".into()));
    let one = program.json(&["plan", "own.toml", "--format", "json", "--set", "seeds.count=1"]);
    assert_eq!(one["minimum_detectable_effect_points"], Value::Null);
}
