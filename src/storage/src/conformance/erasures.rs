//! Cases about erasures and the keys that seal what storage holds.

use rabt_model::CitizenId;

use super::sample::at;
use crate::repository::Storage;
use crate::row::{ErasureState, StoredDataKey, StoredErasure};

pub(super) async fn an_erasure_is_decided_once_and_names_nobody_then(storage: &dyn Storage) {
    let asked = |citizen: u128| StoredErasure {
        number: 0,
        citizen: Some(CitizenId::from_random(citizen)),
        reason: "retention ended".to_owned(),
        state: ErasureState::Asked,
        proposer: "rabt:huda".to_owned(),
        decider: String::new(),
        created_at: at(1),
        updated_at: at(1),
    };
    let mut tx = storage.begin().await.unwrap();
    let (mut first, mut second) = (asked(1), asked(2));
    first.number = tx.put_erasure(&first).await.unwrap();
    second.number = tx.put_erasure(&second).await.unwrap();
    tx.commit().await.unwrap();

    let mut tx = storage.begin().await.unwrap();
    let all = tx.erasures(None, 9).await.unwrap();
    assert_eq!(all, [second.clone(), first.clone()]);
    let page = tx.erasures(Some(second.number), 9).await.unwrap();
    assert_eq!(page, [first.clone()]);
    assert_eq!(tx.erasures(None, 1).await.unwrap(), [second]);
    let done = ErasureState::Done;
    // what is confirmed names the citizen until it is done, and nobody takes it back
    let third = tx.put_erasure(&asked(3)).await.unwrap();
    let steps = [
        (ErasureState::Confirmed, true),
        (ErasureState::Confirmed, false),
        (ErasureState::Withdrawn, false),
    ];
    for (state, decided) in steps {
        let answer = tx.decide_erasure(third, state, "rabt:ali", at(4)).await;
        assert_eq!(answer, Ok(decided), "{state:?}");
    }
    let confirmed = tx.erasures(None, 1).await.unwrap().remove(0);
    assert_eq!(confirmed.state, ErasureState::Confirmed);
    assert_eq!(confirmed.citizen, asked(3).citizen);
    let answer = tx.decide_erasure(third, done, "rabt:ali", at(5)).await;
    assert_eq!(answer, Ok(true));
    assert_eq!(tx.erasures(None, 1).await.unwrap()[0].citizen, None);
    for (number, decided) in [(first.number, true), (first.number, false), (99, false)] {
        let answer = tx.decide_erasure(number, done, "rabt:ali", at(5)).await;
        assert_eq!(answer, Ok(decided), "{number}");
    }
    let decided = StoredErasure {
        citizen: None,
        state: done,
        decider: "rabt:ali".to_owned(),
        updated_at: at(5),
        ..first
    };
    assert_eq!(tx.erasures(Some(third), 9).await.unwrap()[1], decided);
}

pub(super) async fn a_data_key_is_made_once_and_sealed_anew(storage: &dyn Storage) {
    let key = |id: u32, byte: u8| StoredDataKey {
        id,
        sealed: vec![byte; 80],
        created_at: at(1),
    };
    let mut tx = storage.begin().await.unwrap();
    assert!(tx.data_keys().await.unwrap().is_empty());
    assert!(tx.put_data_key(&key(2, 2)).await.unwrap());
    assert!(tx.put_data_key(&key(1, 1)).await.unwrap());
    assert!(!tx.put_data_key(&key(1, 9)).await.unwrap());
    assert_eq!(tx.data_keys().await.unwrap(), [key(1, 1), key(2, 2)]);
    assert!(tx.reseal_data_key(1, &[7; 80]).await.unwrap());
    assert!(!tx.reseal_data_key(3, &[7; 80]).await.unwrap());
    assert_eq!(tx.data_keys().await.unwrap(), [key(1, 7), key(2, 2)]);
}
