use std::collections::BTreeMap;
use std::fs;

use super::super::folder::tests::{laid_out, shown};
use super::super::listing::NO_CHOSEN_VOTE;
use super::*;

/// A specification of `root` and the table `labels.csv` in it.
fn spec(root: &Path) -> TableSpec {
    TableSpec {
        root: root.to_owned(),
        table: root.join("labels.csv"),
        val_table: None,
        test_table: None,
        image: "image".to_owned(),
        label: None,
        split: "split".to_owned(),
        labels: BTreeMap::new(),
        group: None,
        val: 0.25,
        test: 0.25,
        split_seed: 1,
    }
}

fn listed(spec: &TableSpec, classes: &[&str]) -> Result<Listing, DatasetError> {
    let classes: Vec<String> = classes.iter().map(|&class| class.to_owned()).collect();
    Table::find(spec)?.list(&classes)
}

/// The error of a table beside three pictures, without the folder.
fn message(table: &str, classes: &[&str]) -> String {
    let root = laid_out(&[("a.png", ""), ("b.png", ""), ("x/c.png", ""), ("labels.csv", table)]);
    let message = listed(&spec(root.path()), classes).unwrap_err().to_string();
    let root = root.path().display().to_string();
    message.replace(&format!("{root}/"), "").replace(&root, "ROOT")
}

#[test]
fn labels_splits_and_names_are_read_as_people_write_them() {
    let root = laid_out(&[
        ("a.png", ""),
        ("b.png", ""),
        ("x/c.jpg", ""),
        ("d.png", ""),
        ("e.png", ""),
        ("f.png", ""),
        (
            "labels.csv",
            "Image;Age;Label;SPLIT\n./a.png;3;Happy;Training\nb;4;anger;train\nx\\c.jpg;5;happiness;PublicTest\n\
             d.png;;2_angry;PrivateTest\ne.png;;wild;test\n",
        ),
    ]);
    let listing = listed(&spec(root.path()), &["anger", "happiness"]).unwrap();
    assert_eq!(
        shown(&listing),
        [
            "train a.png [0.0, 1.0]",
            "train b.png [1.0, 0.0]",
            "val x/c.jpg [0.0, 1.0]",
            "test d.png [1.0, 0.0]"
        ]
    );
    assert_eq!(listing.left_out[&Split::Test]["the class `wild` is not chosen"], 1);
    assert_eq!(listing.left_out[&Split::Train]["not in the table of labels"], 1);
    assert_eq!(listing.remarks.columns_not_read, ["Age"]);
    assert_eq!(listing.carved, []);
}

#[test]
fn votes_become_shares_of_the_chosen_classes() {
    let table =
        "image,age,Happy,angry,contempt,NF\na.png,30,6,2,1,0\nb.png,31,0,0,3,7\nc.png,4,.5,0,0,0\n";
    let root = laid_out(&[("a.png", ""), ("b.png", ""), ("x/c.png", ""), ("labels.csv", table)]);
    let mut spec = spec(root.path());
    // As a larger table has them: nothing is carved of two images.
    (spec.val, spec.test) = (0.0, 0.0);
    let listing = listed(&spec, &["anger", "happiness"]).unwrap();
    assert_eq!(shown(&listing), ["train a.png [0.25, 0.75]", "train x/c.png [0.0, 1.0]"]);
    assert_eq!(listing.left_out[&Split::Train][NO_CHOSEN_VOTE], 1);
    assert_eq!(listing.remarks.columns_not_read, ["age"]);
}

#[test]
fn numbers_are_what_the_file_says() {
    let table = "filename,expression\na.png,1\nb.png,7\nx/c.png,1\n";
    let root = laid_out(&[("a.png", ""), ("b.png", ""), ("x/c.png", ""), ("labels.csv", table)]);
    let mut spec = TableSpec {
        image: "filename".to_owned(),
        label: Some("Expression".to_owned()),
        ..spec(root.path())
    };
    let refused = listed(&spec, &["happiness"]).unwrap_err().to_string();
    assert!(refused.contains("the labels are 1, 7; correct dataset.classes, or say"), "{refused}");
    spec.labels = BTreeMap::from([("1".to_owned(), "happiness".to_owned())]);
    let listing = listed(&spec, &["happiness"]).unwrap();
    assert_eq!(listing.entries.len(), 2);
    assert_eq!(listing.left_out[&Split::Train]["the class `7` is not chosen"], 1);
    assert_eq!(listing.carved, [Split::Test, Split::Val]);
}

