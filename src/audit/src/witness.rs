//! Witnesses: others who sign our checkpoints after they saw that the log only grew. C2SP tlog-cosignature,
//! Ed25519: what is signed is the time and the text of the checkpoint.

use std::fmt;
use std::str::FromStr;

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};

use crate::CheckpointError;
use crate::checkpoint::{key_id, parts, read_key, signature_line, write_key, write_line};

/// Type byte of cosignatures in key ids and verifier keys.
const COSIGNATURE: u8 = 4;

/// What is needed to check the signatures of one witness. Its text is a C2SP verifier key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WitnessVerifier {
    name: String,
    id: [u8; 4],
    key: VerifyingKey,
}

/// The key of a witness, for those who are one, and for tests.
pub struct WitnessKey {
    key: SigningKey,
    verifier: WitnessVerifier,
}

/// A witness signed a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cosignature {
    /// The line of the note.
    pub line: String,
    /// When, as the witness says: seconds since 1970.
    pub at: u64,
}

impl WitnessVerifier {
    fn new(name: &str, key: VerifyingKey) -> Result<Self, CheckpointError> {
        Ok(Self {
            name: name.to_owned(),
            id: key_id(name, COSIGNATURE, &key)?,
            key,
        })
    }

    /// Returns the name of the witness.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Says whether a line of a note is this witness's signature of its text, and when it was made;
    /// `None` for lines of others.
    ///
    /// # Errors
    /// It is this witness's line, and not a signature of the text; or it is no line of a signature.
    pub fn check(&self, text: &str, line: &str) -> Result<Option<Cosignature>, CheckpointError> {
        let (name, id, bytes) = signature_line(line)?;
        if name != self.name || id != self.id {
            return Ok(None);
        }
        let (at, signature) = bytes
            .split_first_chunk::<8>()
            .ok_or(CheckpointError::Note)?;
        let at = u64::from_be_bytes(*at);
        let signature = Signature::from_slice(signature).map_err(|_| CheckpointError::Note)?;
        let verified = self.key.verify_strict(&message(at, text), &signature);
        verified.map_err(|_| CheckpointError::Signature)?;
        let line = line.to_owned();
        Ok(Some(Cosignature { line, at }))
    }

    /// Returns the note with this witness's line in it, in place of an earlier one.
    ///
    /// # Errors
    /// The line is not this witness's signature of the note's text.
    pub fn add(&self, note: &[u8], line: &str) -> Result<Vec<u8>, CheckpointError> {
        let (text, lines) = parts(note)?;
        let signed = self.check(text, line)?.ok_or(CheckpointError::Unsigned)?;
        let mut note = format!("{text}\n");
        for line in lines.split('\n') {
            let (name, id, _) = signature_line(line)?;
            if name != self.name || id != self.id {
                note.push_str(line);
                note.push('\n');
            }
        }
        note.push_str(&signed.line);
        note.push('\n');
        Ok(note.into_bytes())
    }
}

impl WitnessKey {
    /// Returns the key of a witness from 32 secret bytes; the caller supplies the randomness.
    ///
    /// # Errors
    /// The name is not one.
    pub fn from_seed(name: &str, seed: &[u8; 32]) -> Result<Self, CheckpointError> {
        let key = SigningKey::from_bytes(seed);
        let verifier = WitnessVerifier::new(name, key.verifying_key())?;
        Ok(Self { key, verifier })
    }

    /// Returns what others need to check this key's signatures.
    pub const fn verifier(&self) -> &WitnessVerifier {
        &self.verifier
    }

    /// Returns the line of this witness's signature of a note, made at a time in seconds since 1970.
    ///
    /// # Errors
    /// The bytes are not a note.
    pub fn sign(&self, note: &[u8], at: u64) -> Result<String, CheckpointError> {
        let (text, _) = parts(note)?;
        let signature = self.key.sign(&message(at, text)).to_bytes();
        let bytes = [&at.to_be_bytes()[..], &signature].concat();
        Ok(write_line(&self.verifier.name, self.verifier.id, &bytes))
    }
}

fn message(at: u64, text: &str) -> Vec<u8> {
    format!("cosignature/v1\ntime {at}\n{text}").into_bytes()
}

impl fmt::Debug for WitnessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WitnessKey({})", self.verifier.name)
    }
}

impl fmt::Display for WitnessVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_key(f, &self.name, self.id, COSIGNATURE, &self.key)
    }
}

impl FromStr for WitnessVerifier {
    type Err = CheckpointError;
    fn from_str(text: &str) -> Result<Self, CheckpointError> {
        let (name, key) = read_key(text, COSIGNATURE)?;
        let verifier = Self::new(name, key)?;
        if verifier.to_string() != text.trim() {
            return Err(CheckpointError::Key);
        }
        Ok(verifier)
    }
}

#[cfg(test)]
mod tests {
    use super::{WitnessKey, WitnessVerifier};
    use crate::checkpoint::parts;
    use crate::{CheckpointError, CheckpointKey};

    #[test]
    fn a_witness_signs_a_note_and_every_changed_byte_of_it_is_noticed() {
        let log = CheckpointKey::from_seed("node.example/rabt", &[3; 32]).unwrap();
        let witness = WitnessKey::from_seed("parliament.example/w1", &[4; 32]).unwrap();
        let note = log.sign(17, [9; 32]);
        let line = witness.sign(&note, 1_780_000_000).unwrap();
        let verifier: WitnessVerifier = witness.verifier().to_string().parse().unwrap();
        let signed = verifier.add(&note, &line).unwrap();
        assert!(log.verifier().open(&signed).is_ok());
        // a later signature takes the place of an earlier one
        let later = witness.sign(&note, 1_780_000_060).unwrap();
        let again = verifier.add(&signed, &later).unwrap();
        assert_eq!(again.len(), signed.len());
        let (text, lines) = parts(&again).unwrap();
        let found = lines
            .split('\n')
            .map(|line| verifier.check(text, line).unwrap());
        let at: Vec<u64> = found.flatten().map(|found| found.at).collect();
        assert_eq!(at, [1_780_000_060]);
        for at in 0..line.len() {
            let mut changed = line.clone().into_bytes();
            changed[at] ^= 1 << (at % 8);
            let Ok(changed) = String::from_utf8(changed) else {
                continue;
            };
            assert!(verifier.add(&note, &changed).is_err(), "byte {at}");
        }
        let other = log.sign(18, [9; 32]);
        assert_eq!(verifier.add(&other, &line), Err(CheckpointError::Signature));
        assert!(
            log.verifier()
                .to_string()
                .parse::<WitnessVerifier>()
                .is_err()
        );
    }
}
