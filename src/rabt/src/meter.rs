//! What a run costs, stage by stage.

use std::time::Instant;

use serde::Serialize;

use crate::process;

/// One stage of a run.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Stage {
    /// What was done.
    #[serde(rename = "stage")]
    pub(crate) name: &'static str,
    /// Processor time of all threads, in seconds.
    pub(crate) cpu_seconds: f64,
    /// Wall time, in seconds.
    pub(crate) wall_seconds: f64,
}

/// The stages of a run so far.
#[derive(Debug)]
pub(crate) struct Stages {
    started: (Instant, f64),
    last: (Instant, f64),
    list: Vec<Stage>,
}

impl Stages {
    /// Starts counting.
    pub(crate) fn start() -> Self {
        let now = (Instant::now(), cpu_seconds());
        Self {
            started: now,
            last: now,
            list: Vec::new(),
        }
    }

    /// Ends the stage that began at the start or at the last call.
    pub(crate) fn done(&mut self, stage: &'static str) {
        let now = (Instant::now(), cpu_seconds());
        self.list.push(between(stage, self.last, now));
        self.last = now;
    }

    /// Returns the stages that have ended.
    pub(crate) fn list(&self) -> &[Stage] {
        &self.list
    }

    /// Returns what has been spent since the start.
    pub(crate) fn total(&self) -> Stage {
        between("total", self.started, (Instant::now(), cpu_seconds()))
    }
}

fn between(stage: &'static str, from: (Instant, f64), to: (Instant, f64)) -> Stage {
    Stage {
        name: stage,
        cpu_seconds: to.1 - from.1,
        wall_seconds: (to.0 - from.0).as_secs_f64(),
    }
}

fn cpu_seconds() -> f64 {
    process::cpu_time().unwrap_or_default().as_secs_f64()
}
