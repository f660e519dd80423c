//! What training came to, as a table and as an object.

use std::fmt::Write as _;
use std::path::Path;

use rabt_linkage::training::{Finding, PassReport};
use rabt_linkage::{Comparison, LinkageModel, MatchWeight, Trained};
use serde::Serialize;

use crate::meter::{Stage, Stages};
use crate::process;
use crate::render::table;

/// What training came to.
#[derive(Serialize)]
pub(super) struct TrainReport {
    model: String,
    version: u32,
    fingerprint: String,
    records: usize,
    prior: Change,
    kin_prior: Change,
    levels: Vec<LevelLine>,
    passes: Vec<Pass>,
    learned: Vec<String>,
    not_learned: Vec<Note>,
    warnings: Vec<Note>,
    stages: Vec<Stage>,
    cpu_seconds: f64,
    peak_memory_bytes: u64,
    #[serde(skip)]
    lines: Vec<String>,
}

/// A number before and after; absent where the model has none.
#[derive(Serialize)]
struct Change {
    old: Option<f64>,
    new: Option<f64>,
}

#[derive(Serialize)]
struct LevelLine {
    comparison: String,
    level: String,
    m: Change,
    u: Change,
    kin: Change,
    /// What the level adds against strangers; without the rarity of the value where that counts.
    bits: Change,
    /// What it adds against relatives.
    kin_bits: Change,
}

#[derive(Serialize)]
struct Pass {
    rule: String,
    pairs: u64,
    patterns: usize,
    expected_same: f64,
    expected_kin: f64,
    used: bool,
}

#[derive(Serialize)]
struct Note {
    reason: &'static str,
    comparison: Option<String>,
    level: Option<String>,
    sentence: String,
}

impl TrainReport {
    /// Returns the report of a training.
    pub(super) fn of(
        old: &LinkageModel,
        trained: &Trained,
        records: usize,
        stages: &Stages,
    ) -> Self {
        let Trained { model: new, report } = trained;
        let comparisons = old.comparisons.iter().zip(&new.comparisons);
        let priors = |of: fn(&LinkageModel) -> Option<i32>| {
            let bits = |model| of(model).map(|weight| MatchWeight(weight).as_bits());
            Change {
                old: bits(old),
                new: bits(new),
            }
        };
        Self {
            model: new.name.clone(),
            version: new.version,
            fingerprint: new.fingerprint().to_owned(),
            records,
            prior: priors(|model| Some(model.decision.prior)),
            kin_prior: priors(|model| model.decision.kin_prior),
            levels: comparisons
                .flat_map(|(old, new)| levels(old, new))
                .collect(),
            passes: report.passes.iter().map(pass).collect(),
            learned: report.learned.clone(),
            not_learned: report.not_learned.iter().map(note).collect(),
            warnings: report.warnings.iter().map(note).collect(),
            stages: stages.list().to_vec(),
            cpu_seconds: stages.total().cpu_seconds,
            peak_memory_bytes: process::peak_memory().unwrap_or_default(),
            lines: report.lines(),
        }
    }

    /// Returns the report for people.
    pub(super) fn to_text(&self, out: &Path) -> String {
        let rows = self.levels.iter().map(|level| {
            vec![
                level.comparison.clone(),
                level.level.clone(),
                level.m.show(share),
                level.u.show(share),
                level.kin.show(share),
                level.bits.show(bits),
                level.kin_bits.show(bits),
            ]
        });
        let head = [
            "comparison",
            "level",
            "m",
            "u",
            "kin",
            "bits",
            "bits against kin",
        ];
        let mut text = table(&head, rows);
        let _ = write!(
            text,
            "\n\nprior {}; against relatives {}\n\n",
            self.prior.show(bits),
            self.kin_prior.show(bits)
        );
        for line in &self.lines {
            let _ = writeln!(text, "{line}");
        }
        let _ = write!(
            text,
            "\n{} version {} of {} records, {:.1} CPU-s, {} MiB; model in {}",
            self.model,
            self.version,
            self.records,
            self.cpu_seconds,
            self.peak_memory_bytes >> 20,
            out.display()
        );
        text
    }
}

fn levels(old: &Comparison, new: &Comparison) -> Vec<LevelLine> {
    let names = old.levels().iter().enumerate().skip(1);
    let level = |(level, name): (usize, &String)| {
        let (before, after) = (old.shares[level], new.shares[level]);
        let change = |old, new| Change { old, new };
        let weight = |weight: i32| Some(MatchWeight(weight).as_bits());
        let (light, heavy) = (old.weights[level], new.weights[level]);
        LevelLine {
            comparison: old.id.clone(),
            level: name.clone(),
            m: change(Some(before.m), Some(after.m)),
            u: change(before.u, after.u),
            kin: change(before.kin, after.kin),
            bits: change(weight(light.stranger), weight(heavy.stranger)),
            kin_bits: change(weight(light.kin), weight(heavy.kin)),
        }
    };
    names.map(level).collect()
}

fn pass(pass: &PassReport) -> Pass {
    Pass {
        rule: pass.rule_id.clone(),
        pairs: pass.pairs,
        patterns: pass.patterns,
        expected_same: pass.expected_same,
        expected_kin: pass.expected_kin,
        used: pass.used,
    }
}

fn note(finding: &Finding) -> Note {
    Note {
        reason: finding.reason.code(),
        comparison: finding.comparison.clone(),
        level: finding.level.clone(),
        sentence: finding.sentence.clone(),
    }
}

impl Change {
    /// Returns `old → new`, or one of them where they read the same.
    fn show(&self, write: fn(f64) -> String) -> String {
        let text = |number: Option<f64>| number.map_or_else(|| "–".to_owned(), write);
        let (old, new) = (text(self.old), text(self.new));
        if old == new {
            new
        } else {
            format!("{old} → {new}")
        }
    }
}

fn share(share: f64) -> String {
    if share >= 0.001 {
        format!("{share:.4}")
    } else {
        format!("{share:.1e}")
    }
}

fn bits(bits: f64) -> String {
    format!("{bits:.1}")
}
