//! `rabt.connector.v1.ConnectorService`: each method translates in, calls one use case, translates
//! out. Which role may call what is the use case's rule, not ours.

use std::path::PathBuf;
use std::sync::Arc;

use rabt_model::SourceId;
use rabt_proto::connector as pb;
use rabt_proto::connector::connector_service_server::ConnectorService;
use rabt_proto::connector::{
    CreateSourceRequest, CreateSourceResponse, GetSourceRequest, GetSourceResponse,
    ListRunsRequest, ListRunsResponse, ListSourcesRequest, ListSourcesResponse, StartSourceRequest,
    StartSourceResponse, UpdateSourceRequest, UpdateSourceResponse,
};
use rabt_service::operate::{self, Filter, NewSource};
use rabt_service::{OperateError, Problem, Services};
use tonic::{Request, Response, Status};

use crate::authn::calling;
use crate::convert::look::{finding, pages, previewed, proposed};
use crate::convert::source::{folder, run, source};
use crate::page::{Pages, Sizes};
use crate::status::{invalid, of_error, problems};

const PAGE: Sizes = Sizes {
    usual: 100,
    most: 1_000,
};

/// Most runs that a list can reach back to.
const RUNS: u32 = 1_000;

/// Rows that a preview reads of each stream unless it is told otherwise.
const PREVIEW_ROWS: u32 = 1_000;

