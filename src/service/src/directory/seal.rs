//! A stream of bytes that only the holder of a key can read, and in which no changed, missing or
//! moved byte passes.
//!
//! Layout: a label, 19 random bytes, then chunks of 64 KiB, the last one shorter, each sealed with
//! XChaCha20-Poly1305 in the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár 2015).

use std::io::{self, BufRead, Read, Write};

use chacha20poly1305::aead::KeyInit;
use chacha20poly1305::aead::stream::{DecryptorBE32, EncryptorBE32};
use chacha20poly1305::{Key, XChaCha20Poly1305};

/// Bytes of a chunk before it is sealed.
const CHUNK: usize = 64 * 1024;
/// Bytes that sealing adds to a chunk.
const TAG: usize = 16;
/// Bytes of the nonce of a stream; each chunk adds its own number.
pub(super) const NONCE: usize = 19;

/// Seals what is written to it.
pub(super) struct Sealer<W> {
    out: W,
    label: &'static [u8],
    stream: EncryptorBE32<XChaCha20Poly1305>,
    chunk: Vec<u8>,
}

impl<W: Write> Sealer<W> {
    /// Begins a stream of the kind that `label` names. The nonce must never come twice with a key.
    pub(super) fn begin(
        mut out: W,
        label: &'static [u8],
        key: &[u8; 32],
        nonce: [u8; NONCE],
    ) -> io::Result<Self> {
        out.write_all(label)?;
        out.write_all(&nonce)?;
        let cipher = XChaCha20Poly1305::new(Key::from_slice(key));
        Ok(Self {
            out,
            label,
            stream: EncryptorBE32::from_aead(cipher, &nonce.into()),
            chunk: Vec::with_capacity(CHUNK + TAG),
        })
    }

    /// Seals the last chunk, without which nothing can be opened, and returns what was written to.
    pub(super) fn finish(mut self) -> io::Result<W> {
        let sealed = self
            .stream
            .encrypt_last_in_place(self.label, &mut self.chunk);
        sealed.map_err(|_| io::Error::other("a chunk cannot be sealed"))?;
        self.out.write_all(&self.chunk)?;
        Ok(self.out)
    }

    fn seal(&mut self) -> io::Result<()> {
        let sealed = self
            .stream
            .encrypt_next_in_place(self.label, &mut self.chunk);
        sealed.map_err(|_| io::Error::other("a stream is too long to be sealed"))?;
        self.out.write_all(&self.chunk)?;
        self.chunk.clear();
        Ok(())
    }
}

impl<W: Write> Write for Sealer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // a chunk that is full waits for its successor: the last one is sealed as such
        if self.chunk.len() == CHUNK && !bytes.is_empty() {
            self.seal()?;
        }
        let taken = bytes.len().min(CHUNK - self.chunk.len());
        self.chunk.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Opens what a [`Sealer`] sealed.
pub(super) struct Opener<R> {
    input: R,
    label: &'static [u8],
    /// `None` behind the last chunk.
    stream: Option<DecryptorBE32<XChaCha20Poly1305>>,
    chunk: Vec<u8>,
    read: usize,
}

impl<R: BufRead> Opener<R> {
    /// Begins to open a stream of the kind that `label` names.
    pub(super) fn begin(mut input: R, label: &'static [u8], key: &[u8; 32]) -> io::Result<Self> {
        let mut found = vec![0; label.len()];
        input.read_exact(&mut found)?;
        if found != label {
            return Err(invalid("it is not of this kind, or of another release"));
        }
        let mut nonce = [0; NONCE];
        input.read_exact(&mut nonce)?;
        let cipher = XChaCha20Poly1305::new(Key::from_slice(key));
        Ok(Self {
            input,
            label,
            stream: Some(DecryptorBE32::from_aead(cipher, &nonce.into())),
            chunk: Vec::with_capacity(CHUNK + TAG),
            read: 0,
        })
    }

    fn open(&mut self) -> io::Result<()> {
        let Some(mut stream) = self.stream.take() else {
            return Ok(());
        };
        self.chunk.clear();
        self.read = 0;
        let most = (CHUNK + TAG) as u64;
        self.input
            .by_ref()
            .take(most)
            .read_to_end(&mut self.chunk)?;
        let opened = if self.input.fill_buf()?.is_empty() {
            stream.decrypt_last_in_place(self.label, &mut self.chunk)
        } else {
            let opened = stream.decrypt_next_in_place(self.label, &mut self.chunk);
            self.stream = Some(stream);
            opened
        };
        opened.map_err(|_| invalid("it was changed or cut off, or sealed with another key"))
    }
}

impl<R: BufRead> Read for Opener<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.read == self.chunk.len() {
            self.open()?;
        }
        let taken = into.len().min(self.chunk.len() - self.read);
        into[..taken].copy_from_slice(&self.chunk[self.read..self.read + taken]);
        self.read += taken;
        Ok(taken)
    }
}

pub(super) fn invalid(problem: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, problem)
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::{CHUNK, Opener, Sealer, TAG};

    const LABEL: &[u8] = b"TEST1";
    const KEY: [u8; 32] = [3; 32];

    fn seal(text: &[u8]) -> Vec<u8> {
        let mut sealer = Sealer::begin(Vec::new(), LABEL, &KEY, [5; 19]).unwrap();
        sealer.write_all(text).unwrap();
        sealer.finish().unwrap()
    }

    fn open(sealed: &[u8], key: &[u8; 32]) -> std::io::Result<Vec<u8>> {
        let mut text = Vec::new();
        Opener::begin(sealed, LABEL, key)?.read_to_end(&mut text)?;
        Ok(text)
    }

    #[test]
    fn what_was_sealed_is_opened_whatever_its_length() {
        for length in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 3 * CHUNK + 7] {
            let text: Vec<u8> = (0..length).map(|n| (n % 251).to_le_bytes()[0]).collect();
            let sealed = seal(&text);
            assert_eq!(open(&sealed, &KEY).unwrap(), text, "{length}");
            assert!(
                sealed
                    .windows(16)
                    .all(|window| length < 16 || window != &text[..16])
            );
        }
    }

    #[test]
    fn nothing_changed_missing_or_moved_is_opened() {
        let text: Vec<u8> = (0..3 * CHUNK + 9)
            .map(|n| (n % 253).to_le_bytes()[0])
            .collect();
        let sealed = seal(&text);
        let head = LABEL.len() + 19;
        assert!(open(&sealed, &[4; 32]).is_err(), "another key");
        for place in (0..sealed.len()).step_by(4_099).chain([sealed.len() - 1]) {
            let mut changed = sealed.clone();
            changed[place] ^= 1;
            assert!(open(&changed, &KEY).is_err(), "byte {place}");
        }
        let whole = CHUNK + TAG;
        for length in [0, 4, head, head + whole, head + 2 * whole, sealed.len() - 1] {
            assert!(open(&sealed[..length], &KEY).is_err(), "cut at {length}");
        }
        let mut longer = sealed.clone();
        longer.push(0);
        assert!(open(&longer, &KEY).is_err(), "a byte more");
        let mut turned = sealed[..head].to_vec();
        turned.extend_from_slice(&sealed[head + whole..head + 2 * whole]);
        turned.extend_from_slice(&sealed[head..head + whole]);
        turned.extend_from_slice(&sealed[head + 2 * whole..]);
        assert!(open(&turned, &KEY).is_err(), "chunks that changed places");
    }
}
