//! What was answered is proven later: by its receiver from files alone, and by the node, which answers again.

use std::path::Path;
use std::process::Output;

use prost::Message;
use rabt_audit::{Entry, Salt, Side};
use rabt_proto::citizen::citizen_service_client::CitizenServiceClient;
use rabt_proto::citizen::{
    BatchLookupCitizensRequest, GetCitizenRequest, ItemStatus, ListSourceReferencesRequest,
    LookupCitizenRequest, SearchCitizensRequest, SearchCriteria,
};
use rabt_proto::common::Identifier;
use rabt_storage::Storage;
use rabt_tests::{AGENCY_SYSTEM, AUDITOR, Someone, Stack, Town, context, rabt, text};
use tonic::metadata::MetadataMap;
use tonic::transport::Channel;

/// Returns the salt and the leaf that an answer came with.
fn signed(headers: &MetadataMap) -> (Salt, Option<u64>) {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap());
    let salt = text("rabt-audit-salt").unwrap().parse().unwrap();
    (
        salt,
        text("rabt-audit-leaf").map(|leaf| leaf.parse().unwrap()),
    )
}

async fn entry(storage: &dyn Storage, leaf: u64) -> Entry {
    let found = storage.audit_log().entries(leaf, 1).await.unwrap();
    Entry::decode(&found[0].1.body).unwrap()
}

fn identifier(value: &str) -> Identifier {
    Identifier {
        scheme: "national_id".to_owned(),
        value: value.to_owned(),
    }
}

/// Asks in several ways; the digests of every entry are those of the bytes that went over the wire.
async fn prove_each(stack: &Stack, client: &mut CitizenServiceClient<Channel>, number: &str) {
    let storage = stack.services.storage.as_ref();
    macro_rules! prove {
        ($call:ident, $request:expr) => {{
            let request = $request;
            let answer = client.$call(request.clone()).await.unwrap();
            let (salt, leaf) = signed(answer.metadata());
            let entry = entry(storage, leaf.unwrap()).await;
            let asked = salt.digest(Side::Request, &request.encode_to_vec());
            let told = answer.into_inner();
            let answered = salt.digest(Side::Response, &told.encode_to_vec());
            assert_eq!(entry.request, Some(asked), stringify!($call));
            assert_eq!(entry.response, Some(answered), stringify!($call));
            told
        }};
    }
    let lookup = LookupCitizenRequest {
        context: Some(context()),
        identifier: Some(identifier(number)),
        read_mask: None,
    };
    let found = prove!(lookup_citizen, lookup);
    let name = found.citizen.unwrap().name;
    let get = GetCitizenRequest {
        context: Some(context()),
        name: name.clone(),
        read_mask: None,
    };
    prove!(get_citizen, get);
    let references = ListSourceReferencesRequest {
        context: Some(context()),
        parent: name,
        ..Default::default()
    };
    prove!(list_source_references, references);
    let search = SearchCitizensRequest {
        context: Some(context()),
        criteria: Some(SearchCriteria {
            identifier: Some(identifier(number)),
            ..Default::default()
        }),
        ..Default::default()
    };
    prove!(search_citizens, search);
}

#[tokio::test]
async fn what_went_over_the_wire_is_what_the_entry_says() {
    let town = Town::of(200, 3).await;
    let stack = Stack::start("sqlite::memory:").await;
    stack.register(town.sources()).await;
    stack.read(2).await;
    stack.link().await;
    let storage = stack.services.storage.as_ref();
    let someone = Someone::best_known(storage).await;
    let mut client = stack.citizens(AGENCY_SYSTEM).await;
    prove_each(&stack, &mut client, &someone.national_id).await;

    // each item of a batch has an entry, with the digest of the whole question and of its own result
    let before = storage.audit_log().size().await.unwrap();
    let batch = BatchLookupCitizensRequest {
        context: Some(context()),
        identifiers: vec![
            identifier(&someone.national_id),
            identifier("29901010100015"),
        ],
        read_mask: None,
    };
    let answer = client.batch_lookup_citizens(batch.clone()).await.unwrap();
    let (salt, _) = signed(answer.metadata());
    let asked = salt.digest(Side::Request, &batch.encode_to_vec());
    let mut entries = vec![
        entry(storage, before).await,
        entry(storage, before + 1).await,
    ];
    entries.retain(|entry| entry.request == Some(asked));
    assert_eq!(entries.len(), 2);
    for result in answer.into_inner().results {
        let told = salt.digest(Side::Response, &result.encode_to_vec());
        assert!(entries.iter().any(|entry| entry.response == Some(told)));
    }

    // what was refused, and that there was nobody, can be proven too
    for (number, purpose) in [("29901010100015", None), (&*someone.national_id, Some("x"))] {
        let mut context = context();
        if let Some(purpose) = purpose {
            purpose.clone_into(&mut context.purpose);
        }
        let lookup = LookupCitizenRequest {
            context: Some(context),
            identifier: Some(identifier(number)),
            read_mask: None,
        };
        let status = client.lookup_citizen(lookup).await.unwrap_err();
        let (salt, leaf) = signed(status.metadata());
        let told = ItemStatus {
            code: status.code().into(),
            reason: rabt_tests::reason(&status),
            message: status.message().to_owned(),
        };
        let told = salt.digest(Side::Response, &told.encode_to_vec());
        assert_eq!(entry(storage, leaf.unwrap()).await.response, Some(told));
    }
    stack.stop().await;
}

