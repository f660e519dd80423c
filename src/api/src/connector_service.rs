//! `rabt.connector.v1.ConnectorService`: each method translates in, calls one use case, translates
//! out. Which role may call what is the use case's rule, not ours.

use std::path::PathBuf;
use std::sync::Arc;

use rabt_model::SourceId;
use rabt_proto::connector::connector_service_server::ConnectorService;
use rabt_proto::connector::{
    CreateSourceRequest, CreateSourceResponse, GetSourceRequest, GetSourceResponse,
    ListRunsRequest, ListRunsResponse, ListSourcesRequest, ListSourcesResponse, RejectionCount,
    Run, RunFailure, RunState, Source, SourceState, StartSourceRequest, StartSourceResponse,
    StreamProgress, UpdateSourceRequest, UpdateSourceResponse,
};
use rabt_service::operate::{self, NewSource, RunView, SourceView};
use rabt_service::{OperateError, Problem, Services};
use tonic::{Request, Response, Status};

use crate::authn::calling;
use crate::convert::{label, quality, timestamp};
use crate::page::{Pages, Sizes};
use crate::status::{invalid, of_error, problems};

const PAGE: Sizes = Sizes {
    usual: 100,
    most: 1_000,
};

/// Most runs that a list can reach back to.
const RUNS: u32 = 1_000;

/// Serves operators.
pub(crate) struct Connectors {
    services: Arc<Services>,
    pages: Pages,
}

impl Connectors {
    pub(crate) fn new(services: Arc<Services>) -> Self {
        Self {
            services,
            pages: Pages::default(),
        }
    }
}

#[tonic::async_trait]
impl ConnectorService for Connectors {
    async fn create_source(
        &self,
        request: Request<CreateSourceRequest>,
    ) -> Result<Response<CreateSourceResponse>, Status> {
        let (caller, message) = calling(request)?;
        let new = new_source(message.manifest, message.mapping, message.base)?;
        let views = operate::create_source(&self.services, &caller, new).await;
        let sources = views.map_err(refuse)?.iter().map(source).collect();
        Ok(Response::new(CreateSourceResponse { sources }))
    }

    async fn update_source(
        &self,
        request: Request<UpdateSourceRequest>,
    ) -> Result<Response<UpdateSourceResponse>, Status> {
        let (caller, message) = calling(request)?;
        let new = new_source(message.manifest, message.mapping, message.base)?;
        let views = operate::update_source(&self.services, &caller, new).await;
        let sources = views.map_err(refuse)?.iter().map(source).collect();
        Ok(Response::new(UpdateSourceResponse { sources }))
    }

    async fn get_source(
        &self,
        request: Request<GetSourceRequest>,
    ) -> Result<Response<GetSourceResponse>, Status> {
        let (caller, message) = calling(request)?;
        let id = source_id("name", &message.name)?;
        let view = operate::get_source(&self.services, &caller, &id).await;
        let source = Some(source(&view.map_err(refuse)?));
        Ok(Response::new(GetSourceResponse { source }))
    }

    async fn list_sources(
        &self,
        request: Request<ListSourcesRequest>,
    ) -> Result<Response<ListSourcesResponse>, Status> {
        let (caller, message) = calling(request)?;
        let asked = (message.page_size, message.page_token.as_str());
        let page = self.pages.open(&caller, &"ListSources", asked, PAGE)?;
        let views = operate::list_sources(&self.services, &caller).await;
        let (views, next) = page.cut(views.map_err(refuse)?);
        Ok(Response::new(ListSourcesResponse {
            sources: views.iter().map(source).collect(),
            next_page_token: self.pages.token(&caller, &"ListSources", next),
        }))
    }

    async fn start_source(
        &self,
        request: Request<StartSourceRequest>,
    ) -> Result<Response<StartSourceResponse>, Status> {
        let (caller, message) = calling(request)?;
        let id = source_id("name", &message.name)?;
        let view = operate::start_source(&self.services, &caller, &id).await;
        let run = Some(run(&*view.map_err(refuse)?));
        Ok(Response::new(StartSourceResponse { run }))
    }

    async fn list_runs(
        &self,
        request: Request<ListRunsRequest>,
    ) -> Result<Response<ListRunsResponse>, Status> {
        let (caller, message) = calling(request)?;
        let key = ("ListRuns", &message.parent);
        let asked = (message.page_size, message.page_token.as_str());
        let page = self.pages.open(&caller, &key, asked, PAGE)?;
        let id = source_id("parent", &message.parent)?;
        let views = operate::list_runs(&self.services, &caller, &id, RUNS).await;
        let (views, next) = page.cut(views.map_err(refuse)?);
        Ok(Response::new(ListRunsResponse {
            runs: views.iter().map(run).collect(),
            next_page_token: self.pages.token(&caller, &key, next),
        }))
    }
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the shape that map_err wants; the error ends here"
)]
fn refuse(error: OperateError) -> Status {
    if let OperateError::Problems(found) = &error {
        let found: Vec<_> = found.iter().map(violation).collect();
        return problems(&error.to_string(), &found);
    }
    of_error(error.class(), &error)
}

