//! Images of a directory that a kill leaves behind: the last one, an older one, or none.

use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use tempfile::TempDir;

use crate::{Directory, ImageFile, Services};

/// The images of one node, over all its lives.
pub(super) struct Images {
    folder: TempDir,
    written: Vec<Vec<u8>>,
}

impl Images {
    pub(super) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            written: Vec::new(),
        }
    }

    pub(super) fn file(&self) -> ImageFile {
        ImageFile {
            path: self.folder.path().join("image"),
            key: [6; 32],
        }
    }

    /// Puts what the next life finds in the place of what the last one wrote.
    pub(super) fn be_killed(&mut self, random: &mut StdRng) {
        let path = self.file().path;
        if let Ok(image) = std::fs::read(&path) {
            self.written.push(image);
        }
        match self.written.choose(random) {
            Some(image) if random.random_bool(0.8) => std::fs::write(&path, image).unwrap(),
            Some(_) => std::fs::remove_file(&path).unwrap(),
            None => {}
        }
    }
}

/// Whatever image it found, the node has resident what storage holds.
pub(in crate::tests) async fn check_resumed(services: &Services) {
    let veil = services.veil();
    let stored = Directory::load(services.storage.as_ref(), &veil)
        .await
        .unwrap();
    assert_eq!(services.directory.contents(), stored.contents());
    assert_eq!(services.directory.open_contents(), stored.open_contents());
}
