//! Handlers that do what the identifier's scheme says.

use std::sync::Arc;
use std::time::Duration;

use futures::{FutureExt, stream};
use rabt_model::ManualClock;
use rabt_policy::Caller;
use rabt_proto::agreement as gb;
use rabt_proto::agreement::agreement_service_server::AgreementService;
use rabt_proto::audit as ab;
use rabt_proto::audit::audit_service_server::AuditService;
use rabt_proto::audit::oversight_service_server::OversightService;
use rabt_proto::change::change_service_server::ChangeService;
use rabt_proto::change::{
    ExportSnapshotRequest, ExportSnapshotResponse, ListChangesRequest, ListChangesResponse,
    WatchChangesRequest, WatchChangesResponse,
};
use rabt_proto::citizen::citizen_service_server::CitizenService;
use rabt_proto::citizen::{
    BatchLookupCitizensRequest, BatchLookupCitizensResponse, ExplainFieldRequest,
    ExplainFieldResponse, GetCitizenRequest, GetCitizenResponse, ListCitizenRevisionsRequest,
    ListCitizenRevisionsResponse, ListSourceReferencesRequest, ListSourceReferencesResponse,
    LookupCitizenRequest, LookupCitizenResponse, SearchCitizensRequest, SearchCitizensResponse,
    VerifyAttributesRequest, VerifyAttributesResponse,
};
use rabt_proto::common::Citizen;
use rabt_proto::connector as cb;
use rabt_proto::connector::connector_service_server::ConnectorService;
use rabt_proto::connector::{
    CreateSourceRequest, CreateSourceResponse, GetSourceRequest, GetSourceResponse,
    ListRunsRequest, ListRunsResponse, ListSourcesRequest, ListSourcesResponse, StartSourceRequest,
    StartSourceResponse, UpdateSourceRequest, UpdateSourceResponse,
};
use rabt_proto::linkage as pb;
use rabt_proto::linkage::linkage_service_server::LinkageService;
use rabt_proto::transparency as tb;
use rabt_proto::transparency::correction_service_server::CorrectionService;
use rabt_proto::transparency::transparency_service_server::TransparencyService;
use tonic::client::Grpc;
use tonic::transport::Channel;
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

use crate::server::Parts;

pub(super) struct Fake;

pub(super) fn parts() -> Parts<Fake, Fake, Fake, Fake, Fake, Fake, Fake, Fake, Fake> {
    Parts {
        citizens: Fake,
        changes: Fake,
        connectors: Fake,
        reviews: Fake,
        agreements: Fake,
        audits: Fake,
        transparencies: Fake,
        corrections: Fake,
        oversights: Fake,
        readiness: Arc::new(|| async { true }.boxed()),
        refusals: Arc::new(|_, _, _| async { Ok(()) }.boxed()),
        clock: Arc::new(ManualClock::at("2026-01-01T00:00:00Z".parse().unwrap())),
    }
}

macro_rules! unimplemented_methods {
    ($($method:ident($request:ty) -> $response:ty;)*) => {
        $(
            fn $method<'life0, 'async_trait>(
                &'life0 self,
                _: Request<$request>,
            ) -> futures::future::BoxFuture<'async_trait, Result<Response<$response>, Status>>
            where
                'life0: 'async_trait,
                Self: 'async_trait,
            {
                async { Err(Status::unimplemented("not in this test")) }.boxed()
            }
        )*
    };
}

#[tonic::async_trait]
impl CitizenService for Fake {
    async fn lookup_citizen(
        &self,
        request: Request<LookupCitizenRequest>,
    ) -> Result<Response<LookupCitizenResponse>, Status> {
        let caller = request.extensions().get::<Caller>().unwrap();
        let name = format!(
            "{}/{}/{}",
            caller.agency,
            caller.system,
            caller.role.as_str()
        );
        let identifier = request.into_inner().identifier.unwrap_or_default();
        match identifier.scheme.as_str() {
            "panic" => panic!("asked to"),
            "sleep" => {
                let wait = identifier.value.parse().unwrap();
                tokio::time::sleep(Duration::from_millis(wait)).await;
            }
            _ => {}
        }
        let citizen = Citizen {
            name,
            ..Default::default()
        };
        Ok(Response::new(LookupCitizenResponse {
            citizen: Some(citizen),
        }))
    }

    unimplemented_methods! {
        get_citizen(GetCitizenRequest) -> GetCitizenResponse;
        batch_lookup_citizens(BatchLookupCitizensRequest) -> BatchLookupCitizensResponse;
        search_citizens(SearchCitizensRequest) -> SearchCitizensResponse;
        verify_attributes(VerifyAttributesRequest) -> VerifyAttributesResponse;
        list_source_references(ListSourceReferencesRequest) -> ListSourceReferencesResponse;
        explain_field(ExplainFieldRequest) -> ExplainFieldResponse;
        list_citizen_revisions(ListCitizenRevisionsRequest) -> ListCitizenRevisionsResponse;
    }
}

