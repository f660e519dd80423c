//! Parquet files as CSV: the executable `rabt-connector-parquet` reads them, and what it sends is written
//! as CSV into memory, a batch at a time, for whoever reads files here.

use std::io::{Error, Read};
use std::path::Path;
use std::sync::mpsc;

use rabt_connect::{
    Batch, Cell, ConnectError, Connector, Filter, Inlet, Message, Mode, Outlet, PREFIX, Plan,
    Program, Remote, Session,
};

/// The kind that reads these files.
const KIND: &str = "parquet";
/// Pieces of text that wait to be read; who reads slowly stalls the process, not the memory.
const WAITING: usize = 4;
/// Rows between two checkpoints, which nobody keeps here.
const CHUNK_ROWS: u32 = 100_000;

type Piece = Result<Vec<u8>, Error>;

/// Opens a file of records: CSV as it is, Parquet as CSV.
pub(super) fn open(path: &Path) -> Result<Box<dyn Read + Send>, csv::Error> {
    if !is_parquet(path) {
        return Ok(Box::new(std::fs::File::open(path)?));
    }
    std::fs::File::open(path)?;
    let program = program().map_err(Error::other)?;
    let (send, receive) = mpsc::sync_channel(WAITING);
    let path = path.to_path_buf();
    std::thread::Builder::new()
        .name(KIND.to_owned())
        .spawn(move || {
            let last = match stream(&path, program, &send) {
                Ok(()) => Ok(Vec::new()),
                Err(error) => Err(Error::other(error.to_string())),
            };
            // Nobody reads any more when this fails.
            let _ = send.send(last);
        })?;
    Ok(Box::new(Pieces {
        receive,
        piece: Vec::new(),
        read: 0,
        ended: false,
    }))
}

/// Returns what to do about a file that needs an executable which is not there.
pub(super) fn help(path: &Path) -> Option<&'static str> {
    (is_parquet(path) && program().is_err()).then_some(BUILD)
}

/// What makes the executable.
const BUILD: &str = "`cargo build --release --package rabt-connector-parquet` makes it beside \
                     target/release/rabt; or write the file as CSV";

fn is_parquet(path: &Path) -> bool {
    path.extension()
        .is_some_and(|end| end.eq_ignore_ascii_case(KIND))
}

/// Returns the executable beside this one.
fn program() -> Result<Program, String> {
    let own = std::env::current_exe().ok();
    let beside = own
        .as_deref()
        .and_then(Path::parent)
        .unwrap_or(Path::new("."));
    let path = beside.join(format!("{PREFIX}{KIND}"));
    if path.is_file() {
        return Ok(Program::new(path));
    }
    Err(format!(
        "Parquet files are read by {PREFIX}{KIND}, which is not in {}",
        beside.display()
    ))
}

/// What was sent, as bytes. The last piece is empty.
struct Pieces {
    receive: mpsc::Receiver<Piece>,
    piece: Vec<u8>,
    read: usize,
    ended: bool,
}

impl Read for Pieces {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        while self.read == self.piece.len() {
            if self.ended {
                return Ok(0);
            }
            // A thread that fell sends no end, and half a file must not look like a whole one.
            let piece = self.receive.recv();
            self.piece = piece.unwrap_or_else(|_| Err(Error::other("reading it broke off")))?;
            self.read = 0;
            self.ended = self.piece.is_empty();
        }
        let rest = &self.piece[self.read..];
        let count = rest.len().min(out.len());
        out[..count].copy_from_slice(&rest[..count]);
        self.read += count;
        Ok(count)
    }
}

fn stream(
    path: &Path,
    program: Program,
    send: &mpsc::SyncSender<Piece>,
) -> Result<(), ConnectError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(|_| ConnectError::defect("link", "no threads can be started"))?;
    runtime.block_on(read(path, program, send))
}

