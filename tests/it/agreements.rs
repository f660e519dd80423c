//! An agreement from its text to its suspension, as two people type it; and on two nodes.

use rabt_proto::agreement::agreement_service_client::AgreementServiceClient;
use rabt_proto::agreement::{ListMyPermissionsRequest, SuspendAgreementRequest};
use rabt_proto::citizen::LookupCitizenRequest;
use rabt_proto::common::Identifier;
use rabt_tests::{AGENCY_SYSTEM, OPERATOR, Stack, context, reason};

use crate::node::Node;

/// An agreement of the certificate of the development authority that asks.
const TEXT: &str = r#"schema = 1
[[agreement]]
id = "AG-TRY-001"
title = { en = "A try", ar = "تجربة" }
agency = "tax"
systems = ["assessment"]
methods = ["LookupCitizen", "VerifyAttributes"]
purposes = ["assessment"]
legal_bases = ["income-tax-act"]
services = ["tax-return"]
channels = ["portal"]
retention_days = 365
fields = { default = ["name.chain"], maximum = ["name.*", "birth.date"] }
period = { from = "2026-01-01", until = "2046-12-31" }
"#;

const ASKED: &str = "--caller tax:assessment --method LookupCitizen --agreement AG-TRY-001 \
                     --purpose assessment --legal-basis income-tax-act --service tax-return \
                     --channel portal";

#[test]
fn an_agreement_is_brought_into_force_and_stopped_by_what_the_commands_print() {
    let mut node = Node::start();
    let path = node.place.path().join("try.toml");
    std::fs::write(&path, TEXT).unwrap();
    let printed = node.type_in("rabt agreement new try.toml");
    assert!(
        printed.contains("AG-TRY-001 version 1 is draft"),
        "{printed}"
    );
    let said = node.type_in(&format!("rabt agreement simulate {ASKED}"));
    assert!(said.starts_with("denied: "), "{said}");
    let said = node.type_in(&format!("rabt agreement simulate {ASKED} --with try.toml"));
    assert!(
        said.starts_with("permitted; an answer holds at most: name.chain"),
        "{said}"
    );
    node.follow(&printed);
    let shown = node.json("rabt agreement show AG-TRY-001 --json");
    assert_eq!(
        (shown["state"].as_str(), shown["held_version"].as_u64()),
        (Some("active"), Some(1))
    );

    let printed = node.type_in("rabt agreement suspend AG-TRY-001 --reason 'complaint 7'");
    let (code, said) = node.refused("rabt agreement activate AG-TRY-001");
    assert_eq!(code, 1, "{said}");
    assert!(
        said.contains("is suspended; have a version approved first"),
        "{said}"
    );
    node.follow(&printed);
    let shown = node.json("rabt agreement show AG-TRY-001 --json");
    assert_eq!(shown["state"].as_str(), Some("active"));

    let list = node.type_in("rabt agreement list");
    assert!(
        list.contains("AG-TRY-001") && list.contains("تجربة"),
        "{list}"
    );
    let register = node.type_in("rabt agreement register --form csv");
    assert!(
        register.contains("إقرار ضريبة الدخل") && register.contains(",365,"),
        "{register}"
    );
    let page = node.type_in("rabt agreement register --out register.html");
    assert!(page.contains("register.html"), "{page}");
    let page = std::fs::read_to_string(node.place.path().join("register.html")).unwrap();
    assert!(
        page.contains("dir=\"rtl\"") && page.contains("AG-TRY-001"),
        "{page}"
    );

    let wrong = TEXT.replace("[\"tax-return\"]", "[\"tax-returns\"]");
    std::fs::write(&path, wrong).unwrap();
    let (code, said) = node.refused("rabt agreement update try.toml");
    assert_eq!(code, 2, "{said}");
    assert!(
        said.contains("`tax-returns`, which is not in the catalogue"),
        "{said}"
    );
    let services = node.type_in("rabt agreement services");
    assert!(
        services.contains("birth-certificate") && services.contains("قيد ميلاد"),
        "{services}"
    );
}

/// Asks for nobody; returns whether the question was permitted.
async fn is_permitted(stack: &Stack) -> bool {
    let request = LookupCitizenRequest {
        context: Some(context()),
        identifier: Some(Identifier {
            scheme: "national_id".to_owned(),
            value: "1".to_owned(),
        }),
        read_mask: None,
    };
    let mut client = stack.citizens(AGENCY_SYSTEM).await;
    let status = client.lookup_citizen(request).await.unwrap_err();
    // a permitted question is told that its number cannot be one
    reason(&status) == "BAD_IDENTIFIER"
}

#[tokio::test]
async fn a_caller_is_told_what_it_may_ask_until_it_may_not() {
    let stack = Stack::start("sqlite::memory:").await;
    let channel = stack.connect(Some(AGENCY_SYSTEM)).await.unwrap();
    let mut mine = AgreementServiceClient::new(channel);
    let told = mine
        .list_my_permissions(ListMyPermissionsRequest {})
        .await
        .unwrap();
    let told = told.into_inner().permissions;
    let of = |one: &rabt_proto::agreement::Permission| (one.service.clone(), one.channel.clone());
    let told: Vec<_> = told.iter().map(of).collect();
    let expected =
        ["portal", "system"].map(|channel| ("tax-return".to_owned(), channel.to_owned()));
    assert_eq!(told, expected);
    assert!(is_permitted(&stack).await);

    let channel = stack.connect(Some(OPERATOR)).await.unwrap();
    let suspend = SuspendAgreementRequest {
        name: "agreements/AG-TAX-001".to_owned(),
        reason: "stop".to_owned(),
    };
    let mut operator = AgreementServiceClient::new(channel);
    operator.suspend_agreement(suspend).await.unwrap();
    assert!(!is_permitted(&stack).await);
    let told = mine
        .list_my_permissions(ListMyPermissionsRequest {})
        .await
        .unwrap();
    assert_eq!(told.into_inner().permissions, []);
    stack.stop().await;
}
