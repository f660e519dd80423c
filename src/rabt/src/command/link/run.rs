//! One run of the engine over files: read, block, score, cluster, and what each took.

use std::sync::Arc;

use rabt_linkage::evaluation::{self, Blocking};
use rabt_linkage::{
    Batch, LinkageModel, Partition, RuleCount, Scored, SkippedBlock, TrainingOptions,
};

use super::input::{self, Names};
use super::{DataFiles, train};
use crate::error::CommandError;
use crate::meter::Stages;
use crate::render::Render;

/// The records of files, standardised.
pub(super) struct Records {
    pub(super) model: Arc<LinkageModel>,
    pub(super) batch: Batch,
    pub(super) names: Names,
    pub(super) stages: Stages,
}

impl Records {
    /// Reads and standardises the files by a model.
    pub(super) fn read(
        files: &DataFiles,
        model: LinkageModel,
        threads: usize,
        render: &Render,
    ) -> Result<Self, CommandError> {
        let model = Arc::new(model);
        let mut stages = Stages::start();
        let (batch, names) = input::read(&files.source(), &model, threads, render)?;
        stages.done("read");
        if batch.is_empty() {
            render.warning("there are no records: the files have a header and nothing behind it");
        }
        Ok(Self {
            model,
            batch,
            names,
            stages,
        })
    }

    /// Learns the model's shares from the records themselves.
    pub(super) fn train(&mut self, render: &Render) -> Result<(), CommandError> {
        let trained = train::learn(&self.batch, &TrainingOptions::default())?;
        for finding in &trained.report.warnings {
            render.note(format_args!("training: {}", finding.sentence));
        }
        self.model = Arc::new(trained.model);
        self.batch.set_model(Arc::clone(&self.model));
        self.stages.done("train");
        Ok(())
    }

    /// Returns the rows of the two records that have these ids.
    pub(super) fn rows_of(&self, ids: [&str; 2]) -> Result<[u32; 2], CommandError> {
        let [left, right] = ids.map(|id| self.names.row_of(id));
        let rows = [left?, right?];
        if rows[0] == rows[1] {
            return Err(CommandError::usage(
                format!("record {} is compared with itself", ids[0]),
                "give two ids",
            ));
        }
        Ok(rows)
    }
}

/// What came of linking records.
pub(super) struct Run {
    pub(super) records: Records,
    /// What each blocking rule made.
    pub(super) counts: Vec<RuleCount>,
    pub(super) skipped: Vec<SkippedBlock>,
    pub(super) scored: Scored,
    /// The candidate pairs against the truth, when it is known.
    pub(super) blocking: Option<Blocking>,
    pub(super) partition: Partition,
}

impl Run {
    /// Links the records.
    pub(super) fn of(mut records: Records, render: &Render) -> Self {
        let Records {
            batch,
            names,
            stages,
            ..
        } = &mut records;
        let candidates = batch.block();
        let counts = candidates.counts();
        let skipped = candidates.skipped().to_vec();
        let predicted = counts.iter().map(|count| count.pairs).sum();
        stages.done("block");
        let progress = render.progress("comparing", "pairs", predicted);
        let scored = candidates.score(|pairs| progress.advance(pairs));
        progress.finish("compared");
        stages.done("score");
        let blocking = names.truth.as_ref().map(|people| {
            let blocking = candidates.judge(people);
            stages.done("judge");
            blocking
        });
        drop(candidates);
        let partition = batch.cluster(&scored.edges);
        stages.done("cluster");
        for block in skipped.iter().take(10) {
            render.note(format_args!(
                "skipped a block of rule {}: {} records share the key, more than its cap",
                block.rule, block.records
            ));
        }
        Self {
            records,
            counts,
            skipped,
            scored,
            blocking,
            partition,
        }
    }

    /// Returns cluster and person of every record whose person is known; none without a truth.
    pub(super) fn judged(&self) -> impl Iterator<Item = (u64, u64)> {
        let people = self.records.names.truth.as_deref().unwrap_or_default();
        let both = self.partition.first_of.iter().zip(people);
        both.filter_map(|(first, person)| Some((u64::from(*first), u64::from((*person)?))))
    }

    /// Compares the clusters with the truth; `None` when no person is known.
    pub(super) fn metrics(&self) -> Option<evaluation::Metrics> {
        self.records.names.truth.as_ref()?;
        let metrics = evaluation::evaluate(self.judged());
        (metrics.records > 0).then_some(metrics)
    }

    /// Says whether two records are of one person in the truth; `None` when that is not known.
    pub(super) fn is_true(&self, left: u32, right: u32) -> Option<bool> {
        let people = self.records.names.truth.as_ref()?;
        Some(people[left as usize]? == people[right as usize]?)
    }

    /// Says whether two records are in one cluster.
    pub(super) fn is_linked(&self, left: u32, right: u32) -> bool {
        self.partition.first_of[left as usize] == self.partition.first_of[right as usize]
    }
}
