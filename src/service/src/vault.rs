//! Sealing what storage holds: data keys in storage, which the node's master key seals.
//!
//! Invariant: what is sealed can be opened only with the master key and only as what it was sealed as: the
//! purpose and the place are part of the seal. Another master key is an error with a remedy, never an empty
//! answer.

use std::sync::{PoisonError, RwLock};

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use rabt_model::Timestamp;
use rabt_storage::{Storage, StorageError, StoredDataKey};
use rand::rngs::StdRng;
use rand::{RngCore, SeedableRng};
use rustc_hash::FxHashMap;
use sha2::{Digest, Sha256};

/// Bytes of a nonce.
const NONCE: usize = 24;
/// Bytes that say which key sealed the rest.
const ID: usize = 4;
/// What the seal of a data key is for.
const OF_DATA_KEY: &[u8] = b"rabt/data-key/";

/// The key of a node, or of the nodes of one database, that seals the data keys.
#[derive(Clone)]
pub struct MasterKey([u8; 32]);

/// Seals and opens. Cheap to use from any thread.
pub(crate) struct Vault {
    keys: RwLock<Keys>,
    random: std::sync::Mutex<StdRng>,
}

struct Keys {
    /// By number.
    known: FxHashMap<u32, [u8; 32]>,
    /// The number of the key that seals from now on.
    current: (u32, [u8; 32]),
}

/// Why something cannot be opened. It never repeats what it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// The master key is not the one that sealed the data keys.
    #[error(
        "master.key in the folder audit.keys is not the one that sealed the keys of this storage; restore \
         it from a backup, or copy it from another node of this database; if it was being replaced, end that with \
         `rabt storage rotate`"
    )]
    Master,
    /// A key was made by another node and is not known here yet, or storage is damaged.
    #[error("data key {0} is not in storage")]
    Unknown(u32),
    /// Sealed by another key, for another place, or changed.
    #[error("a sealed value in storage cannot be opened: it was changed, or belongs elsewhere")]
    Damaged,
    /// Storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl MasterKey {
    /// Returns the key of these bytes; the caller supplies the randomness.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns what names the key without telling it: 8 bytes.
    fn mark(&self) -> [u8; 8] {
        let mut digest = Sha256::new();
        digest.update(b"rabt/master-key/");
        digest.update(self.0);
        let digest = digest.finalize();
        std::array::from_fn(|place| digest[place])
    }

    /// Seals a data key: the mark of this key, a nonce, and the rest.
    fn seal(&self, id: u32, key: &[u8; 32], nonce: [u8; NONCE]) -> Vec<u8> {
        let place = [OF_DATA_KEY, &id.to_be_bytes()].concat();
        let mut sealed = self.mark().to_vec();
        sealed.extend(nonce);
        sealed.extend(encrypt(&self.0, &nonce, &place, key));
        sealed
    }

    fn open(&self, id: u32, sealed: &[u8]) -> Result<[u8; 32], VaultError> {
        let place = [OF_DATA_KEY, &id.to_be_bytes()].concat();
        let (mark, rest) = sealed.split_first_chunk::<8>().ok_or(VaultError::Damaged)?;
        if *mark != self.mark() {
            return Err(VaultError::Master);
        }
        let (nonce, rest) = rest
            .split_first_chunk::<NONCE>()
            .ok_or(VaultError::Damaged)?;
        let opened = decrypt(&self.0, nonce, &place, rest).ok_or(VaultError::Damaged)?;
        opened.try_into().map_err(|_| VaultError::Damaged)
    }
}

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[secret]")
    }
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[secret]")
    }
}

impl Vault {
    /// Opens the data keys of a storage; makes the first one when there is none.
    pub(crate) async fn open(
        storage: &dyn Storage,
        master: &MasterKey,
        at: Timestamp,
    ) -> Result<Self, VaultError> {
        let mut random = StdRng::from_os_rng();
        let mut tx = storage.snapshot().await?;
        let mut stored = tx.data_keys().await?;
        drop(tx);
        if stored.is_empty() {
            make(storage, master, 1, at, &mut random).await?;
            let mut tx = storage.snapshot().await?;
            // another node may have been first
            stored = tx.data_keys().await?;
        }
        let (mut known, mut current) = (FxHashMap::default(), None);
        for key in &stored {
            let opened = master.open(key.id, &key.sealed)?;
            known.insert(key.id, opened);
            current = Some((key.id, opened));
        }
        // nothing is ever sealed by a key that is none
        let current = current.ok_or(VaultError::Unknown(0))?;
        Ok(Self {
            keys: RwLock::new(Keys { known, current }),
            random: std::sync::Mutex::new(random),
        })
    }

    /// Seals bytes for a purpose and a place.
    pub(crate) fn seal(&self, place: &[u8], plain: &[u8]) -> Vec<u8> {
        let mut nonce = [0; NONCE];
        self.fill(&mut nonce);
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        let (id, key) = keys.current;
        drop(keys);
        let mut sealed = id.to_be_bytes().to_vec();
        sealed.extend(nonce);
        sealed.extend(encrypt(&key, &nonce, place, plain));
        sealed
    }

    /// Opens what was sealed for the same purpose and place.
    pub(crate) fn unseal(&self, place: &[u8], sealed: &[u8]) -> Result<Vec<u8>, VaultError> {
        let (id, rest) = sealed
            .split_first_chunk::<ID>()
            .ok_or(VaultError::Damaged)?;
        let (nonce, rest) = rest
            .split_first_chunk::<NONCE>()
            .ok_or(VaultError::Damaged)?;
        let id = u32::from_be_bytes(*id);
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        let key = keys.known.get(&id).copied();
        drop(keys);
        let key = key.ok_or(VaultError::Unknown(id))?;
        decrypt(&key, nonce, place, rest).ok_or(VaultError::Damaged)
    }

