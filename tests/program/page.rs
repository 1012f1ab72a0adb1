//! The report page in a real browser, from disk. Skipped, with a word, where there is none.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::driver::{Program, SMOKE};

const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];

/// A question that would be markup, were it not escaped.
const HOSTILE: &str = "Does <script>document.title = 'taken'</script> & \\\"small\\\" work?";

#[test]
fn the_page_opens_from_disk_in_a_browser() {
    let Some(browser) = browser() else {
        eprintln!("skipped: none of {} is installed", BROWSERS.join(", "));
        return;
    };
    let program = Program::new();
    program.write("smoke.toml", &SMOKE.replace("Does the small chain work?", HOSTILE));
    program.run(&["run", "smoke.toml", "-q"]).succeeds();
    let page = program.path("results/small/report.html");
    let html = fs::read_to_string(&page).unwrap();

    // Where `FER_LAB_SCREENSHOTS` names a folder, the pictures stay there to be looked at.
    let kept = std::env::var_os("FER_LAB_SCREENSHOTS").map(PathBuf::from);
    let pictures = kept.unwrap_or_else(|| program.path("screenshots"));
    fs::create_dir_all(&pictures).unwrap();
    // No headless window is narrower than 500 pixels; a frame is.
    let frame = "<body style=\"margin: 0\"><iframe src=\"results/small/report.html\" \
                 style=\"width: 400px; height: 4000px; border: 0\"></iframe></body>";
    program.write("narrow.html", frame);
    let narrow = program.path("narrow.html");
    for (name, page, width, dark) in [
        ("light", &page, 1100, false),
        ("dark", &page, 1100, true),
        ("narrow", &narrow, 500, false),
    ] {
        let picture = pictures.join(format!("{name}.png"));
        let shot = format!("--screenshot={}", picture.display());
        let window = format!("--window-size={width},4000");
        let scheme = format!("--blink-settings=preferredColorScheme={}", u8::from(!dark));
        open(&browser, &program, page, &[&shot, &window, &scheme]);
        is_drawn(&picture, dark);
    }

    let dom = dom(&browser, &program, &page);
    assert!(dom.contains("Does &lt;script&gt;document.title"), "the question is text");
    assert!(!dom.contains("<title>taken"), "no script of a file's ran");
    assert!(dom.contains("<th scope=\"col\" class=\"number\"><button"), "heads can be pressed");

    fits(&browser, &program, &html);
    sorts(&browser, &program, &html);
    asks_for_nothing(&browser, &program, &html);
}

/// What lies beside the page, and what of the data set is in it.
#[test]
fn charts_and_pictures_are_there_as_they_are_asked_for() {
    let program = Program::new();
    program.write("smoke.toml", SMOKE);
    program.run(&["run", "smoke.toml", "-q"]).succeeds();
    let page = || String::from_utf8(program.bytes("results/small/report.html")).unwrap();
    let pictures = |html: &str| html.matches("<img src=\"data:image/png;base64,").count();
    // Whole faces, the mouth hidden twice, its control twice.
    assert_eq!(pictures(&page()), 5);
    let charts = || -> BTreeSet<String> {
        let files = fs::read_dir(program.path("results/small/charts")).unwrap();
        files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect()
    };
    let made = charts();
    for ending in ["png", "svg", "csv"] {
        assert!(made.contains(&format!("effects.{ending}")), "{made:?}");
    }
    assert!(!made.contains("effects.pdf") && !made.contains("effects.txt"), "{made:?}");

    // The numbers of the chart are those of the table.
    let bytes = program.bytes("results/small/charts/effects.csv");
    let mut csv = csv::Reader::from_reader(&*bytes);
    let head = csv.headers().unwrap().clone();
    let place = |name: &str| head.iter().position(|column| column == name).unwrap();
    let rows: Vec<csv::StringRecord> = csv.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 2, "{rows:?}");
    let runs = program.json(&["list", "runs", "--format", "json"]);
    let of = |condition: &str| -> Vec<f64> {
        let runs = runs.as_array().unwrap().iter().filter(|run| run["condition"] == condition);
        runs.map(|run| run["test_accuracy"].as_f64().unwrap()).collect()
    };
    let (whole, covered) = (of("whole"), of("hide mouth (retrain)"));
    let lost: Vec<f64> =
        whole.iter().zip(&covered).map(|(whole, covered)| whole - covered).collect();
    let shown = |name: &str| rows[0][place(name)].to_owned();
    let mean = lost.iter().sum::<f64>() / lost.len() as f64;
    assert!((shown("value").parse::<f64>().unwrap() - mean).abs() < 1e-9, "{rows:?} {lost:?}");
    let seeds: Vec<f64> = shown("seeds").split(' ').map(|seed| seed.parse().unwrap()).collect();
    assert!(seeds.iter().zip(&lost).all(|(a, b)| (a - b).abs() < 1e-6), "{seeds:?} {lost:?}");

    program
        .run(&["report", "small", "-q", "--figures", "pdf", "--untitled", "--no-examples"])
        .succeeds();
    assert_eq!(pictures(&page()), 0);
    assert!(page().contains("charts/effects.pdf") && !page().contains("charts/effects.png"));
    assert!(program.bytes("results/small/charts/effects.pdf").starts_with(b"%PDF-"));
    let caption = program.bytes("results/small/charts/effects.txt");
    assert!(String::from_utf8(caption).unwrap().contains("faces · 40 test images"));
    program.run(&["run", "smoke.toml", "-q", "--no-examples"]).succeeds();
    assert_eq!(fs::read_dir(program.path("results/small/examples")).unwrap().count(), 0);
    program.run(&["report", "small", "-q"]).succeeds();
    assert_eq!(pictures(&page()), 0);
}

