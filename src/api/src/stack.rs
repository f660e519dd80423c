//! The stack from an accepted request to its handler, in order: request id, span, deadline, caller,
//! its rate, concurrency limits, handler.
//!
//! Invariant: nothing that a client wrote reaches a span or a log line; a path is replaced by the
//! name of the method it belongs to.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::FutureExt;
use http::{HeaderValue, Request, Response};
use hyper::body::Incoming;
use rabt_model::{ErrorClass, Timestamp};
use rabt_policy::Caller;
use rabt_proto::agreement::agreement_service_server::{AgreementService, AgreementServiceServer};
use rabt_proto::audit::audit_service_server::{AuditService, AuditServiceServer};
use rabt_proto::audit::oversight_service_server::{OversightService, OversightServiceServer};
use rabt_proto::change::change_service_server::{ChangeService, ChangeServiceServer};
use rabt_proto::citizen::citizen_service_server::{CitizenService, CitizenServiceServer};
use rabt_proto::connector::connector_service_server::{ConnectorService, ConnectorServiceServer};
use rabt_proto::linkage::linkage_service_server::{LinkageService, LinkageServiceServer};
use rabt_proto::transparency::correction_service_server::{
    CorrectionService, CorrectionServiceServer,
};
use rabt_proto::transparency::transparency_service_server::{
    TransparencyService, TransparencyServiceServer,
};
use rustls_pki_types::CertificateDer;
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::Service;
use tracing::{Instrument, Span, debug, error, info_span, warn};

use crate::limit::{Arrival, Gauge, OwnedPlace, Share, Shares, deadline};
use crate::listen::Edge;
use crate::refusal::{Record, recorded};
use crate::server::Parts;
use crate::status::{deadline_exceeded, quota_exceeded, status};
use crate::{Limits, authn};

/// What a caller is told that asks too often.
const OVER_RATE: &str = "this caller asks more often than limits.requests_per_second_per_caller; ask \
                         again after the time in RetryInfo, and spread requests evenly";

/// The agencies' side of the node.
pub(crate) struct Stack<C, F, O, L, G, A, T, R, S> {
    citizens: CitizenServiceServer<C>,
    changes: ChangeServiceServer<F>,
    connectors: ConnectorServiceServer<O>,
    reviews: LinkageServiceServer<L>,
    agreements: AgreementServiceServer<G>,
    audits: AuditServiceServer<A>,
    transparencies: TransparencyServiceServer<T>,
    corrections: CorrectionServiceServer<R>,
    oversights: OversightServiceServer<S>,
    refusals: Record,
    side: Side,
    ids: RequestIds,
    in_flight: Arc<Gauge>,
    callers: Shares,
    longest: Duration,
    slow: Duration,
}

/// The other end of one connection.
pub(crate) struct Peer {
    caller: Option<Caller>,
    share: Arc<Share>,
    _connection: OwnedPlace,
}

