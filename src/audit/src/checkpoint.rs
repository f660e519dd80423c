//! Signed tree heads in the C2SP formats: a tlog checkpoint inside a signed note, Ed25519.
//!
//! ```text
//! <origin>
//! <size in decimal>
//! <root in base 64>
//!
//! — <origin> <base 64 of key id (4 bytes) and signature (64 bytes)>
//! ```

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};

use crate::tree::Hash;

/// Type byte of Ed25519 in key ids and verifier keys.
const ED25519: u8 = 1;
/// How the line of an archive begins, behind which its first leaf is written.
const ARCHIVE: &str = "archive from ";
/// How a signature line begins.
const SIGNATURE: &str = "\u{2014} ";

/// What a node states about its log at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log: the name of the node's key.
    pub origin: String,
    /// Number of entries.
    pub size: u64,
    /// Root of the tree over them.
    pub root: Hash,
}

/// The node's key for checkpoints, and the name of its log.
pub struct CheckpointKey {
    key: SigningKey,
    verifier: CheckpointVerifier,
}

/// What anyone needs to check checkpoints. Its text is a C2SP verifier key: `<origin>+<key id>+<base 64>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckpointVerifier {
    origin: String,
    id: [u8; 4],
    key: VerifyingKey,
}

/// Why bytes are not a checkpoint of this log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// An origin is 1 to 128 characters without white space and `+`.
    #[error("the origin must be 1 to 128 characters without white space and '+'")]
    Origin,
    /// The text is not a verifier key, or its id does not fit its key.
    #[error("is not a verifier key of the form origin+id+key")]
    Key,
    /// Not a note with a signature.
    #[error("is not a signed note")]
    Note,
    /// Not signed by the key of this log.
    #[error("has no signature of the key of this log")]
    Unsigned,
    /// The signature does not fit the text.
    #[error("the signature does not fit the text")]
    Signature,
    /// The signed text is not a checkpoint.
    #[error("the signed text is not a checkpoint")]
    Text,
    /// A checkpoint of another log.
    #[error("is a checkpoint of another log")]
    OtherLog,
    /// Signed by somebody whose key is not given.
    #[error("has a signature of a witness whose key is not given")]
    Stranger,
}

impl Checkpoint {
    /// Returns the text that is signed.
    fn text(&self) -> String {
        let root = STANDARD.encode(self.root);
        format!("{}\n{}\n{root}\n", self.origin, self.size)
    }

    /// Returns what a note states, whoever signed it or not; for logs whose key is not at hand.
    ///
    /// # Errors
    /// The bytes are not the note of a checkpoint.
    pub fn stated(note: &[u8]) -> Result<Self, CheckpointError> {
        let (text, _) = parts(note)?;
        Self::from_text(text).ok_or(CheckpointError::Text)
    }

    /// Returns the first leaf of an archive, of a note that is known to be signed; `None` for other checkpoints.
    pub fn archive_from(note: &[u8]) -> Option<u64> {
        let (text, _) = parts(note).ok()?;
        let line = text.split('\n').nth(3)?.strip_prefix(ARCHIVE)?;
        let from: u64 = line.parse().ok()?;
        (from.to_string() == line).then_some(from)
    }

    /// Reads a signed text. Lines after the root are extensions and are ignored.
    fn from_text(text: &str) -> Option<Self> {
        let mut lines = text.strip_suffix('\n')?.split('\n');
        let origin = lines.next()?.to_owned();
        let size = lines.next()?;
        let root = STANDARD.decode(lines.next()?).ok()?.try_into().ok()?;
        let canonical = size == "0" || !size.starts_with('0');
        if !canonical || !size.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        Some(Self {
            origin,
            size: size.parse().ok()?,
            root,
        })
    }
}

impl CheckpointKey {
    /// Returns the key of a log from 32 secret bytes; the caller supplies the randomness.
    ///
    /// # Errors
    /// The origin is not one.
    pub fn from_seed(origin: &str, seed: &[u8; 32]) -> Result<Self, CheckpointError> {
        let key = SigningKey::from_bytes(seed);
        let verifier = CheckpointVerifier::new(origin, key.verifying_key())?;
        Ok(Self { key, verifier })
    }

    /// Returns what others need to check this key's checkpoints.
    pub const fn verifier(&self) -> &CheckpointVerifier {
        &self.verifier
    }

    /// Returns the signed checkpoint of a tree. Equal trees give equal bytes.
    pub fn sign(&self, size: u64, root: Hash) -> Vec<u8> {
        self.sign_with(size, root, "")
    }

    /// Returns the signed checkpoint of an archive: of the tree that ends with it, and from which leaf on its
    /// entries are.
    pub fn sign_archive(&self, from: u64, size: u64, root: Hash) -> Vec<u8> {
        self.sign_with(size, root, &format!("{ARCHIVE}{from}\n"))
    }

