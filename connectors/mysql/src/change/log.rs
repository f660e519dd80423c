//! The connection that the server sends its log over.
//!
//! Invariant: an event that is not understood ends the read with an error that names it, unless the
//! server itself marks it as one that may be overlooked.

use std::borrow::Cow;
use std::io::Read;
use std::time::Duration;

use flate2::read::ZlibDecoder;
use futures::StreamExt;
use mysql_async::binlog::events::Event;
use mysql_async::binlog::{BinlogChecksumAlg, EventFlags};
use mysql_async::prelude::Queryable;
use mysql_async::{BinlogStream, BinlogStreamRequest, Conn, DriverError, Error, IoError};
use rabt_connect::{ConnectError, Session, hex};
use tokio::time::{Instant, timeout_at};

use super::place::{Spot, lost};
use super::{rows, tls};
use crate::config;
use crate::fault::{Doing, is_of_tls};

const PATIENCE: Duration = Duration::from_secs(15);
/// How long the server may say nothing at all.
const SILENCE: Duration = Duration::from_mins(1);
/// How soon the server says that nothing new has come: to a read that is to end there, and to others.
const IMPATIENCE: Duration = Duration::from_millis(20);
const SIGN_OF_LIFE: Duration = Duration::from_secs(5);
/// Where the first event of a file lies.
pub(super) const FIRST: u64 = 4;

/// What a server must know before it sends its log to anybody: that we understand the marks of its
/// transactions, when to speak although nothing has come, and to wait for us.
const SESSION: [&str; 2] = [
    "SET @mariadb_slave_capability = 4",
    "SET SESSION net_write_timeout = 3600",
];

/// Replica ids of our own: those that nobody gives. They are unique among servers that read a log, and as
/// a rule small, or made from the address of a machine; none has an address in these.
const OWN_IDS: u32 = 0xE000_0000;
const ID_BITS: u32 = 0x0FFF_FFFF;

/// An event of the log.
#[derive(Debug)]
pub(super) struct Logged {
    /// Where it begins; nothing for one that lies in no file.
    pub(super) begin: Option<u64>,
    /// Where it ends.
    pub(super) end: u64,
    pub(super) what: What,
}

#[derive(Debug)]
pub(super) enum What {
    /// A file that was begun then.
    Format(u32),
    /// The log goes on in another file, at an offset.
    Rotate(String, u64),
    Begin(Begin),
    /// A statement, with the database it was in.
    Query {
        database: Vec<u8>,
        text: Vec<u8>,
    },
    /// The end of a transaction that holds.
    Commit,
    /// The end of the first phase of a transaction of two.
    Prepare,
    /// What a table looks like.
    Table(Box<Event>),
    /// Rows of a table.
    Rows(Rows),
    /// The server missed something that it should have logged.
    Incident,
    /// Nothing new.
    Alive(String),
    Other,
}

/// Rows of a table, which are looked into when it is the one that is read.
#[derive(Debug)]
pub(super) struct Rows {
    pub(super) change: Change,
    event: Box<Event>,
}

impl Rows {
    /// Returns which table they are of.
    pub(super) fn table(&self) -> Option<u64> {
        rows::table_of(self.event.data())
    }

    /// Returns them as they would be without compression.
    pub(super) fn data(&self) -> Result<Cow<'_, [u8]>, ConnectError> {
        let data = self.event.data();
        let kind = self.event.header().event_type_raw();
        if kind >= PACKED {
            let images = if self.change == Change::Update { 2 } else { 1 };
            return unpacked(data, images).map(Cow::Owned).ok_or_else(garbled);
        }
        plain(data, kind)
    }
}

/// The first kind of compressed rows.
const PACKED: u8 = 166;

/// What happened to rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    Insert,
    Update,
    Delete,
}

/// The beginning of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Begin {
    /// Whether it is one statement without an end of its own.
    pub(super) alone: bool,
    /// Whether it is the first or the second phase of a transaction of two, and of which.
    pub(super) phase: Option<Phase>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Phase {
    First(String),
    Second(String),
}

/// A stream of events.
pub(super) struct Wire {
    stream: BinlogStream,
    made: u32,
    heard: Instant,
    doing: Doing,
}

impl Wire {
    /// Connects, and asks for the log behind a spot.
    pub(super) async fn open(
        session: &Session,
        spot: &Spot,
        follow: bool,
    ) -> Result<Self, ConnectError> {
        let doing = Doing::connecting(&config::options(session)?);
        let opening = Self::start(session, spot, follow, &doing);
        match tokio::time::timeout(PATIENCE, opening).await {
            Ok(opened) => opened,
            Err(_) => Err(doing.unreachable("did not answer within 15 seconds")),
        }
    }

