//! `rabt.audit.v1.AuditService`: each method translates in, calls one use case, translates out.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures::Stream;
use rabt_model::ErrorClass;
use rabt_policy::{AccessRequest, Caller, Method};
use rabt_proto::audit as pb;
use rabt_proto::audit::audit_service_server::AuditService;
use rabt_proto::audit::replay_answer_request::Question as Again;
use rabt_proto::citizen::{GetCitizenResponse, LookupCitizenResponse};
use rabt_proto::common::RequestContext;
use rabt_service::enquiry::{Draft, Wire};
use rabt_service::evidence::{self, EvidenceError, Parts, Recalled, Seen, Tail};
use rabt_service::{Salt, Services};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

use crate::authn::calling;
use crate::convert::evidence::{again, event, filter, hashes, note, stamp};
use crate::convert::parts;
use crate::limit::{Gauge, OwnedPlace};
use crate::page::{Pages, Sizes};
use crate::request::{Question, holder, named};
use crate::status::{invalid, of_error, status};
use crate::wire::Over;
use crate::{Limits, convert};

const PAGE: Sizes = Sizes {
    usual: 100,
    most: 1_000,
};

/// Seconds between signs of life when the caller does not say, and at most.
const HEARTBEAT: u32 = 10;
const LONGEST_HEARTBEAT: u32 = 60;

/// The messages of a stream.
type Messages<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// Serves auditors.
pub(crate) struct Audits {
    services: Arc<Services>,
    pages: Pages,
    /// Who tails or exports; counted apart from the watchers of the change feed.
    readers: Arc<Gauge>,
    shutdown: CancellationToken,
}

impl Audits {
    pub(crate) fn new(
        services: Arc<Services>,
        limits: &Limits,
        shutdown: CancellationToken,
    ) -> Self {
        Self {
            services,
            pages: Pages::default(),
            readers: Gauge::new(limits.watchers_per_caller),
            shutdown,
        }
    }

    /// Returns a question that is asked again; who asked stands in its entry.
    fn question(
        &self,
        caller: &Caller,
        method: Method,
        context: Option<RequestContext>,
    ) -> Result<Question, Status> {
        Question::new(caller.clone(), method, context, self.services.clock.now())
    }

    fn place(&self) -> Result<OwnedPlace, Status> {
        let place = self.readers.enter_owned();
        place.ok_or_else(|| {
            let remedy =
                "the node has too many readers of its log; try again later, or list events";
            status(ErrorClass::Overloaded, remedy)
        })
    }
}

#[tonic::async_trait]
impl AuditService for Audits {
    async fn list_events(
        &self,
        request: Request<pb::ListEventsRequest>,
    ) -> Result<Response<pb::ListEventsResponse>, Status> {
        let (caller, message) = calling(request)?;
        let oldest_first = message.order() == pb::EventOrder::OldestFirst;
        let filter = filter(message.filter)?;
        let key = ("ListEvents", &filter, oldest_first);
        let asked = (message.page_size, message.page_token.as_str());
        let page = self.pages.open_at(&caller, &key, asked, PAGE)?;
        let from = page.after.and_then(|place| u64::try_from(place).ok());
        let order = (oldest_first, from);
        let found = evidence::list_events(&self.services, &caller, &filter, order, page.size).await;
        let found = found.map_err(refuse)?;
        let next = found.next.map(u128::from);
        Ok(Response::new(pb::ListEventsResponse {
            events: found.found.iter().map(event).collect(),
            next_page_token: self.pages.token_at(&caller, &key, next),
        }))
    }

    type TailEventsStream = Messages<pb::TailEventsResponse>;

