//! Digests of what was asked and answered, and recorded questions that are asked again.

use std::sync::Arc;

use rabt_audit::{Entry, Salt, Side};
use rabt_model::{ErrorClass, ManualClock};
use rabt_policy::{AccessRequest, Caller, Content, Method, Role, Subject};
use rabt_storage::Storage;

use super::node::{
    BUNDLE, Fragile, MONA, OMAR, Tables, by_national_id, folder, memory, operator, register,
    request, setup, source,
};
use crate::agreement::import_agreements;
use crate::enquiry::{Draft, Exchange, Told, Wire, get_citizen, lookup_citizen};
use crate::evidence::{EvidenceError, Parts, Recalled, Replay, replay_answer};
use crate::{Services, Setup, ingest, link};

const NOBODY: &str = "29901010100015";

/// A wire whose messages are what a debugger shows.
struct Line {
    salt: Salt,
    asked: String,
}

impl Wire for Line {
    fn request(&self) -> [u8; 32] {
        self.salt.digest(Side::Request, self.asked.as_bytes())
    }

    fn answer(&self, draft: &Draft<'_>) -> [u8; 32] {
        self.salt.digest(Side::Response, line(draft).as_bytes())
    }

    fn refusal(&self, class: ErrorClass, _: &str) -> [u8; 32] {
        self.salt.digest(Side::Response, class.reason().as_bytes())
    }
}

fn line(answer: &impl Told) -> String {
    let content = answer.content();
    let Content::Citizen {
        citizen,
        values,
        etag,
    } = content
    else {
        return format!("{content:?}");
    };
    let values = values.iter().map(|value| {
        let origin = &value.provenance;
        let told = value.value.expose().to_line();
        format!("{} {told} {origin:?} {}", value.attribute, value.supporters)
    });
    let values: Vec<String> = values.collect();
    format!("{citizen} {etag} {}", values.join(";"))
}

fn parts(answer: &impl Told) -> Parts {
    let Content::Citizen { values, .. } = answer.content() else {
        return Parts::new();
    };
    let mut parts = Parts::new();
    for value in values {
        let told = value.value.expose().to_line().into_bytes();
        let (bare, whole) = parts.entry(value.attribute.to_string()).or_default();
        bare.extend(&told);
        whole.extend(&told);
        whole.extend(format!("{:?}", value.provenance).into_bytes());
    }
    parts
}

/// A node whose clock goes on, and who is in it.
struct Node {
    storage: Arc<Fragile>,
    services: Arc<Services>,
    clock: Arc<ManualClock>,
    tables: Tables,
}

impl Node {
    async fn start() -> Self {
        let (storage, tables) = (memory().await, Tables::default());
        let clock = Arc::new(ManualClock::at("2026-06-01T10:00:00Z".parse().unwrap()));
        let setup = Setup {
            clock: Arc::clone(&clock) as Arc<dyn rabt_model::Clock>,
            ..setup(&storage, &tables)
        };
        let services = Services::start(setup).await.unwrap();
        for agency in ["registry", "tax"] {
            register(&services, folder(agency)).await;
        }
        let node = Self {
            storage,
            services,
            clock,
            tables,
        };
        // what is in force is kept from now on
        let imported = import_agreements(&node.services, &operator(), BUNDLE).await;
        imported.unwrap();
        node.read(&[MONA, OMAR]).await;
        node
    }

