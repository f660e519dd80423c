//! The linkage engine and the baseline on the same file, each as a whole process.
//!
//! Processor time and peak memory of our processes are those of their own `--json` reports, which
//! read them from the kernel; those of the baseline are what its scripts report, read the same way.

use std::path::{Path, PathBuf};
use std::process::Command;

use rabt_tests::{cargo, root};
use serde_json::{Value, json};
use tempfile::TempDir;

/// What is measured.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// A file that is there, instead of one that is made.
    pub(crate) file: Option<PathBuf>,
    pub(crate) records: u32,
    pub(crate) seed: u32,
    /// A Python environment with the generator's needs, and the baseline's.
    pub(crate) splink_env: Option<PathBuf>,
    pub(crate) json: bool,
}

impl Settings {
    /// Reads `--name value` pairs and `--json`; `None` when one is not known.
    pub(crate) fn of(arguments: &[String]) -> Option<Self> {
        let mut settings = Self {
            file: None,
            records: 1_000_000,
            seed: 13,
            splink_env: None,
            json: false,
        };
        let mut rest = arguments.iter();
        while let Some(name) = rest.next() {
            if name == "--json" {
                settings.json = true;
                continue;
            }
            let value = rest.next()?;
            let number = || value.replace('_', "").parse().ok();
            match name.as_str() {
                "--file" => settings.file = Some(value.into()),
                "--records" => settings.records = number()?,
                "--seed" => settings.seed = number()?,
                "--splink-env" => settings.splink_env = Some(value.into()),
                _ => return None,
            }
        }
        Some(settings)
    }
}

/// One line of the outcome.
struct Line {
    what: &'static str,
    report: Value,
}

/// Measures and prints; says whether our runs succeeded.
pub(crate) fn run(settings: &Settings) -> bool {
    let folder = TempDir::new().expect("a folder");
    let Some(file) = file(settings, folder.path()) else {
        return false;
    };
    let mut lines = Vec::new();
    for (what, more) in [("dedupe", &[][..]), ("dedupe --train", &["--train"][..])] {
        match ours(&file, folder.path(), more) {
            Some(report) => lines.push(Line { what, report }),
            None => return false,
        }
    }
    if let Some(report) = baseline(settings, &file, folder.path()) {
        lines.push(Line {
            what: "Splink, training included",
            report,
        });
    }
    if settings.json {
        let lines: Vec<Value> = lines
            .iter()
            .map(|line| json!({ "run": line.what, "report": line.report }))
            .collect();
        say(&json!({ "file": file, "runs": lines }).to_string());
    } else {
        print(&lines);
    }
    true
}

/// Returns the folder of the baseline's scripts, which lies beside the sample data.
fn scripts() -> Option<PathBuf> {
    let data = std::env::var_os("RABT_SAMPLE_DATA")
        .map_or_else(|| root().join("../shared/data"), PathBuf::from);
    let folder = data.parent()?.join("bench");
    let found = folder.is_dir();
    if !found {
        eprintln!("no {} (set RABT_SAMPLE_DATA)", folder.display());
    }
    found.then_some(folder)
}

fn python(settings: &Settings) -> Option<PathBuf> {
    let python = settings.splink_env.as_ref()?.join("bin/python");
    if python.exists() {
        return Some(python);
    }
    eprintln!("no {}", python.display());
    None
}

/// Returns the file that was named, or one that is made.
fn file(settings: &Settings, folder: &Path) -> Option<PathBuf> {
    if let Some(file) = &settings.file {
        return Some(file.clone());
    }
    let (Some(python), Some(scripts)) = (python(settings), scripts()) else {
        eprintln!("nothing to measure: name a file with --file, or a Python with --splink-env");
        return None;
    };
    let made = Command::new(python)
        .arg(scripts.join("gen/gen_citizens.py"))
        .args(["--n", &settings.records.to_string()])
        .args(["--seed", &settings.seed.to_string()])
        .arg("--out")
        .arg(folder)
        .output()
        .ok()?;
    if !made.status.success() {
        eprintln!("{}", String::from_utf8_lossy(&made.stderr));
        return None;
    }
    Some(folder.join(format!("citizens_{}.csv", settings.records)))
}

/// Runs the release executable and returns its report.
fn ours(file: &Path, folder: &Path, more: &[&str]) -> Option<Value> {
    let output = Command::new(release()?)
        .args(["--json", "link", "dedupe"])
        .arg(file)
        .args(["--id", "record_id", "--truth-column", "true_person_id"])
        .args(more)
        .arg("--out")
        .arg(folder.join("clusters.csv"))
        .output()
        .ok()?;
    if !output.status.success() {
        eprintln!("{}", String::from_utf8_lossy(&output.stderr));
        return None;
    }
    serde_json::from_slice(&output.stdout).ok()
}

/// Builds the executable in release and returns it.
pub(crate) fn release() -> Option<PathBuf> {
    let built = cargo()
        .args(["build", "--quiet", "--release", "--package", "rabt"])
        .status();
    let path = root().join("target/release/rabt");
    (built.is_ok_and(|status| status.success()) && path.exists()).then_some(path)
}

/// Runs the baseline on the Parquet file beside ours and returns its report.
fn baseline(settings: &Settings, file: &Path, folder: &Path) -> Option<Value> {
    settings.splink_env.as_ref()?;
    let (python, scripts) = (python(settings)?, scripts()?);
    let parquet = file.with_extension("parquet");
    if !parquet.exists() {
        eprintln!("no {}: the baseline is left out", parquet.display());
        return None;
    }
    let out = folder.join("splink.json");
    let output = Command::new(python)
        .arg(scripts.join("splink/run_citizens.py"))
        .arg(parquet)
        .arg(&out)
        .current_dir(folder)
        .output()
        .ok()?;
    if !output.status.success() {
        eprintln!(
            "the baseline failed: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        return None;
    }
    let report: Value = serde_json::from_slice(&std::fs::read(out).ok()?).ok()?;
    Some(as_ours(&report))
}

/// Puts the baseline's figures under the names of ours.
fn as_ours(report: &Value) -> Value {
    let clusters = &report["clusters"]["0.95"];
    json!({
        "cpu_seconds": report["total"]["cpu_s"],
        "peak_memory_bytes": report["max_rss_mb"].as_f64().map(|mebibytes| mebibytes * 1_048_576.0),
        "precision": clusters["precision"],
        "recall": clusters["recall"],
        "f1": clusters["f1"],
        "baseline": report,
    })
}

fn print(lines: &[Line]) {
    say("| run | CPU-s | peak MiB | precision | recall | F1 | over-merged |");
    say("|---|---|---|---|---|---|---|");
    for Line { what, report } in lines {
        let number = |name: &str, digits: usize| {
            report[name]
                .as_f64()
                .map_or_else(|| "–".to_owned(), |number| format!("{number:.digits$}"))
        };
        let peak = report["peak_memory_bytes"].as_f64();
        let peak = peak.map_or_else(
            || "–".to_owned(),
            |bytes| format!("{:.0}", bytes / 1_048_576.0),
        );
        say(&format!(
            "| {what} | {} | {peak} | {} | {} | {} | {} |",
            number("cpu_seconds", 1),
            number("precision", 5),
            number("recall", 5),
            number("f1", 5),
            number("over_merged", 0)
        ));
    }
}

/// What a bench finds goes to standard output, what it does meanwhile to standard error.
#[expect(clippy::print_stdout, reason = "the outcome, to be kept in a file")]
fn say(line: &str) {
    println!("{line}");
}
