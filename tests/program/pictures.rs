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
    // Lines end where the terminal's do.
    let words = program.run(&["plan", "own.toml"]).stdout.replace('\n', " ");
    for part in [
        "images: 160 train, 20 val, 20 test; 20 steps per training",
        "for 2 seeds, ",
        "minimum detectable effect of masking a region: ",
        " points of accuracy (80 % power, 2 seeds, 20 test images, one test); ",
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

#[test]
fn what_is_doubtful_about_the_data_is_said_wherever_they_are_used() {
    let program = folder();
    let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let landmarks = "no landmarks place the regions";
    let labels = "100 of 100 pairs of equal pictures have labels of different classes";
    let plan = program.run(&["plan", "own.toml"]);
    assert!(flat(&plan.stdout).contains(landmarks), "{}", plan.stdout);
    for again in [program.run(&["run", "own.toml"]), program.run(&["run", "own.toml"])] {
        again.succeeds();
        assert!(flat(&again.stderr).contains(landmarks), "{}", again.stderr);
        for doubt in [landmarks, labels, "the data have no test split: 20 of"] {
            let said = format!("Warning of the data: {doubt}");
            assert!(flat(&again.stdout).contains(&said), "{doubt}: {}", again.stdout);
        }
    }
    let report = program.run(&["report", "own"]);
    assert!(flat(&report.stdout).contains(labels), "{}", report.stdout);
    let page = String::from_utf8(program.bytes("results/own/report.html")).unwrap();
    assert!(flat(&page).contains(labels), "the page says nothing of it");
    assert!(program.path("results/own/doubts.parquet").exists());
}

#[test]
fn training_pictures_that_are_test_pictures_too_are_counted_or_dropped() {
    let program = folder();
    let data = |key: &str| program.json(&["data", "own.toml", "--set", key, "--format", "json"]);
    let kept = data("dataset.duplicates=keep");
    let twins = &kept["twins"]["equal"];
    assert_eq!((&twins["pairs"], &twins["pairs_of_other_class"]), (&100.into(), &100.into()));
    let held_out =
        twins["val_in_train"].as_u64().unwrap() + twins["test_in_train"].as_u64().unwrap();
    assert!(held_out > 20, "{twins}");
    let dropped = data("dataset.duplicates=drop");
    let twins = &dropped["twins"]["equal"];
    assert_eq!((&twins["val_in_train"], &twins["test_in_train"]), (&0.into(), &0.into()));
    let reasons = dropped["left_out"]["train"].as_object().unwrap();
    let left_out: u64 = reasons.values().filter_map(Value::as_u64).sum();
    assert_eq!(left_out, held_out);
    assert!(
        reasons.keys().all(|reason| reason.starts_with("equal to a picture of ")),
        "{reasons:?}"
    );
}

/// A table in pixels of pictures that are half as wide again as high.
#[test]
fn faces_on_pictures_that_are_not_square_are_found_in_their_pixels() {
    let program = folder();
    let mut points = String::from(
        "file;confidence;lefteye_x;lefteye_y;righteye_x;righteye_y;nose_x;nose_y;age\n",
    );
    for class in ["left", "right"] {
        for image in 0..100u32 {
            let grey = |x: u32, y: u32| image::Luma([(x * 37 + y * 91 + image * 53) as u8]);
            let path = program.path(&format!("data/{class}/{image}.png"));
            image::GrayImage::from_fn(72, 48, grey).save(path).unwrap();
            let confidence = if image < 10 { "NA" } else { "0.9" };
            points += &format!(".\\{class}\\{image};{confidence};27;18;44;18;36;29;30\n");
        }
    }
    program.write("points.csv", &points);
    let data = |set: &str| {
        let table = "dataset.landmarks=points.csv";
        program.run(&["data", "own.toml", "--set", table, "--set", set])
    };
    let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let stretched = data("dataset.shape=stretch");
    stretched.succeeds();
    let text = flat(&stretched.stdout);
    assert!(text.contains("landmarks: 3 points a face, read as pixels"), "{text}");
    assert!(text.contains("(landmarks not trusted: presence below 0.5): "), "{text}");
    assert!(text.contains("200 of 200 pictures are stretched to 24 × 24 pixels"), "{text}");
    let cropped = data("dataset.shape=crop");
    assert!(!cropped.stdout.contains("stretched"), "{}", cropped.stdout);

    program.write(
        "points.csv",
        &points.replace("lefteye", "tmp").replace("righteye", "lefteye").replace("tmp", "righteye"),
    );
    let exchanged = data("dataset.shape=crop");
    assert!(
        exchanged.stderr.contains("left and right are exchanged in 180 of 180 rows"),
        "{}",
        exchanged.stderr
    );
}
