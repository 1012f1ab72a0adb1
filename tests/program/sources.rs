//! Data of the user's own, as they lie on the disk.

use std::fs;

use super::driver::Program;

/// Twelve people with two pictures of each of two classes, in `pictures/`, and their table beside the folder.
fn people() -> Program {
    let program = Program::new();
    fs::create_dir_all(program.path("studies/pictures/more")).unwrap();
    let mut table = "Image;Label;Person;Age\n".to_owned();
    for image in 0..48_u32 {
        let (person, class) = (image / 4, ["happy", "angry"][image as usize % 2]);
        let grey = |x: u32, y: u32| image::Luma([(x * 37 + y * 91 + image * 53) as u8]);
        let path = program.path(&format!("studies/pictures/P{person:02}_{image}.png"));
        image::GrayImage::from_fn(24, 24, grey).save(path).unwrap();
        table += &format!(".\\P{person:02}_{image};{class};{person};30\n");
    }
    program.write("studies/labels.csv", &table);
    for other in ["more/a.gif", "more/b.heic", "more/c.gif", "Thumbs.db", ".hidden"] {
        program.write(&format!("studies/pictures/{other}"), "");
    }
    program.write(
        "studies/own.toml",
        r#"
        name = "own"
        [dataset]
        kind = "table"
        root = "pictures"
        table = "labels.csv"
        group = "person"
        size = [24, 24]
        channels = 1
        classes = ["happiness", "anger"]
        "#,
    );
    program
}

#[test]
fn a_table_of_labels_is_read_and_what_is_not_is_said() {
    let program = people();
    let data = program.run(&["data", "studies/own.toml"]);
    data.succeeds();
    for line in [
        "columns not read: Age",
        "groups that belong together: 12",
        "not read: 2 .gif (pictures of a format that is not read: convert them to PNG)",
        "not read: 1 .heic (pictures of a format that is not read: convert them to PNG)",
        "drawn for it, in whole groups of `dataset.group`",
    ] {
        assert!(data.stdout.contains(line), "{line}: {}", data.stdout);
    }
    assert!(!data.stdout.contains("Thumbs"), "{}", data.stdout);
    let json = program.json(&["data", "studies/own.toml", "--format", "json"]);
    assert_eq!(json["classes"], serde_json::json!(["happiness", "anger"]));
    assert_eq!(json["splits"]["train"]["images"], 40);
    for split in ["val", "test"] {
        let of_split =
            serde_json::json!({ "images": 4, "by_class": { "happiness": 2, "anger": 2 } });
        assert_eq!(json["splits"][split], of_split);
    }
    assert_eq!(json["remarks"]["groups"], 12);
    assert_eq!(json["not_read"].as_object().unwrap().len(), 2);
    // Without the column, the names show it.
    let data = program.run(&["data", "studies/own.toml", "--set", "dataset.group=([^/]*_)"]);
    assert!(!data.stdout.contains("look as if"), "{}", data.stdout);
    let text = String::from_utf8(program.bytes("studies/own.toml")).unwrap();
    program.write("studies/none.toml", &text.replace("group = \"person\"", ""));
    let data = program.run(&["data", "studies/none.toml"]);
    assert!(data.stdout.contains("`P00_0.png`, `P00_1.png`; 12 such groups"), "{}", data.stdout);
    assert!(data.stdout.contains("columns not read: Person, Age"), "{}", data.stdout);
}

#[test]
fn paths_of_data_are_found_and_named_whole() {
    let program = people();
    let plan = |root: &str| {
        let text = String::from_utf8(program.bytes("studies/own.toml")).unwrap();
        let text = text.replace("root = \"pictures\"", &format!("root = \"{root}\""));
        program.write("studies/other.toml", &text);
        program.run(&["plan", "studies/other.toml"])
    };
    // The words are broken into lines.
    let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let absent = plan("absent");
    let whole = program.path("studies/absent").display().to_string();
    assert!(
        flat(&absent.stdout).contains(&format!("no pictures in {whole}: ")),
        "{}",
        absent.stdout
    );
    let unset = plan("$FER_LAB_NO_SUCH_VARIABLE/faces");
    assert!(
        flat(&unset.stdout).contains("the variable FER_LAB_NO_SUCH_VARIABLE is not set"),
        "{}",
        unset.stdout
    );
    let old = plan("studies/pictures");
    assert!(
        flat(&old.stderr).contains(
            "`dataset.root` is found in the working folder, but not beside the experiment file"
        ),
        "{}",
        old.stderr
    );
    assert!(!old.stdout.contains("missing: "), "{}", old.stdout);
    assert_eq!(plan("pictures").stderr, "");
}
