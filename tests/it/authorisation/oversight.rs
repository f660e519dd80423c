//! Every method of security officers.

use rabt_proto::audit as pb;
use rabt_proto::audit::oversight_service_client::OversightServiceClient;
use tonic::Status;
use tonic::transport::Channel;

/// The methods.
pub(super) const METHODS: [&str; 10] = [
    "RequestErasure",
    "ListErasures",
    "ConfirmErasure",
    "WithdrawErasure",
    "ListEmergencies",
    "ReviewEmergency",
    "RequestArchive",
    "ListArchives",
    "ConfirmArchive",
    "WithdrawArchive",
];

/// Calls one with as little in it as it takes.
pub(super) async fn ask(channel: Channel, method: &str) -> Result<(), Status> {
    let mut client = OversightServiceClient::new(channel);
    let name = "erasures/1".to_owned();
    match method {
        "RequestErasure" => {
            let request = pb::RequestErasureRequest::default();
            client.request_erasure(request).await.map(|_| ())
        }
        "ListErasures" => {
            let request = pb::ListErasuresRequest::default();
            client.list_erasures(request).await.map(|_| ())
        }
        "ConfirmErasure" => {
            let request = pb::ConfirmErasureRequest { name };
            client.confirm_erasure(request).await.map(|_| ())
        }
        "WithdrawErasure" => {
            let request = pb::WithdrawErasureRequest { name };
            client.withdraw_erasure(request).await.map(|_| ())
        }
        "ListEmergencies" => {
            let request = pb::ListEmergenciesRequest::default();
            client.list_emergencies(request).await.map(|_| ())
        }
        "ReviewEmergency" => {
            let request = pb::ReviewEmergencyRequest {
                name: "emergencies/0-0".to_owned(),
                ..Default::default()
            };
            client.review_emergency(request).await.map(|_| ())
        }
        "RequestArchive" => {
            let request = pb::RequestArchiveRequest::default();
            client.request_archive(request).await.map(|_| ())
        }
        "ListArchives" => {
            let request = pb::ListArchivesRequest::default();
            client.list_archives(request).await.map(|_| ())
        }
        "ConfirmArchive" => {
            let name = "archives/1".to_owned();
            let request = pb::ConfirmArchiveRequest { name };
            client.confirm_archive(request).await.map(|_| ())
        }
        "WithdrawArchive" => {
            let name = "archives/1".to_owned();
            let request = pb::WithdrawArchiveRequest { name };
            client.withdraw_archive(request).await.map(|_| ())
        }
        other => panic!("{other} is not in the table"),
    }
}
