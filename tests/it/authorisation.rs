//! Every method, asked by everybody who may not ask.

mod agreements;
mod evidence;
mod oversight;
mod refused;
mod review;
mod sources;
mod transparency;

use std::collections::BTreeSet;

use prost::Message;
use rabt_proto::change::change_service_client::ChangeServiceClient;
use rabt_proto::change::{ExportSnapshotRequest, ListChangesRequest, WatchChangesRequest};
use rabt_proto::citizen::citizen_service_client::CitizenServiceClient;
use rabt_proto::citizen::verify_attributes_request::Subject;
use rabt_proto::citizen::{
    AttributeClaim, BatchLookupCitizensRequest, ExplainFieldRequest, GetCitizenRequest,
    ListCitizenRevisionsRequest, ListSourceReferencesRequest, LookupCitizenRequest,
    SearchCitizensRequest, VerifyAttributesRequest, batch_lookup_citizens_result::Outcome,
};
use rabt_proto::common::{Identifier, RequestContext};
use rabt_tests::{
    AGENCY_SYSTEM, APPROVER, AUDITOR, CLERK, OPERATOR, PORTAL, SECURITY_OFFICER, Stack, context,
    reason,
};
use tonic::Status;
use tonic::transport::Channel;

const CITIZEN_METHODS: [&str; 11] = [
    "LookupCitizen",
    "GetCitizen",
    "BatchLookupCitizens",
    "SearchCitizens",
    "VerifyAttributes",
    "ListSourceReferences",
    "ExplainField",
    "ListCitizenRevisions",
    "ListChanges",
    "WatchChanges",
    "ExportSnapshot",
];

/// Calls a method about a citizen with nothing but a context. A permitted one would be answered, or
/// told what is missing.
async fn ask(channel: Channel, method: &str, context: RequestContext) -> Result<(), Status> {
    let mut client = CitizenServiceClient::new(channel.clone());
    let context = Some(context);
    let identifier = Some(Identifier {
        scheme: "national_id".to_owned(),
        value: "x".to_owned(),
    });
    let name = "citizens/x".to_owned();
    match method {
        "LookupCitizen" => {
            let request = LookupCitizenRequest {
                context,
                identifier,
                read_mask: None,
            };
            client.lookup_citizen(request).await.map(|_| ())
        }
        "GetCitizen" => {
            let request = GetCitizenRequest {
                context,
                name,
                read_mask: None,
            };
            client.get_citizen(request).await.map(|_| ())
        }
        "BatchLookupCitizens" => {
            let identifiers = identifier.into_iter().collect();
            let request = BatchLookupCitizensRequest {
                context,
                identifiers,
                read_mask: None,
            };
            let answer = client.batch_lookup_citizens(request).await?.into_inner();
            match answer
                .results
                .into_iter()
                .next()
                .and_then(|result| result.outcome)
            {
                Some(Outcome::Status(item)) => Err(item_status(&item.reason)),
                Some(Outcome::Citizen(_)) | None => Ok(()),
            }
        }
        "SearchCitizens" => {
            let request = SearchCitizensRequest {
                context,
                ..Default::default()
            };
            client.search_citizens(request).await.map(|_| ())
        }
        "VerifyAttributes" => {
            let claim = AttributeClaim {
                attribute: "sex".to_owned(),
                value: "male".to_owned(),
            };
            let request = VerifyAttributesRequest {
                context,
                claims: vec![claim],
                subject: Some(Subject::Name(name)),
            };
            client.verify_attributes(request).await.map(|_| ())
        }
        "ListSourceReferences" => {
            let request = ListSourceReferencesRequest {
                context,
                parent: name,
                ..Default::default()
            };
            client.list_source_references(request).await.map(|_| ())
        }
        "ExplainField" => {
            let request = ExplainFieldRequest {
                context,
                name,
                attribute: "sex".to_owned(),
            };
            client.explain_field(request).await.map(|_| ())
        }
        "ListCitizenRevisions" => {
            let request = ListCitizenRevisionsRequest {
                context,
                name,
                ..Default::default()
            };
            client.list_citizen_revisions(request).await.map(|_| ())
        }
        feed => follow(channel, feed, context).await,
    }
}

