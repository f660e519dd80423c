//! `rabt source conform`: runs the compliance suite on an executable, for its author.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use rabt_connect::compliance::{
    CASES, Case, Ended, Features, HANDSHAKE, MadeTables, TableMaker, conform,
};
use rabt_connect::{
    ConnectError, Connector, Isolation, Kinds, Limits, PREFIX, Program, Protect, Remote, SourceSpec,
};
use rabt_model::Label;
use serde::Serialize;

use crate::command::ConfigFile;
use crate::command::link::Language;
use crate::error::{CommandError, Exit};
use crate::render::Render;

/// Longest time for an executable to start.
const PATIENCE: Duration = Duration::from_mins(1);

/// What an executable is tried on.
#[derive(Debug, Args)]
pub(crate) struct ConformArgs {
    /// Kind of the executable, rabt-connector-KIND in the folders that the node looks into.
    #[arg(long, required_unless_present = "executable")]
    kind: Option<String>,
    /// The executable, wherever it lies.
    #[arg(long, value_name = "FILE", conflicts_with = "kind")]
    executable: Option<PathBuf>,
    /// Program that makes the tables, see docs/write-a-connector.md.
    #[arg(long, value_name = "PROGRAM")]
    tables: PathBuf,
    /// Try this case alone, again for each.
    #[arg(long = "case", value_name = "NAME")]
    cases: Vec<String>,
    /// Longest time for one case, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    limit: u64,
    /// Language of what is demanded, of reasons and remedies.
    #[arg(long, value_enum, default_value_t = Language::English)]
    lang: Language,
    #[command(flatten)]
    file: ConfigFile,
}

/// What came of it, as an object for programs.
#[derive(Debug, Serialize)]
struct Conformed {
    kind: String,
    passed: usize,
    failed: usize,
    skipped: usize,
    cases: Vec<Tried>,
}

#[derive(Debug, Serialize)]
struct Tried {
    name: &'static str,
    outcome: &'static str,
    demand: Label,
    /// Why it was skipped, or what was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Label>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<Label>,
    seconds: f64,
}

/// Where the executable comes from.
enum Origin {
    Kind { kinds: Box<Kinds>, kind: String },
    File(PathBuf),
}

/// Tries every case; fails when one does.
pub(super) async fn run(args: &ConformArgs, render: &Render) -> Result<ExitCode, CommandError> {
    let mut cases = cases(&args.cases)?;
    let origin = origin(args).await?;
    let (maker, features) = maker(args).await?;
    let (mut kind, mut opened) = (origin.name(), Ok(()));
    if !cases.iter().all(|case| is_of_handshake(case)) {
        match origin.open(0).await {
            Ok(connector) => connector.describe().kind.clone_into(&mut kind),
            Err(error) => {
                // Why it does not start is what the cases of the handshake find out.
                cases.retain(|case| is_of_handshake(case));
                opened = Err(error);
            }
        }
    }
    let mut tried = Vec::new();
    let progress = render.progress("conform", "cases", cases.len() as u64);
    // What a case found is told in its line.
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    for (number, case) in cases.iter().enumerate() {
        let one = try_case(case, number, &origin, &maker, features, args.limit).await;
        tried.push(one);
        progress.advance(1);
    }
    std::panic::set_hook(usual);
    let conformed = Conformed::of(kind, tried);
    progress.finish(&conformed.summary());
    if conformed.failed == 0 {
        opened.map_err(|error| CommandError::failed(error, ""))?;
    }
    render.result(&conformed, || conformed.to_text(args.lang));
    conformed.outcome()
}

fn cases(names: &[String]) -> Result<Vec<&'static Case>, CommandError> {
    let all = || HANDSHAKE.iter().chain(CASES);
    if names.is_empty() {
        return Ok(all().collect());
    }
    let mut chosen = Vec::new();
    for name in names {
        let Some(case) = all().find(|case| case.name == name) else {
            let near = rabt_connect::nearest(name, all().map(|case| case.name));
            let help = near.map(|near| format!("did you mean '{near}'?"));
            let message = format!("--case: there is no case '{name}'");
            return Err(CommandError::usage(message, help.unwrap_or_default()));
        };
        chosen.push(case);
    }
    Ok(chosen)
}

/// Says whether a case speaks to the process itself, and needs no kind.
fn is_of_handshake(case: &Case) -> bool {
    HANDSHAKE.iter().any(|other| other.name == case.name)
}

async fn origin(args: &ConformArgs) -> Result<Origin, CommandError> {
    if let Some(path) = &args.executable {
        let path = path.canonicalize().map_err(|error| {
            CommandError::usage(format!("--executable {}: {error}", path.display()), "")
        })?;
        return Ok(Origin::File(path));
    }
    Ok(Origin::Kind {
        kinds: Box::new(args.file.settle()?.kinds().await),
        kind: args.kind.clone().unwrap_or_default(),
    })
}

/// Returns the program that makes tables, with what it says of them.
async fn maker(args: &ConformArgs) -> Result<(TableMaker, Features), CommandError> {
    let help = "docs/write-a-connector.md says what the program is asked and what it answers";
    let path = args.tables.canonicalize().map_err(|error| {
        let message = format!("--tables {}: {error}", args.tables.display());
        CommandError::usage(message, help)
    })?;
    let maker = TableMaker::new(path);
    let features = maker.features().await;
    let features = features.map_err(|what| CommandError::usage(what, help))?;
    Ok((maker, features))
}

