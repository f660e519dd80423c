//! Rows of words that begin where lines of the processor's cache begin, so that reading one fetches
//! as few lines as its length allows.

/// Words of a cache line.
const LINE: usize = 16;

/// Returns the words from one row to the next for rows of so many words: whole lines where that
/// wastes little, else the fewest words that still let no short row lie across two lines.
pub(crate) fn stride(width: usize) -> usize {
    let lines = width.next_multiple_of(LINE);
    if width <= LINE {
        width.next_power_of_two()
    } else if lines - width <= lines / 8 {
        lines
    } else {
        width
    }
}

/// Words of a fixed capacity, the first of them at the beginning of a line.
#[derive(Debug, Default)]
pub(crate) struct Aligned {
    words: Vec<u32>,
    /// Words that are left free in front.
    start: usize,
}

impl Aligned {
    /// Returns room for so many words.
    pub(crate) fn with_capacity(count: usize) -> Self {
        let mut words: Vec<u32> = Vec::with_capacity(count + LINE);
        let start = words.as_ptr().align_offset(LINE * size_of::<u32>());
        // An address that cannot be aligned costs time, nothing else.
        let start = if start < LINE { start } else { 0 };
        words.resize(start, 0);
        Self { words, start }
    }

    /// Returns so many words, all zero.
    pub(crate) fn zeros(count: usize) -> Self {
        let mut aligned = Self::with_capacity(count);
        aligned.words.resize(aligned.start + count, 0);
        aligned
    }

    /// Adds a row and leaves free what its stride has more.
    pub(crate) fn push(&mut self, row: &[u32], stride: usize) {
        self.words.extend_from_slice(row);
        self.words.resize(self.words.len() + stride - row.len(), 0);
    }

    /// Takes the last row out.
    pub(crate) fn pop(&mut self, stride: usize) {
        self.words.truncate(self.words.len() - stride);
    }

    /// Returns the words.
    #[inline]
    pub(crate) fn words(&self) -> &[u32] {
        &self.words[self.start..]
    }

    /// Returns the words, to be changed.
    pub(crate) fn words_mut(&mut self) -> &mut [u32] {
        &mut self.words[self.start..]
    }
}

#[cfg(test)]
mod tests {
    use super::{Aligned, stride};

    #[test]
    fn rows_lie_across_no_more_lines_than_they_must() {
        for (width, expected) in [(1, 1), (3, 4), (9, 16), (13, 16), (16, 16)] {
            assert_eq!(stride(width), expected);
        }
        for (width, expected) in [(18, 18), (29, 32), (31, 32), (57, 64), (49, 49)] {
            assert_eq!(stride(width), expected);
        }
        let mut rows = Aligned::with_capacity(64);
        rows.push(&[1, 2, 3], 4);
        rows.push(&[4, 5, 6], 4);
        assert_eq!(rows.words(), [1, 2, 3, 0, 4, 5, 6, 0]);
        assert_eq!(rows.words().as_ptr().align_offset(64), 0);
        assert_eq!(Aligned::zeros(5).words(), [0; 5]);
    }
}