/// Calls a method of the feed.
async fn follow(
    channel: Channel,
    method: &str,
    context: Option<RequestContext>,
) -> Result<(), Status> {
    let mut client = ChangeServiceClient::new(channel);
    match method {
        "ListChanges" => {
            let request = ListChangesRequest {
                context,
                ..Default::default()
            };
            client.list_changes(request).await.map(|_| ())
        }
        "WatchChanges" => {
            let request = WatchChangesRequest {
                context,
                ..Default::default()
            };
            client.watch_changes(request).await.map(|_| ())
        }
        "ExportSnapshot" => {
            let request = ExportSnapshotRequest {
                context,
                ..Default::default()
            };
            client.export_snapshot(request).await.map(|_| ())
        }
        other => panic!("{other} is not in the table"),
    }
}

/// Returns the connections of a client without a certificate and of one with a foreign certificate.
/// With TLS 1.3 a client may learn of the refusal only when it first reads.
async fn strangers(stack: &Stack) -> Vec<Channel> {
    let tried = [stack.connect(None).await, stack.connect_as_stranger().await];
    tried.into_iter().flatten().collect()
}

fn item_status(reason: &str) -> Status {
    use tonic_types::{ErrorDetails, StatusExt};
    let details = ErrorDetails::with_error_info(reason, "rabt", std::collections::HashMap::new());
    Status::with_error_details(tonic::Code::Unknown, "", details)
}

#[test]
fn the_table_covers_every_method() {
    let set = prost_types::FileDescriptorSet::decode(rabt_proto::FILE_DESCRIPTOR_SET).unwrap();
    let services = set.file.into_iter().flat_map(|file| file.service);
    let offered: BTreeSet<String> = services
        .flat_map(|service| service.method)
        .map(|method| method.name().to_owned())
        .collect();
    let covered: BTreeSet<String> = CITIZEN_METHODS
        .iter()
        .chain(&sources::METHODS)
        .chain(&review::METHODS)
        .chain(&agreements::METHODS)
        .chain(&evidence::METHODS)
        .chain(&oversight::METHODS)
        .chain(&transparency::METHODS)
        .chain(&transparency::CORRECTIONS)
        .map(ToString::to_string)
        .collect();
    let uncovered: Vec<String> = offered.difference(&covered).cloned().collect();
    insta::assert_snapshot!("uncovered_rpcs", uncovered.join("\n"));
}

#[tokio::test]
async fn nobody_without_a_certificate_gets_through_the_handshake() {
    let stack = Stack::start("sqlite::memory:").await;
    let before = stack.services.storage.audit_log().size().await.unwrap();
    for method in CITIZEN_METHODS {
        for channel in strangers(&stack).await {
            let status = ask(channel, method, context()).await.unwrap_err();
            assert!(reason(&status).is_empty(), "{method} reached a handler");
        }
    }
    for method in sources::METHODS {
        for channel in strangers(&stack).await {
            let status = sources::ask(channel, method).await.unwrap_err();
            assert!(reason(&status).is_empty(), "{method} reached a handler");
        }
    }
    for method in review::METHODS {
        for channel in strangers(&stack).await {
            let status = review::ask(channel, method).await.unwrap_err();
            assert!(reason(&status).is_empty(), "{method} reached a handler");
        }
    }
    for method in agreements::METHODS {
        for channel in strangers(&stack).await {
            let status = agreements::ask(channel, method).await.unwrap_err();
            assert!(reason(&status).is_empty(), "{method} reached a handler");
        }
    }
    for method in evidence::METHODS {
        for channel in strangers(&stack).await {
            let status = evidence::ask(channel, method).await.unwrap_err();
            assert!(reason(&status).is_empty(), "{method} reached a handler");
        }
    }
    for method in oversight::METHODS {
        for channel in strangers(&stack).await {
            let status = oversight::ask(channel, method).await.unwrap_err();
            assert!(reason(&status).is_empty(), "{method} reached a handler");
        }
    }
    assert_eq!(
        stack.services.storage.audit_log().size().await.unwrap(),
        before
    );
    stack.stop().await;
}