/// Tries a case on a process of its own.
async fn try_case(
    case: &Case,
    number: usize,
    origin: &Origin,
    maker: &TableMaker,
    features: Features,
    limit: u64,
) -> Tried {
    let started = Instant::now();
    let ended = match origin.subject(case, number + 1, maker, features).await {
        Ok(subject) => {
            let ended = conform(case, &subject, Duration::from_secs(limit)).await;
            match (subject.drop_all().await, ended) {
                (Err(what), Ended::Passed) => Ended::Failed(what),
                (_, ended) => ended,
            }
        }
        Err(error) => Ended::Failed(error.to_string()),
    };
    Tried::of(case, ended, started.elapsed())
}

impl Origin {
    /// Returns what the executable is called until it says what it is.
    fn name(&self) -> String {
        match self {
            Self::File(path) => {
                let name = path.file_name().unwrap_or(path.as_os_str());
                name.to_string_lossy().into_owned()
            }
            Self::Kind { kind, .. } => kind.clone(),
        }
    }

    fn program(&self) -> Result<Program, ConnectError> {
        match self {
            Self::File(path) => {
                // What is tried is what it does, on however busy a machine.
                let limits = Limits {
                    handshake: PATIENCE,
                    ..Limits::default()
                };
                Ok(Program::new(path).with_limits(limits))
            }
            Self::Kind { kinds, kind } => kinds.executable(kind),
        }
    }

    /// Returns what a case is tried on: the executable alone, or started as the kind that it is.
    async fn subject(
        &self,
        case: &Case,
        number: usize,
        maker: &TableMaker,
        features: Features,
    ) -> Result<MadeTables, ConnectError> {
        let subject = MadeTables::new(self.program()?, maker.clone(), features);
        if is_of_handshake(case) {
            return Ok(subject);
        }
        Ok(subject.with_connector(self.open(number).await?))
    }

    /// Starts the executable. Each case has a number and with it a process of its own, and crashes that are
    /// counted apart.
    async fn open(&self, number: usize) -> Result<Arc<dyn Connector>, ConnectError> {
        match self {
            Self::File(_) => {
                let remote = Remote::open(self.program()?, None).await?;
                Ok(Arc::new(remote))
            }
            Self::Kind { kinds, kind } => kinds.connect(&spec(kind, number)?).await,
        }
    }
}

fn spec(kind: &str, number: usize) -> Result<SourceSpec, ConnectError> {
    let id = format!("conform-{number}");
    let id = id.parse();
    let id = id.map_err(|_| ConnectError::defect("conform", "a source cannot be named"))?;
    Ok(SourceSpec {
        id,
        office: None,
        kind: kind.to_owned(),
        isolation: Isolation::Shared,
        executable: Some(format!("{PREFIX}{kind}")),
        schedule: None,
        window: None,
        restricted: false,
        config: toml::Table::new(),
        protect: Protect::default(),
        streams: Vec::new(),
    })
}

impl Tried {
    fn of(case: &Case, ended: Ended, took: Duration) -> Self {
        let (outcome, reason, remedy) = match ended {
            Ended::Passed => ("pass", None, None),
            Ended::Skipped(reason) => ("skipped", Some(reason), None),
            Ended::Failed(found) => {
                // What was compared has one language.
                let found = Label::new(found.clone(), found);
                ("fail", Some(found), Some(case.remedy()))
            }
        };
        Self {
            name: case.name,
            outcome,
            demand: case.demand(),
            reason,
            remedy,
            seconds: took.as_secs_f64(),
        }
    }

    fn to_text(&self, lang: Language) -> String {
        let reason = self.reason.as_ref().map(|reason| in_language(reason, lang));
        let Some(remedy) = &self.remedy else {
            let reason = reason.map(|reason| format!(": {reason}"));
            return format!(
                "{:<8} {}{}",
                self.outcome,
                self.name,
                reason.unwrap_or_default()
            );
        };
        let reason = reason.unwrap_or_default().replace('\n', "\n    ");
        let demand = in_language(&self.demand, lang);
        let remedy = in_language(remedy, lang);
        let (demanded, found, help) = match lang {
            Language::English => ("demanded", "found", "help"),
            Language::Arabic => ("المطلوب", "الموجود", "العلاج"),
        };
        format!(
            "{:<8} {}\n  {demanded}: {demand}\n  {found}: {reason}\n  {help}: {remedy}",
            self.outcome, self.name
        )
    }
}

impl Conformed {
    fn of(kind: String, cases: Vec<Tried>) -> Self {
        let count = |outcome| cases.iter().filter(|one| one.outcome == outcome).count();
        Self {
            kind,
            passed: count("pass"),
            failed: count("fail"),
            skipped: count("skipped"),
            cases,
        }
    }

    fn summary(&self) -> String {
        format!(
            "{} passed, {} failed, {} skipped",
            self.passed, self.failed, self.skipped
        )
    }

    fn to_text(&self, lang: Language) -> String {
        let lines: Vec<String> = self.cases.iter().map(|one| one.to_text(lang)).collect();
        format!("{}\n\n{}: {}", lines.join("\n"), self.kind, self.summary())
    }

    fn outcome(&self) -> Result<ExitCode, CommandError> {
        if self.failed == 0 {
            return Ok(ExitCode::SUCCESS);
        }
        let failed = self.cases.iter().filter(|one| one.outcome == "fail");
        let names: Vec<&str> = failed.map(|one| one.name).collect();
        let message = format!("{} does not comply: {}", self.kind, names.join(", "));
        let help = "--case NAME tries one again; docs/write-a-connector.md has the whole contract";
        Err(CommandError::one(Exit::VerificationFailed, message, help))
    }
}

fn in_language(label: &Label, lang: Language) -> &str {
    match lang {
        Language::English => &label.en,
        Language::Arabic => &label.ar,
    }
}