impl<C, F, O, L, G, A, T, R, S> Stack<C, F, O, L, G, A, T, R, S>
where
    C: CitizenService,
    F: ChangeService,
    O: ConnectorService,
    L: LinkageService,
    G: AgreementService,
    A: AuditService,
    T: TransparencyService,
    R: CorrectionService,
    S: OversightService,
{
    pub(crate) fn new(parts: Parts<C, F, O, L, G, A, T, R, S>, limits: &Limits) -> Self {
        let largest = limits.message_bytes;
        Self {
            citizens: CitizenServiceServer::new(parts.citizens).max_decoding_message_size(largest),
            changes: ChangeServiceServer::new(parts.changes).max_decoding_message_size(largest),
            connectors: ConnectorServiceServer::new(parts.connectors)
                .max_decoding_message_size(largest),
            reviews: LinkageServiceServer::new(parts.reviews).max_decoding_message_size(largest),
            agreements: AgreementServiceServer::new(parts.agreements)
                .max_decoding_message_size(largest),
            audits: AuditServiceServer::new(parts.audits).max_decoding_message_size(largest),
            transparencies: TransparencyServiceServer::new(parts.transparencies)
                .max_decoding_message_size(largest),
            corrections: CorrectionServiceServer::new(parts.corrections)
                .max_decoding_message_size(largest),
            oversights: OversightServiceServer::new(parts.oversights)
                .max_decoding_message_size(largest),
            refusals: parts.refusals,
            side: Side::Agencies,
            ids: RequestIds::new(parts.clock.now()),
            in_flight: Gauge::new(limits.in_flight),
            callers: Shares::new(limits),
            longest: limits.deadline(),
            slow: limits.slow_deadline(),
        }
    }

    /// Returns the side of the portals, with places of its own for requests.
    pub(crate) fn for_portals(&self, start: Timestamp, limits: &Limits) -> Self {
        Self {
            citizens: self.citizens.clone(),
            changes: self.changes.clone(),
            connectors: self.connectors.clone(),
            reviews: self.reviews.clone(),
            agreements: self.agreements.clone(),
            audits: self.audits.clone(),
            transparencies: self.transparencies.clone(),
            corrections: self.corrections.clone(),
            oversights: self.oversights.clone(),
            refusals: Arc::clone(&self.refusals),
            side: Side::Portals,
            // ids of requests stay different from those of the other side
            ids: RequestIds::portals(start),
            in_flight: Gauge::new(limits.in_flight),
            callers: Shares::new(limits),
            longest: self.longest,
            slow: self.slow,
        }
    }

    async fn admit(
        &self,
        peer: &Peer,
        method: &Method,
        mut request: Request<Incoming>,
    ) -> Response<Body> {
        // Only the answer of a slow method may take long, not its message.
        let (longest, arrival) = if method.is_slow() {
            (self.slow, Some(self.longest))
        } else {
            (self.longest, None)
        };
        let deadline = deadline(request.headers(), longest);
        let Some(caller) = &peer.caller else {
            return status(ErrorClass::NotPermitted, "").into_http();
        };
        // Before anything that callers have in common: who floods takes nothing from the others.
        if let Err(wait) = peer.share.ask() {
            return quota_exceeded(OVER_RATE, wait).into_http();
        }
        let Some(_node) = self.in_flight.enter() else {
            return overloaded("the node has too many requests in work; try again later");
        };
        let Some(_caller) = peer.share.in_flight.enter() else {
            return overloaded("this caller has too many requests in work; try again later");
        };
        request.extensions_mut().insert(caller.clone());
        let request = request.map(|body| Arrival::new(body, arrival));
        let work = AssertUnwindSafe(self.handle(caller, method, request)).catch_unwind();
        match tokio::time::timeout(deadline, work).await {
            Ok(Ok(response)) => response,
            Ok(Err(_panic)) => {
                error!("handler panicked");
                status(ErrorClass::Defect, "").into_http()
            }
            Err(_elapsed) => deadline_exceeded().into_http(),
        }
    }

    async fn handle(
        &self,
        caller: &Caller,
        method: &Method,
        request: Request<Arrival>,
    ) -> Response<Body> {
        let Ok(response) = match method.service {
            ServiceName::Citizen => self.citizens.clone().call(request).await,
            ServiceName::Change => self.changes.clone().call(request).await,
            ServiceName::Connector => self.connectors.clone().call(request).await,
            ServiceName::Linkage => self.reviews.clone().call(request).await,
            ServiceName::Agreement => self.agreements.clone().call(request).await,
            ServiceName::Audit => self.audits.clone().call(request).await,
            ServiceName::Transparency => self.transparencies.clone().call(request).await,
            ServiceName::Correction => self.corrections.clone().call(request).await,
            ServiceName::Oversight => self.oversights.clone().call(request).await,
        };
        if method.service.records_its_refusals() {
            return response;
        }
        recorded(&self.refusals, (caller.clone(), method.name()), response).await
    }
}