    fn sign_with(&self, size: u64, root: Hash, extension: &str) -> Vec<u8> {
        let origin = &self.verifier.origin;
        let checkpoint = Checkpoint {
            origin: origin.clone(),
            size,
            root,
        };
        let text = format!("{}{extension}", checkpoint.text());
        let mut signature = self.verifier.id.to_vec();
        signature.extend_from_slice(&self.key.sign(text.as_bytes()).to_bytes());
        let signature = STANDARD.encode(signature);
        format!("{text}\n{SIGNATURE}{origin} {signature}\n").into_bytes()
    }
}

impl fmt::Debug for CheckpointKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CheckpointKey({})", self.verifier.origin)
    }
}

impl CheckpointVerifier {
    fn new(origin: &str, key: VerifyingKey) -> Result<Self, CheckpointError> {
        Ok(Self {
            origin: origin.to_owned(),
            id: key_id(origin, ED25519, &key)?,
            key,
        })
    }

    /// Returns the name of the log.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Reads a checkpoint and checks its signature. Signatures of other keys, such as witnesses, are not
    /// looked at.
    ///
    /// # Errors
    /// The bytes are not a checkpoint that this log's key signed.
    pub fn open(&self, note: &[u8]) -> Result<Checkpoint, CheckpointError> {
        let (text, signatures) = parts(note)?;
        let mut signed = false;
        for line in signatures.split('\n') {
            signed |= self.check(text, line)?;
        }
        if !signed {
            return Err(CheckpointError::Unsigned);
        }
        let checkpoint = Checkpoint::from_text(text).ok_or(CheckpointError::Text)?;
        if checkpoint.origin != self.origin {
            return Err(CheckpointError::OtherLog);
        }
        Ok(checkpoint)
    }

    /// Says whether a line is this key's signature of the text.
    pub(crate) fn check(&self, text: &str, line: &str) -> Result<bool, CheckpointError> {
        let (name, id, signature) = signature_line(line)?;
        if name != self.origin || id != self.id {
            return Ok(false);
        }
        let signature = Signature::from_slice(&signature).map_err(|_| CheckpointError::Note)?;
        let verified = self.key.verify_strict(text.as_bytes(), &signature);
        verified.map_err(|_| CheckpointError::Signature)?;
        Ok(true)
    }
}

impl fmt::Display for CheckpointVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_key(f, &self.origin, self.id, ED25519, &self.key)
    }
}

impl FromStr for CheckpointVerifier {
    type Err = CheckpointError;
    fn from_str(text: &str) -> Result<Self, CheckpointError> {
        let (origin, key) = read_key(text, ED25519)?;
        let verifier = Self::new(origin, key)?;
        if verifier.to_string() != text.trim() {
            return Err(CheckpointError::Key);
        }
        Ok(verifier)
    }
}

/// Takes a note apart: the signed text with its last line feed, and the lines of signatures.
pub(crate) fn parts(note: &[u8]) -> Result<(&str, &str), CheckpointError> {
    let note = std::str::from_utf8(note).map_err(|_| CheckpointError::Note)?;
    let (text, signatures) = note.rsplit_once("\n\n").ok_or(CheckpointError::Note)?;
    let signatures = signatures.strip_suffix('\n').ok_or(CheckpointError::Note)?;
    // The blank line ends the text; its first line feed is the text's own.
    let text = &note[..=text.len()];
    if text.chars().any(|c| c.is_control() && c != '\n') {
        return Err(CheckpointError::Note);
    }
    Ok((text, signatures))
}

/// Takes a line of a signature apart: whose, the id of the key, and what is behind it.
pub(crate) fn signature_line(line: &str) -> Result<(&str, [u8; 4], Vec<u8>), CheckpointError> {
    let line = line.strip_prefix(SIGNATURE).ok_or(CheckpointError::Note)?;
    let (name, signature) = line.split_once(' ').ok_or(CheckpointError::Note)?;
    let bytes = STANDARD.decode(signature);
    let bytes = bytes.map_err(|_| CheckpointError::Note)?;
    let (id, signature) = bytes
        .split_first_chunk::<4>()
        .ok_or(CheckpointError::Note)?;
    Ok((name, *id, signature.to_vec()))
}

/// Returns the line of a signature.
pub(crate) fn write_line(name: &str, id: [u8; 4], signature: &[u8]) -> String {
    let bytes = [&id, signature].concat();
    format!("{SIGNATURE}{name} {}", STANDARD.encode(bytes))
}

/// Returns the id of a key of this name and type; names have no white space and no plus sign.
pub(crate) fn key_id(name: &str, kind: u8, key: &VerifyingKey) -> Result<[u8; 4], CheckpointError> {
    let length = name.chars().count();
    let bad = |c: char| c.is_whitespace() || c.is_control() || c == '+';
    if length == 0 || length > 128 || name.chars().any(bad) {
        return Err(CheckpointError::Origin);
    }
    let mut hash = Sha256::new();
    hash.update(name);
    hash.update([b'\n', kind]);
    hash.update(key.as_bytes());
    let digest = hash.finalize();
    Ok([digest[0], digest[1], digest[2], digest[3]])
}