/// Runs a command as somebody, off the threads of the node.
async fn run_as(stack: &Stack, folder: &Path, urn: &str, arguments: &[&str]) -> Output {
    stack.pki.write_client(urn, folder);
    let server = format!("https://localhost:{}", stack.address().port());
    let files = [
        "--ca",
        "client-ca.pem",
        "--cert",
        "client.pem",
        "--key",
        "client.key",
    ];
    let mut all: Vec<String> = arguments.iter().map(ToString::to_string).collect();
    all.extend(["--server".to_owned(), server]);
    all.extend(files.map(str::to_owned));
    let folder = folder.to_owned();
    let run = move || rabt(&folder, &all.iter().map(String::as_str).collect::<Vec<_>>());
    tokio::task::spawn_blocking(run).await.unwrap()
}

#[tokio::test]
async fn a_saved_answer_is_proven_by_files_and_by_the_node() {
    let town = Town::of(200, 3).await;
    let stack = Stack::start("sqlite::memory:").await;
    stack.register(town.sources()).await;
    stack.read(2).await;
    stack.link().await;
    let someone = Someone::best_known(stack.services.storage.as_ref()).await;
    let place = tempfile::tempdir().unwrap();
    let at = place.path();
    let context = context();
    let lookup = [
        "citizen",
        "lookup",
        "--national-id",
        &someone.national_id,
        "--agreement",
        &context.agreement,
        "--purpose",
        &context.purpose,
        "--legal-basis",
        &context.legal_basis,
        "--service",
        &context.service,
        "--channel",
        &context.channel,
        "--save",
        "told.json",
    ];
    let saved = run_as(&stack, at, AGENCY_SYSTEM, &lookup).await;
    assert!(saved.status.success(), "{}", text(&saved));
    let file = at.join("told.json");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let again = run_as(&stack, at, AGENCY_SYSTEM, &lookup).await;
    assert_eq!(again.status.code(), Some(2), "a file is not written over");

    let replayed = run_as(&stack, at, AUDITOR, &["audit", "replay", "told.json"]).await;
    let said = text(&replayed);
    assert!(replayed.status.success(), "{said}");
    assert!(
        said.contains("the answer is the one that was recorded"),
        "{said}"
    );
    assert!(said.contains("as of then: the same"), "{said}");
    assert!(said.contains("now: the same"), "{said}");
    assert!(!said.contains(&someone.national_id), "{said}");

    let exported = run_as(&stack, at, AUDITOR, &["audit", "export", "log"]).await;
    assert!(exported.status.success(), "{}", text(&exported));
    stack.stop().await;
    // the node is gone: the files and its public key are enough
    let key = Stack::checkpoint_key().verifier().to_string();
    std::fs::write(at.join("log.pub"), format!("{key}\n")).unwrap();
    let offline = |file: &str| {
        let words = [
            "audit",
            "replay",
            file,
            "--evidence",
            "log",
            "--public-key",
            "log.pub",
        ];
        rabt(at, &words)
    };
    let proven = offline("told.json");
    assert!(proven.status.success(), "{}", text(&proven));

    // who changes a saved answer proves nothing
    let told = std::fs::read_to_string(&file).unwrap();
    let mut told: serde_json::Value = serde_json::from_str(&told).unwrap();
    let other = rabt_proto::citizen::LookupCitizenResponse {
        citizen: Some(rabt_proto::common::Citizen::default()),
    };
    let other = data_encoding::BASE64.encode(&other.encode_to_vec());
    told["response"] = other.into();
    std::fs::write(at.join("other.json"), told.to_string()).unwrap();
    let changed = offline("other.json");
    assert_eq!(changed.status.code(), Some(4), "{}", text(&changed));
    assert!(
        text(&changed).contains("the answer is NOT"),
        "{}",
        text(&changed)
    );
}