impl<C, F, O, L, G, A, T, R, S> Edge for Stack<C, F, O, L, G, A, T, R, S>
where
    C: CitizenService,
    F: ChangeService,
    O: ConnectorService,
    L: LinkageService,
    G: AgreementService,
    A: AuditService,
    T: TransparencyService,
    R: CorrectionService,
    S: OversightService,
{
    type Peer = Peer;

    fn peer(&self, certificate: Option<&CertificateDer<'_>>) -> Option<Peer> {
        let named = certificate.map(authn::caller);
        let (caller, urn) = match named {
            Some(Ok((caller, urn))) => (Some(caller), urn),
            Some(Err(reason)) => {
                warn!(%reason, "certificate names no caller");
                (None, String::new())
            }
            None => (None, String::new()),
        };
        let share = self.callers.of(&urn);
        let connection = share.connections.enter_owned()?;
        Some(Peer {
            caller,
            share,
            _connection: connection,
        })
    }

    async fn answer(
        self: Arc<Self>,
        peer: Arc<Peer>,
        request: Request<Incoming>,
    ) -> Response<Body> {
        let id = self.ids.next();
        let method = Method::of_path(request.uri().path());
        let Some(method) = method.filter(|method| method.service.side() == self.side) else {
            return Status::unimplemented("there is no such method").into_http();
        };
        let span = span(&id, method, &peer);
        let mut response = self
            .admit(&peer, method, request)
            .instrument(span.clone())
            .await;
        span.in_scope(|| debug!(code = code_of(&response), "answered"));
        if let Ok(mut id) = HeaderValue::try_from(id) {
            // never the same again, so that no table of headers should keep it
            id.set_sensitive(true);
            response.headers_mut().insert("x-request-id", id);
        }
        response
    }
}

fn span(id: &str, method: &Method, peer: &Peer) -> Span {
    let caller = peer.caller.as_ref();
    let agency = caller.map(|caller| caller.agency.as_str());
    info_span!("request", id, method = method.path, agency)
}

fn overloaded(message: &str) -> Response<Body> {
    status(ErrorClass::Overloaded, message).into_http()
}

/// Returns the gRPC code of a response; an answer with a message says OK in its trailers.
fn code_of(response: &Response<Body>) -> &str {
    let code = response.headers().get("grpc-status");
    code.and_then(|code| code.to_str().ok()).unwrap_or("0")
}

/// One method of the contract.
struct Method {
    path: &'static str,
    service: ServiceName,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ServiceName {
    Citizen,
    Change,
    Connector,
    Linkage,
    Agreement,
    Audit,
    Transparency,
    Correction,
    Oversight,
}

/// Which listener answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Agencies,
    Portals,
}

impl ServiceName {
    /// Says whether every refusal has its entry by the use cases themselves: they know what was asked.
    const fn records_its_refusals(self) -> bool {
        matches!(self, Self::Citizen | Self::Change)
    }

    const fn side(self) -> Side {
        match self {
            Self::Transparency => Side::Portals,
            Self::Citizen
            | Self::Change
            | Self::Connector
            | Self::Linkage
            | Self::Agreement
            | Self::Audit
            | Self::Correction
            | Self::Oversight => Side::Agencies,
        }
    }
}

macro_rules! methods {
    ($($service:ident $prefix:literal: $($method:literal)*;)*) => {
        [$($(Method {
            path: concat!("/", $prefix, "/", $method),
            service: ServiceName::$service,
        },)*)*]
    };
}

