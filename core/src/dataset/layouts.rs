//! Small copies of data sets as they circulate, each read by the keys that `docs/layouts.md` gives for it.

use std::collections::BTreeMap;

use super::folder::tests::laid_out;
use super::listing::{Entry, Listing, Picture, Place};
use super::load::listing;
use super::{Split, npy};
use crate::experiment::parse;

const GREY: &str = "not decoded here";

/// The listing of a copy with these files; `keys` are those of `[dataset]`, in which ROOT is the copy's folder.
fn read(files: &[(String, Vec<u8>)], keys: &str) -> Listing {
    let root = laid_out(&[]);
    for (path, bytes) in files {
        let path = root.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    let keys = keys.replace("ROOT", &root.path().display().to_string());
    let text = format!("name = \"x\"\n[dataset]\n{keys}\n");
    let experiment = parse(&text, "x.toml", &[]).unwrap_or_else(|errors| panic!("{errors}"));
    listing(&experiment.settings.dataset).unwrap_or_else(|error| panic!("{error}"))
}

fn pictures(paths: impl IntoIterator<Item = String>) -> Vec<(String, Vec<u8>)> {
    paths.into_iter().map(|path| (path, GREY.into())).collect()
}

/// How many images of each class (by its place) a split has.
fn counts(listing: &Listing, split: Split) -> BTreeMap<usize, usize> {
    let class = |entry: &Entry| entry.label.iter().position(|share| *share == 1.0).unwrap();
    let mut counts = BTreeMap::new();
    for entry in listing.entries.iter().filter(|entry| entry.split == split) {
        *counts.entry(class(entry)).or_default() += 1;
    }
    counts
}

/// Whether all images of a group are in one split.
fn keeps_groups(listing: &Listing) -> bool {
    listing.remarks.groups > 1
        && listing.remarks.divided.is_empty()
        && listing.remarks.ungrouped == 0
}

#[test]
fn fer2013_and_sfew_in_folders() {
    let classes = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"];
    let files = |splits: &[&str]| {
        let all = splits
            .iter()
            .flat_map(|split| classes.map(|class| format!("{split}/{class}/Training_1.jpg")));
        pictures(all.collect::<Vec<_>>())
    };
    let listing = read(&files(&["train", "test"]), "kind = \"folder\"\nroot = \"ROOT\"");
    assert_eq!(counts(&listing, Split::Test).len(), 7);
    assert_eq!(listing.carved, [Split::Val]);
    for splits in [["Train", "Val"], ["Train_Aligned_Faces", "Val_Aligned_Faces"]] {
        let listing = read(&files(&splits), "kind = \"folder\"\nroot = \"ROOT\"");
        assert_eq!(
            (counts(&listing, Split::Val).len(), listing.carved.as_slice()),
            (7, &[Split::Test][..])
        );
    }
}

#[test]
fn affectnet_in_folders_by_number() {
    let files =
        (0..20).map(|image| format!("train_class/class{:03}/image{image:07}.jpg", 1 + image % 2));
    let files = files.chain(
        ["val_class/class001/image1.jpg", "val_class/class002/image2.jpg"].map(str::to_owned),
    );
    let listing = read(
        &pictures(files),
        "kind = \"folder\"\nroot = \"ROOT\"\nclasses = [\"neutral\", \"happiness\"]\n\
         labels = { class001 = \"neutral\", class002 = \"happiness\" }",
    );
    assert_eq!(counts(&listing, Split::Val), [(0, 1), (1, 1)].into());
    assert_eq!(counts(&listing, Split::Test), [(0, 1), (1, 1)].into());
    assert_eq!(listing.carved, [Split::Test]);
}

#[test]
fn affectnet_with_annotations() {
    let mut files = Vec::new();
    for image in 0..24_u32 {
        let expression = image % 3;
        files.push((format!("train_set/images/{image}.jpg"), GREY.into()));
        let text = npy::tests::file("<U1", &(u32::from(b'0') + expression).to_le_bytes());
        files.push((format!("train_set/annotations/{image}_exp.npy"), text));
        files.push((format!("train_set/annotations/{image}_val.npy"), b"not read".to_vec()));
    }
    for image in 0..3_u32 {
        files.push((format!("val_set/images/{image}.jpg"), GREY.into()));
        let number = npy::tests::file("<i8", &i64::from(image).to_le_bytes());
        files.push((format!("val_set/annotations/{image}_exp.npy"), number));
    }
    files.push(("train_set/images/99.jpg".to_owned(), GREY.into()));
    let listing = read(
        &files,
        "kind = \"folder\"\nroot = \"ROOT\"\nclasses = [\"neutral\", \"happiness\"]\n\
         labels = { 0 = \"neutral\", 1 = \"happiness\", 2 = \"sadness\" }",
    );
    assert_eq!(counts(&listing, Split::Val), [(0, 1), (1, 1)].into());
    assert_eq!(counts(&listing, Split::Train), [(0, 7), (1, 7)].into());
    let reasons = &listing.left_out[&Split::Train];
    assert_eq!(
        (reasons["the class `sadness` is not chosen"], reasons["it has no annotation"]),
        (8, 1)
    );
}

#[test]
fn affectnet_by_its_lists() {
    const HEADER: &str = "subDirectory_filePath,face_x,face_y,face_width,face_height,facial_landmarks,expression,valence,arousal\n";
    let row = |image: u32| {
        format!(
            "{}/{image:x}.jpg,15,15,106,106,12.1;31.2;13.4,{},0.1,-0.2\n",
            image % 4,
            if image % 3 == 2 { 10 } else { image % 3 }
        )
    };
    let train: String = (0..24).map(row).collect();
    let val: String = (24..30).map(row).collect();
    let mut files = pictures(
        (0..30).map(|image| format!("Manually_Annotated_Images/{}/{image:x}.jpg", image % 4)),
    );
    files.push(("training.csv".to_owned(), format!("{HEADER}{train}").into()));
    files.push(("validation.csv".to_owned(), format!("{HEADER}{val}").into()));
    let listing = read(
        &files,
        "kind = \"table\"\nroot = \"ROOT/Manually_Annotated_Images\"\ntable = \"ROOT/training.csv\"\n\
         val_table = \"ROOT/validation.csv\"\nimage = \"subDirectory_filePath\"\nlabel = \"expression\"\n\
         classes = [\"neutral\", \"happiness\"]\nlabels = { 0 = \"neutral\", 1 = \"happiness\" }",
    );
    assert_eq!(counts(&listing, Split::Val), [(0, 2), (1, 2)].into());
    assert_eq!(counts(&listing, Split::Train), [(0, 7), (1, 7)].into());
    assert_eq!(listing.left_out[&Split::Train]["the class `10` is not chosen"], 8);
    assert_eq!(listing.remarks.columns_not_read.len(), 7);
}

#[test]
fn jaffe_and_kdef_by_their_names() {
    let people = ["KA", "KL", "KM", "KR", "MK", "NA", "NM", "TM", "UY", "YM"];
    let files = people.iter().enumerate().flat_map(|(person, name)| {
        ["HA", "AN", "NE"].map(|class| format!("jaffe/{name}.{class}1.{}.tiff", 3 * person + 7))
    });
    let listing = read(
        &pictures(files),
        "kind = \"folder\"\nroot = \"ROOT\"\nlabel = '\\.([A-Z]{2})[0-9]\\.'\ngroup = '([A-Z]{2})\\.[A-Z]{2}[0-9]'\n\
         classes = [\"happiness\", \"anger\"]\nlabels = { HA = \"happiness\", AN = \"anger\" }",
    );
    assert_eq!(counts(&listing, Split::Test), [(0, 1), (1, 1)].into());
    assert_eq!(listing.left_out[&Split::Train]["the class `NE` is not chosen"], 10);
    assert!(keeps_groups(&listing));

    let people = ["F01", "F02", "M01", "M02", "M03", "M04", "F05", "F06", "F07", "F08"];
    let files = people.iter().flat_map(|person| {
        ["AF", "HA", "NE"].into_iter().flat_map(move |class| {
            ["S", "HL", "HR", "FL", "FR"].into_iter().flat_map(move |view| {
                ["A", "B"].map(|session| {
                    format!("KDEF/{session}{person}/{session}{person}{class}{view}.JPG")
                })
            })
        })
    });
    let listing = read(
        &pictures(files),
        "kind = \"folder\"\nroot = \"ROOT\"\nlabel = '[AB][FM][0-9]{2}([A-Z]{2})S\\.'\n\
         group = '[AB]([FM][0-9]{2})[A-Z]+\\.'\nclasses = [\"fear\", \"happiness\"]\n\
         labels = { AF = \"fear\", HA = \"happiness\" }",
    );
    assert_eq!(counts(&listing, Split::Test), [(0, 2), (1, 2)].into(), "one person, both sessions");
    assert_eq!(listing.left_out[&Split::Train]["dataset.label finds nothing in its name"], 240);
    assert_eq!(listing.remarks.groups, 10);
    assert!(keeps_groups(&listing));
}

#[test]
fn cut_out_faces_of_ck_in_class_folders() {
    let files = (10..30).flat_map(|person| {
        let class = if person % 2 == 0 { "anger" } else { "happy" };
        (15..18).map(move |frame| format!("CK+48/{class}/S{person:03}_004_{frame:08}.png"))
    });
    let listing = read(
        &pictures(files),
        "kind = \"folder\"\nroot = \"ROOT\"\nclasses = [\"anger\", \"happiness\"]\ngroup = '(S[0-9]+)_'",
    );
    assert_eq!(counts(&listing, Split::Test), [(0, 3), (1, 3)].into());
    assert_eq!(listing.remarks.groups, 20);
    assert!(keeps_groups(&listing));
}

#[test]
fn expw_by_its_list_of_faces() {
    let row = |image: usize, face: u32, label: usize| {
        let left = 10 + 40 * face;
        format!("angry_actor_{image}.jpg {face} 5 {left} {} 45 61.23 {label}\n", left + 40)
    };
    let mut list: String =
        (0..20).flat_map(|image| [row(image, 0, image % 2), row(image, 1, 6)]).collect();
    // Some lines are there twice.
    list += &row(3, 0, 1);
    let mut files = pictures((0..20).map(|image| format!("image/origin/angry_actor_{image}.jpg")));
    files.push(("label/label.lst".to_owned(), list.into()));
    let listing = read(
        &files,
        "kind = \"table\"\nroot = \"ROOT/image/origin\"\ntable = \"ROOT/label/label.lst\"\n\
         classes = [\"anger\", \"disgust\", \"neutral\"]\n\
         labels = { 0 = \"anger\", 1 = \"disgust\", 6 = \"neutral\" }",
    );
    assert_eq!(listing.entries.len(), 40);
    assert_eq!(listing.left_out[&Split::Train]["a second row of the same face"], 1);
    let place = |left| Place { left, top: 5, right: left + 40, bottom: 45 };
    let second = &listing.entries[1];
    assert_eq!(second.name, "angry_actor_0.jpg#50,5");
    let Picture::Part { place: found, .. } = &second.picture else {
        panic!("it is a face of several")
    };
    assert_eq!(*found, place(50));
    // Both faces of a picture are in one split.
    assert_eq!(counts(&listing, Split::Test), [(0, 1), (1, 1), (2, 2)].into());
    assert!(keeps_groups(&listing));
}

#[test]
fn classes_in_any_script() {
    let files = (0..20).map(|image| format!("{}/{image}.png", ["радость", "怒り"][image % 2]));
    let listing = read(
        &pictures(files),
        "kind = \"folder\"\nroot = \"ROOT\"\nclasses = [\"怒り\", \"радость\"]",
    );
    assert_eq!(counts(&listing, Split::Train), [(0, 8), (1, 8)].into());
}
