//! Every method for portals of citizens, and what agencies do about what citizens say is wrong.

use rabt_proto::transparency as pb;
use rabt_proto::transparency::correction_service_client::CorrectionServiceClient;
use rabt_proto::transparency::transparency_service_client::TransparencyServiceClient;
use tonic::Status;
use tonic::transport::Channel;

/// The methods for portals.
pub(super) const METHODS: [&str; 6] = [
    "ListAccessEvents",
    "CountWithheldEvents",
    "GetAccessReceipt",
    "ListHoldings",
    "CreateCorrectionRequest",
    "ListCorrectionRequests",
];

/// The methods for agencies.
pub(super) const CORRECTIONS: [&str; 2] = ["ListAgencyCorrections", "AnswerCorrection"];

/// Calls one with as little in it as it takes.
pub(super) async fn ask(channel: Channel, method: &str) -> Result<(), Status> {
    let mut client = TransparencyServiceClient::new(channel.clone());
    let mut corrections = CorrectionServiceClient::new(channel);
    macro_rules! call {
        ($client:ident, $call:ident, $request:ident) => {
            $client.$call(pb::$request::default()).await.map(|_| ())
        };
    }
    match method {
        "ListAccessEvents" => call!(client, list_access_events, ListAccessEventsRequest),
        "CountWithheldEvents" => call!(client, count_withheld_events, CountWithheldEventsRequest),
        "GetAccessReceipt" => {
            let request = pb::GetAccessReceiptRequest {
                viewer: None,
                name: "accessEvents/0-0".to_owned(),
            };
            client.get_access_receipt(request).await.map(|_| ())
        }
        "ListHoldings" => call!(client, list_holdings, ListHoldingsRequest),
        "CreateCorrectionRequest" => {
            call!(
                client,
                create_correction_request,
                CreateCorrectionRequestRequest
            )
        }
        "ListCorrectionRequests" => {
            call!(
                client,
                list_correction_requests,
                ListCorrectionRequestsRequest
            )
        }
        "ListAgencyCorrections" => {
            call!(
                corrections,
                list_agency_corrections,
                ListAgencyCorrectionsRequest
            )
        }
        "AnswerCorrection" => {
            let request = pb::AnswerCorrectionRequest {
                name: "correctionRequests/1".to_owned(),
                ..Default::default()
            };
            corrections.answer_correction(request).await.map(|_| ())
        }
        other => panic!("{other} is not in the table"),
    }
}