    async fn tail_events(
        &self,
        request: Request<pb::TailEventsRequest>,
    ) -> Result<Response<Self::TailEventsStream>, Status> {
        let (caller, message) = calling(request)?;
        let seconds = match message.heartbeat_seconds {
            0 => HEARTBEAT,
            asked => asked.min(LONGEST_HEARTBEAT),
        };
        let filter = filter(message.filter)?;
        let heartbeat = Duration::from_secs(seconds.into());
        let from = message.from_leaf;
        let place = self.place()?;
        let tail = Tail::begin(&self.services, caller, filter, from, heartbeat).await;
        let tail = tail.map_err(refuse)?;
        let reading = (tail, self.shutdown.clone(), place);
        let messages = futures::stream::unfold(Some(reading), |reading| async move {
            let (mut tail, shutdown, place) = reading?;
            let message = told(&mut tail, &shutdown).await;
            let on = message.is_ok().then_some((tail, shutdown, place));
            Some((message, on))
        });
        Ok(Response::new(Box::pin(messages)))
    }

    async fn get_checkpoint(
        &self,
        request: Request<pb::GetCheckpointRequest>,
    ) -> Result<Response<pb::GetCheckpointResponse>, Status> {
        let (caller, message) = calling(request)?;
        let (size, witnessed) = (message.size, message.witnessed);
        let signed = evidence::get_checkpoint(&self.services, &caller, size, witnessed).await;
        let signed = signed.map_err(refuse)?.into_inner();
        Ok(Response::new(pb::GetCheckpointResponse {
            checkpoint: note(&signed.note),
            size: signed.size,
            root: signed.root.to_vec(),
            verifier_key: signed.verifier,
        }))
    }

    async fn get_inclusion_proof(
        &self,
        request: Request<pb::GetInclusionProofRequest>,
    ) -> Result<Response<pb::GetInclusionProofResponse>, Status> {
        let (caller, message) = calling(request)?;
        let (leaf, size) = (message.leaf, message.size);
        let proof = evidence::get_inclusion_proof(&self.services, &caller, leaf, size).await;
        let proof = proof.map_err(refuse)?.into_inner();
        Ok(Response::new(pb::GetInclusionProofResponse {
            leaf: proof.leaf,
            size: proof.size,
            leaf_hash: proof.leaf_hash.to_vec(),
            hashes: hashes(&proof.hashes),
        }))
    }

    async fn get_consistency_proof(
        &self,
        request: Request<pb::GetConsistencyProofRequest>,
    ) -> Result<Response<pb::GetConsistencyProofResponse>, Status> {
        let (caller, message) = calling(request)?;
        let (from, to) = (message.from_size, message.to_size);
        let proof = evidence::get_consistency_proof(&self.services, &caller, from, to).await;
        let proof = proof.map_err(refuse)?.into_inner();
        Ok(Response::new(pb::GetConsistencyProofResponse {
            from_size: proof.from,
            to_size: proof.to,
            hashes: hashes(&proof.hashes),
        }))
    }

    async fn add_witness_signature(
        &self,
        request: Request<pb::AddWitnessSignatureRequest>,
    ) -> Result<Response<pb::AddWitnessSignatureResponse>, Status> {
        let (caller, message) = calling(request)?;
        let (size, line) = (message.size, message.line.trim_end());
        let signed = evidence::add_witness_signature(&self.services, &caller, size, line).await;
        let signed = signed.map_err(refuse)?;
        Ok(Response::new(pb::AddWitnessSignatureResponse {
            checkpoint: note(&signed),
        }))
    }

