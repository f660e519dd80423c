//! Agreements are for operators and approvers, and for auditors to read; what one may ask oneself is for
//! everybody.

use rabt_proto::agreement as pb;
use rabt_proto::agreement::agreement_service_client::AgreementServiceClient;
use rabt_proto::common::RequestContext;
use rabt_tests::{AGENCY_SYSTEM, APPROVER, CLERK, OPERATOR, Stack, reason};
use tonic::Status;
use tonic::transport::Channel;

pub(super) const METHODS: [&str; 14] = [
    "CreateAgreement",
    "UpdateAgreement",
    "GetAgreement",
    "ListAgreements",
    "ApproveAgreement",
    "WithdrawAgreement",
    "ActivateAgreement",
    "SuspendAgreement",
    "ResumeAgreement",
    "EndAgreement",
    "SimulatePolicy",
    "ListMyPermissions",
    "ExportRegister",
    "ListServices",
];

/// What tells about agreements and changes nothing.
const READS: [&str; 4] = [
    "GetAgreement",
    "ListAgreements",
    "SimulatePolicy",
    "ExportRegister",
];

/// What tells about the caller, or about nobody.
const OPEN: [&str; 2] = ["ListMyPermissions", "ListServices"];

/// Calls a method about an agreement that is not there. A permitted one would be answered, or told so.
pub(super) async fn ask(channel: Channel, method: &str) -> Result<(), Status> {
    let mut client = AgreementServiceClient::new(channel);
    let name = "agreements/AG-NONE".to_owned();
    let (etag, why, text) = ("00".to_owned(), "seen".to_owned(), "x".to_owned());
    match method {
        "CreateAgreement" => {
            let request = pb::CreateAgreementRequest { text };
            client.create_agreement(request).await.map(|_| ())
        }
        "UpdateAgreement" => {
            let request = pb::UpdateAgreementRequest { text, etag };
            client.update_agreement(request).await.map(|_| ())
        }
        "GetAgreement" => {
            let request = pb::GetAgreementRequest { name };
            client.get_agreement(request).await.map(|_| ())
        }
        "ListAgreements" => {
            let request = pb::ListAgreementsRequest::default();
            client.list_agreements(request).await.map(|_| ())
        }
        "ApproveAgreement" => {
            let request = pb::ApproveAgreementRequest { name, etag };
            client.approve_agreement(request).await.map(|_| ())
        }
        "WithdrawAgreement" => {
            let request = pb::WithdrawAgreementRequest { name, etag };
            client.withdraw_agreement(request).await.map(|_| ())
        }
        "ActivateAgreement" => {
            let request = pb::ActivateAgreementRequest { name, etag };
            client.activate_agreement(request).await.map(|_| ())
        }
        "SuspendAgreement" => {
            let request = pb::SuspendAgreementRequest { name, reason: why };
            client.suspend_agreement(request).await.map(|_| ())
        }
        "ResumeAgreement" => {
            let request = pb::ResumeAgreementRequest { name, etag };
            client.resume_agreement(request).await.map(|_| ())
        }
        "EndAgreement" => {
            let request = pb::EndAgreementRequest {
                name,
                etag,
                reason: why,
            };
            client.end_agreement(request).await.map(|_| ())
        }
        about => ask_about(&mut client, about).await,
    }
}

async fn ask_about(
    client: &mut AgreementServiceClient<Channel>,
    method: &str,
) -> Result<(), Status> {
    match method {
        "SimulatePolicy" => {
            let request = pb::SimulatePolicyRequest {
                agency: "tax".to_owned(),
                system: "assessment".to_owned(),
                method: "LookupCitizen".to_owned(),
                context: Some(RequestContext::default()),
                ..pb::SimulatePolicyRequest::default()
            };
            client.simulate_policy(request).await.map(|_| ())
        }
        "ListMyPermissions" => {
            let request = pb::ListMyPermissionsRequest {};
            client.list_my_permissions(request).await.map(|_| ())
        }
        "ExportRegister" => {
            let request = pb::ExportRegisterRequest {};
            client.export_register(request).await.map(|_| ())
        }
        "ListServices" => {
            let request = pb::ListServicesRequest {};
            client.list_services(request).await.map(|_| ())
        }
        other => panic!("no such method: {other}"),
    }
}

#[tokio::test]
async fn agreements_are_for_people_with_the_right_role() {
    let stack = Stack::start("sqlite::memory:").await;
    let nothing: super::Rule = |method| OPEN.contains(&method);
    for (urn, may) in [
        (AGENCY_SYSTEM, nothing),
        (CLERK, nothing),
        ("urn:rabt:rabt:person:auditor-1:auditor", |method| {
            OPEN.contains(&method) || READS.contains(&method)
        }),
        (OPERATOR, |method| {
            !["ApproveAgreement", "ResumeAgreement"].contains(&method)
        }),
        (APPROVER, |_| true),
    ] {
        let channel = stack.connect(Some(urn)).await.unwrap();
        for method in METHODS {
            let outcome = ask(channel.clone(), method).await;
            let refused = outcome.is_err_and(|status| reason(&status) == "NOT_PERMITTED");
            assert_eq!(refused, !may(method), "{method}, {urn}");
        }
    }
    stack.stop().await;
}