/// Writes a C2SP verifier key.
pub(crate) fn write_key(
    f: &mut fmt::Formatter<'_>,
    name: &str,
    id: [u8; 4],
    kind: u8,
    key: &VerifyingKey,
) -> fmt::Result {
    let bytes = [&[kind][..], key.as_bytes()].concat();
    let id = u32::from_be_bytes(id);
    write!(f, "{name}+{id:08x}+{}", STANDARD.encode(bytes))
}

/// Reads name and key of a C2SP verifier key of a type; its id is not looked at.
pub(crate) fn read_key(text: &str, kind: u8) -> Result<(&str, VerifyingKey), CheckpointError> {
    let mut parts = text.trim().splitn(3, '+');
    let (Some(name), Some(_), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(CheckpointError::Key);
    };
    let bytes = STANDARD.decode(key).map_err(|_| CheckpointError::Key)?;
    let key = match bytes.split_first() {
        Some((found, key)) if *found == kind => key,
        Some(_) | None => return Err(CheckpointError::Key),
    };
    let key = key.try_into().map_err(|_| CheckpointError::Key)?;
    let key = VerifyingKey::from_bytes(&key).map_err(|_| CheckpointError::Key)?;
    Ok((name, key))
}

#[cfg(test)]
mod tests {
    use super::{Checkpoint, CheckpointError, CheckpointKey, CheckpointVerifier};

    fn key() -> CheckpointKey {
        CheckpointKey::from_seed("node.example/rabt", &[3; 32]).unwrap()
    }

    #[test]
    fn the_form_is_that_of_a_signed_note() {
        let note = String::from_utf8(key().sign(17, [9; 32])).unwrap();
        insta::assert_snapshot!(format!("{}\n\n{note}", key().verifier()));
    }

    #[test]
    fn signed_checkpoints_open() {
        let verifier: CheckpointVerifier = key().verifier().to_string().parse().unwrap();
        let checkpoint = verifier.open(&key().sign(17, [9; 32])).unwrap();
        assert_eq!((checkpoint.size, checkpoint.root), (17, [9; 32]));
        assert_eq!(checkpoint.origin, verifier.origin());
    }

    #[test]
    fn an_archive_says_where_it_begins_and_is_signed() {
        let note = key().sign_archive(512, 768, [9; 32]);
        let checkpoint = key().verifier().open(&note).unwrap();
        assert_eq!((checkpoint.size, checkpoint.root), (768, [9; 32]));
        assert_eq!(Checkpoint::archive_from(&note), Some(512));
        assert_eq!(Checkpoint::archive_from(&key().sign(768, [9; 32])), None);
        let text = String::from_utf8(note).unwrap();
        let other = text.replace("archive from 512", "archive from 256");
        assert!(key().verifier().open(other.as_bytes()).is_err());
        for line in ["archive from 0512", "archive from -1", "archive from "] {
            let other = text.replace("archive from 512", line);
            assert_eq!(Checkpoint::archive_from(other.as_bytes()), None, "{line}");
        }
    }

    #[test]
    fn the_signature_of_somebody_else_does_no_harm_and_no_good() {
        let mut note = key().sign(17, [9; 32]);
        note.extend_from_slice("— witness.example AAAAAAAA\n".as_bytes());
        assert!(key().verifier().open(&note).is_ok());
        let other = CheckpointKey::from_seed("node.example/rabt", &[4; 32]).unwrap();
        assert_eq!(other.verifier().open(&note), Err(CheckpointError::Unsigned));
    }

    #[test]
    fn any_changed_byte_is_noticed() {
        let (key, note) = (key(), key().sign(1_234_567, [9; 32]));
        for at in 0..note.len() {
            let mut changed = note.clone();
            changed[at] ^= 1 << (at % 8);
            assert!(key.verifier().open(&changed).is_err(), "byte {at}");
        }
        for length in 0..note.len() {
            assert!(
                key.verifier().open(&note[..length]).is_err(),
                "{length} bytes"
            );
        }
    }

    #[test]
    fn keys_and_origins_are_checked() {
        for origin in ["", "a b", "a+b", "a\n", &"x".repeat(129)] {
            let error = CheckpointKey::from_seed(origin, &[3; 32]).unwrap_err();
            assert_eq!(error, CheckpointError::Origin);
        }
        let text = key().verifier().to_string();
        for bad in [
            "",
            "x",
            &text[1..],
            &text[..text.len() - 4],
            &text.replace('+', "-"),
        ] {
            assert!(bad.parse::<CheckpointVerifier>().is_err(), "{bad}");
        }
        assert_eq!(format!("{:?}", key()), "CheckpointKey(node.example/rabt)");
    }
}