    async fn start(
        session: &Session,
        spot: &Spot,
        follow: bool,
        doing: &Doing,
    ) -> Result<Self, ConnectError> {
        let fault = |error: Error| fault(&error, doing);
        let mut connection = connect(session).await.map_err(fault)?;
        for statement in SESSION {
            connection.query_drop(statement).await.map_err(fault)?;
        }
        let every = if follow { SIGN_OF_LIFE } else { IMPATIENCE };
        let heartbeat = format!("SET @master_heartbeat_period = {}", every.as_nanos());
        connection.query_drop(heartbeat).await.map_err(fault)?;
        // The number of a connection is unique at its server for as long as it stands.
        let id = OWN_IDS | (connection.id() & ID_BITS);
        let request = BinlogStreamRequest::new(id)
            .with_hostname(b"rabt")
            .with_filename(spot.file.as_bytes())
            .with_pos(spot.offset);
        let stream = connection.get_binlog_stream(request).await.map_err(fault)?;
        let mut wire = Self {
            stream,
            made: 0,
            heard: Instant::now(),
            doing: doing.clone(),
        };
        loop {
            if let What::Format(made) = wire.next().await?.what {
                wire.made = made;
                return Ok(wire);
            }
        }
    }

    /// Returns when the server began the file that it reads from first.
    pub(super) const fn made(&self) -> u32 {
        self.made
    }

    /// Says whether phases of transactions of two lie between where the log is read from and another spot;
    /// also when that is in another file.
    pub(super) async fn has_phases(
        &mut self,
        from: &Spot,
        to: &Spot,
    ) -> Result<bool, ConnectError> {
        if from.file != to.file {
            return Ok(true);
        }
        let mut reached = from.offset;
        while reached < to.offset {
            let Logged { begin, end, what } = self.next().await?;
            if let What::Begin(Begin { phase: Some(_), .. }) | What::Rotate(..) | What::Alive(_) =
                what
            {
                return Ok(true);
            }
            if begin.is_some() {
                reached = end;
            }
        }
        Ok(false)
    }

    /// Returns the next event. May be dropped while it waits.
    pub(super) async fn next(&mut self) -> Result<Logged, ConnectError> {
        let event = match timeout_at(self.heard + SILENCE, self.stream.next()).await {
            Ok(Some(event)) => event.map_err(|error| fault(&error, &self.doing))?,
            Ok(None) => return Err(self.doing.unreachable("ended its log")),
            Err(_) => return Err(self.doing.unreachable("said nothing for a minute")),
        };
        self.heard = Instant::now();
        logged(event)
    }
}

async fn connect(session: &Session) -> Result<Conn, Error> {
    let (options, without_tls) =
        tls::options(session).map_err(|error| Error::Other(Box::new(error)))?;
    match (Conn::new(options).await, without_tls) {
        (Err(Error::Driver(DriverError::NoClientSslFlagFromServer)), Some(without)) => {
            Conn::new(without).await
        }
        (connected, _) => connected,
    }
}

/// Returns the class of a driver's error.
fn fault(error: &Error, doing: &Doing) -> ConnectError {
    match error {
        Error::Server(server) => match server.code {
            // Among other things, the server has stopped us because another has our replica id.
            1236 if server.message.contains("same server") => {
                doing.unreachable("gave our place to another reader of its log")
            }
            1236 => lost("the server does not hold what follows the position"),
            1227 => ConnectError::configuration(
                "the server's log",
                "may not be read by the account",
                "GRANT REPLICATION SLAVE, BINLOG MONITOR ON *.* to the account",
            ),
            code => doing.of_number(code),
        },
        Error::Other(other) => match other.downcast_ref::<ConnectError>() {
            Some(error) => error.clone(),
            None => doing.unreachable("broke off in the middle of an answer"),
        },
        Error::Io(IoError::Tls(_)) | Error::Driver(DriverError::NoClientSslFlagFromServer) => {
            doing.no_tls()
        }
        Error::Io(IoError::Io(error)) if is_of_tls(error) => doing.no_tls(),
        Error::Io(IoError::Io(_)) | Error::Driver(_) => {
            doing.unreachable("cannot be reached or broke the connection")
        }
        Error::Url(_) => doing.unreachable("has an address that cannot be used"),
    }
}

fn garbled() -> ConnectError {
    ConnectError::transient(
        "the server's log",
        "was not understood",
        "try again; when it lasts, report the server's release",
    )
}

/// Reads an event, after its checksum.
fn logged(event: Event) -> Result<Logged, ConnectError> {
    let crc = BinlogChecksumAlg::BINLOG_CHECKSUM_ALG_CRC32;
    if let (Ok(Some(algorithm)), Some(sum)) = (event.footer().get_checksum_alg(), event.checksum())
        && algorithm == crc
        && u32::from_le_bytes(sum) != event.calc_checksum(crc)
    {
        return Err(ConnectError::transient(
            "the server's log",
            "is damaged: a checksum is wrong",
            "try again; when it lasts, ask the server's administrator to look at its disk",
        ));
    }
    let header = event.header();
    let end = u64::from(header.log_pos());
    let begin = end.checked_sub(u64::from(header.event_size()));
    let made_up = header.flags().contains(EventFlags::LOG_EVENT_ARTIFICIAL_F);
    Ok(Logged {
        begin: begin.filter(|begin| *begin >= FIRST && !made_up),
        end,
        what: what(event)?,
    })
}