const METHODS: [Method; 86] = methods! {
    Citizen "rabt.citizen.v1.CitizenService":
        "LookupCitizen" "GetCitizen" "BatchLookupCitizens" "SearchCitizens" "VerifyAttributes"
        "ListSourceReferences" "ExplainField" "ListCitizenRevisions";
    Change "rabt.change.v1.ChangeService":
        "ListChanges" "WatchChanges" "ExportSnapshot";
    Connector "rabt.connector.v1.ConnectorService":
        "CreateSource" "UpdateSource" "CheckSource" "DiscoverSource" "ProposeSource" "PreviewSource"
        "ApproveSource" "WithdrawSource" "ExportSource" "GetSource" "ListSources" "StartSource"
        "PauseSource" "ResumeSource" "ReplaySource" "RewindSource" "RetireSource" "ListRuns";
    Linkage "rabt.linkage.v1.LinkageService":
        "ListReviewTasks" "GetReviewTask" "ClaimReviewTask" "ReleaseReviewTask" "ResolveReviewTask"
        "ListDecisions" "GetDecision" "PreviewMerge" "MergeCitizens" "PreviewSplit" "SplitCitizen"
        "ConfirmDecision" "WithdrawDecision" "UndoDecision" "ProtectCitizen" "ExplainPair"
        "ShadowModel";
    Agreement "rabt.agreement.v1.AgreementService":
        "CreateAgreement" "UpdateAgreement" "GetAgreement" "ListAgreements" "ApproveAgreement"
        "WithdrawAgreement" "ActivateAgreement" "SuspendAgreement" "ResumeAgreement" "EndAgreement"
        "SimulatePolicy" "ListMyPermissions" "ExportRegister" "ListServices";
    Audit "rabt.audit.v1.AuditService":
        "ListEvents" "TailEvents" "GetCheckpoint" "GetInclusionProof" "GetConsistencyProof"
        "AddWitnessSignature" "ExportEvidence" "ReplayAnswer";
    Transparency "rabt.transparency.v1.TransparencyService":
        "ListAccessEvents" "CountWithheldEvents" "GetAccessReceipt" "ListHoldings"
        "CreateCorrectionRequest" "ListCorrectionRequests";
    Correction "rabt.transparency.v1.CorrectionService":
        "ListAgencyCorrections" "AnswerCorrection";
    Oversight "rabt.audit.v1.OversightService":
        "RequestErasure" "ListErasures" "ConfirmErasure" "WithdrawErasure"
        "ListEmergencies" "ReviewEmergency"
        "RequestArchive" "ListArchives" "ConfirmArchive" "WithdrawArchive";
};

/// Methods that wait for an agency's database, compare all that is held, or write as long as there is something.
const SLOW: [&str; 7] = [
    "ConfirmArchive",
    "CheckSource",
    "DiscoverSource",
    "ProposeSource",
    "PreviewSource",
    "RetireSource",
    "ShadowModel",
];

impl Method {
    /// Says whether the method may take long.
    fn is_slow(&self) -> bool {
        SLOW.contains(&self.name())
    }

    /// Returns the method's name without that of its service.
    fn name(&self) -> &'static str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    fn of_path(path: &str) -> Option<&'static Self> {
        METHODS.iter().find(|method| method.path == path)
    }
}

/// Numbers requests: the start of the process and a count, so that an id is met once.
struct RequestIds {
    side: &'static str,
    start: i64,
    next: AtomicU64,
}

impl RequestIds {
    fn new(start: Timestamp) -> Self {
        Self {
            side: "",
            start: start.as_millisecond(),
            next: AtomicU64::new(0),
        }
    }

    fn portals(start: Timestamp) -> Self {
        Self {
            side: "p",
            ..Self::new(start)
        }
    }

    fn next(&self) -> String {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        format!("{}{:x}-{number:x}", self.side, self.start)
    }
}

#[cfg(test)]
mod tests {
    use prost::Message;
    use prost_types::FileDescriptorSet;

    use super::{METHODS, RequestIds};

    #[test]
    fn every_method_of_the_contract_is_dispatched() {
        let contract = FileDescriptorSet::decode(rabt_proto::FILE_DESCRIPTOR_SET).unwrap();
        let mut paths = Vec::new();
        for file in &contract.file {
            for service in &file.service {
                let methods = service.method.iter();
                let name = format!("/{}.{}", file.package(), service.name());
                paths.extend(methods.map(|method| format!("{name}/{}", method.name())));
            }
        }
        paths.sort();
        let mut dispatched: Vec<&str> = METHODS.iter().map(|method| method.path).collect();
        dispatched.sort_unstable();
        assert_eq!(paths, dispatched);
    }

    #[test]
    fn request_ids_differ() {
        let ids = RequestIds::new("2026-01-01T00:00:00Z".parse().unwrap());
        assert_ne!(ids.next(), ids.next());
    }
}
