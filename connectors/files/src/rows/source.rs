//! The bytes a reader sees: those of the file, or UTF-8 made of a wide encoding. Readers ask for
//! many at once: a character must have room.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use encoding_rs::{Decoder, DecoderResult, Encoding};

/// A file from some byte on. It is decoded when rows cannot be found in its raw bytes.
pub(super) struct Source {
    file: File,
    wide: Option<Wide>,
    /// Bytes that may be handed out before the reader has a row.
    budget: Arc<AtomicUsize>,
}

/// A byte that UTF-8 never has: it stands where the file holds no text.
const NOT_TEXT: u8 = 0xff;

struct Wide {
    decoder: Decoder,
    raw: Vec<u8>,
    from: usize,
    until: usize,
    ended: bool,
}

impl Source {
    pub(super) fn open(
        path: &Path,
        start: u64,
        wide: Option<&'static Encoding>,
        budget: Arc<AtomicUsize>,
    ) -> std::io::Result<Self> {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(start))?;
        let wide = wide.map(|encoding| Wide {
            decoder: encoding.new_decoder_without_bom_handling(),
            raw: vec![0; 32 * 1024],
            from: 0,
            until: 0,
            ended: false,
        });
        Ok(Self { file, wide, budget })
    }
}

impl Read for Source {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let left = self.budget.load(Ordering::Relaxed);
        if into.is_empty() {
            return Ok(0);
        }
        if left == 0 {
            return Err(std::io::Error::other("the row is too long"));
        }
        let count = match &mut self.wide {
            None => self.file.read(into)?,
            Some(wide) => wide.read(&mut self.file, into)?,
        };
        self.budget
            .store(left.saturating_sub(count), Ordering::Relaxed);
        Ok(count)
    }
}

impl Wide {
    fn read(&mut self, file: &mut File, into: &mut [u8]) -> std::io::Result<usize> {
        loop {
            if self.from == self.until && !self.ended {
                self.until = file.read(&mut self.raw)?;
                self.from = 0;
                self.ended = self.until == 0;
            }
            let raw = &self.raw[self.from..self.until];
            // One byte is kept for what cannot be decoded, a half of a character that stands alone.
            let room = into.len() - 1;
            let (result, taken, mut written) =
                self.decoder
                    .decode_to_utf8_without_replacement(raw, &mut into[..room], self.ended);
            self.from += taken;
            if matches!(result, DecoderResult::Malformed(..)) {
                into[written] = NOT_TEXT;
                written += 1;
            }
            let done = self.ended && matches!(result, DecoderResult::InputEmpty);
            if written > 0 || done {
                return Ok(written);
            }
        }
    }
}
