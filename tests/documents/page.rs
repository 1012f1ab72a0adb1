//! A page of Markdown, read as far as the tests need it: its blocks of code, spans of code, links and headings.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path, PathBuf};

pub struct Page {
    /// Relative to the repository.
    pub file: PathBuf,
    /// All but the blocks of code.
    prose: String,
    blocks: Vec<Block>,
}

/// A block of code.
pub struct Block {
    pub language: String,
    pub text: String,
    /// Of its fence, from 1.
    pub line: usize,
}

impl Page {
    pub fn read(file: PathBuf) -> Page {
        let text = fs::read_to_string(&file);
        let text = text.unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let mut page = Page { file, prose: String::new(), blocks: Vec::new() };
        let mut open: Option<Block> = None;
        for (line, text) in (1..).zip(text.lines()) {
            match (text.trim_start().strip_prefix("```"), &mut open) {
                (Some(_), Some(_)) => page.blocks.extend(open.take()),
                (Some(language), None) => {
                    let (language, text) = (language.trim().to_owned(), String::new());
                    open = Some(Block { language, text, line });
                }
                (None, Some(block)) => block.text += &format!("{text}\n"),
                // Four spaces after an empty line: code without a fence.
                (None, None) if text.starts_with("    ") && page.prose.ends_with("\n\n") => {
                    let (language, text) = ("sh".to_owned(), text.trim().to_owned());
                    page.blocks.push(Block { language, text, line });
                    page.prose.push('\n');
                }
                (None, None) => page.prose += &format!("{text}\n"),
            }
        }
        assert!(open.is_none(), "{}: a block of code does not end", page.file.display());
        page
    }

    pub fn name(&self) -> std::path::Display<'_> {
        self.file.display()
    }

    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// What stands between backticks, in one line each.
    pub fn spans(&self) -> Vec<String> {
        let spans = self.prose.split('`').skip(1).step_by(2);
        spans.map(|span| span.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
    }

    /// The targets of links and pictures.
    pub fn links(&self) -> Vec<String> {
        let text: String = self.prose.split('`').step_by(2).collect();
        let ended = |(open, end): (&str, char)| {
            text.split(open)
                .skip(1)
                .filter_map(|rest| rest.split(end).next().map(str::to_owned))
                .collect::<Vec<_>>()
        };
        [("](", ')'), ("src=\"", '"')].into_iter().flat_map(ended).collect()
    }

    /// What a link may name behind `#`.
    pub fn anchors(&self) -> BTreeSet<String> {
        let headings = self.prose.lines().filter(|line| line.starts_with('#'));
        headings.map(|line| anchor(line.trim_start_matches('#').trim())).collect()
    }

    /// The words of each command of this program, without its name: in blocks of a shell's lines, and between backticks, where a
    /// command may only be named (`fer-lab run`), which is to ask for its help.
    pub fn commands(&self) -> Vec<Vec<String>> {
        let shell = |block: &&Block| matches!(block.language.as_str(), "sh" | "text");
        let lines = self.blocks.iter().filter(shell).flat_map(|block| {
            let joined = block.text.replace("\\\n", " ");
            joined.lines().map(str::to_owned).collect::<Vec<_>>()
        });
        let spans = self.spans().into_iter().filter(|span| span.starts_with("fer-lab "));
        let named = spans.filter_map(|span| words(&span)).filter(|words| words[0] != "…");
        let named = named.map(|mut words| {
            if words.len() == 1 {
                words.push("--help".to_owned());
            }
            words
        });
        lines.filter_map(|line| words(&line)).chain(named).collect()
    }
}

/// A heading's anchor, as GitHub and mdBook make it.
fn anchor(heading: &str) -> String {
    let kept = heading.to_lowercase();
    let kept = kept.chars().filter(|sign| sign.is_alphanumeric() || " -_".contains(*sign));
    kept.map(|sign| if sign == ' ' { '-' } else { sign }).collect()
}

/// A path without `.` and `..`.
pub fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                normal.pop();
            }
            Component::CurDir => {}
            part => normal.push(part),
        }
    }
    normal
}

/// The words after `fer-lab`, or after `cargo run … --`, of a line that calls it.
fn words(line: &str) -> Option<Vec<String>> {
    /// What may come before it.
    const BEFORE: [&str; 5] = ["nohup", "exec", "do", "&&", "time"];
    let all = shlex::split(line)?;
    let calls = |at: usize| at == 0 || BEFORE.contains(&all[at - 1].as_str());
    let begin = match all.iter().position(|word| word == "fer-lab") {
        Some(at) if calls(at) => at + 1,
        _ if line.contains("cargo run ") => all.iter().position(|word| word == "--")? + 1,
        _ => return None,
    };
    let mut words = Vec::new();
    for word in &all[begin..] {
        if ["|", ">", ">>", "&", "&&", ";"].contains(&word.as_str()) {
            break;
        }
        words.push(word.trim_end_matches(';').to_owned());
        if word.ends_with(';') {
            break;
        }
    }
    (!words.is_empty()).then_some(words)
}
