//! Cases about the versions of access agreements.

use super::sample::at;
use crate::agreement::{AgreementMove, AgreementState, StoredAgreement};
use crate::repository::Storage;

fn agreement(id: &str, text: &str) -> StoredAgreement {
    StoredAgreement {
        id: id.parse().unwrap(),
        version: 0,
        text: text.into(),
        state: AgreementState::Draft,
        author: "operator:rabt/mona".into(),
        approver: None,
        actor: "operator:rabt/mona".into(),
        reason: String::new(),
        created_at: at(1),
        updated_at: at(1),
    }
}

pub(super) async fn an_agreement_comes_back_as_it_went_in(storage: &dyn Storage) {
    let mut tx = storage.begin().await.unwrap();
    let tax = agreement("AG-TAX", "# ضرائب");
    assert_eq!(tx.put_agreement(&tax).await.unwrap(), 1);
    let put = StoredAgreement {
        version: 1,
        ..tax.clone()
    };
    let versions = tx.agreement_versions(&tax.id).await.unwrap();
    assert_eq!(versions, std::slice::from_ref(&put));
    for state in AgreementState::ALL {
        let step = AgreementMove {
            state: *state,
            approver: (*state == AgreementState::Approved).then(|| "approver:rabt/ali".into()),
            actor: "approver:rabt/ali".into(),
            reason: "سبب".into(),
            at: at(3),
        };
        assert!(tx.move_agreement(&tax.id, 1, &step).await.unwrap());
        let held = tx.agreement_versions(&tax.id).await.unwrap().remove(0);
        assert_eq!((held.state, held.reason.as_str()), (*state, "سبب"));
        assert_eq!((held.created_at, held.updated_at), (at(1), at(3)));
        let approved = *state >= AgreementState::Approved;
        assert_eq!(held.approver.is_some(), approved, "it stays: {state:?}");
    }
    let none = AgreementMove {
        state: AgreementState::Draft,
        approver: None,
        actor: String::new(),
        reason: String::new(),
        at: at(4),
    };
    assert!(!tx.move_agreement(&tax.id, 9, &none).await.unwrap());
    tx.commit().await.unwrap();
}

pub(super) async fn versions_that_stand_are_listed(storage: &dyn Storage) {
    let mut tx = storage.begin().await.unwrap();
    let shown = |held: Vec<StoredAgreement>| -> Vec<String> {
        let shown = |one: &StoredAgreement| format!("{} {}", one.id, one.version);
        held.iter().map(shown).collect()
    };
    for (id, text) in [("AG-B", "1"), ("AG-A", "1"), ("AG-B", "2"), ("AG-B", "3")] {
        tx.put_agreement(&agreement(id, text)).await.unwrap();
    }
    for (version, state) in [(1, AgreementState::Ended), (2, AgreementState::Suspended)] {
        let step = AgreementMove {
            state,
            approver: None,
            actor: "x".into(),
            reason: String::new(),
            at: at(2),
        };
        let id = "AG-B".parse().unwrap();
        tx.move_agreement(&id, version, &step).await.unwrap();
    }
    let standing = shown(tx.standing_agreements().await.unwrap());
    assert_eq!(standing, ["AG-A 1", "AG-B 2", "AG-B 3"]);
    let last = shown(tx.last_agreements().await.unwrap());
    assert_eq!(last, ["AG-A 1", "AG-B 3"]);
    tx.commit().await.unwrap();
}
