//! Laws of the planner, over worlds drawn at random.

use std::time::Duration;

use proptest::prelude::*;

use super::world::World;

const WORLDS: u32 = 10;
const STEPS: u32 = 1_000;
/// Nobody who may be read waits longer, also with one reading at a time: four agencies take turns,
/// nine times for the last source of the largest one, and twenty minutes are more than a turn takes.
const LONGEST_WAIT: Duration = Duration::from_hours(12);

proptest! {
    #![proptest_config(ProptestConfig::with_cases(WORLDS))]

    /// Ten thousand steps: a source is read once at a time, never outside its window, in its turn
    /// among the agencies; what hangs is stopped; and nobody starves.
    #[test]
    fn a_source_is_read_once_in_its_window_and_in_its_turn(seed: u64) {
        let mut world = World::new(seed);
        for _ in 0..STEPS {
            world.step();
        }
        // One that is due once a day may rest whenever its time comes; most are read.
        prop_assert!(world.starts.len() >= 12, "of 16 were read: {:?}", world.starts);
        prop_assert!(world.longest_wait <= LONGEST_WAIT, "{:?}", world.longest_wait);
    }
}
