//! A receipt: shows anyone with the log's public key that one entry is in the log, without the log.
//!
//! Its text is a C2SP transparency log proof; the extra data is the entry itself:
//!
//! ```text
//! c2sp.org/tlog-proof@v1
//! extra <base 64 of the entry>
//! index <number of the leaf>
//! <base 64 of each hash of the inclusion proof>
//!
//! <signed checkpoint>
//! ```

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::tree::{Hash, leaf_hash, verify_inclusion};
use crate::{Checkpoint, CheckpointError, CheckpointVerifier, Entry, EntryError, ProofError};

/// First line of a receipt.
const HEADER: &str = "c2sp.org/tlog-proof@v1";

/// An entry, and the proof that it is in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Number of the entry's leaf, from 0.
    pub index: u64,
    /// The entry's canonical bytes.
    pub body: Vec<u8>,
    /// The inclusion proof in the tree of the checkpoint.
    pub proof: Vec<Hash>,
    /// A signed checkpoint of the log, taken after the entry.
    pub checkpoint: Vec<u8>,
}

/// Why a receipt shows nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// Not of the form of a receipt.
    #[error("line {0} of the receipt is malformed")]
    Form(usize),
    /// The checkpoint is not one of the log.
    #[error("the receipt's checkpoint {0}")]
    Checkpoint(#[source] CheckpointError),
    /// The entry is not where the receipt says.
    #[error("the receipt's entry is not in the log: {0}")]
    Proof(#[source] ProofError),
    /// The entry is in the log and cannot be read.
    #[error("the receipt's entry {0}")]
    Entry(#[source] EntryError),
}

impl Receipt {
    /// Checks the receipt and returns its entry.
    ///
    /// # Errors
    /// The receipt does not show that its entry is in the log of this key.
    pub fn verify(&self, verifier: &CheckpointVerifier) -> Result<Entry, ReceiptError> {
        let checkpoint = verifier
            .open(&self.checkpoint)
            .map_err(ReceiptError::Checkpoint)?;
        self.verify_in(&checkpoint)
    }

    /// Checks the receipt against a checkpoint whose signature has been checked.
    fn verify_in(&self, checkpoint: &Checkpoint) -> Result<Entry, ReceiptError> {
        let leaf = leaf_hash(&self.body);
        let (size, root) = (checkpoint.size, &checkpoint.root);
        let shown = verify_inclusion(&leaf, self.index, size, &self.proof, root);
        shown.map_err(ReceiptError::Proof)?;
        Entry::decode(&self.body).map_err(ReceiptError::Entry)
    }

    /// Returns the receipt as text.
    pub fn to_text(&self) -> String {
        let mut text = format!("{HEADER}\nextra {}\n", STANDARD.encode(&self.body));
        let _ = writeln!(text, "index {}", self.index);
        for hash in &self.proof {
            text.push_str(&STANDARD.encode(hash));
            text.push('\n');
        }
        text.push('\n');
        text.push_str(&String::from_utf8_lossy(&self.checkpoint));
        text
    }

    /// Reads a receipt; it is not checked yet.
    ///
    /// # Errors
    /// The text has another form; the error names the first line that is wrong.
    pub fn from_text(text: &str) -> Result<Self, ReceiptError> {
        let (head, checkpoint) = text.split_once("\n\n").ok_or(ReceiptError::Form(1))?;
        let mut lines = head.split('\n').zip(1..);
        if lines.next() != Some((HEADER, 1)) {
            return Err(ReceiptError::Form(1));
        }
        let extra = lines
            .next()
            .and_then(|(line, _)| line.strip_prefix("extra "));
        let body = extra.and_then(|extra| STANDARD.decode(extra).ok());
        let index = lines
            .next()
            .and_then(|(line, _)| line.strip_prefix("index "));
        let index = index.and_then(|digits| {
            let index: u64 = digits.parse().ok()?;
            (index.to_string() == digits).then_some(index)
        });
        let mut proof = Vec::new();
        for (line, number) in lines {
            let hash = STANDARD
                .decode(line)
                .ok()
                .and_then(|hash| hash.try_into().ok());
            proof.push(hash.ok_or(ReceiptError::Form(number))?);
        }
        Ok(Self {
            index: index.ok_or(ReceiptError::Form(3))?,
            body: body.ok_or(ReceiptError::Form(2))?,
            proof,
            checkpoint: checkpoint.as_bytes().to_vec(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Receipt, ReceiptError};
    use crate::{AuditEvent, CheckpointKey, Entry, Levels, Stopped};

    fn receipt() -> (Receipt, CheckpointKey, Entry) {
        let key = CheckpointKey::from_seed("node.example", &[1; 32]).unwrap();
        let mut levels = Levels::new();
        let entries: Vec<Entry> = (0..9)
            .map(|n| {
                let cause = format!("signal {n}");
                let event = AuditEvent::Stopped(Stopped { cause });
                Entry::new("2026-05-01T09:00:00Z".parse().unwrap(), event)
            })
            .collect();
        for entry in &entries {
            levels.append(entry.encode().leaf_hash);
        }
        let receipt = Receipt {
            index: 5,
            body: entries[5].encode().body,
            proof: levels.inclusion_proof(5, 9).unwrap(),
            checkpoint: key.sign(9, levels.root(9).unwrap()),
        };
        (receipt, key, entries[5].clone())
    }

    #[test]
    fn a_receipt_shows_its_entry() {
        let (receipt, key, entry) = receipt();
        let read = Receipt::from_text(&receipt.to_text()).unwrap();
        assert_eq!(read, receipt);
        assert_eq!(read.verify(key.verifier()), Ok(entry));
        let other = CheckpointKey::from_seed("node.example", &[2; 32]).unwrap();
        assert!(matches!(
            read.verify(other.verifier()),
            Err(ReceiptError::Checkpoint(_))
        ));
    }

    #[test]
    fn any_changed_byte_of_a_receipt_is_noticed() {
        let (receipt, key, _) = receipt();
        let text = receipt.to_text();
        let opened = key.verifier().open(&receipt.checkpoint).unwrap();
        let checkpoint = text.len() - receipt.checkpoint.len();
        for at in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= 1 << (at % 8);
            let Ok(changed) = String::from_utf8(bytes) else {
                continue;
            };
            let shown = Receipt::from_text(&changed).and_then(|read| {
                if at < checkpoint && read.checkpoint == receipt.checkpoint {
                    return read.verify_in(&opened);
                }
                read.verify(key.verifier())
            });
            assert!(shown.is_err(), "byte {at}");
        }
    }
}