#[tonic::async_trait]
impl ChangeService for Fake {
    type WatchChangesStream = stream::Pending<Result<WatchChangesResponse, Status>>;

    unimplemented_methods! {
        list_changes(ListChangesRequest) -> ListChangesResponse;
        watch_changes(WatchChangesRequest) -> Self::WatchChangesStream;
        export_snapshot(ExportSnapshotRequest) -> ExportSnapshotResponse;
    }
}

#[tonic::async_trait]
impl ConnectorService for Fake {
    type DiscoverSourceStream = stream::Pending<Result<cb::DiscoverSourceResponse, Status>>;

    unimplemented_methods! {
        create_source(CreateSourceRequest) -> CreateSourceResponse;
        update_source(UpdateSourceRequest) -> UpdateSourceResponse;
        check_source(cb::CheckSourceRequest) -> cb::CheckSourceResponse;
        discover_source(cb::DiscoverSourceRequest) -> Self::DiscoverSourceStream;
        propose_source(cb::ProposeSourceRequest) -> cb::ProposeSourceResponse;
        preview_source(cb::PreviewSourceRequest) -> cb::PreviewSourceResponse;
        approve_source(cb::ApproveSourceRequest) -> cb::ApproveSourceResponse;
        withdraw_source(cb::WithdrawSourceRequest) -> cb::WithdrawSourceResponse;
        export_source(cb::ExportSourceRequest) -> cb::ExportSourceResponse;
        pause_source(cb::PauseSourceRequest) -> cb::PauseSourceResponse;
        resume_source(cb::ResumeSourceRequest) -> cb::ResumeSourceResponse;
        replay_source(cb::ReplaySourceRequest) -> cb::ReplaySourceResponse;
        rewind_source(cb::RewindSourceRequest) -> cb::RewindSourceResponse;
        retire_source(cb::RetireSourceRequest) -> cb::RetireSourceResponse;
        get_source(GetSourceRequest) -> GetSourceResponse;
        list_sources(ListSourcesRequest) -> ListSourcesResponse;
        start_source(StartSourceRequest) -> StartSourceResponse;
        list_runs(ListRunsRequest) -> ListRunsResponse;
    }
}

impl AgreementService for Fake {
    unimplemented_methods! {
        create_agreement(gb::CreateAgreementRequest) -> gb::CreateAgreementResponse;
        update_agreement(gb::UpdateAgreementRequest) -> gb::UpdateAgreementResponse;
        get_agreement(gb::GetAgreementRequest) -> gb::GetAgreementResponse;
        list_agreements(gb::ListAgreementsRequest) -> gb::ListAgreementsResponse;
        approve_agreement(gb::ApproveAgreementRequest) -> gb::ApproveAgreementResponse;
        withdraw_agreement(gb::WithdrawAgreementRequest) -> gb::WithdrawAgreementResponse;
        activate_agreement(gb::ActivateAgreementRequest) -> gb::ActivateAgreementResponse;
        suspend_agreement(gb::SuspendAgreementRequest) -> gb::SuspendAgreementResponse;
        resume_agreement(gb::ResumeAgreementRequest) -> gb::ResumeAgreementResponse;
        end_agreement(gb::EndAgreementRequest) -> gb::EndAgreementResponse;
        simulate_policy(gb::SimulatePolicyRequest) -> gb::SimulatePolicyResponse;
        list_my_permissions(gb::ListMyPermissionsRequest) -> gb::ListMyPermissionsResponse;
        export_register(gb::ExportRegisterRequest) -> gb::ExportRegisterResponse;
        list_services(gb::ListServicesRequest) -> gb::ListServicesResponse;
    }
}

#[tonic::async_trait]
impl LinkageService for Fake {
    unimplemented_methods! {
        list_review_tasks(pb::ListReviewTasksRequest) -> pb::ListReviewTasksResponse;
        get_review_task(pb::GetReviewTaskRequest) -> pb::GetReviewTaskResponse;
        claim_review_task(pb::ClaimReviewTaskRequest) -> pb::ClaimReviewTaskResponse;
        release_review_task(pb::ReleaseReviewTaskRequest) -> pb::ReleaseReviewTaskResponse;
        resolve_review_task(pb::ResolveReviewTaskRequest) -> pb::ResolveReviewTaskResponse;
        list_decisions(pb::ListDecisionsRequest) -> pb::ListDecisionsResponse;
        get_decision(pb::GetDecisionRequest) -> pb::GetDecisionResponse;
        preview_merge(pb::PreviewMergeRequest) -> pb::PreviewMergeResponse;
        merge_citizens(pb::MergeCitizensRequest) -> pb::MergeCitizensResponse;
        preview_split(pb::PreviewSplitRequest) -> pb::PreviewSplitResponse;
        split_citizen(pb::SplitCitizenRequest) -> pb::SplitCitizenResponse;
        confirm_decision(pb::ConfirmDecisionRequest) -> pb::ConfirmDecisionResponse;
        withdraw_decision(pb::WithdrawDecisionRequest) -> pb::WithdrawDecisionResponse;
        undo_decision(pb::UndoDecisionRequest) -> pb::UndoDecisionResponse;
        protect_citizen(pb::ProtectCitizenRequest) -> pb::ProtectCitizenResponse;
        explain_pair(pb::ExplainPairRequest) -> pb::ExplainPairResponse;
        shadow_model(pb::ShadowModelRequest) -> pb::ShadowModelResponse;
    }
}

