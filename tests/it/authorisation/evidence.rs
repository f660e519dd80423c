//! Every method about the audit log.

use rabt_proto::audit as pb;
use rabt_proto::audit::audit_service_client::AuditServiceClient;
use tonic::Status;
use tonic::transport::Channel;

/// The methods.
pub(super) const METHODS: [&str; 8] = [
    "ListEvents",
    "TailEvents",
    "GetCheckpoint",
    "GetInclusionProof",
    "GetConsistencyProof",
    "AddWitnessSignature",
    "ExportEvidence",
    "ReplayAnswer",
];

/// Calls one with nothing in it.
pub(super) async fn ask(channel: Channel, method: &str) -> Result<(), Status> {
    let mut client = AuditServiceClient::new(channel);
    macro_rules! call {
        ($call:ident, $request:ident) => {
            client.$call(pb::$request::default()).await.map(|_| ())
        };
    }
    match method {
        "ListEvents" => call!(list_events, ListEventsRequest),
        "TailEvents" => call!(tail_events, TailEventsRequest),
        "GetCheckpoint" => call!(get_checkpoint, GetCheckpointRequest),
        "GetInclusionProof" => call!(get_inclusion_proof, GetInclusionProofRequest),
        "GetConsistencyProof" => call!(get_consistency_proof, GetConsistencyProofRequest),
        "AddWitnessSignature" => call!(add_witness_signature, AddWitnessSignatureRequest),
        "ExportEvidence" => call!(export_evidence, ExportEvidenceRequest),
        "ReplayAnswer" => call!(replay_answer, ReplayAnswerRequest),
        other => panic!("{other} is not in the table"),
    }
}
