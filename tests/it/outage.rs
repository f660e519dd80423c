//! Three days in which nothing comes from outside: no revocation list, no time stamp.

use rabt_api::{Limits, Stage, TlsFiles, examine};
use rabt_model::{Clock, Timestamp};
use rabt_proto::citizen::LookupCitizenRequest;
use rabt_proto::citizen::citizen_service_client::CitizenServiceClient;
use rabt_proto::common::Identifier;
use rabt_service::{Stamped, stamp_standing};
use rabt_storage::Storage;
use rabt_tests::{AGENCY_SYSTEM, Log, Pki, Someone, Stack, Town, Tsa, context};
use std::time::{Duration, Instant};
use tonic::Status;
use tonic::transport::Channel;
use tracing::Level;

use crate::stamps::{PERIOD, stamper};

/// Steps of ten minutes in 72 hours.
const STEPS: u64 = 72 * 6;

const YESTERDAY: (i32, u8, u8) = (2026, 5, 31);
/// The day on which nodes of the tests live is the first of June.
const TOMORROW: (i32, u8, u8) = (2026, 6, 2);
const NEXT_YEAR: (i32, u8, u8) = (2027, 1, 1);

/// Asks about somebody who is there.
async fn ask(channel: &Channel, someone: &Someone) -> Result<(), Status> {
    let request = LookupCitizenRequest {
        context: Some(context()),
        identifier: Some(Identifier {
            scheme: "national_id".to_owned(),
            value: someone.national_id.clone(),
        }),
        read_mask: None,
    };
    let mut client = CitizenServiceClient::new(channel.clone());
    client.lookup_citizen(request).await.map(|_| ())
}

/// Returns how soon the revocation list ends, as `rabt doctor` sees it.
fn list_stage(files: &TlsFiles, now: Timestamp) -> Stage {
    let examined = examine(files, now).unwrap();
    let mut endings = examined.endings.into_iter();
    let list = endings.find(|(ending, _)| ending.setting == "crl");
    list.unwrap().1
}

/// Returns how many entries are about an answer.
async fn answers(storage: &dyn Storage) -> usize {
    let entries = storage.audit_log().entries(0, u64::from(u32::MAX)).await;
    let entries = entries.unwrap().into_iter();
    let disclosed = entries.filter(|(_, entry)| {
        let text = String::from_utf8_lossy(&entry.body);
        text.contains("\"disclosed\"") && text.contains("\"LookupCitizen\"")
    });
    disclosed.count()
}

#[tokio::test]
async fn three_days_without_lists_and_time_stamps_stop_nobody() {
    let log = Log::start(Level::INFO);
    let Some(mut tsa) = Tsa::start().await else {
        return;
    };
    let town = Town::of(60, 11).await;
    let pki = Pki::new();
    let known = pki.certify(AGENCY_SYSTEM, None);
    let stolen = pki.certify(AGENCY_SYSTEM, None);
    pki.revoke(&[&known], YESTERDAY, TOMORROW);
    let files = pki.server_with_list();
    let stack = Stack::start_certified(Limits::default(), pki, files.clone()).await;
    stack.register(town.sources()).await;
    stack.read(2).await;
    stack.link().await;
    let storage = stack.services.storage.as_ref();
    let someone = Someone::best_known(storage).await;
    let open = stack.connect(Some(AGENCY_SYSTEM)).await.unwrap();
    let mut stamper = stamper(&stack, &tsa, &tsa.ca());
    assert!(matches!(stamper.step().await, Stamped::New(_)));
    ask(&open, &someone).await.unwrap();

    tsa.go_away().await;
    let before = (answers(storage).await, log.text().len());
    for step in 1..=STEPS {
        stack.clock.advance(PERIOD);
        assert_eq!(stamper.step().await, Stamped::Missed, "step {step}");
        let answer = ask(&open, &someone).await;
        assert!(answer.is_ok(), "step {step}: {answer:?}");
        if step % 36 == 0 {
            // the node looks at its lists four times a second
            tokio::time::sleep(Duration::from_millis(400)).await;
            let new = stack.connect(Some(AGENCY_SYSTEM)).await.unwrap();
            assert!(
                ask(&new, &someone).await.is_ok(),
                "step {step}: a new connection"
            );
            assert!(
                !gets_in(&stack, &known, &someone).await,
                "step {step}: one who was revoked"
            );
        }
    }
    let asked = usize::try_from(STEPS + STEPS / 36).unwrap();
    assert_eq!(
        answers(storage).await,
        before.0 + asked,
        "each answer has its entry"
    );

    // what is said of it
    let told = log.text()[before.1..].to_owned();
    assert_eq!(told.matches("no time stamp was got").count(), 1, "{told}");
    let stale = told.matches("is past its time and stays in force").count();
    assert!((1..=72).contains(&stale), "{stale} times");
    assert_eq!(list_stage(&files, stack.clock.now()), Stage::Over);
    let every = Duration::from_secs(PERIOD.unsigned_abs());
    let standing = async || stamp_standing(storage.audit_log().as_ref()).await.unwrap();
    let behind = standing().await;
    assert!(behind.is_overdue(stack.clock.now(), every));
    assert!(behind.behind >= STEPS);

    // both are back, and what happened meanwhile counts within one period
    tsa.come_back().await;
    stack.pki.revoke(&[&known, &stolen], TOMORROW, NEXT_YEAR);
    let start = Instant::now();
    while gets_in(&stack, &stolen, &someone).await {
        assert!(
            start.elapsed() < Duration::from_secs(2),
            "who was revoked gets in"
        );
    }
    stack.clock.advance(PERIOD);
    let size = storage.audit_log().size().await.unwrap();
    assert_eq!(stamper.step().await, Stamped::New(size));
    let behind = standing().await;
    assert_eq!(behind.behind, 0);
    assert!(!behind.is_overdue(stack.clock.now(), every));
    assert_eq!(list_stage(&files, stack.clock.now()), Stage::Far);
    assert!(log.text().contains("checkpoints get time stamps again"));
    assert!(ask(&open, &someone).await.is_ok());
    stack.stop().await;
}

/// Says whether somebody with a certificate is answered on a connection of their own.
async fn gets_in(stack: &Stack, certified: &rabt_tests::Certified, someone: &Someone) -> bool {
    let tls = stack.pki.client_with(certified);
    match Pki::connect(stack.address(), tls).await {
        Ok(channel) => ask(&channel, someone).await.is_ok(),
        Err(_) => false,
    }
}