#[tonic::async_trait]
impl AuditService for Fake {
    type TailEventsStream = stream::Pending<Result<ab::TailEventsResponse, Status>>;
    type ExportEvidenceStream = stream::Pending<Result<ab::ExportEvidenceResponse, Status>>;

    unimplemented_methods! {
        list_events(ab::ListEventsRequest) -> ab::ListEventsResponse;
        tail_events(ab::TailEventsRequest) -> Self::TailEventsStream;
        get_checkpoint(ab::GetCheckpointRequest) -> ab::GetCheckpointResponse;
        get_inclusion_proof(ab::GetInclusionProofRequest) -> ab::GetInclusionProofResponse;
        get_consistency_proof(ab::GetConsistencyProofRequest) -> ab::GetConsistencyProofResponse;
        add_witness_signature(ab::AddWitnessSignatureRequest) -> ab::AddWitnessSignatureResponse;
        export_evidence(ab::ExportEvidenceRequest) -> Self::ExportEvidenceStream;
        replay_answer(ab::ReplayAnswerRequest) -> ab::ReplayAnswerResponse;
    }
}

#[tonic::async_trait]
impl TransparencyService for Fake {
    unimplemented_methods! {
        list_access_events(tb::ListAccessEventsRequest) -> tb::ListAccessEventsResponse;
        count_withheld_events(tb::CountWithheldEventsRequest) -> tb::CountWithheldEventsResponse;
        get_access_receipt(tb::GetAccessReceiptRequest) -> tb::GetAccessReceiptResponse;
        list_holdings(tb::ListHoldingsRequest) -> tb::ListHoldingsResponse;
        create_correction_request(tb::CreateCorrectionRequestRequest) -> tb::CreateCorrectionRequestResponse;
        list_correction_requests(tb::ListCorrectionRequestsRequest) -> tb::ListCorrectionRequestsResponse;
    }
}

#[tonic::async_trait]
impl CorrectionService for Fake {
    unimplemented_methods! {
        list_agency_corrections(tb::ListAgencyCorrectionsRequest) -> tb::ListAgencyCorrectionsResponse;
        answer_correction(tb::AnswerCorrectionRequest) -> tb::AnswerCorrectionResponse;
    }
}

#[tonic::async_trait]
impl OversightService for Fake {
    unimplemented_methods! {
        request_erasure(ab::RequestErasureRequest) -> ab::RequestErasureResponse;
        list_erasures(ab::ListErasuresRequest) -> ab::ListErasuresResponse;
        confirm_erasure(ab::ConfirmErasureRequest) -> ab::ConfirmErasureResponse;
        withdraw_erasure(ab::WithdrawErasureRequest) -> ab::WithdrawErasureResponse;
        list_emergencies(ab::ListEmergenciesRequest) -> ab::ListEmergenciesResponse;
        review_emergency(ab::ReviewEmergencyRequest) -> ab::ReviewEmergencyResponse;
        request_archive(ab::RequestArchiveRequest) -> ab::RequestArchiveResponse;
        list_archives(ab::ListArchivesRequest) -> ab::ListArchivesResponse;
        confirm_archive(ab::ConfirmArchiveRequest) -> ab::ConfirmArchiveResponse;
        withdraw_archive(ab::WithdrawArchiveRequest) -> ab::WithdrawArchiveResponse;
    }
}

/// Sends bytes where a `RequestContext` belongs; returns the error, if that is the answer.
pub(super) async fn send_raw(channel: Channel, bytes: Vec<u8>) -> Option<Status> {
    let mut grpc = Grpc::new(channel);
    grpc.ready().await.unwrap();
    let path = "/rabt.citizen.v1.CitizenService/LookupCitizen"
        .parse()
        .unwrap();
    let codec = ProstCodec::<Vec<u8>, LookupCitizenResponse>::default();
    let answer = grpc.unary(Request::new(bytes), path, codec).await;
    answer.err()
}

/// Returns the services that reflection lists.
pub(super) async fn reflect(channel: Channel) -> Vec<String> {
    let ask = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let mut client = ServerReflectionClient::new(channel);
    let answers = client
        .server_reflection_info(stream::iter([ask]))
        .await
        .unwrap();
    let answer = answers.into_inner().message().await.unwrap().unwrap();
    match answer.message_response {
        Some(MessageResponse::ListServicesResponse(list)) => list
            .service
            .into_iter()
            .map(|service| service.name)
            .collect(),
        _ => Vec::new(),
    }
}