fn new_source(manifest: String, mapping: String, base: String) -> Result<NewSource, Status> {
    if base.contains(char::is_control) {
        return Err(invalid("base", "must be a path without control characters"));
    }
    Ok(NewSource {
        manifest,
        mapping,
        base: PathBuf::from(base),
    })
}

fn violation(problem: &Problem) -> (String, String) {
    let place = format!("{}:{}", problem.file, problem.line);
    let text = match &problem.suggestion {
        Some(suggestion) => format!("{}; did you mean `{suggestion}`?", problem.message),
        None => problem.message.clone(),
    };
    (place, text)
}

fn source_id(field: &str, name: &str) -> Result<SourceId, Status> {
    let id = name.strip_prefix("sources/").and_then(|id| id.parse().ok());
    id.ok_or_else(|| invalid(field, "must be of the form sources/{source}"))
}

fn source(view: &SourceView) -> Source {
    let rejections = view.rejections.iter();
    let streams = view.positions.iter();
    Source {
        name: format!("sources/{}", view.id),
        agency: view.agency.to_string(),
        kind: view.kind.clone(),
        state: source_state(view.state).into(),
        create_time: Some(timestamp(view.created_at)),
        update_time: Some(timestamp(view.updated_at)),
        agency_label: Some(label(&view.agency_label)),
        record_count: view.records,
        quality: Some(quality(&view.quality)),
        rejections: rejections
            .map(|(reason, count)| RejectionCount {
                reason: reason.clone(),
                count: *count,
            })
            .collect(),
        streams: streams
            .map(|position| StreamProgress {
                stream: position.stream.to_string(),
                row_count: position.rows,
            })
            .collect(),
    }
}

fn source_state(state: rabt_service::SourceState) -> SourceState {
    use rabt_service::SourceState as Held;
    match state {
        Held::Draft => SourceState::Draft,
        Held::Checked => SourceState::Checked,
        Held::Discovered => SourceState::Discovered,
        Held::Mapped => SourceState::Mapped,
        Held::Previewed => SourceState::Previewed,
        Held::Approved => SourceState::Approved,
        Held::Snapshot => SourceState::Snapshot,
        Held::Live => SourceState::Live,
        Held::Degraded => SourceState::Degraded,
        Held::Quarantined => SourceState::Quarantined,
        Held::Paused => SourceState::Paused,
        Held::Retired => SourceState::Retired,
    }
}

fn run(view: &RunView) -> Run {
    Run {
        name: format!("sources/{}/runs/{}", view.source, view.run.0),
        state: run_state(view.state).into(),
        start_time: Some(timestamp(view.started_at)),
        end_time: view.finished_at.map(timestamp),
        row_count: view.counts.rows,
        record_count: view.counts.records,
        rejected_count: view.counts.rejected,
        unchanged_count: view.counts.unchanged,
        deleted_count: view.counts.deleted,
        late_count: view.counts.late,
        failure: view.error.as_ref().map(|error| RunFailure {
            reason: error.class.reason().to_owned(),
            summary: error.summary.clone(),
        }),
    }
}

fn run_state(state: rabt_service::RunState) -> RunState {
    use rabt_service::RunState as Held;
    match state {
        Held::Running => RunState::Running,
        Held::Succeeded => RunState::Succeeded,
        Held::Failed => RunState::Failed,
        Held::Cancelled => RunState::Cancelled,
        Held::Interrupted => RunState::Interrupted,
    }
}

#[cfg(test)]
mod tests {
    use rabt_service::{OperateError, Problem};
    use tonic::Code;
    use tonic_types::StatusExt;

    use super::{refuse, source_id};

    #[test]
    fn names_of_sources_are_checked() {
        assert!(source_id("name", "sources/electricity-cairo").is_ok());
        for name in [
            "",
            "electricity",
            "sources/",
            "sources/A",
            "sources/a/runs/1",
        ] {
            let status = source_id("parent", name).unwrap_err();
            assert_eq!(status.code(), Code::InvalidArgument, "{name}");
        }
    }

    #[test]
    fn problems_of_a_folder_keep_their_places() {
        let problem = Problem {
            file: "mapping.toml".to_owned(),
            line: 12,
            message: "there is no step `trimm`".to_owned(),
            suggestion: Some("trim".to_owned()),
        };
        let status = refuse(OperateError::Problems(vec![problem; 500]));
        assert_eq!(status.code(), Code::InvalidArgument);
        let details = status.get_error_details();
        let violations = &details.bad_request().unwrap().field_violations;
        assert_eq!(violations[0].field, "mapping.toml:12");
        assert!(violations[0].description.ends_with("did you mean `trim`?"));
        assert!(status.details().len() < 9_000);
    }
}
