//! Cases about what citizens say is wrong.

use rabt_model::{CitizenId, Pii};

use super::sample::at;
use crate::repository::Storage;
use crate::row::{CorrectionState, StoredCorrection};

fn correction(citizen: u128, agency: &str) -> StoredCorrection {
    StoredCorrection {
        number: 0,
        citizen: CitizenId::from_random(citizen),
        agency: agency.parse().unwrap(),
        source: agency.parse().unwrap(),
        stream: "person".parse().unwrap(),
        record_key: Pii::new("17/ب".to_owned()),
        attribute: "birth.date".parse().unwrap(),
        wrong: Pii::new("التاريخ خطأ".to_owned()),
        evidence: "DOC-4".to_owned(),
        state: CorrectionState::Asked,
        answer: String::new(),
        created_at: at(1),
        updated_at: at(1),
    }
}

pub(super) async fn a_correction_is_asked_and_answered_once(storage: &dyn Storage) {
    let mut tx = storage.begin().await.unwrap();
    let mut first = correction(1, "tax");
    first.number = tx.put_correction(&first).await.unwrap();
    let mut second = correction(2, "tax");
    second.number = tx.put_correction(&second).await.unwrap();
    let mut other = correction(1, "health");
    other.number = tx.put_correction(&other).await.unwrap();
    tx.commit().await.unwrap();

    let mut tx = storage.begin().await.unwrap();
    let of_one = tx.corrections_of(first.citizen).await.unwrap();
    assert_eq!(of_one, [other, first.clone()]);
    let tax = first.agency.clone();
    let page = tx.corrections_for(&tax, None, 9).await.unwrap();
    assert_eq!(page, [second.clone(), first.clone()]);
    let page = tx
        .corrections_for(&tax, Some(second.number), 9)
        .await
        .unwrap();
    assert_eq!(page, [first.clone()]);
    assert_eq!(tx.corrections_for(&tax, None, 1).await.unwrap(), [second]);
    let answered = CorrectionState::Corrected;
    for (number, done) in [(first.number, true), (first.number, false), (99, false)] {
        let answer = tx.answer_correction(number, answered, "تم", at(5)).await;
        assert_eq!(answer, Ok(done), "{number}");
    }
    first.state = answered;
    "تم".clone_into(&mut first.answer);
    first.updated_at = at(5);
    let stored = tx.get_correction(first.number).await.unwrap();
    assert_eq!(stored.as_ref(), Some(&first));
    assert_eq!(tx.get_correction(99).await.unwrap(), None);
    for (number, done) in [(first.number, true), (99, false)] {
        let worded = tx.word_correction(number, "18", "النوع خطأ").await;
        assert_eq!(worded, Ok(done), "{number}");
    }
    first.record_key = Pii::new("18".to_owned());
    first.wrong = Pii::new("النوع خطأ".to_owned());
    assert_eq!(tx.get_correction(first.number).await.unwrap(), Some(first));
}
