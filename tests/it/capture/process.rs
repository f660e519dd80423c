//! Changes through a kind in a process of its own, which is killed as well as its host.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use rand::Rng;

use super::{Agency, CHILD, Side, end_as_the_table, miss_nothing, read_until_killed};
use crate::process::children_of;

/// Kills of the kind under one host: with the fifth within ten minutes the source would be quarantined.
const KILLS: usize = 3;

pub(super) async fn changes_through_a_process_end_as_the_table(side: Side) {
    if let Some(agency) = Agency::start(side, 41, "process").await {
        Box::pin(end_as_the_table(agency)).await;
    }
}

pub(super) async fn a_kind_and_its_host_are_killed_and_miss_nothing(side: Side) {
    if let Some(folder) = std::env::var_os(CHILD) {
        return read_until_killed(Path::new(&folder)).await;
    }
    let Some(agency) = Agency::start(side, 43, "process").await else {
        return;
    };
    let killed = AtomicUsize::new(0);
    let mut of_host = (0, 0);
    let mut harm = |host: &std::process::Child, random: &mut rand_chacha::ChaCha8Rng| {
        if of_host.0 != host.id() {
            of_host = (host.id(), 0);
        }
        if of_host.1 == KILLS || !random.random_bool(0.05) {
            return;
        }
        for process in children_of(host.id()) {
            let kill = std::process::Command::new("kill")
                .args(["-9", &process.to_string()])
                .status();
            // It may have ended by itself.
            if kill.is_ok_and(|status| status.success()) {
                of_host.1 += 1;
                killed.fetch_add(1, Ordering::Relaxed);
            }
        }
    };
    let name = side.test("a_kind_and_its_host_are_killed_and_miss_nothing");
    Box::pin(miss_nothing(agency, &name, &mut harm)).await;
    let killed = killed.into_inner();
    eprintln!("{killed} processes of the kind were killed");
    assert!(killed > 5, "{killed}");
}
