//! Every method about sources.

use rabt_proto::connector as pb;
use rabt_proto::connector::connector_service_client::ConnectorServiceClient;
use tonic::Status;
use tonic::transport::Channel;

/// The methods.
pub(super) const METHODS: [&str; 18] = [
    "CreateSource",
    "UpdateSource",
    "CheckSource",
    "DiscoverSource",
    "ProposeSource",
    "PreviewSource",
    "ApproveSource",
    "WithdrawSource",
    "ExportSource",
    "GetSource",
    "ListSources",
    "StartSource",
    "PauseSource",
    "ResumeSource",
    "ReplaySource",
    "RewindSource",
    "RetireSource",
    "ListRuns",
];

/// Calls one about a source that is not there.
pub(super) async fn ask(channel: Channel, method: &str) -> Result<(), Status> {
    let mut client = ConnectorServiceClient::new(channel);
    let name = "sources/tax".to_owned();
    macro_rules! call {
        ($call:ident, $request:ident { $($field:ident),* }) => {
            client.$call(pb::$request { $($field,)* ..Default::default() }).await.map(|_| ())
        };
    }
    match method {
        "CreateSource" => call!(create_source, CreateSourceRequest {}),
        "UpdateSource" => call!(update_source, UpdateSourceRequest {}),
        "CheckSource" => client
            .check_source(pb::CheckSourceRequest { name })
            .await
            .map(|_| ()),
        "DiscoverSource" => call!(discover_source, DiscoverSourceRequest { name }),
        "ProposeSource" => call!(propose_source, ProposeSourceRequest { name }),
        "PreviewSource" => call!(preview_source, PreviewSourceRequest { name }),
        "ApproveSource" => call!(approve_source, ApproveSourceRequest { name }),
        "WithdrawSource" => call!(withdraw_source, WithdrawSourceRequest { name }),
        "ExportSource" => call!(export_source, ExportSourceRequest { name }),
        "GetSource" => client
            .get_source(pb::GetSourceRequest { name })
            .await
            .map(|_| ()),
        "ListSources" => call!(list_sources, ListSourcesRequest {}),
        "StartSource" => client
            .start_source(pb::StartSourceRequest { name })
            .await
            .map(|_| ()),
        "PauseSource" => client
            .pause_source(pb::PauseSourceRequest { name })
            .await
            .map(|_| ()),
        "ResumeSource" => client
            .resume_source(pb::ResumeSourceRequest { name })
            .await
            .map(|_| ()),
        "ReplaySource" => client
            .replay_source(pb::ReplaySourceRequest { name })
            .await
            .map(|_| ()),
        "RewindSource" => call!(rewind_source, RewindSourceRequest { name }),
        "RetireSource" => call!(retire_source, RetireSourceRequest { name }),
        "ListRuns" => {
            let parent = name;
            call!(list_runs, ListRunsRequest { parent })
        }
        other => panic!("{other} is not in the table"),
    }
}