#[test]
fn splits_may_have_tables_of_their_own() {
    let root = laid_out(&[
        ("pictures/a.png", ""),
        ("pictures/b.png", ""),
        ("pictures/x/c.png", ""),
        ("labels.csv", "image,label\na.png,joy\nb.png,rage\n"),
        ("lists/val.tsv", "label\timage\njoy\tpictures/x/c.png\n"),
    ]);
    let pictures = root.path().join("pictures");
    let mut spec = TableSpec { table: root.path().join("labels.csv"), ..spec(&pictures) };
    spec.val_table = Some(root.path().join("lists/val.tsv"));
    // Named relative to neither the root nor the table.
    let refused = listed(&spec, &["joy", "rage"]).unwrap_err().to_string();
    assert!(
        refused.contains("val.tsv: 1 of the 1 pictures that it names are not under"),
        "{refused}"
    );
    fs::rename(root.path().join("lists/val.tsv"), root.path().join("val.tsv")).unwrap();
    spec.val_table = Some(root.path().join("val.tsv"));
    let listing = listed(&spec, &["joy", "rage"]).unwrap();
    assert!(
        shown(&listing).contains(&"val x/c.png [1.0, 0.0]".to_owned()),
        "{:?}",
        shown(&listing)
    );
    assert_eq!(listing.carved, [Split::Test]);
}

#[test]
fn columns_that_are_missing_or_twice_are_named_with_those_that_are_there() {
    let classes = ["joy", "rage"];
    assert_eq!(
        message("name,label\n", &classes),
        "labels.csv, line 1: no column `image`; the columns are `name`, `label`: name it by dataset.image"
    );
    assert_eq!(
        message("image,class\n", &classes),
        "labels.csv, line 1: no column `label`, and none for each class; the columns are `image`, `class`: name it by \
         dataset.label"
    );
    assert_eq!(
        message("image,Joy\n", &classes),
        "labels.csv, line 1: no column for the class `rage`; the columns are `image`, `Joy`: correct dataset.classes, \
         or say by dataset.labels which column it is"
    );
    assert_eq!(
        message("image,joy,happy,rage\n", &classes),
        "labels.csv, line 1: `joy` and `happy` are both columns of the class `joy`; give one another name"
    );
    assert!(
        message("image,joy,rage,label\n", &classes)
            .contains("to take the former, say so by dataset.label")
    );
}

#[test]
fn rows_that_cannot_be_right_are_named() {
    let classes = ["joy", "rage"];
    assert_eq!(
        message("image,joy,rage\na.png,0,0\n", &classes),
        "labels.csv, line 2: the votes or shares are all 0; correct the row, or remove it"
    );
    assert_eq!(
        message("image,joy,rage\na.png,1,-2\n", &classes),
        "labels.csv, line 2: rage is `-2`, not a count or a share: a number from 0 on"
    );
    assert_eq!(
        message("image,label,split\na.png,joy,train\nb.png,rage,tset\n", &classes),
        "labels.csv, line 3: the split is `tset`, not train, val or test"
    );
    assert_eq!(
        message("image,label\na.png,joy\nb.png,rage\n./a.png,rage\n", &classes),
        "labels.csv: `a.png` is named twice, in labels.csv, line 2 and in labels.csv, line 4; keep one row"
    );
    assert_eq!(
        message("image,label\na.png,joy\n/z/b.png,rage\n../c.png,rage\n", &classes),
        "labels.csv: 2 of the 3 pictures that it names are not under ROOT (looked for relative to that folder and to \
         ROOT):\n  line 3: `/z/b.png`\n  line 4: `../c.png`\nadd the pictures, or remove their rows"
    );
    assert!(
        message("image,label\nz.png,joy\n", &classes)
            .ends_with("point dataset.root at the folder that the names are relative to")
    );
    assert_eq!(message("image,label\n", &classes), "labels.csv: it lists no picture");
    assert_eq!(
        message("image,label,split\na.png,joy,test\n", &classes),
        "labels.csv: no row is of the training split; write `train` in the column of splits"
    );
}

