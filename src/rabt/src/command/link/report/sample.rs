//! An invented run that fills every part of the page.

mod pairs;

pub(super) use pairs::HOSTILE;

use rabt_linkage::evaluation::{Blocking, Calibration, Contingency, Curve, by_group};
use rabt_linkage::{BIT, MatchWeight};

use super::data::{
    Comparison, Counts, GroupTable, Language, Level, ModelCard, Quality, ReportData, Skipped,
    Stage, Thresholds, WeightBucket,
};

const PEOPLE: u64 = 20_000;

/// Returns a run of which everything is known.
pub(super) fn full(language: Language) -> ReportData {
    let mut dice = Dice(7);
    let records = records(&mut dice);
    let table = Contingency::of(records.iter().map(|r| (r.0, r.1)));
    let metrics = table.metrics();
    let pairs = scored(&mut dice);
    let known = metrics.known_pairs;
    let weighed = pairs.iter().map(|(bits, right)| (weight(*bits), *right));
    let likely = pairs.iter();
    let likely = likely.map(|(bits, right)| (weight(*bits).probability(), *right));
    ReportData {
        title: "Population sample 7 · عينة السكان".into(),
        language,
        model: ModelCard {
            name: "egypt".into(),
            version: 1,
            fingerprint: "2700e3633d20".repeat(6).chars().take(64).collect(),
        },
        files: ["civil-status.csv", "health.csv", "تعليم.csv"]
            .map(Into::into)
            .into(),
        counts: Counts {
            records: metrics.records,
            placeholders: 1_408,
            candidate_pairs: 341_022,
            links: 98_310,
            reviews: 1_277,
            contradicted: 31,
            clusters: metrics.clusters,
        },
        quality: Some(Quality {
            metrics,
            blocking: Some(Blocking {
                candidate_pairs: 341_022,
                true_pairs: known * 996 / 1000,
                closed_pairs: known * 999 / 1000,
                known_pairs: known,
            }),
        }),
        thresholds: Thresholds {
            link: 3.0,
            review: -3.0,
            prior: -19.0,
            kin_prior: Some(-1.5),
        },
        comparisons: comparisons(),
        histogram: histogram(&pairs),
        curve: Some(Curve::of(weighed, 10_400, 100)),
        calibration: Some(Calibration::of(likely)),
        groups: groups(&records),
        false_links: pairs::false_links(),
        misses: pairs::misses(),
        chosen: pairs::chosen(),
        cluster_sizes: table.cluster_sizes(),
        person_sizes: table.person_sizes(),
        graphs: pairs::graphs(),
        skipped: [("given+father+month-day", 812), ("given+address", 240)]
            .map(|(rule, records)| Skipped {
                rule: rule.into(),
                records,
                cap: 100,
            })
            .into(),
        stages: [
            ("read", 1.21, 1.18),
            ("link", 2.62, 4.87),
            ("write", 0.35, 0.33),
        ]
        .map(|(name, wall_seconds, cpu_seconds)| Stage {
            name: name.into(),
            wall_seconds,
            cpu_seconds,
        })
        .into(),
        peak_memory: Some(412 << 20),
    }
}

/// Returns a run of which nothing is known but what was done.
pub(super) fn bare() -> ReportData {
    let full = full(Language::English);
    let histogram = full.histogram.iter();
    ReportData {
        histogram: histogram
            .map(|bucket| WeightBucket {
                right: None,
                ..*bucket
            })
            .collect(),
        quality: None,
        curve: None,
        calibration: None,
        groups: Vec::new(),
        false_links: Vec::new(),
        misses: Vec::new(),
        person_sizes: Vec::new(),
        ..full
    }
}

