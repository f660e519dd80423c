//! How much of the agencies' mappings is found without them: each folder's mapping is hidden, its
//! table discovered and proposed, and the proposal held against what the folder says.

mod score;
mod truth;

use std::fmt::Write;

use rabt_connect::{
    Agency, AgencyFolder, Batch, Capabilities, Connector, Filter, FolderText, Message, Mode,
    NewAgency, Outlet, Plan, Proposal, Sampling, Session, propose, survey,
};

use crate::{AgencyFiles, Synthetic, agencies};
use score::Score;

const PEOPLE: u32 = 6_000;
const SEED: u32 = 11;

/// Whether a folder was held out while the dictionary was written: every third one.
fn is_held_out(place: usize) -> bool {
    place % 3 == 1
}

/// A folder, what is in its first office, and what is proposed for that.
struct Case {
    agency: Agency,
    files: AgencyFiles,
    rows: Batch,
    proposal: Proposal,
}

impl Case {
    async fn of(files: AgencyFiles) -> Self {
        let pairs = files
            .files
            .iter()
            .map(|(name, text)| (name.as_str(), text.as_str()));
        let agency = AgencyFolder::load(&pairs.collect::<Vec<_>>()).unwrap();
        let session = session(&agency);
        let sampling = Sampling {
            rows: 500,
            tables: 10,
            this_year: 2026,
        };
        let filter = Filter::default();
        let mut surveyed = survey(&Synthetic, &session, &filter, sampling, None)
            .await
            .unwrap();
        let is_files = agency.sources[0].kind == "files";
        for one in &mut surveyed {
            // A file declares nothing; the kind above only knows the key from the manifest.
            if is_files {
                one.table.key.clear();
            }
        }
        let capabilities = Capabilities {
            snapshot: true,
            incremental: !is_files,
            changes: false,
        };
        Self {
            rows: rows(&agency, &session).await,
            proposal: propose(&surveyed, capabilities),
            agency,
            files,
        }
    }

    /// Returns the folder that is written of the proposal.
    fn folder(&self) -> Option<FolderText> {
        self.proposal.to_folder(&NewAgency {
            id: self.agency.id.clone(),
            name: self.agency.name.clone(),
            steward: self.agency.steward.clone(),
            agreement: self.agency.agreement.clone(),
            kind: self.agency.sources[0].kind.clone(),
            config: self.agency.sources[0].config.clone(),
        })
    }
}

fn session(agency: &Agency) -> Session {
    let source = &agency.sources[0];
    let mut config = toml::Table::new();
    config.insert("people".to_owned(), i64::from(PEOPLE).into());
    config.insert("seed".to_owned(), i64::from(SEED).into());
    config.insert("agency".to_owned(), agency.id.as_str().into());
    if let Some(office) = &source.office {
        config.insert("office".to_owned(), office.as_str().into());
    }
    Session::new(source.id.clone(), config, "/")
}

/// Returns the first rows of the table with all columns that the folder maps, and more.
async fn rows(agency: &Agency, session: &Session) -> Batch {
    let stream = &agency.sources[0].streams[0];
    let tables = Synthetic
        .discover(session, &Filter::default())
        .await
        .unwrap();
    let columns = tables[0].columns.iter().map(|column| column.name.clone());
    let plan = Plan {
        mode: Mode::Snapshot,
        columns: columns.collect(),
        ..stream.plan(300)
    };
    let (outlet, mut inlet) = Outlet::channel(1);
    let host = async {
        let mut first = None;
        while let Ok(Some(message)) = inlet.receive().await {
            if let Message::Rows(batch) = message {
                first = Some(batch);
                break;
            }
        }
        drop(inlet);
        first
    };
    let (_, first) = tokio::join!(Synthetic.read(session, &plan, None, outlet), host);
    first.unwrap()
}

/// Says whether the folder of a proposal loads and keeps what it was proposed for.
fn loads(case: &Case) -> bool {
    let folder = case.folder().unwrap();
    match AgencyFolder::load(&folder.files()) {
        Ok(agency) => agency.sources[0].streams.len() == 1,
        Err(problems) => panic!("{}:\n{problems}\n{}", case.files.id, folder.mapping),
    }
}

#[tokio::test]
async fn most_columns_of_people_are_mapped_without_edits() {
    let mut table = String::new();
    let (mut seen, mut held) = (Score::default(), Score::default());
    for (place, files) in agencies().into_iter().enumerate() {
        let case = Case::of(files).await;
        assert!(loads(&case));
        let score = Score::of(&case);
        let mark = if is_held_out(place) { "held out" } else { "" };
        let _ = writeln!(table, "{:17} {mark:8} {score}", case.files.id);
        if is_held_out(place) {
            &mut held
        } else {
            &mut seen
        }
        .add(&score);
    }
    let mut all = seen.clone();
    all.add(&held);
    for (name, score) in [("developed on", &seen), ("held out", &held), ("all", &all)] {
        let _ = writeln!(table, "{name:26} {}", score.shares());
    }
    insta::assert_snapshot!(table);
    for score in [&seen, &held, &all] {
        assert!(score.columns_percent() >= 80, "{}", score.shares());
    }
}
