//! The suite of labelled pairs of names: what may be one person's name, and what may not.
//!
//! The engine is developed on the lines that are `open`; of the others only totals are looked at.

use std::fmt::Write;
use std::path::Path;

use crate::evaluation::wilson;

/// The most that may be wrong, in shares of the pairs of a label.
const FALSE_EQUAL: f64 = 0.005;
const FALSE_DIFFERENT: f64 = 0.02;

/// The pairs of one class and part.
struct Judged {
    class: String,
    part: &'static str,
    different: Tally,
    same: Tally,
}

#[derive(Default, Clone, Copy)]
struct Tally {
    pairs: u64,
    wrong: u64,
}

impl Tally {
    fn add(&mut self, wrong: bool) {
        self.pairs += 1;
        self.wrong += u64::from(wrong);
    }

    fn rate(self) -> f64 {
        share(self.wrong) / share(self.pairs)
    }

    fn text(self) -> String {
        let interval = wilson(self.wrong, self.pairs);
        let percent = |share: f64| format!("{:.2}", 100.0 * share);
        format!(
            "{:>2} of {:>3}  {:>4} % [{}, {}]",
            self.wrong,
            self.pairs,
            percent(self.rate()),
            percent(interval.low),
            percent(interval.high)
        )
    }
}

fn share(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap())
}

/// Returns the fields of a line; a quoted one may hold commas.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    for letter in line.chars() {
        match letter {
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            other => fields.last_mut().unwrap().push(other),
        }
    }
    fields
}

fn judge(class: &str, text: &str) -> [Judged; 2] {
    let mut parts = ["open", "held"].map(|part| Judged {
        class: class.to_owned(),
        part,
        different: Tally::default(),
        same: Tally::default(),
    });
    for line in text.lines().skip(1) {
        let fields = fields(line);
        let [left, right, label, part, ..] = &fields[..] else {
            panic!("{class}: not a pair: {line}");
        };
        let found = crate::compare_names(left, right);
        let place = parts.iter().position(|known| known.part == part).unwrap();
        if label == "same" {
            parts[place].same.add(!found.same);
        } else {
            parts[place].different.add(found.same);
        }
    }
    parts
}

fn parts() -> Vec<Judged> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/names");
    let files = std::fs::read_dir(folder).unwrap();
    let mut files: Vec<_> = files.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|end| end == "csv"));
    files.sort();
    let parts = files.iter().flat_map(|path| {
        let class = path.file_stem().unwrap().to_str().unwrap();
        judge(class, &std::fs::read_to_string(path).unwrap())
    });
    parts.collect()
}

#[test]
fn every_class_is_within_its_bars() {
    let parts = parts();
    let mut table =
        String::from("class            part  false-equal                       false-different\n");
    let mut beyond = Vec::new();
    for part in &parts {
        let Judged {
            class,
            part,
            different,
            same,
        } = part;
        let line = format!(
            "{class:16} {part}  {:32}  {}",
            different.text(),
            same.text()
        );
        writeln!(table, "{}", line.trim_end()).unwrap();
        if different.rate() > FALSE_EQUAL || same.rate() > FALSE_DIFFERENT {
            beyond.push(format!("{class} {part}"));
        }
    }
    insta::assert_snapshot!(table);
    assert!(beyond.is_empty(), "beyond the bars: {beyond:?}");
}