    /// Draws random bytes.
    pub(crate) fn fill(&self, bytes: &mut [u8]) {
        let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
        random.fill_bytes(bytes);
    }
}

/// Seals every data key of a storage by another master key, in one commit, and returns how many there were to
/// seal. What data keys sealed stays as it is. After a kill it is begun again with the same keys.
///
/// # Errors
/// A data key is sealed by neither key, or storage failed; nothing was changed.
pub async fn reseal(
    storage: &dyn Storage,
    from: &MasterKey,
    to: &MasterKey,
) -> Result<u64, VaultError> {
    let mut random = StdRng::from_os_rng();
    let mut tx = storage.begin().await?;
    let mut sealed = 0;
    for stored in tx.data_keys().await? {
        if to.open(stored.id, &stored.sealed).is_ok() {
            continue;
        }
        let key = from.open(stored.id, &stored.sealed)?;
        let mut nonce = [0; NONCE];
        random.fill_bytes(&mut nonce);
        let anew = to.seal(stored.id, &key, nonce);
        tx.reseal_data_key(stored.id, &anew).await?;
        sealed += 1;
    }
    tx.commit().await?;
    Ok(sealed)
}

/// Makes a data key, unless there is one of its number.
async fn make(
    storage: &dyn Storage,
    master: &MasterKey,
    id: u32,
    at: Timestamp,
    random: &mut StdRng,
) -> Result<(), VaultError> {
    let (mut key, mut nonce) = ([0; 32], [0; NONCE]);
    random.fill_bytes(&mut key);
    random.fill_bytes(&mut nonce);
    let stored = StoredDataKey {
        id,
        sealed: master.seal(id, &key, nonce),
        created_at: at,
    };
    let mut tx = storage.begin().await?;
    tx.put_data_key(&stored).await?;
    tx.commit().await?;
    Ok(())
}

/// # Panics
/// Never: a text of a size that memory can hold is sealed.
#[expect(clippy::unwrap_used, reason = "XChaCha20-Poly1305 seals up to 256 GiB")]
fn encrypt(key: &[u8; 32], nonce: &[u8; NONCE], place: &[u8], plain: &[u8]) -> Vec<u8> {
    let cipher = XChaCha20Poly1305::new(Key::from_slice(key));
    let payload = Payload {
        msg: plain,
        aad: place,
    };
    cipher.encrypt(XNonce::from_slice(nonce), payload).unwrap()
}

fn decrypt(key: &[u8; 32], nonce: &[u8; NONCE], place: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    let cipher = XChaCha20Poly1305::new(Key::from_slice(key));
    let payload = Payload {
        msg: sealed,
        aad: place,
    };
    cipher.decrypt(XNonce::from_slice(nonce), payload).ok()
}

#[cfg(test)]
mod tests {
    use super::{MasterKey, Vault, VaultError, reseal};

    #[tokio::test]
    async fn what_is_sealed_opens_in_its_place_with_its_master_key_alone() {
        let storage = rabt_storage::open("sqlite::memory:").await.unwrap();
        let at = "2026-06-01T10:00:00Z".parse().unwrap();
        let master = MasterKey::new([7; 32]);
        let vault = Vault::open(storage.as_ref(), &master, at).await.unwrap();
        let sealed = vault.seal(b"here", b"29801010112345");
        assert!(!sealed.windows(5).any(|bytes| bytes == b"29801"));
        assert_ne!(sealed, vault.seal(b"here", b"29801010112345"));
        let again = Vault::open(storage.as_ref(), &master, at).await.unwrap();
        assert_eq!(
            again.unseal(b"here", &sealed),
            Ok(b"29801010112345".to_vec())
        );
        assert_eq!(again.unseal(b"there", &sealed), Err(VaultError::Damaged));
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(again.unseal(b"here", &changed).is_err(), "byte {at}");
            assert!(again.unseal(b"here", &sealed[..at]).is_err(), "byte {at}");
        }
        let other = Vault::open(storage.as_ref(), &MasterKey::new([8; 32]), at).await;
        assert_eq!(other.unwrap_err(), VaultError::Master);
    }

    #[tokio::test]
    async fn another_master_key_takes_over_and_what_was_sealed_stays() {
        let storage = rabt_storage::open("sqlite::memory:").await.unwrap();
        let storage = storage.as_ref();
        let at = "2026-06-01T10:00:00Z".parse().unwrap();
        let [old, new, other] = [7, 8, 9].map(|byte| MasterKey::new([byte; 32]));
        let vault = Vault::open(storage, &old, at).await.unwrap();
        let sealed = vault.seal(b"here", b"text");
        let wrong = reseal(storage, &other, &new).await;
        assert_eq!(wrong, Err(VaultError::Master));
        assert_eq!(reseal(storage, &old, &new).await, Ok(1));
        // begun again after a kill
        assert_eq!(reseal(storage, &old, &new).await, Ok(0));
        let before = Vault::open(storage, &old, at).await;
        assert_eq!(before.unwrap_err(), VaultError::Master);
        let after = Vault::open(storage, &new, at).await.unwrap();
        assert_eq!(after.unseal(b"here", &sealed), Ok(b"text".to_vec()));
    }
}