#[tokio::test]
async fn questions_are_refused_unless_the_agreement_allows_all_of_it() {
    let stack = Stack::start("sqlite::memory:").await;
    let changed = |change: fn(&mut RequestContext)| {
        let mut context = context();
        change(&mut context);
        context
    };
    let cases = [
        ("an unknown caller", "urn:rabt:nobody:system", context()),
        (
            "another system of the agency",
            "urn:rabt:tax:canteen",
            context(),
        ),
        ("a person", OPERATOR, context()),
        ("a security officer", SECURITY_OFFICER, context()),
        (
            "no agreement",
            AGENCY_SYSTEM,
            changed(|c| c.agreement.clear()),
        ),
        (
            "an unknown agreement",
            AGENCY_SYSTEM,
            changed(|c| c.agreement = "AG-NONE".into()),
        ),
        (
            "another's agreement",
            AGENCY_SYSTEM,
            changed(|c| c.agreement = "AG-HEALTH-002".into()),
        ),
        (
            "a wrong purpose",
            AGENCY_SYSTEM,
            changed(|c| c.purpose = "curiosity".into()),
        ),
        (
            "a wrong legal basis",
            AGENCY_SYSTEM,
            changed(|c| c.legal_basis = "none".into()),
        ),
        (
            "a wrong service",
            AGENCY_SYSTEM,
            changed(|c| c.service = "other".into()),
        ),
        (
            "a wrong channel",
            AGENCY_SYSTEM,
            changed(|c| c.channel = "call_centre".into()),
        ),
    ];
    for (case, urn, context) in cases {
        let channel = stack.connect(Some(urn)).await.unwrap();
        for method in CITIZEN_METHODS {
            let before = stack.services.storage.audit_log().size().await.unwrap();
            let status = ask(channel.clone(), method, context.clone())
                .await
                .unwrap_err();
            assert_eq!(reason(&status), "NOT_PERMITTED", "{method}, {case}");
            let after = stack.services.storage.audit_log().size().await.unwrap();
            assert_eq!(
                after,
                before + 1,
                "{method}, {case}: the refusal has its entry"
            );
        }
    }
    stack.stop().await;
}

#[tokio::test]
async fn an_agreement_whose_time_is_over_is_said_to_be_so() {
    let stack = Stack::start("sqlite::memory:").await;
    stack.clock.advance(20 * 365 * 24 * 3_600);
    let channel = stack.connect(Some(AGENCY_SYSTEM)).await.unwrap();
    for method in CITIZEN_METHODS {
        let status = ask(channel.clone(), method, context()).await.unwrap_err();
        assert_eq!(reason(&status), "AGREEMENT_NOT_ACTIVE", "{method}");
    }
    stack.stop().await;
}

/// Says whether a role may call a method.
type Rule = fn(&str) -> bool;

/// What an auditor and a security officer may call about sources.
const READS: [&str; 4] = ["ExportSource", "GetSource", "ListSources", "ListRuns"];

#[tokio::test]
async fn sources_are_for_people_with_the_right_role() {
    let stack = Stack::start("sqlite::memory:").await;
    let nothing: Rule = |_| false;
    for (urn, may) in [
        (AGENCY_SYSTEM, nothing),
        (CLERK, nothing),
        (AUDITOR, |method| READS.contains(&method)),
        (SECURITY_OFFICER, |method| READS.contains(&method)),
        (OPERATOR, |method| method != "ApproveSource"),
        (APPROVER, |_| true),
    ] {
        let channel = stack.connect(Some(urn)).await.unwrap();
        for method in sources::METHODS {
            let outcome = sources::ask(channel.clone(), method).await;
            let refused = outcome.is_err_and(|status| reason(&status) == "NOT_PERMITTED");
            assert_eq!(refused, !may(method), "{method}, {urn}");
        }
    }
    stack.stop().await;
}

