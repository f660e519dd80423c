//! Cases about counts of columns.

use super::sample::{source, stream};
use crate::column::ColumnCount;
use crate::repository::Storage;

fn count(column: &str, rows: u64, missing: u64, refused: u64) -> ColumnCount {
    ColumnCount {
        column: column.into(),
        rows,
        missing,
        refused,
    }
}

pub(super) async fn counts_of_columns_add_up_until_they_are_forgotten(storage: &dyn Storage) {
    let (tax, person, company) = (source("tax"), stream("person"), stream("company"));
    let mut tx = storage.begin().await.unwrap();
    assert!(tx.column_counts(&tax).await.unwrap().is_empty());
    let first = [
        count("اسم", 5, 1, 0),
        count("NAME", 5, 2, 1),
        count("", 5, 0, 1),
    ];
    tx.count_columns(&tax, &person, &first).await.unwrap();
    let second = [count("NAME", 10, 0, 3), count("birth", 10, 9, 0)];
    tx.count_columns(&tax, &person, &second).await.unwrap();
    tx.count_columns(&tax, &person, &[]).await.unwrap();
    tx.count_columns(&tax, &company, &first[..1]).await.unwrap();
    tx.count_columns(&source("civil"), &person, &first)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let mut tx = storage.begin().await.unwrap();
    let wanted = [
        (company.clone(), count("اسم", 5, 1, 0)),
        (person.clone(), count("", 5, 0, 1)),
        (person.clone(), count("NAME", 15, 2, 4)),
        (person.clone(), count("birth", 10, 9, 0)),
        (person.clone(), count("اسم", 5, 1, 0)),
    ];
    assert_eq!(tx.column_counts(&tax).await.unwrap(), wanted);
    tx.forget_columns(&tax, &person).await.unwrap();
    assert_eq!(tx.column_counts(&tax).await.unwrap(), wanted[..1]);
    tx.count_columns(&tax, &person, &second).await.unwrap();
    assert_eq!(tx.column_counts(&tax).await.unwrap().len(), 3);
    assert_eq!(tx.column_counts(&source("civil")).await.unwrap().len(), 3);
    tx.commit().await.unwrap();
}
