//! Images that a start may not use.

use std::path::Path;
use std::sync::Arc;

use super::living::images::check_resumed;
use super::node::{Fragile, MONA, OMAR, Row, Tables, folder, register, setup, source};
use crate::{ImageFile, Node, Services, Setup, ingest, link};

/// Starts a node of a process on a database, with its image in the same folder as all others.
async fn begin(place: &Path, database: &str, process: i64, row: Row) -> Arc<Services> {
    let url = format!("sqlite://{}/{database}.db", place.display());
    let storage = Fragile::over(rabt_storage::open(&url).await.unwrap());
    let tables = Tables::default();
    tables.set("registry", &[row]);
    tables.set("tax", &[row]);
    let node = Node {
        process,
        ..Node::default()
    };
    let image = ImageFile {
        path: place.join("image"),
        key: [6; 32],
    };
    let setup = Setup {
        node,
        image: Some(image),
        ..setup(&storage, &tables)
    };
    Services::start(setup).await.unwrap()
}

/// Lets a node read its one person, link and stop; returns the image that it leaves.
async fn live(place: &Path, database: &str, process: i64, row: Row) -> Vec<u8> {
    let services = begin(place, database, process, row).await;
    register(&services, folder("registry")).await;
    ingest(&services, &source("registry")).await.unwrap();
    link(&services).await.unwrap();
    assert_eq!(services.citizens(), 1);
    services.stop("test").await;
    std::fs::read(place.join("image")).unwrap()
}

#[tokio::test]
async fn an_image_that_is_not_of_this_storage_is_left_alone() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("image");
    let other = live(place.path(), "one", 1, MONA).await;
    // an empty database: no step is as late as the image's
    let services = begin(place.path(), "two", 2, OMAR).await;
    assert_eq!(services.citizens(), 0);
    services.stop("test").await;
    std::fs::remove_file(&path).unwrap();
    let own = live(place.path(), "two", 2, OMAR).await;
    let mut damaged = own.clone();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    let cut = own[..own.len() - 1].to_vec();
    let images = [
        (&own, true),
        (&other, false),
        (&damaged, false),
        (&cut, false),
        (&Vec::new(), false),
    ];
    for (image, used) in images {
        std::fs::write(&path, image).unwrap();
        let services = begin(place.path(), "two", 3, OMAR).await;
        assert_eq!(services.citizens(), 1);
        // what is read from storage is put in one by one, what is in an image is not
        assert_eq!(services.directory.changes() == 0, used);
        check_resumed(&services).await;
        assert_eq!(link(&services).await.unwrap().profiles, 0);
        services.stop("test").await;
    }
}

#[tokio::test]
async fn a_node_whose_image_cannot_be_written_serves_all_the_same() {
    let place = tempfile::tempdir().unwrap();
    std::fs::create_dir(place.path().join("image.new")).unwrap();
    let services = begin(place.path(), "one", 1, MONA).await;
    register(&services, folder("registry")).await;
    ingest(&services, &source("registry")).await.unwrap();
    link(&services).await.unwrap();
    services.stop("test").await;
    assert!(!place.path().join("image").exists());
    let services = begin(place.path(), "one", 2, MONA).await;
    assert_eq!(services.citizens(), 1);
    services.stop("test").await;
}

/// The image holds one citizen, and the steps behind it brought another.
#[tokio::test]
async fn the_steps_behind_an_older_image_are_taken_and_nothing_else() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("image");
    let older = live(place.path(), "one", 1, MONA).await;
    let services = begin(place.path(), "one", 2, OMAR).await;
    register(&services, folder("tax")).await;
    ingest(&services, &source("tax")).await.unwrap();
    link(&services).await.unwrap();
    services.stop("test").await;
    std::fs::write(&path, &older).unwrap();
    let services = begin(place.path(), "one", 3, OMAR).await;
    assert_eq!((services.citizens(), services.directory.changes()), (2, 1));
    check_resumed(&services).await;
    services.stop("test").await;
}

/// A record changes, and the node dies before it is linked: whatever the next life has resident, what
/// was told before counts, and the change is told once.
#[tokio::test]
async fn a_change_that_was_not_linked_is_told_whatever_was_resident() {
    let moved: Row = [MONA[0], MONA[1], MONA[2], MONA[3], "01299999999"];
    // no image; one from before the change; one of a life that had read the change
    for lives in ["none", "before", "behind"] {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("image");
        live(place.path(), "one", 1, MONA).await;
        if lives != "before" {
            std::fs::remove_file(&path).unwrap();
        }
        let services = begin(place.path(), "one", 2, moved).await;
        ingest(&services, &source("registry")).await.unwrap();
        services.stop("test").await;
        if lives == "behind" {
            std::fs::remove_file(&path).unwrap();
            let services = begin(place.path(), "one", 3, moved).await;
            services.stop("test").await;
            assert!(path.exists());
        } else if lives == "none" {
            let _ = std::fs::remove_file(&path);
        }
        let services = begin(place.path(), "one", 4, moved).await;
        let linked = link(&services).await.unwrap();
        assert_eq!((linked.records, linked.changes), (1, 1), "{lives}");
        assert_eq!(link(&services).await.unwrap().changes, 0, "{lives}");
        services.stop("test").await;
    }
}

#[cfg(unix)]
#[tokio::test]
async fn an_image_is_its_owners_alone_and_holds_nothing_readable() {
    use std::os::unix::fs::PermissionsExt;
    let place = tempfile::tempdir().unwrap();
    let image = live(place.path(), "one", 1, MONA).await;
    let mode = std::fs::metadata(place.path().join("image")).unwrap();
    assert_eq!(mode.permissions().mode() & 0o777, 0o600);
    for text in ["منى", "28402110100028", "registry"] {
        let text = text.as_bytes();
        assert!(image.windows(text.len()).all(|window| window != text));
    }
}
