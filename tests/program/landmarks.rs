//! `fer-lab landmarks`, and an experiment that has its landmarks found.

use std::fs;

use fer_lab::landmarker;

use super::driver::Program;

/// A data set of drawn faces in folders: three classes, three pictures of each in every split.
fn faces_in_folders(program: &Program) -> String {
    use fer_lab::dataset::{Split, faces};
    let classes = ["neutral", "happiness"];
    let drawn = "name = \"drawn\"\n[dataset]\nkind = \"faces\"\nsize = [64, 64]\ntrain = 64\nval = 20\ntest = 20\n\
                 classes = [\"neutral\", \"happiness\"]\n[occlusion]\nregions = [\"mouth\"]\n";
    program.write("drawn.toml", drawn);
    let experiment = fer_lab::experiment::load(&program.path("drawn.toml"), &[]).unwrap();
    let spec = &experiment.settings.dataset;
    let fer_lab::experiment::Source::Faces(source) = &spec.source else { unreachable!() };
    let dataset = faces::generate(spec, source);
    for split in Split::ALL {
        let images = dataset.split(split);
        for (class, name) in classes.iter().enumerate() {
            let folder = program.path(&format!("data/{}/{name}", split.name()));
            fs::create_dir_all(&folder).unwrap();
            let of_class = dataset.actual(split).into_iter().enumerate();
            for (image, _) in of_class.filter(|(_, actual)| *actual == class).take(3) {
                let pixels = images.pixels[image * 64 * 64..][..64 * 64].to_vec();
                let picture = image::GrayImage::from_raw(64, 64, pixels).unwrap();
                picture.save(folder.join(format!("{name}_{image}.png"))).unwrap();
            }
        }
    }
    "name = \"found\"\n[dataset]\nkind = \"folder\"\nroot = \"data\"\nsize = [48, 48]\nchannels = 1\n\
     classes = [\"neutral\", \"happiness\"]\nlandmarks = \"find\"\n[train]\nbatch_size = 4\n\
     [occlusion]\nregions = [\"mouth\"]\n"
        .to_owned()
}

#[test]
fn without_the_model_its_place_and_the_cure_are_said() {
    let program = Program::new();
    program.write("found.toml", &faces_in_folders(&program));
    for command in [["landmarks", "found.toml"], ["data", "found.toml"]] {
        let output =
            program.command(&command).env(landmarker::PLACE, "nowhere.task").output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        assert!(stderr.contains("a model that is not there, nowhere.task"), "{stderr}");
        assert!(stderr.contains("scripts/setup --landmarks"), "{stderr}");
    }
    let drawn = program.run(&["landmarks", "drawn.toml"]);
    assert_eq!(drawn.code, Some(2));
    assert!(
        drawn.stderr.contains("drawn faces have no pictures to find landmarks in"),
        "{}",
        drawn.stderr
    );
}

#[test]
fn landmarks_are_found_counted_written_and_read_again() {
    if !landmarker::place().exists() {
        eprintln!("skipped: the model is not there (scripts/setup --landmarks)");
        return;
    }
    let program = Program::new();
    program.write("found.toml", &faces_in_folders(&program));
    // A picture without a face.
    let flat = image::GrayImage::from_pixel(64, 64, image::Luma([128]));
    flat.save(program.path("data/train/neutral/flat.png")).unwrap();

    let found =
        program.json(&["landmarks", "found.toml", "--out", "points.csv", "--format", "json"]);
    let train = &found["splits"]["train"];
    assert_eq!((&train["images"], &train["found"]), (&7.into(), &6.into()), "{found}");
    assert_eq!(train["not_found"][0], "train/neutral/flat.png", "{found}");
    let table = fs::read_to_string(program.path("points.csv")).unwrap();
    assert_eq!(table.lines().count(), 1 + 7 + 6 + 6, "{table}");

    // From the cache: no model is needed any more.
    let again =
        program.command(&["landmarks", "found.toml"]).env(landmarker::PLACE, "nowhere").output();
    let again = String::from_utf8(again.unwrap().stdout).unwrap();
    assert!(again.contains("no face found in train: train/neutral/flat.png"), "{again}");

    let data = program.run(&["data", "found.toml"]);
    data.succeeds();
    assert!(
        data.stdout.contains("landmarks: found and trusted in 18 of 19 images"),
        "{}",
        data.stdout
    );
    assert!(data.stdout.contains("presence below 0.5): train/neutral/flat.png"), "{}", data.stdout);
    // The table gives the same.
    let read = program.run(&["data", "found.toml", "--set", "dataset.landmarks=points.csv"]);
    read.succeeds();
    assert!(read.stdout.contains("presence below 0.5): train/neutral/flat.png"), "{}", read.stdout);
}