/// What a model might hold: comparison, level, against strangers, against relatives, and whether
/// rarity is added.
const LEVELS: [(&str, &str, f64, f64, bool); 17] = [
    ("given-name", "equal", -0.1, 6.9, true),
    ("given-name", "close", 2.3, 1.7, false),
    ("given-name", "typo", 2.5, 2.5, false),
    ("given-name", "different", -8.4, -8.4, false),
    ("national-id", "equal", 24.9, 8.9, false),
    ("national-id", "near", 14.2, 5.2, false),
    ("national-id", "doubtful", -1.0, -1.2, false),
    ("national-id", "different", -8.4, -8.4, false),
    ("birth-date", "equal", 14.5, 6.5, false),
    ("birth-date", "swapped", 9.0, 6.0, false),
    ("birth-date", "near_day", 7.6, 4.9, false),
    ("birth-date", "same_year", -2.3, -4.5, false),
    ("birth-date", "different", -7.4, -7.3, false),
    ("sex", "equal", 1.0, 1.0, false),
    ("sex", "different", -5.6, -5.6, false),
    ("residence", "house", 11.4, 0.1, false),
    ("residence", "different_region", -4.1, -0.8, false),
];

/// Returns comparisons with levels of every kind.
pub(super) fn comparisons() -> Vec<Comparison> {
    let comparisons = LEVELS.chunk_by(|left, right| left.0 == right.0);
    comparisons
        .map(|levels| Comparison {
            id: levels[0].0.to_owned(),
            levels: levels.iter().map(level).collect(),
        })
        .collect()
}

fn level((_, id, stranger, kin, rarity): &(&str, &str, f64, f64, bool)) -> Level {
    let m = 0.8 * stranger.min(*kin).min(0.0).exp2();
    Level {
        id: (*id).to_owned(),
        stranger: *stranger,
        kin: Some(*kin),
        rarity: *rarity,
        m: Some(m),
        u: (!rarity).then(|| m / stranger.exp2()),
        k: Some(m / kin.exp2()),
    }
}

/// Chance that is the same in every run.
struct Dice(u64);

impl Dice {
    /// Returns a share.
    fn roll(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        f64::from(u32::try_from(self.0 >> 32).unwrap()) / f64::from(u32::MAX)
    }

    /// Returns a number about 0, bell-shaped.
    fn bell(&mut self) -> f64 {
        (0..6).map(|_| self.roll()).sum::<f64>() - 3.0
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the weights of this file are small"
)]
fn weight(bits: f64) -> MatchWeight {
    MatchWeight((bits * f64::from(BIT)) as i32)
}

/// Returns cluster, person and group of every record.
fn records(dice: &mut Dice) -> Vec<(u64, u64, u32)> {
    let mut records = Vec::new();
    for person in 0..PEOPLE {
        let group = u32::from(dice.roll() < 0.46);
        let size = dice.roll().powi(3) * 9.0;
        let more = (1..9_u32).take_while(|at| f64::from(*at) <= size);
        for _ in std::iter::once(0).chain(more) {
            let cluster = if dice.roll() < 0.004 + 0.003 * f64::from(group) {
                PEOPLE + records.len() as u64
            } else {
                person - u64::from(dice.roll() < 0.0015 && person > 0)
            };
            records.push((cluster, person, group));
        }
    }
    records
}

/// Returns pairs whose weights say about what they are.
fn scored(dice: &mut Dice) -> Vec<(f64, bool)> {
    (0..30_000_u32)
        .map(|at| {
            let centre = if at % 3 == 0 { 17.0 } else { -11.0 };
            let bits = centre + 6.0 * dice.bell();
            let odds = (0.8 * bits + 0.4).exp2();
            (bits, dice.roll() < odds / (1.0 + odds))
        })
        .collect()
}

fn histogram(pairs: &[(f64, bool)]) -> Vec<WeightBucket> {
    (-30..38)
        .map(|from| {
            let (from, to) = (f64::from(from), f64::from(from) + 1.0);
            let here = || pairs.iter().filter(|(bits, _)| (from..to).contains(bits));
            let right = here().filter(|(_, right)| *right).count() as u64;
            WeightBucket {
                from,
                to,
                count: here().count() as u64,
                right: Some(right),
            }
        })
        .collect()
}

fn groups(records: &[(u64, u64, u32)]) -> Vec<GroupTable> {
    let sex = by_group(records.iter().copied());
    let regions = records.iter();
    let regions =
        regions.map(|(cluster, person, _)| (*cluster, *person, u32::try_from(person % 5).unwrap()));
    let regions = by_group(regions);
    vec![
        GroupTable::of("sex", &["أنثى", "ذكر"], &sex),
        GroupTable::of(
            "governorate",
            &["القاهرة", "الجيزة", "أسوان", "Sohag", "Port Said"],
            &regions,
        ),
    ]
}