#[test]
fn names_that_no_font_can_show_are_refused_before_training() {
    let program = Program::new();
    for class in ["neutral", "a\u{ffff}b"] {
        fs::create_dir_all(program.path(&format!("faces/{class}"))).unwrap();
    }
    program.write(
        "own.toml",
        "name = \"own\"\n[dataset]\nkind = \"folder\"\nroot = \"faces\"\n\
         classes = [\"neutral\", \"a\u{ffff}b\"]\n",
    );
    let run = program.run(&["run", "own.toml"]);
    assert_eq!(run.code, Some(2), "{}", run.stderr);
    assert!(
        run.stderr.contains("(U+FFFF)") && run.stderr.contains("install a font"),
        "{}",
        run.stderr
    );
}

/// Whatever is wider than the window scrolls by itself, not with the page.
fn fits(browser: &str, program: &Program, html: &str) {
    let measure = "document.title = `${document.documentElement.scrollWidth} of ${innerWidth}`";
    let dom = dom(browser, program, &with_script(program, html, measure));
    let title = dom.split("<title>").nth(1).unwrap().split('<').next().unwrap();
    assert_eq!(title, "500 of 500");
}

/// The page with a script of ours, under the number that its policy lets run.
fn with_script(program: &Program, html: &str, script: &str) -> PathBuf {
    let nonce = html.split("<script nonce=\"").nth(1).unwrap().split('"').next().unwrap();
    let script = format!("<script nonce=\"{nonce}\">{script}</script></body>");
    program.write("scripted.html", &html.replace("</body>", &script));
    program.path("scripted.html")
}

/// A head that is pressed sorts its table, and says so; pressed again it turns the order.
fn sorts(browser: &str, program: &Program, html: &str) {
    let pressed = |times: usize| {
        let press = "document.querySelector('table.sortable th.number button').click();";
        let dom = dom(browser, program, &with_script(program, html, &press.repeat(times)));
        let order = if times == 1 { "ascending" } else { "descending" };
        assert!(dom.contains(&format!("aria-sort=\"{order}\"")));
        keys(&dom)
    };
    let (rising, falling) = (pressed(1), pressed(2));
    assert!(rising.len() > 2, "{rising:?}");
    assert!(rising.is_sorted(), "{rising:?}");
    assert!(falling.is_sorted_by(|a, b| a >= b), "{falling:?}");
    assert_ne!(rising, falling);
}

/// The accuracies of the first table, from top to bottom.
fn keys(dom: &str) -> Vec<f64> {
    let body = dom.split("<tbody>").nth(1).unwrap().split("</tbody>").next().unwrap();
    body.split("<tr>")
        .skip(1)
        .map(|row| row.split("<td class=\"number\" data-key=\"").nth(1).unwrap())
        .map(|cell| cell.split('"').next().unwrap().parse().unwrap())
        .collect()
}

/// Script and picture of a stranger, put into the page, neither run nor load.
fn asks_for_nothing(browser: &str, program: &Program, html: &str) {
    program.write("stranger.js", "document.title = 'taken';");
    let inserted = "<script>document.title = 'taken'</script><script src=\"stranger.js\"></script>\
                    <img src=\"http://192.0.2.1/\" onerror=\"document.title = 'taken'\"></body>";
    program.write("stranger.html", &html.replace("</body>", inserted));
    let dom = dom(browser, program, &program.path("stranger.html"));
    assert!(dom.contains("<img src=\"http://192.0.2.1/\""), "the stranger is there");
    assert!(!dom.contains("<title>taken"), "the policy lets nothing of it run");
}

/// Whether a screenshot shows a page: a ground of the scheme's lightness, and much that is not ground.
fn is_drawn(picture: &Path, dark: bool) {
    let picture = image::open(picture).unwrap().to_luma8();
    let ground = picture.get_pixel(2, 2).0[0];
    assert_eq!(ground < 80, dark, "the ground is {ground}");
    let other = picture.pixels().filter(|pixel| pixel.0[0].abs_diff(ground) > 60).count();
    let share = other as f64 / f64::from(picture.width() * picture.height());
    assert!(share > 0.01, "{share} of the picture is not ground");
}

fn dom(browser: &str, program: &Program, page: &Path) -> String {
    open(browser, program, page, &["--dump-dom", "--window-size=500,800"])
}

fn open(browser: &str, program: &Program, page: &Path, options: &[&str]) -> String {
    let output = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--hide-scrollbars", "--no-first-run"])
        .args(["--host-resolver-rules=MAP * ~NOTFOUND", "--disable-dev-shm-usage"])
        .arg(format!("--user-data-dir={}", program.path("profile").display()))
        .args(options)
        .arg(format!("file://{}", page.display()))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn browser() -> Option<String> {
    let answers = |name: &&str| {
        let version = Command::new(name).arg("--version").stdin(Stdio::null()).output();
        version.is_ok_and(|output| output.status.success())
    };
    BROWSERS.into_iter().find(|name| answers(name)).map(str::to_owned)
}