#[test]
fn missing_files_are_named_with_their_key() {
    let root = laid_out(&[("a.png", ""), ("labels.csv", "image,label\n")]);
    let mut spec = spec(root.path());
    spec.test_table = Some(root.path().join("test.csv"));
    let refused = Table::find(&spec).unwrap_err().to_string();
    assert!(
        refused.ends_with("test.csv: there is no such file; correct dataset.test_table"),
        "{refused}"
    );
    spec.root = root.path().join("absent");
    let refused = Table::find(&spec).unwrap_err().to_string();
    assert!(refused.ends_with("the folder does not exist; correct dataset.root"), "{refused}");
}

/// Six people with two pictures of each of two classes; `person` is the header of their column.
fn people(person: &str) -> tempfile::TempDir {
    let rows = (0..24).map(|image| {
        let class = if image % 2 == 0 { "joy" } else { "rage" };
        (
            format!("P{}_{image}.png", image / 4),
            format!("P{}_{image},{class},{}\n", image / 4, image / 4),
        )
    });
    let (files, rows): (Vec<String>, Vec<String>) = rows.unzip();
    let table = format!("image,label,{person}\n{}", rows.concat());
    let mut files: Vec<(&str, &str)> = files.iter().map(|file| (file.as_str(), "")).collect();
    files.push(("labels.csv", &table));
    laid_out(&files)
}

/// How many people are in each split, where none is in two.
fn in_splits(listing: &Listing) -> [usize; 3] {
    let person = |entry: &Entry| entry.name[..2].to_owned();
    let of = |split| -> BTreeSet<String> {
        listing.entries.iter().filter(|entry| entry.split == split).map(person).collect()
    };
    let splits = Split::ALL.map(of);
    let together: BTreeSet<&String> = splits.iter().flatten().collect();
    assert_eq!(together.len(), splits.iter().map(BTreeSet::len).sum::<usize>());
    splits.map(|people| people.len())
}

#[test]
fn people_are_in_one_split_by_column_or_by_pattern() {
    let classes = ["joy", "rage"];
    let root = people("Subject");
    assert_eq!(in_splits(&listed(&spec(root.path()), &classes).unwrap()), [4, 1, 1]);
    let root = people("person");
    for group in ["Person", "^(P.)_"] {
        let spec = TableSpec { group: Some(group.to_owned()), ..spec(root.path()) };
        let listing = listed(&spec, &classes).unwrap();
        assert_eq!(in_splits(&listing), [4, 1, 1], "{group}");
        assert_eq!(listing.remarks.groups, 6);
    }
    let refused = |group: &str| {
        let spec = TableSpec { group: Some(group.to_owned()), ..spec(root.path()) };
        listed(&spec, &classes).unwrap_err().to_string()
    };
    assert!(
        refused("subject").ends_with(
            "labels.csv, line 1: dataset.group is `subject`, but no column; the columns are `image`, `label`, `person`. \
             Nor is it a pattern over the names: it captures nothing"
        ),
        "{}",
        refused("subject")
    );
    assert!(
        refused("^(S.)_").starts_with("dataset.group finds nothing in the names"),
        "{}",
        refused("^(S.)_")
    );
}

#[test]
fn faces_in_larger_pictures_need_pixels() {
    let message = |row: &str| {
        let message =
            message(&format!("image,left,top,right,bottom,label\n{row}\n"), &["joy", "rage"]);
        message.split_once(": ").unwrap().1.to_owned()
    };
    assert_eq!(message("a.png,1,x,9,9,joy"), "top is `x`, not a number of pixels");
    assert_eq!(
        message("a.png,-3,2,0,9,joy"),
        "the face has no pixels: left 0, top 2, right 0, bottom 9"
    );
}