async fn read(
    path: &Path,
    program: Program,
    send: &mpsc::SyncSender<Piece>,
) -> Result<(), ConnectError> {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let mut config = toml::Table::new();
    let text = absolute.to_string_lossy().into_owned();
    config.insert("path".to_owned(), text.into());
    let source = "link".parse().map_err(|_| misnamed())?;
    let session = Session::new(source, config, "/");
    let remote = Remote::open(program, Some(KIND)).await?;
    let tables = remote.discover(&session, &Filter::default()).await?;
    let Some(table) = tables.into_iter().next() else {
        // Discovery passes over what it cannot read; reading says why.
        let plan = plan(file_name(path), Vec::new())?;
        let (outlet, inlet) = Outlet::channel(WAITING);
        let reading = remote.read(&session, &plan, None, outlet);
        let (read, ()) = tokio::join!(reading, until_rows(inlet));
        return Err(undiscovered(path, read));
    };
    let columns: Vec<String> = table
        .columns
        .into_iter()
        .map(|column| column.name)
        .collect();
    let mut header = csv::Writer::from_writer(Vec::new());
    // Writing into memory does not fail.
    let _ = header.write_record(&columns);
    let _ = send.send(Ok(header.into_inner().unwrap_or_default()));
    let plan = plan(table.name, columns)?;
    let (outlet, mut inlet) = Outlet::channel(WAITING);
    let taking = async {
        while let Some(message) = inlet.receive().await? {
            if let Message::Rows(batch) = message
                && send.send(Ok(csv_of(&batch))).is_err()
            {
                return Err(ConnectError::Cancelled);
            }
        }
        Ok(())
    };
    let (read, taken) = tokio::join!(remote.read(&session, &plan, None, outlet), taking);
    read.and(taken)
}

/// Takes what is sent up to the first rows, and wants no more.
async fn until_rows(mut inlet: Inlet) {
    while let Ok(Some(message)) = inlet.receive().await {
        if matches!(message, Message::Rows(_)) {
            return;
        }
    }
}

/// Returns why a file has no table: what reading it said, else that it could not be read for a while. A
/// file must not look empty because its columns could not be told.
fn undiscovered(path: &Path, read: Result<(), ConnectError>) -> ConnectError {
    match read {
        Err(error) if !matches!(error, ConnectError::Cancelled) => error,
        Ok(()) | Err(_) => ConnectError::transient(
            format!("file {}", file_name(path)),
            "could not be read when its columns were asked for, and can be read now",
            "start again",
        ),
    }
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

fn misnamed() -> ConnectError {
    ConnectError::defect("link", "a constant does not parse")
}

fn plan(table: String, columns: Vec<String>) -> Result<Plan, ConnectError> {
    Ok(Plan {
        stream: "records".parse().map_err(|_| misnamed())?,
        schema: None,
        table,
        key: Vec::new(),
        columns,
        mode: Mode::Snapshot,
        chunk_rows: CHUNK_ROWS,
    })
}

/// Returns rows as CSV. What is absent or cannot be read is empty: linking takes both for no value.
fn csv_of(batch: &Batch) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new()
        .buffer_capacity(1 << 18)
        .from_writer(Vec::new());
    for row in 0..batch.rows() {
        for column in 0..batch.columns().len() {
            let text = match batch.cell(row, column) {
                Cell::Text(text) => text,
                Cell::Null | Cell::Unchanged | Cell::Unreadable(_) => "",
            };
            let _ = writer.write_field(text);
        }
        let _ = writer.write_record(None::<&[u8]>);
    }
    writer.into_inner().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use rabt_connect::BatchBuilder;

    use super::*;

    /// A kind that has rows although nobody was told of columns does not wait for ever.
    #[tokio::test]
    async fn rows_that_nobody_asked_for_end_the_reading() {
        let (outlet, inlet) = Outlet::channel(WAITING);
        let sending = async {
            loop {
                let mut builder = BatchBuilder::new(Vec::new());
                builder.push_row(std::iter::empty());
                if let Err(error) = outlet.send(Message::Rows(builder.take())).await {
                    break error;
                }
            }
        };
        let both = async { tokio::join!(sending, until_rows(inlet)).0 };
        let ended = tokio::time::timeout(std::time::Duration::from_secs(10), both).await;
        assert!(matches!(ended, Ok(ConnectError::Cancelled)), "{ended:?}");
    }

    #[test]
    fn a_file_that_passing_trouble_hid_is_no_empty_file() {
        let path = Path::new("/data/persons.parquet");
        for read in [Ok(()), Err(ConnectError::Cancelled)] {
            let error = undiscovered(path, read);
            assert!(error.is_transient(), "{error}");
            assert!(error.to_string().contains("persons.parquet"), "{error}");
        }
        let told = undiscovered(path, Err(ConnectError::data("file x", "is cut", "copy it")));
        assert_eq!(told.to_string(), "file x: is cut; copy it");
    }
}
