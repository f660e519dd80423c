//! The feed of an agency that is told of the people it holds.

use rabt_model::ChangeKind;
use rabt_policy::{Content, Method, ToldChange};

use super::{MONA_AT_TAX, NAMESAKE, answer, ask_as_tax, delete, id, kinds, read, row, told};
use crate::Services;
use crate::change::{export_snapshot, list_changes};
use crate::tests::node::{MONA, OMAR, Tables, memory, start_with_agencies};

#[tokio::test]
async fn an_agency_is_told_of_the_people_it_holds_and_no_others() {
    let (storage, tables) = (memory().await, Tables::default());
    let services = start_with_agencies(&storage, &tables).await;
    read(&services, &tables, "registry", &[MONA, OMAR]).await;
    read(&services, &tables, "tax", &[MONA_AT_TAX]).await;
    let mona = id(&services, MONA[2]);
    let page = list_changes(&services, ask_as_tax(Method::ListChanges), "", 9)
        .await
        .unwrap();
    let changes = told(&page.told);
    assert!(!changes.is_empty() && page.end);
    assert!(changes.iter().all(|told| told.change.citizen == mona));
    assert!(changes.iter().all(|told| told.change.joined.is_empty()));
    let known = export_snapshot(&services, ask_as_tax(Method::ExportSnapshot), "", 9).await;
    let known = known.unwrap();
    let Content::Snapshot(citizens) = known.known.content() else {
        panic!("a snapshot");
    };
    assert_eq!(
        citizens
            .iter()
            .map(|known| known.citizen)
            .collect::<Vec<_>>(),
        [mona]
    );
    // the record leaves: that is told to the agency whose it was
    delete(&services, &storage, "tax", "T-77").await;
    let rest = list_changes(&services, ask_as_tax(Method::ListChanges), &page.resume, 9).await;
    let rest = told(&rest.unwrap().told);
    assert_eq!(kinds(&rest), [ChangeKind::Holdings]);
}

#[tokio::test]
async fn the_token_of_a_page_names_nobody() {
    let (storage, tables) = (memory().await, Tables::default());
    let services = start_with_agencies(&storage, &tables).await;
    read(&services, &tables, "registry", &[MONA, OMAR]).await;
    let asked = || ask_as_tax(Method::ExportSnapshot);
    let page = export_snapshot(&services, asked(), "", 1).await.unwrap();
    let strangers = [MONA, OMAR].map(|row| id(&services, row[2]).to_string());
    assert!(!page.next.is_empty());
    assert!(strangers.iter().all(|id| !page.next.contains(id.as_str())));
    let second = export_snapshot(&services, asked(), &page.next, 1)
        .await
        .unwrap();
    let third = export_snapshot(&services, asked(), &second.next, 1)
        .await
        .unwrap();
    assert_eq!(third.next, "", "everybody was walked past");
}

fn places(changes: &[ToldChange]) -> Vec<u64> {
    changes.iter().map(|told| told.sequence).collect()
}

async fn told_to_tax(services: &Services, resume: &str, limit: u32) -> (Vec<ToldChange>, String) {
    let asked = ask_as_tax(Method::ListChanges);
    let page = list_changes(services, asked, resume, limit).await.unwrap();
    (told(&page.told), page.resume)
}

#[tokio::test]
async fn an_agency_that_reads_after_a_merge_misses_nothing() {
    let (storage, tables) = (memory().await, Tables::default());
    let services = start_with_agencies(&storage, &tables).await;
    let first = [MONA, row("2", MONA), row("3", MONA), NAMESAKE];
    read(&services, &tables, "registry", &first).await;
    let theirs = ["T-9", NAMESAKE[1], NAMESAKE[2], NAMESAKE[3], ""];
    read(&services, &tables, "tax", &[theirs]).await;
    let gone = id(&services, NAMESAKE[2]);
    let (_, resume) = told_to_tax(&services, "", 500).await;
    let renamed = "ناهد صبري فوزي جلال";
    let rows = [
        MONA,
        first[1],
        first[2],
        [NAMESAKE[0], renamed, NAMESAKE[2], NAMESAKE[3], ""],
    ];
    read(&services, &tables, "registry", &rows).await;
    let (before, _) = told_to_tax(&services, &resume, 500).await;
    assert!(before.iter().any(|told| told.change.citizen == gone));
    read(&services, &tables, "tax", &[row("T-9", MONA)]).await;
    let rows = [MONA, first[1], first[2], row("9", MONA)];
    read(&services, &tables, "registry", &rows).await;
    assert_eq!(answer(&services, gone).await, id(&services, MONA[2]));
    let (after, _) = told_to_tax(&services, &resume, 500).await;
    assert_eq!(places(&after)[..before.len()], places(&before));
    assert!(after.iter().any(|told| told.change.other == Some(gone)));
}

#[tokio::test]
async fn an_agency_that_reads_after_a_split_or_a_deletion_misses_nothing() {
    let (storage, tables) = (memory().await, Tables::default());
    let services = start_with_agencies(&storage, &tables).await;
    let theirs = ["T-9", NAMESAKE[1], NAMESAKE[2], NAMESAKE[3], ""];
    let renamed = "ناهد صبري فوزي جلال";
    let now = ["9", renamed, NAMESAKE[2], NAMESAKE[3], ""];
    for (table, rows) in [("registry", [NAMESAKE]), ("tax", [theirs])] {
        read(&services, &tables, table, &rows).await;
    }
    let person = id(&services, NAMESAKE[2]);
    let (_, resume) = told_to_tax(&services, "", 500).await;
    read(&services, &tables, "registry", &[now]).await;
    let (before, split) = told_to_tax(&services, &resume, 500).await;
    assert!(!before.is_empty() && before.iter().all(|told| told.change.citizen == person));
    read(&services, &tables, "tax", &[row("T-9", OMAR)]).await;
    assert_ne!(id(&services, OMAR[2]), person);
    let (after, _) = told_to_tax(&services, &resume, 500).await;
    assert_eq!(places(&after)[..before.len()], places(&before));
    assert!(after.len() > before.len(), "the split itself");
    // what is told of the giver later concerns the agency no more
    let (_, end) = told_to_tax(&services, &split, 500).await;
    read(&services, &tables, "registry", &[NAMESAKE]).await;
    assert!(told_to_tax(&services, &end, 500).await.0.is_empty());
    delete(&services, &storage, "tax", "T-9").await;
    let (later, _) = told_to_tax(&services, &end, 500).await;
    assert_eq!(kinds(&later), [ChangeKind::Annulled]);
    // small pages tell the same as large ones
    let (mut one_by_one, mut place) = (Vec::new(), resume.clone());
    loop {
        let (page, next) = told_to_tax(&services, &place, 1).await;
        if page.is_empty() {
            break;
        }
        assert_eq!(page.len(), 1);
        one_by_one.extend(page);
        place = next;
    }
    let whole = told_to_tax(&services, &resume, 500).await.0;
    assert_eq!(places(&one_by_one), places(&whole));
}
