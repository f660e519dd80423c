use rabt_proto::connector::{
    GetSourceRequest, ListRunsRequest, ListSourcesRequest, SourceState, StartSourceRequest,
};

use super::node::{CLERK, HOSPITAL, MANIFEST, Node, OPERATOR, folder, reason};

#[tokio::test]
async fn a_source_is_registered_once() {
    let node = Node::start().await;
    let mut client = node.operator(OPERATOR).await;
    let created = node.register(folder()).await;
    assert_eq!(created[0].name, "sources/registry");
    assert_eq!(created[0].state(), SourceState::Approved);
    let in_force = created[0].in_force.as_ref().unwrap();
    assert_eq!(
        (in_force.version, in_force.author.as_str()),
        (1, "rabt:m.hassan")
    );
    assert_eq!(in_force.approver, "rabt:a.farid");
    assert_eq!(created[0].agency_label.as_ref().unwrap().ar, "السجل المدني");

    let name = created[0].name.clone();
    let got = client
        .get_source(GetSourceRequest { name })
        .await
        .unwrap()
        .into_inner();
    assert_eq!(got.source.as_ref(), created.first());
    let list = ListSourcesRequest::default();
    let listed = client.list_sources(list).await.unwrap().into_inner();
    assert_eq!(listed.sources, created);
    assert_eq!(listed.next_page_token, "");

    let mut other = folder();
    other.manifest = MANIFEST.replace("Civil registry", "Another");
    assert_eq!(reason(client.create_source(other).await), "ALREADY_EXISTS");
}

#[tokio::test]
async fn only_people_of_the_node_may_operate() {
    let node = Node::start().await;
    for urn in [HOSPITAL, CLERK] {
        let mut client = node.operator(urn).await;
        assert_eq!(
            reason(client.create_source(folder()).await),
            "NOT_PERMITTED"
        );
        let list = ListSourcesRequest::default();
        assert_eq!(reason(client.list_sources(list).await), "NOT_PERMITTED");
    }
}

#[tokio::test]
async fn malformed_requests_get_the_reason_of_the_table() {
    let node = Node::start().await;
    let mut client = node.operator(OPERATOR).await;
    let mut broken = folder();
    broken.manifest = MANIFEST.replace("mode", "mood");
    let status = client.create_source(broken).await.unwrap_err();
    assert!(
        status.message().contains("manifest.toml"),
        "{}",
        status.message()
    );
    assert_eq!(reason::<()>(Err(status)), "INVALID_REQUEST");
    let mut broken = folder();
    broken.base = "/data\nkind = \"files\"".to_owned();
    assert_eq!(
        reason(client.create_source(broken).await),
        "INVALID_REQUEST"
    );

    for name in ["", "sources/", "registry", "sources/\u{0}"] {
        let name = name.to_owned();
        let get = GetSourceRequest { name: name.clone() };
        assert_eq!(reason(client.get_source(get).await), "INVALID_REQUEST");
        let start = StartSourceRequest { name };
        assert_eq!(reason(client.start_source(start).await), "INVALID_REQUEST");
    }
    let name = "sources/nowhere".to_owned();
    let get = GetSourceRequest { name: name.clone() };
    assert_eq!(reason(client.get_source(get).await), "NOT_FOUND");
    let list = ListRunsRequest {
        parent: name,
        ..Default::default()
    };
    assert_eq!(reason(client.list_runs(list).await), "NOT_FOUND");
    let list = ListSourcesRequest {
        page_token: "x".to_owned(),
        ..Default::default()
    };
    assert_eq!(reason(client.list_sources(list).await), "INVALID_REQUEST");
}
