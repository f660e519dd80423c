//! The messages of `pgoutput`, version 1, with values as text.
//!
//! Invariant: no input makes this panic; what cannot be understood is nothing.

use bytes::Bytes;
use pgwire_replication::Lsn;

/// One message of the log.
#[derive(Debug)]
pub(super) enum Logged {
    /// A transaction begins; its number without the epoch.
    Begin(u32),
    /// It ends; the place behind its commit.
    Commit(Lsn),
    /// What a table looks like from here on.
    Relation(Described),
    /// A row is there.
    Insert(u32, Tuple),
    /// A row has changed: what is known of it before, and what it is now.
    Update(u32, Option<Old>, Tuple),
    /// A row is gone.
    Delete(u32, Old),
    /// Tables were emptied.
    Truncate(Vec<u32>),
    /// Something that says nothing about rows.
    Other,
}

/// What a table looks like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Described {
    pub(super) table: u32,
    pub(super) columns: Vec<DescribedColumn>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DescribedColumn {
    pub(super) name: String,
    /// Whether it tells rows apart in the log.
    pub(super) identity: bool,
    pub(super) type_id: u32,
    pub(super) modifier: i32,
}

/// What the log keeps of a row as it was.
#[derive(Debug)]
pub(super) enum Old {
    /// Only the columns of the replica identity; the others are null whatever they were.
    Key(Tuple),
    /// All of it.
    Whole(Tuple),
}

/// The cells of a row; slices of the message they came in.
#[derive(Debug)]
pub(super) struct Tuple(pub(super) Vec<Logical>);

/// A cell in the log.
#[derive(Debug, Clone)]
pub(super) enum Logical {
    Null,
    /// Stored out of line and not touched, so the log does not repeat it.
    Unchanged,
    Text(Bytes),
}

/// Returns a message, or nothing when it is not one.
pub(super) fn decode(data: Bytes) -> Option<Logged> {
    let mut reader = Reader(data);
    Some(match reader.u8()? {
        b'B' => {
            reader.u64()?;
            reader.u64()?;
            Logged::Begin(reader.u32()?)
        }
        b'C' => {
            reader.u8()?;
            reader.u64()?;
            Logged::Commit(Lsn(reader.u64()?))
        }
        b'R' => Logged::Relation(reader.described()?),
        b'I' => {
            let table = reader.u32()?;
            reader.u8()?;
            Logged::Insert(table, reader.tuple()?)
        }
        b'U' => {
            let table = reader.u32()?;
            match reader.u8()? {
                b'N' => Logged::Update(table, None, reader.tuple()?),
                kind => {
                    let old = reader.old(kind)?;
                    reader.u8()?;
                    Logged::Update(table, Some(old), reader.tuple()?)
                }
            }
        }
        b'D' => {
            let table = reader.u32()?;
            let kind = reader.u8()?;
            Logged::Delete(table, reader.old(kind)?)
        }
        b'T' => {
            let count = reader.u32()?;
            reader.u8()?;
            let tables = (0..count).map(|_| reader.u32());
            Logged::Truncate(tables.collect::<Option<_>>()?)
        }
        _ => Logged::Other,
    })
}

struct Reader(Bytes);

impl Reader {
    fn take(&mut self, length: usize) -> Option<Bytes> {
        (self.0.len() >= length).then(|| self.0.split_to(length))
    }

    fn u8(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    fn u16(&mut self) -> Option<u16> {
        let bytes = self.take(2)?;
        Some(u16::from_be_bytes([bytes[0], bytes[1]]))
    }

    fn u32(&mut self) -> Option<u32> {
        let bytes = self.take(4)?;
        Some(u32::from_be_bytes(bytes[..].try_into().ok()?))
    }

    fn u64(&mut self) -> Option<u64> {
        let bytes = self.take(8)?;
        Some(u64::from_be_bytes(bytes[..].try_into().ok()?))
    }

    fn text(&mut self) -> Option<String> {
        let end = self.0.iter().position(|byte| *byte == 0)?;
        let text = self.take(end)?;
        self.u8()?;
        String::from_utf8(text.to_vec()).ok()
    }

    fn described(&mut self) -> Option<Described> {
        let table = self.u32()?;
        let _schema = self.text()?;
        let _name = self.text()?;
        let _identity = self.u8()?;
        let count = self.u16()?;
        let mut columns = Vec::with_capacity(usize::from(count));
        for _ in 0..count {
            let identity = self.u8()? & 1 == 1;
            columns.push(DescribedColumn {
                identity,
                name: self.text()?,
                type_id: self.u32()?,
                modifier: self.u32()?.cast_signed(),
            });
        }
        Some(Described { table, columns })
    }

    fn old(&mut self, kind: u8) -> Option<Old> {
        match kind {
            b'K' => self.tuple().map(Old::Key),
            b'O' => self.tuple().map(Old::Whole),
            _ => None,
        }
    }

    fn tuple(&mut self) -> Option<Tuple> {
        let count = self.u16()?;
        let mut cells = Vec::with_capacity(usize::from(count));
        for _ in 0..count {
            cells.push(match self.u8()? {
                b'n' => Logical::Null,
                b'u' => Logical::Unchanged,
                b't' => {
                    let length = usize::try_from(self.u32()?).ok()?;
                    Logical::Text(self.take(length)?)
                }
                _ => return None,
            });
        }
        Some(Tuple(cells))
    }
}

impl Old {
    /// Returns the cells.
    pub(super) const fn tuple(&self) -> &Tuple {
        match self {
            Self::Key(tuple) | Self::Whole(tuple) => tuple,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Logged, Logical, decode};

    #[test]
    fn an_update_has_its_old_key_and_its_new_row() {
        let message = b"U\0\0\0\x07K\0\x02t\0\0\0\x011nN\0\x02t\0\0\0\x012u";
        let Some(Logged::Update(7, Some(old), new)) = decode(message[..].into()) else {
            panic!("an update");
        };
        let cells = (&old.tuple().0[..], &new.0[..]);
        let ([Logical::Text(before), Logical::Null], [Logical::Text(now), Logical::Unchanged]) =
            cells
        else {
            panic!("{cells:?}");
        };
        assert_eq!((&before[..], &now[..]), (&b"1"[..], &b"2"[..]));
    }

    #[test]
    fn every_part_of_a_message_is_no_message_and_no_panic() {
        let whole = b"R\0\0\0\x07s\0t\0d\0\x01\x01id\0\0\0\0\x17\xff\xff\xff\xff";
        for length in 0..whole.len() {
            assert!(
                decode(whole[..length].to_vec().into()).is_none(),
                "{length}"
            );
        }
        let Some(Logged::Relation(described)) = decode(whole[..].into()) else {
            panic!("a relation");
        };
        assert_eq!(described.columns[0].modifier, -1);
        assert!(decode(b"T\xff\xff\xff\xff\0"[..].into()).is_none());
        assert!(matches!(decode(b"M rest"[..].into()), Some(Logged::Other)));
    }
}
