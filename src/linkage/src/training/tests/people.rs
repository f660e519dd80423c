//! Pairs drawn from known shares.

use super::super::*;

/// The true shares of one comparison, `absent` left out.
pub(super) struct Person {
    pub(super) id: &'static str,
    pub(super) m: Vec<f64>,
    pub(super) u: Vec<f64>,
    pub(super) kin: Vec<f64>,
    /// How often a value is absent, in any class.
    absent: f64,
}

/// All pairs, pairs of one person and pairs of relatives of the population.
const ALL: f64 = 1e9;
const SAME: f64 = 10_000.0;
const KIN: f64 = 20_000.0;

/// Log2 odds of one person, against strangers and against relatives.
pub(super) const PRIOR: f64 = -16.61;
pub(super) const KIN_PRIOR: f64 = -1.0;

/// The passes: name, and comparisons that are equal in it.
const PASSES: [(&str, &[usize]); 3] = [
    ("birth+given", &[0, 3]),
    ("father+mother", &[1, 2]),
    ("phone", &[6]),
];

pub(super) fn world() -> Vec<Person> {
    let person = |id, m: &[f64], u: &[f64], kin: &[f64], absent| Person {
        id,
        m: m.to_vec(),
        u: u.to_vec(),
        kin: kin.to_vec(),
        absent,
    };
    vec![
        person(
            "given",
            &[0.93, 0.05, 0.02],
            &[0.02, 0.01, 0.97],
            &[0.02, 0.02, 0.96],
            0.0,
        ),
        person(
            "father",
            &[0.95, 0.04, 0.01],
            &[0.02, 0.01, 0.97],
            &[0.85, 0.05, 0.10],
            0.0,
        ),
        person(
            "mother",
            &[0.85, 0.10, 0.05],
            &[0.01, 0.02, 0.97],
            &[0.75, 0.10, 0.15],
            0.1,
        ),
        person(
            "birth",
            &[0.90, 0.06, 0.04],
            &[1e-4, 1e-3, 0.9989],
            &[0.02, 0.03, 0.95],
            0.0,
        ),
        person(
            "number",
            &[0.95, 0.03, 0.02],
            &[1e-8, 1e-6, 0.999_999],
            &[0.01, 0.001, 0.989],
            0.2,
        ),
        person(
            "home",
            &[0.60, 0.30, 0.10],
            &[1e-3, 0.10, 0.899],
            &[0.5, 0.3, 0.2],
            0.1,
        ),
        person("phone", &[0.70, 0.30], &[1e-5, 0.999_99], &[0.2, 0.8], 0.3),
    ]
}

/// Returns the comparison as a model file has it that somebody wrote by hand: shares that are
/// all too even.
pub(super) fn file_of(person: &Person) -> ComparisonInfo {
    let even = |shares: &[f64], level: usize| {
        let all: f64 = shares.iter().map(|share| share.powf(0.85)).sum();
        shares[level].powf(0.85) / all
    };
    let names = ["absent", "equal", "near", "different"];
    let mut levels: Vec<String> = names[..=person.m.len()]
        .iter()
        .map(|n| (*n).into())
        .collect();
    if let Some(last) = levels.last_mut() {
        *last = "different".to_owned();
    }
    let absent = Share {
        m: 0.0,
        u: None,
        kin: None,
    };
    let shares = (0..person.m.len()).map(|level| Share {
        m: even(&person.m, level),
        u: Some(even(&person.u, level)),
        kin: Some(even(&person.kin, level)),
    });
    ComparisonInfo {
        id: person.id.to_owned(),
        levels,
        initial: std::iter::once(absent).chain(shares).collect(),
    }
}

/// Returns evidence drawn from the world, with as many relatives as it has.
pub(super) fn evidence(world: &[Person], seed: u64) -> Evidence {
    evidence_of(world, seed, KIN)
}

/// Returns evidence drawn from the world, with `kin` pairs of relatives.
pub(super) fn evidence_of(world: &[Person], seed: u64, kin: f64) -> Evidence {
    let mut draw = SplitMix::new(seed);
    let sizes = [SAME, kin, ALL];
    let passes = PASSES.iter().map(|(id, equal)| {
        let mut counts = Counts::default();
        for (class, size) in sizes.into_iter().enumerate() {
            let agree = |c: &usize| shares(&world[*c], class)[0] * (1.0 - world[*c].absent);
            let expected = size * equal.iter().map(agree).product::<f64>();
            draw_class(world, class, equal, round(expected), &mut draw, &mut counts);
        }
        Pass {
            rule_id: (*id).to_owned(),
            excluded: equal.to_vec(),
            counts,
        }
    });
    let passes = passes.collect();
    let mut random = Counts::default();
    for (class, size) in sizes.into_iter().enumerate() {
        let pairs = round(1e6 * size / ALL);
        draw_class(world, class, &[], pairs, &mut draw, &mut random);
    }
    Evidence {
        comparisons: world.iter().map(file_of).collect(),
        prior: -14.0,
        kin_prior: (kin > 0.0).then_some(-2.0),
        random,
        total_pairs: 1_000_000_000,
        passes,
        deterministic: vec![DeterministicRule {
            id: "number".to_owned(),
            pairs: 7600,
        }],
        recall: 0.76,
        labels: None,
    }
}

/// Draws `pairs` of each class: one person, relatives, strangers.
pub(super) fn draw_each(world: &[Person], seed: u64, pairs: u64) -> [Counts; 3] {
    let mut draw = SplitMix::new(seed);
    [0, 1, 2].map(|class| {
        let mut counts = Counts::default();
        draw_class(world, class, &[], pairs, &mut draw, &mut counts);
        counts
    })
}

/// Draws relatives and strangers that agree on a key.
pub(super) fn draw_pass(world: &[Person], seed: u64, equal: &[usize], pairs: u64) -> Counts {
    let mut draw = SplitMix::new(seed);
    let mut counts = Counts::default();
    for class in [1, 2] {
        draw_class(world, class, equal, pairs, &mut draw, &mut counts);
    }
    counts
}

fn shares(person: &Person, class: usize) -> &[f64] {
    [&person.m, &person.kin, &person.u][class]
}

fn draw_class(
    world: &[Person],
    class: usize,
    equal: &[usize],
    pairs: u64,
    draw: &mut SplitMix,
    counts: &mut Counts,
) {
    for _ in 0..pairs {
        let levels = world.iter().enumerate().map(|(comparison, person)| {
            if equal.contains(&comparison) {
                1
            } else {
                level(person, class, draw)
            }
        });
        counts.add(Pattern::of(levels), 1);
    }
}

fn level(person: &Person, class: usize, draw: &mut SplitMix) -> u8 {
    if unit(draw) < person.absent {
        return 0;
    }
    let mut rest = unit(draw);
    for (level, share) in (1..).zip(shares(person, class)) {
        rest -= share;
        if rest < 0.0 {
            return level;
        }
    }
    1
}

fn unit(draw: &mut SplitMix) -> f64 {
    f64::from(draw.below(u32::MAX)) / f64::from(u32::MAX)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "numbers of pairs are small and not negative"
)]
fn round(number: f64) -> u64 {
    number.round() as u64
}
