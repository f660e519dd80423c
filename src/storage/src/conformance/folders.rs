//! Cases about the versions of agencies' folders.

use super::sample::at;
use crate::repository::Storage;
use crate::row::{FolderState, StoredFolder};

fn folder(agency: &str, mapping: &str) -> StoredFolder {
    StoredFolder {
        agency: agency.parse().unwrap(),
        version: 0,
        manifest: "schema = 1\n".into(),
        mapping: mapping.into(),
        state: FolderState::Draft,
        author: "operator:rabt/mona".into(),
        approver: None,
        created_at: at(1),
        updated_at: at(1),
    }
}

pub(super) async fn a_folder_comes_back_as_it_went_in(storage: &dyn Storage) {
    let mut tx = storage.begin().await.unwrap();
    let tax = folder("tax", "# الاسم");
    assert_eq!(tx.put_folder(&tax).await.unwrap(), 1);
    let put = StoredFolder {
        version: 1,
        ..tax.clone()
    };
    assert_eq!(
        tx.folders(&tax.agency).await.unwrap(),
        std::slice::from_ref(&put)
    );
    assert_eq!(tx.open_folders().await.unwrap(), [put]);
    for state in FolderState::ALL {
        let set = tx.set_folder_state(&tax.agency, 1, *state, Some("approver:rabt/ali"), at(3));
        assert!(set.await.unwrap());
        let held = tx.folders(&tax.agency).await.unwrap().remove(0);
        assert_eq!(held.state, *state);
        assert_eq!((held.created_at, held.updated_at), (at(1), at(3)));
        assert_eq!(held.approver.as_deref(), Some("approver:rabt/ali"));
    }
    let none = tx.set_folder_state(&tax.agency, 9, FolderState::Draft, None, at(4));
    assert!(!none.await.unwrap());
    tx.commit().await.unwrap();
}

pub(super) async fn one_folder_of_an_agency_is_worked_on(storage: &dyn Storage) {
    let mut tx = storage.begin().await.unwrap();
    let tax = folder("tax", "");
    tx.put_folder(&tax).await.unwrap();
    tx.put_folder(&folder("customs", "")).await.unwrap();
    tx.put_folder(&tax).await.unwrap();
    let states = |folders: &[StoredFolder]| -> Vec<_> {
        let state = |folder: &StoredFolder| (folder.version, folder.state);
        folders.iter().map(state).collect()
    };
    let held = tx.folders(&tax.agency).await.unwrap();
    let expected = [(2, FolderState::Draft), (1, FolderState::Withdrawn)];
    assert_eq!(states(&held), expected);
    let open = tx.open_folders().await.unwrap();
    let open: Vec<_> = open
        .iter()
        .map(|f| (f.agency.as_str(), f.version))
        .collect();
    assert_eq!(open, [("customs", 1), ("tax", 2)]);
    // what is in force is not withdrawn by what is worked on
    let approve = tx.set_folder_state(&tax.agency, 2, FolderState::Approved, Some("a"), at(2));
    assert!(approve.await.unwrap());
    tx.put_folder(&tax).await.unwrap();
    let held = tx.folders(&tax.agency).await.unwrap();
    assert_eq!(
        states(&held)[..2],
        [(3, FolderState::Draft), (2, FolderState::Approved)]
    );
    tx.commit().await.unwrap();
}

pub(super) async fn a_version_is_never_used_again(storage: &dyn Storage) {
    let mut tx = storage.begin().await.unwrap();
    let tax = folder("tax", "");
    for version in 1..=3 {
        assert_eq!(tx.put_folder(&tax).await.unwrap(), version);
        let taken_back =
            tx.set_folder_state(&tax.agency, version, FolderState::Withdrawn, None, at(2));
        assert!(taken_back.await.unwrap());
        assert!(tx.open_folders().await.unwrap().is_empty());
    }
    tx.commit().await.unwrap();
}