#[tokio::test]
async fn evidence_is_for_auditors() {
    let stack = Stack::start("sqlite::memory:").await;
    for urn in [AGENCY_SYSTEM, CLERK, OPERATOR, APPROVER, AUDITOR] {
        let channel = stack.connect(Some(urn)).await.unwrap();
        for method in evidence::METHODS {
            let log = stack.services.storage.audit_log();
            let before = log.size().await.unwrap();
            let outcome = evidence::ask(channel.clone(), method).await;
            let refused = outcome.is_err_and(|status| reason(&status) == "NOT_PERMITTED");
            assert_eq!(refused, urn != AUDITOR, "{method}, {urn}");
            // what is not a signature or a question is told so, and has its entry
            assert_eq!(log.size().await.unwrap(), before + 1, "{method}, {urn}");
        }
    }
    stack.stop().await;
}

#[tokio::test]
async fn oversight_is_for_security_officers_and_their_second_person() {
    let stack = Stack::start("sqlite::memory:").await;
    for urn in [
        AGENCY_SYSTEM,
        CLERK,
        OPERATOR,
        APPROVER,
        AUDITOR,
        SECURITY_OFFICER,
    ] {
        let channel = stack.connect(Some(urn)).await.unwrap();
        for method in oversight::METHODS {
            let log = stack.services.storage.audit_log();
            let before = log.size().await.unwrap();
            let outcome = oversight::ask(channel.clone(), method).await;
            let refused = outcome.is_err_and(|status| reason(&status) == "NOT_PERMITTED");
            let may = match method {
                "RequestErasure" | "RequestArchive" => urn == SECURITY_OFFICER,
                "ListErasures" | "ListArchives" => {
                    [SECURITY_OFFICER, APPROVER, AUDITOR].contains(&urn)
                }
                _ => [SECURITY_OFFICER, APPROVER].contains(&urn),
            };
            assert_eq!(refused, !may, "{method}, {urn}");
            // who may is told what is missing, and that is in the log too
            assert_eq!(log.size().await.unwrap(), before + 1, "{method}, {urn}");
        }
    }
    stack.stop().await;
}

#[tokio::test]
async fn citizens_files_are_for_portals_on_an_address_of_their_own() {
    let stack = Stack::start("sqlite::memory:").await;
    let log = stack.services.storage.audit_log();
    for urn in [
        AGENCY_SYSTEM,
        OPERATOR,
        AUDITOR,
        "urn:rabt:egov:kiosk",
        PORTAL,
    ] {
        let channel = stack.connect_portal(urn).await.unwrap();
        for method in transparency::METHODS {
            let before = log.size().await.unwrap();
            let outcome = transparency::ask(channel.clone(), method).await;
            let told = reason(&outcome.unwrap_err());
            // a portal is told what is missing
            let expected = if urn == PORTAL {
                "STEP_UP_REQUIRED"
            } else {
                "NOT_PERMITTED"
            };
            assert_eq!(told, expected, "{method}, {urn}");
            assert_eq!(log.size().await.unwrap(), before + 1, "{method}, {urn}");
        }
        // nothing else is there
        let status = ask(channel, "LookupCitizen", context()).await.unwrap_err();
        assert_eq!(status.code(), tonic::Code::Unimplemented, "{urn}");
    }
    let channel = stack.connect(Some(PORTAL)).await.unwrap();
    for method in transparency::METHODS {
        let status = transparency::ask(channel.clone(), method)
            .await
            .unwrap_err();
        assert_eq!(status.code(), tonic::Code::Unimplemented, "{method}");
    }
    for urn in [AGENCY_SYSTEM, PORTAL, CLERK, AUDITOR, OPERATOR, APPROVER] {
        let channel = stack.connect(Some(urn)).await.unwrap();
        for method in transparency::CORRECTIONS {
            let outcome = transparency::ask(channel.clone(), method).await;
            let refused = outcome.is_err_and(|status| reason(&status) == "NOT_PERMITTED");
            let may = [OPERATOR, APPROVER].contains(&urn);
            assert_eq!(refused, !may, "{method}, {urn}");
        }
    }
    stack.stop().await;
}
