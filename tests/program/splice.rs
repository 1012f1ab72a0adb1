//! `report --splice`: figures within a page of one's own.

use fer_lab::plan::NUMERIC_VERSION;

use super::driver::study;

const PAGE: &str = "# My study\n\n<!-- fer-lab answer of small -->\n<!-- /fer-lab -->\n\n\
    <!-- fer-lab conditions of small -->\nof before\n<!-- /fer-lab: numeric version 1 -->\n\n\
    Whole faces: <!-- fer-lab accuracy whole of small --><!-- /fer-lab --> of \
    <!-- fer-lab images of small --><!-- /fer-lab -->; another: \
    <!-- fer-lab chance of other -->1 %<!-- /fer-lab: numeric version 2 -->.\n\n\
    ```text\n<!-- fer-lab answer of small -->\n```\n";

#[test]
fn a_page_gets_tables_sentences_and_numbers_and_stays_otherwise() {
    let program = study();
    program.write("page.md", PAGE);
    let splice = ["report", "small", "--splice", "page.md", "--figures", "svg"];
    program.run(&splice).succeeds();
    let once = String::from_utf8(program.bytes("page.md")).unwrap();
    let end = format!("<!-- /fer-lab: numeric version {NUMERIC_VERSION} -->");
    assert_eq!(once.matches(&end).count(), 4, "{once}");
    assert!(
        once.starts_with("# My study\n\n<!-- fer-lab answer of small -->\n\nMasking"),
        "{once}"
    );
    assert!(once.contains("\n| condition | accuracy ± SD | "), "{once}");
    assert!(!once.contains("of before"), "{once}");
    let beside = format!(
        "<sub>Numeric version {NUMERIC_VERSION}, written by `fer-lab report small --splice page.md`.</sub>"
    );
    assert_eq!(once.matches(&beside).count(), 2, "{once}");
    assert!(once.contains(&format!("images of small -->40{end}; another")), "{once}");
    // Another experiment's, and code.
    assert!(once.ends_with("of other -->1 %<!-- /fer-lab: numeric version 2 -->.\n\n```text\n<!-- fer-lab answer of small -->\n```\n"));
    // The number is that of the table.
    let runs =
        program.json(&["list", "runs", "--format", "json", "--where", "condition = \"whole\""]);
    let accuracies =
        runs.as_array().unwrap().iter().map(|run| run["test_accuracy"].as_f64().unwrap());
    let mean = accuracies.clone().sum::<f64>() / accuracies.count() as f64;
    assert!(
        once.contains(&format!("of small -->{:.1}\u{a0}%{end}", 100.0 * mean)),
        "{mean} {once}"
    );

    let before = std::fs::metadata(program.path("page.md")).unwrap().modified().unwrap();
    program.run(&splice).succeeds();
    assert_eq!(String::from_utf8(program.bytes("page.md")).unwrap(), once);
    let after = std::fs::metadata(program.path("page.md")).unwrap().modified().unwrap();
    assert_eq!(before, after, "it was written although nothing changed");
}

#[test]
fn a_page_that_cannot_be_spliced_stays_and_the_line_is_named() {
    let program = study();
    let splice = &["report", "small", "--splice", "wrong.md", "--figures", "svg"][..];
    let refused_of = |page: &str, results: &str| {
        program.write("wrong.md", page);
        let ended = program.run(&[splice, &["--results", results]].concat());
        assert_eq!(ended.code, Some(2), "{page}: {}", ended.stdout);
        assert_eq!(program.bytes("wrong.md"), page.as_bytes());
        ended.stderr
    };
    let refused = |page: &str| refused_of(page, "results");
    let unknown = refused("one\n<!-- fer-lab anwser of small -->\n<!-- /fer-lab -->\n");
    assert!(unknown.contains("the markers in `wrong.md` are wrong"), "{unknown}");
    assert!(
        unknown.contains("line 2: nothing called `anwser` can be spliced: did you mean `answer`")
    );
    let none = refused("no marker\n");
    assert!(none.contains("`wrong.md` has no marker of `small`: put"), "{none}");
    let good = "<!-- fer-lab answer of small -->\n<!-- /fer-lab -->\n";
    let moth = format!("{good}\n<!-- fer-lab accuracy hide moth of small -->x<!-- /fer-lab -->\n");
    let moth = refused(&moth);
    assert!(
        moth.contains("`wrong.md`, line 4: no run of a condition `hide moth` has a result"),
        "{moth}"
    );
    assert!(moth.contains("`hide mouth (retrain)`"), "{moth}");
    // A folder of tables alone does not know of which numeric version they are.
    let (whole, tables) = (program.path("results"), program.path("tables"));
    std::fs::create_dir_all(tables.join("small")).unwrap();
    std::fs::copy(whole.join("format.json"), tables.join("format.json")).unwrap();
    for file in std::fs::read_dir(whole.join("small")).unwrap().map(|file| file.unwrap().path()) {
        if file.is_file() {
            std::fs::copy(&file, tables.join("small").join(file.file_name().unwrap())).unwrap();
        }
    }
    let alone = refused_of(good, "tables");
    assert!(alone.contains("the numeric version of `small` is in the manifests"), "{alone}");
}