fn what(event: Event) -> Result<What, ConnectError> {
    let header = event.header();
    let data = event.data();
    let kind = header.event_type_raw();
    Ok(match kind {
        // A statement; the end of a file; the load of a file; the beginning of a file; a commit.
        2 => query(data, 13, false).ok_or_else(garbled)?,
        4 => rotate(data).ok_or_else(garbled)?,
        18 => query(data, 26, false).ok_or_else(garbled)?,
        15 => What::Format(header.timestamp()),
        16 => What::Commit,
        19 => What::Table(Box::new(event)),
        23 | 30 | 166 => rows_of(Change::Insert, event),
        24 | 31 | 167 => rows_of(Change::Update, event),
        25 | 32 | 168 => rows_of(Change::Delete, event),
        26 => What::Incident,
        27 => What::Alive(String::from_utf8_lossy(data).into_owned()),
        38 => What::Prepare,
        162 => What::Begin(begin(data).ok_or_else(garbled)?),
        165 => query(data, 13, true).ok_or_else(garbled)?,
        // The end of the server's work; what statements take with them; notes of a statement's text;
        // what the server notes of its files and its transactions.
        3 | 5 | 9 | 11 | 13 | 14 | 17 | 28 | 29 | 160 | 161 | 163 => What::Other,
        _ if header.flags().contains(EventFlags::LOG_EVENT_IGNORABLE_F) => What::Other,
        _ => {
            return Err(ConnectError::configuration(
                "the server's log",
                format!("holds an event of the kind {kind}, which this release does not know"),
                "set mode = \"incremental\" or \"snapshot\", and report the server's release",
            ));
        }
    })
}

fn rows_of(change: Change, event: Event) -> What {
    let event = Box::new(event);
    What::Rows(Rows { change, event })
}

/// The head of rows without what only another flavour writes.
fn plain(data: &[u8], kind: u8) -> Result<Cow<'_, [u8]>, ConnectError> {
    if kind < 30 {
        return Ok(Cow::Borrowed(data));
    }
    let extra = data.get(8..10).and_then(|two| two.try_into().ok());
    let extra = usize::from(u16::from_le_bytes(extra.ok_or_else(garbled)?));
    let rest = data.get(8 + extra..).ok_or_else(garbled)?;
    Ok(Cow::Owned([&data[..8], rest].concat()))
}

fn rotate(data: &[u8]) -> Option<What> {
    let offset = u64::from_le_bytes(data.get(..8)?.try_into().ok()?);
    // The first of a stream has its checksum behind the name: how it is to be read comes only then.
    let file = String::from_utf8_lossy(data.get(8..)?).into_owned();
    Some(What::Rotate(file, offset))
}

/// A transaction of one statement alone; one that has a number of its group; the phases of one of two.
const ALONE: u8 = 1;
const GROUPED: u8 = 2;
const FIRST_PHASE: u8 = 64;
const SECOND_PHASE: u8 = 128;

fn begin(data: &[u8]) -> Option<Begin> {
    let flags = *data.get(12)?;
    let name = || {
        let rest = data.get(if flags & GROUPED != 0 { 21 } else { 13 }..)?;
        let length = usize::from(*rest.get(4)?) + usize::from(*rest.get(5)?);
        rest.get(..6 + length).map(hex)
    };
    let phase = if flags & FIRST_PHASE != 0 {
        Some(Phase::First(name()?))
    } else if flags & SECOND_PHASE != 0 {
        Some(Phase::Second(name()?))
    } else {
        None
    };
    Some(Begin {
        alone: flags & ALONE != 0,
        phase,
    })
}

/// Reads a statement behind a head of so many bytes.
fn query(data: &[u8], head: usize, packed: bool) -> Option<What> {
    let database = usize::from(*data.get(8)?);
    let status = usize::from(u16::from_le_bytes(data.get(11..13)?.try_into().ok()?));
    let rest = data.get(head + status..)?;
    let text = rest.get(database + 1..)?;
    Some(What::Query {
        database: rest.get(..database)?.to_vec(),
        text: if packed {
            inflated(text)?
        } else {
            text.to_vec()
        },
    })
}

/// Returns compressed rows as they would be without; `images` says of how many rows one change tells.
fn unpacked(data: &[u8], images: usize) -> Option<Vec<u8>> {
    let (width, size) = rows::length(data.get(8..)?)?;
    let head = 8 + size + images * usize::try_from(width).ok()?.div_ceil(8);
    Some([data.get(..head)?, &inflated(data.get(head..)?)?].concat())
}

/// Returns what a server compressed: a byte with the method and the size of the length, the length, and
/// what is compressed.
fn inflated(packed: &[u8]) -> Option<Vec<u8>> {
    let head = *packed.first()?;
    let size = usize::from(head & 7);
    if head & 0x80 == 0 || head & 0x70 != 0 {
        return None;
    }
    let length = packed.get(1..=size)?;
    let length = length
        .iter()
        .fold(0, |sum, byte| sum << 8 | u64::from(*byte));
    let mut text = Vec::new();
    let mut reader = ZlibDecoder::new(packed.get(1 + size..)?).take(length + 1);
    reader.read_to_end(&mut text).ok()?;
    (u64::try_from(text.len()).ok()? == length).then_some(text)
}