    async fn replay_answer(
        &self,
        request: Request<pb::ReplayAnswerRequest>,
    ) -> Result<Response<pb::ReplayAnswerResponse>, Status> {
        let (caller, message) = calling(request)?;
        let admitted = evidence::admit_replay(&self.services, &caller).await;
        admitted.map_err(refuse)?;
        let salt = <[u8; 16]>::try_from(message.salt.as_slice());
        let salt = salt.map_err(|_| invalid("salt", "must be 16 bytes"))?;
        let question = message
            .question
            .ok_or_else(|| invalid("question", "must be set"))?;
        let replayed = match question {
            Again::LookupCitizen(asked) => {
                let over = Over::salted(Salt(salt), &asked, |draft: &Draft<'_>| {
                    let citizen = Some(convert::citizen(draft)?);
                    Ok(LookupCitizenResponse { citizen })
                });
                let method = Method::LookupCitizen;
                let question = self.question(&caller, method, asked.context)?;
                let question = question.masked(asked.read_mask);
                let access = question.about(holder(asked.identifier));
                let recalled = recalled(access, &over);
                evidence::replay_answer(&self.services, &caller, message.leaf, recalled).await
            }
            Again::GetCitizen(asked) => {
                let over = Over::salted(Salt(salt), &asked, |draft: &Draft<'_>| {
                    let citizen = Some(convert::citizen(draft)?);
                    Ok(GetCitizenResponse { citizen })
                });
                let method = Method::GetCitizen;
                let question = self.question(&caller, method, asked.context)?;
                let question = question.masked(asked.read_mask);
                let access = question.about(named(&asked.name));
                let recalled = recalled(access, &over);
                evidence::replay_answer(&self.services, &caller, message.leaf, recalled).await
            }
        };
        let replay = replayed.map_err(refuse)?.into_inner();
        Ok(Response::new(pb::ReplayAnswerResponse {
            recorded: replay.recorded,
            then: Some(again(replay.then)),
            now: Some(again(replay.now)),
        }))
    }

    type ExportEvidenceStream = Messages<pb::ExportEvidenceResponse>;

    async fn export_evidence(
        &self,
        request: Request<pb::ExportEvidenceRequest>,
    ) -> Result<Response<Self::ExportEvidenceStream>, Status> {
        let (caller, message) = calling(request)?;
        let range = (message.from_leaf, message.to_leaf);
        let place = self.place()?;
        let told = evidence::export_evidence(&self.services, &caller, range, message.size).await;
        let reading = (told.map_err(refuse)?, place);
        let messages = futures::stream::unfold(Some(reading), |reading| async move {
            let (mut evidence, place) = reading?;
            match evidence.next().await {
                Ok(Some((first_leaf, bodies))) => {
                    let message = pb::ExportEvidenceResponse {
                        first_leaf,
                        bodies,
                        ..Default::default()
                    };
                    Some((Ok(message), Some((evidence, place))))
                }
                Ok(None) => {
                    let stamps = match evidence.next_stamps().await {
                        Ok(stamps) => stamps,
                        Err(error) => return Some((Err(refuse(error)), None)),
                    };
                    if !stamps.is_empty() {
                        let message = pb::ExportEvidenceResponse {
                            stamps: stamps.iter().map(stamp).collect(),
                            ..Default::default()
                        };
                        return Some((Ok(message), Some((evidence, place))));
                    }
                    let witnessed = evidence.witnessed.unwrap_or_default();
                    let last = pb::ExportEvidenceResponse {
                        checkpoint: note(&evidence.checkpoint),
                        beside: hashes(&evidence.beside),
                        witnessed_checkpoint: note(&witnessed),
                        ..Default::default()
                    };
                    Some((Ok(last), None))
                }
                Err(error) => Some((Err(refuse(error)), None)),
            }
        });
        Ok(Response::new(Box::pin(messages)))
    }
}

fn recalled(request: AccessRequest, wire: &dyn Wire) -> Recalled<'_> {
    Recalled {
        request,
        wire,
        parts: &|draft| convert::citizen(draft).map_or_else(|_| Parts::new(), |one| parts(&one)),
    }
}

async fn told(
    tail: &mut Tail,
    shutdown: &CancellationToken,
) -> Result<pb::TailEventsResponse, Status> {
    let seen = tokio::select! {
        biased;
        () = shutdown.cancelled() => {
            let remedy = "the node stops; go on with the last next_leaf when it is back";
            return Err(status(ErrorClass::Overloaded, remedy));
        }
        seen = tail.next() => seen.map_err(refuse)?,
    };
    Ok(match seen {
        Seen::Events(found, next_leaf) => pb::TailEventsResponse {
            events: found.iter().map(event).collect(),
            next_leaf,
        },
        Seen::Heartbeat(next_leaf) => pb::TailEventsResponse {
            events: Vec::new(),
            next_leaf,
        },
    })
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the shape that map_err wants; the error ends here"
)]
fn refuse(error: EvidenceError) -> Status {
    if let EvidenceError::Invalid { field, problem } = &error {
        return invalid(field, problem);
    }
    of_error(error.class(), &error)
}