    async fn read(&self, rows: &[[&'static str; 5]]) {
        self.clock.advance(60);
        self.tables.set("registry", rows);
        let ended = ingest(&self.services, &source("registry")).await;
        ended.unwrap();
        link(&self.services).await.unwrap();
        self.clock.advance(60);
    }

    /// Asks for the holder of a number; returns the leaf and what a caller would have saved.
    async fn ask(&self, number: &str) -> (u64, Saved) {
        let mut question = request(Method::LookupCitizen, by_national_id(number));
        question.at = self.services.clock.now();
        let wire = Line {
            salt: self.services.draw_salt(),
            asked: format!("{question:?}{number}"),
        };
        let asked = Exchange::over(question.clone(), &wire);
        let answer = lookup_citizen(&self.services, asked).await.unwrap();
        let told = (line(&answer), parts(&answer));
        let leaf = answer.leaf().unwrap();
        (
            leaf,
            Saved {
                question,
                wire,
                told,
            },
        )
    }

    async fn entry(&self, leaf: u64) -> Entry {
        let found = self.storage.audit_log().entries(leaf, 1).await.unwrap();
        Entry::decode(&found[0].1.body).unwrap()
    }

    async fn replay(&self, leaf: u64, saved: &Saved) -> Replay {
        let replay = self.try_replay(&auditor(), leaf, saved).await;
        replay.unwrap()
    }

    async fn try_replay(
        &self,
        caller: &Caller,
        leaf: u64,
        saved: &Saved,
    ) -> Result<Replay, EvidenceError> {
        let recalled = Recalled {
            request: saved.question.clone(),
            wire: &saved.wire,
            parts: &|draft| parts(draft),
        };
        let replay = replay_answer(&self.services, caller, leaf, recalled).await;
        replay.map(crate::Audited::into_inner)
    }
}

/// What a caller keeps of an answer.
struct Saved {
    question: AccessRequest,
    wire: Line,
    told: (String, Parts),
}

fn auditor() -> Caller {
    Caller {
        agency: "rabt".parse().unwrap(),
        system: "aud-1".into(),
        role: Role::Auditor,
    }
}

fn differences(replay: &[(String, String)]) -> Vec<String> {
    let pairs = replay.iter();
    pairs.map(|(what, why)| format!("{what} {why}")).collect()
}

#[tokio::test]
async fn the_receiver_can_open_the_digests_and_nobody_else() {
    let node = Node::start().await;
    let (leaf, saved) = node.ask(MONA[2]).await;
    let entry = node.entry(leaf).await;
    assert_eq!(entry.request, Some(saved.wire.request()));
    let told = saved.wire.salt;
    let digest = told.digest(Side::Response, saved.told.0.as_bytes());
    assert_eq!(entry.response, Some(digest));
    // the same question has other digests: without its salt none can be tried
    let (second, again) = node.ask(MONA[2]).await;
    let other = node.entry(second).await;
    assert_eq!(saved.told.0, again.told.0);
    assert_ne!(
        (entry.request, entry.response),
        (other.request, other.response)
    );
    let salts = [saved.wire.salt, again.wire.salt];
    let body = other.encode().body;
    let text = String::from_utf8_lossy(&body);
    assert!(salts.iter().all(|salt| !text.contains(&salt.to_string())));

    // a refusal can be proven too
    let mut question = request(Method::LookupCitizen, by_national_id(MONA[2]));
    question.context.purpose = "curiosity".into();
    let wire = Line {
        salt: node.services.draw_salt(),
        asked: "x".into(),
    };
    let asked = Exchange::over(question, &wire);
    let refused = lookup_citizen(&node.services, asked).await.unwrap_err();
    let crate::EnquiryError::Denied(denial) = refused else {
        panic!("{refused}");
    };
    let entry = node.entry(denial.leaf().unwrap()).await;
    let told = wire.refusal(ErrorClass::NotPermitted, "");
    assert_eq!(
        (entry.request, entry.response),
        (Some(wire.request()), Some(told))
    );
}

#[tokio::test]
async fn an_answer_is_made_again_as_of_then_whatever_came_later() {
    let node = Node::start().await;
    let (leaf, saved) = node.ask(MONA[2]).await;
    let (missed, nobody) = node.ask(NOBODY).await;
    let replay = node.replay(leaf, &saved).await;
    assert!(
        replay.recorded && replay.then.same && replay.now.same,
        "{replay:?}"
    );
    assert!(replay.then.differences.is_empty() && replay.now.differences.is_empty());
    let absent = node.replay(missed, &nobody).await;
    assert!(absent.then.same && absent.now.same, "{absent:?}");

    // the agency corrects the row
    let corrected = [MONA[0], MONA[1], MONA[2], "1984-02-12", MONA[4]];
    let found = [NOBODY_ROW, corrected, OMAR];
    node.read(&found).await;
    let replay = node.replay(leaf, &saved).await;
    assert!(replay.then.same && !replay.now.same, "{replay:?}");
    assert!(replay.then.differences.is_empty());
    let later = differences(&replay.now.differences);
    assert!(
        later.contains(&"birth.date LATER_RECORD".to_owned()),
        "{later:?}"
    );
    assert!(!format!("{replay:?}").contains("1984"));
    // who was nobody then is somebody now
    let absent = node.replay(missed, &nobody).await;
    assert!(absent.then.same && !absent.now.same, "{absent:?}");

    // another policy: less may be told
    let usual = "default = [\"name.chain\", \"birth.date\"]";
    let narrower = BUNDLE.replace(usual, "default = [\"name.chain\"]");
    let imported = import_agreements(&node.services, &operator(), &narrower).await;
    imported.unwrap();
    let replay = node.replay(leaf, &saved).await;
    assert!(replay.then.same, "{replay:?}");
    let now = differences(&replay.now.differences);
    assert!(now.contains(&"birth.date POLICY".to_owned()), "{replay:?}");
}

const NOBODY_ROW: [&str; 5] = ["9", "سمير فؤاد", NOBODY, "1999-01-01", "01212345678"];

#[tokio::test]
async fn nothing_is_asked_but_what_was_asked() {
    let node = Node::start().await;
    let (leaf, saved) = node.ask(MONA[2]).await;
    let (other, _) = node.ask(OMAR[2]).await;
    let replay = node.replay(other, &saved).await;
    assert!(
        !replay.recorded && replay.now.outcome.is_empty(),
        "{replay:?}"
    );
    let refused = node.try_replay(&operator(), leaf, &saved).await;
    assert!(matches!(refused, Err(EvidenceError::NotPermitted(_))));
    // the entry of the start has no digests
    let invalid = node.try_replay(&auditor(), 0, &saved).await;
    assert!(matches!(invalid, Err(EvidenceError::Invalid { .. })));
    let missing = node.try_replay(&auditor(), 1_000_000, &saved).await;
    assert!(matches!(missing, Err(EvidenceError::NotFound { .. })));
}

#[tokio::test]
async fn a_citizen_is_asked_for_by_id_too() {
    let node = Node::start().await;
    let (_, found) = node.ask(MONA[2]).await;
    let mona = node
        .services
        .directory
        .by_identifier("national_id", MONA[2])
        .unwrap();
    let subject = Subject::Citizen(mona.citizen.to_string());
    let mut question = request(Method::GetCitizen, subject);
    question.at = node.services.clock.now();
    let wire = Line {
        salt: node.services.draw_salt(),
        asked: "by id".into(),
    };
    let asked = Exchange::over(question.clone(), &wire);
    let answer = get_citizen(&node.services, asked).await.unwrap();
    let told = (line(&answer), parts(&answer));
    let leaf = answer.leaf().unwrap();
    let saved = Saved {
        question,
        wire,
        told,
    };
    assert_eq!(saved.told.1, found.told.1);
    let replay = node.replay(leaf, &saved).await;
    assert!(replay.then.same && replay.now.same, "{replay:?}");
}

#[tokio::test]
async fn an_identifier_that_became_somebody_elses_compares_no_two_people() {
    let node = Node::start().await;
    let (leaf, saved) = node.ask(MONA[2]).await;
    let holder = |number: &str| {
        let found = node.services.directory.by_identifier("national_id", number);
        found.map(|profile| profile.citizen)
    };
    let (mona, omar) = (holder(MONA[2]), holder(OMAR[2]));
    let corrected = [MONA[0], MONA[1], NOBODY, MONA[3], MONA[4]];
    let other = [OMAR[0], OMAR[1], MONA[2], OMAR[3], OMAR[4]];
    node.read(&[corrected, other]).await;
    assert_eq!((holder(NOBODY), holder(MONA[2])), (mona, omar));
    let replay = node.replay(leaf, &saved).await;
    for again in [&replay.then, &replay.now] {
        assert_eq!(again.obstacle, "SUBJECT_UNKNOWN", "{replay:?}");
        assert!(!again.same && again.outcome.is_empty(), "{replay:?}");
        assert!(again.differences.is_empty(), "{replay:?}");
    }
    // nobody holds it any more: there is nobody to compare with
    node.read(&[corrected]).await;
    let replay = node.replay(leaf, &saved).await;
    assert_eq!(
        (replay.now.obstacle.as_str(), replay.now.outcome.as_str()),
        ("", "absent")
    );
}