/// The messages of a discovery.
type Tables = futures::stream::Iter<std::vec::IntoIter<Result<pb::DiscoverSourceResponse, Status>>>;

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

    async fn check_source(
        &self,
        request: Request<pb::CheckSourceRequest>,
    ) -> Result<Response<pb::CheckSourceResponse>, Status> {
        let (caller, message) = calling(request)?;
        let id = source_id("name", &message.name)?;
        let found = operate::check_source(&self.services, &caller, &id).await;
        let findings = found.map_err(refuse)?.iter().map(finding).collect();
        Ok(Response::new(pb::CheckSourceResponse { findings }))
    }

    type DiscoverSourceStream = Tables;

    async fn discover_source(
        &self,
        request: Request<pb::DiscoverSourceRequest>,
    ) -> Result<Response<Tables>, Status> {
        let (caller, message) = calling(request)?;
        let id = source_id("name", &message.name)?;
        let sampled = count("sampled_tables", message.sampled_tables)? as usize;
        let filter = filter(message.filter);
        let seen = operate::discover_source(&self.services, &caller, &id, &filter, sampled).await;
        let seen = seen.map_err(refuse)?;
        let pages: Vec<_> = pages(&seen.tables).into_iter().map(Ok).collect();
        Ok(Response::new(futures::stream::iter(pages)))
    }

    async fn propose_source(
        &self,
        request: Request<pb::ProposeSourceRequest>,
    ) -> Result<Response<pb::ProposeSourceResponse>, Status> {
        let (caller, message) = calling(request)?;
        let id = source_id("name", &message.name)?;
        let (filter, adopt) = (filter(message.filter), message.adopt);
        let seen = operate::propose_source(&self.services, &caller, &id, &filter, adopt).await;
        Ok(Response::new(proposed(&*seen.map_err(refuse)?)))
    }

    async fn preview_source(
        &self,
        request: Request<pb::PreviewSourceRequest>,
    ) -> Result<Response<pb::PreviewSourceResponse>, Status> {
        let (caller, message) = calling(request)?;
        let id = source_id("name", &message.name)?;
        let rows = match count("row_count", message.row_count)? {
            0 => PREVIEW_ROWS,
            rows => rows,
        };
        let seen = operate::preview_source(&self.services, &caller, &id, rows).await;
        Ok(Response::new(previewed(&*seen.map_err(refuse)?)))
    }

    async fn approve_source(
        &self,
        request: Request<pb::ApproveSourceRequest>,
    ) -> Result<Response<pb::ApproveSourceResponse>, Status> {
        let (caller, message) = calling(request)?;
        let id = source_id("name", &message.name)?;
        let views = operate::approve_source(&self.services, &caller, &id, message.version).await;
        let sources = views.map_err(refuse)?.iter().map(source).collect();
        Ok(Response::new(pb::ApproveSourceResponse { sources }))
    }

    async fn withdraw_source(
        &self,
        request: Request<pb::WithdrawSourceRequest>,
    ) -> Result<Response<pb::WithdrawSourceResponse>, Status> {
        let (caller, message) = calling(request)?;
        let id = source_id("name", &message.name)?;
        let view = operate::withdraw_source(&self.services, &caller, &id, message.version).await;
        let folder = Some(folder(&*view.map_err(refuse)?));
        Ok(Response::new(pb::WithdrawSourceResponse { folder }))
    }

    async fn export_source(
        &self,
        request: Request<pb::ExportSourceRequest>,
    ) -> Result<Response<pb::ExportSourceResponse>, Status> {
        let (caller, message) = calling(request)?;
        let id = source_id("name", &message.name)?;
        let text = operate::export_source(&self.services, &caller, &id, message.version).await;
        let text = text.map_err(refuse)?;
        Ok(Response::new(pb::ExportSourceResponse {
            folder: Some(folder(&text.folder)),
            manifest: text.manifest,
            mapping: text.mapping,
        }))
    }

    async fn pause_source(
        &self,
        request: Request<pb::PauseSourceRequest>,
    ) -> Result<Response<pb::PauseSourceResponse>, Status> {
        let (caller, message) = calling(request)?;
        let id = source_id("name", &message.name)?;
        let view = operate::pause_source(&self.services, &caller, &id).await;
        let source = Some(source(&*view.map_err(refuse)?));
        Ok(Response::new(pb::PauseSourceResponse { source }))
    }

    async fn resume_source(
        &self,
        request: Request<pb::ResumeSourceRequest>,
    ) -> Result<Response<pb::ResumeSourceResponse>, Status> {
        let (caller, message) = calling(request)?;
        let id = source_id("name", &message.name)?;
        let view = operate::resume_source(&self.services, &caller, &id).await;
        let source = Some(source(&*view.map_err(refuse)?));
        Ok(Response::new(pb::ResumeSourceResponse { source }))
    }

    async fn replay_source(
        &self,
        request: Request<pb::ReplaySourceRequest>,
    ) -> Result<Response<pb::ReplaySourceResponse>, Status> {
        let (caller, message) = calling(request)?;
        let id = source_id("name", &message.name)?;
        let view = operate::replay_source(&self.services, &caller, &id).await;
        let run = Some(run(&*view.map_err(refuse)?));
        Ok(Response::new(pb::ReplaySourceResponse { run }))
    }

    async fn rewind_source(
        &self,
        request: Request<pb::RewindSourceRequest>,
    ) -> Result<Response<pb::RewindSourceResponse>, Status> {
        let (caller, message) = calling(request)?;
        let id = source_id("name", &message.name)?;
        let stream = match message.stream.as_str() {
            "" => None,
            id => Some(
                id.parse()
                    .map_err(|_| invalid("stream", "must be the id of a stream"))?,
            ),
        };
        let view = operate::rewind_source(&self.services, &caller, &id, stream.as_ref()).await;
        let source = Some(source(&*view.map_err(refuse)?));
        Ok(Response::new(pb::RewindSourceResponse { source }))
    }

    async fn retire_source(
        &self,
        request: Request<pb::RetireSourceRequest>,
    ) -> Result<Response<pb::RetireSourceResponse>, Status> {
        let (caller, message) = calling(request)?;
        let id = source_id("name", &message.name)?;
        let view = operate::retire_source(&self.services, &caller, &id, message.forget).await;
        let source = Some(source(&*view.map_err(refuse)?));
        Ok(Response::new(pb::RetireSourceResponse { source }))
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

fn filter(filter: Option<pb::TableFilter>) -> Filter {
    let filter = filter.unwrap_or_default();
    let given = |text: String| (!text.is_empty()).then_some(text);
    Filter {
        schema: given(filter.schema),
        name_contains: given(filter.name_contains),
    }
}

fn count(field: &str, count: i32) -> Result<u32, Status> {
    u32::try_from(count).map_err(|_| invalid(field, "must not be negative"))
}

pub(crate) fn violation(problem: &Problem) -> (String, String) {
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
