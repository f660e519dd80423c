//! A kind of source that lives in simulated time.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use rabt_connect::{
    BatchBuilder, Capabilities, Cell, ColumnInfo, ConfigKey, ConnectError, Connector, Description,
    Filter, Finding, Identity, Message, Outlet, Plan, Position, Session, Table,
};
use rabt_model::{Clock, Label, ManualClock, SourceId, Timestamp};
use tokio::sync::watch;

/// How long a steady source is read, in seconds.
const TAKES: u64 = 20;
/// Ticks that it takes to read the keys of a table.
const KEY_PAGES: usize = 60;
/// Rows that a flooding source sends at each tick.
const FLOOD: usize = 200;

/// The time, and who waits for it.
#[derive(Debug, Clone)]
pub(super) struct Simulation {
    pub(super) clock: Arc<ManualClock>,
    tick: Arc<watch::Sender<u64>>,
    /// The tick that each reading waits behind.
    parked: Arc<Mutex<BTreeMap<SourceId, u64>>>,
}

impl Simulation {
    pub(super) fn at(start: Timestamp) -> Self {
        Self {
            clock: Arc::new(ManualClock::at(start)),
            tick: Arc::new(watch::Sender::new(0)),
            parked: Arc::default(),
        }
    }

    pub(super) fn advance(&self, seconds: i64) {
        self.clock.advance(seconds);
        self.tick.send_modify(|tick| *tick += 1);
    }

    /// Says whether each of these readings waits for the time to go on.
    pub(super) fn is_quiet(&self, reading: &[SourceId]) -> bool {
        let now = *self.tick.borrow();
        let parked = self.parked.lock().unwrap();
        reading
            .iter()
            .all(|source| parked.get(source) == Some(&now))
    }

    /// Waits for one tick.
    async fn tick(&self, source: &SourceId, ticks: &mut watch::Receiver<u64>) {
        let now = *ticks.borrow_and_update();
        self.parked.lock().unwrap().insert(source.clone(), now);
        ticks.changed().await.unwrap();
    }

    async fn pass(&self, source: &SourceId, seconds: u64) {
        let mut ticks = self.tick.subscribe();
        let until = self.clock.now() + std::time::Duration::from_secs(seconds);
        while self.clock.now() < until {
            self.tick(source, &mut ticks).await;
        }
    }
}

#[async_trait]
impl Connector for Simulation {
    fn describe(&self) -> Description {
        Description {
            kind: "simulated",
            label: Label::new("Simulated", "محاكاة"),
            capabilities: Capabilities {
                changes: false,
                snapshot: true,
                incremental: true,
            },
            config: vec![ConfigKey {
                name: "habit",
                required: true,
                secret: false,
                doc: "how it behaves",
            }],
        }
    }

    async fn check(&self, _: &Session) -> Vec<Finding> {
        Vec::new()
    }

    async fn discover(&self, _: &Session, _: &Filter) -> Result<Vec<Table>, ConnectError> {
        Ok(Vec::new())
    }

    async fn read(
        &self,
        session: &Session,
        plan: &Plan,
        from: Option<Position>,
        outlet: Outlet,
    ) -> Result<(), ConnectError> {
        let source = &session.source;
        let identity = Identity::new("simulated", &[source.as_str()]);
        let mut done: u64 = match from {
            Some(position) => position.place(&identity)?,
            None => 0,
        };
        match session.text("habit")? {
            "hangs" => loop {
                self.pass(source, 3_600).await;
            },
            "fails" => Err(ConnectError::transient("server", "is away", "wait")),
            "drifts" => {
                let table = Table {
                    schema: None,
                    name: plan.table.clone(),
                    columns: vec![column("id"), column("renamed")],
                    key: vec!["id".to_owned()],
                    estimated_rows: None,
                };
                outlet.send(Message::SchemaChanged(table)).await
            }
            "floods" => loop {
                done += send(plan, &outlet, &identity, done, FLOOD).await?;
                self.pass(source, 1).await;
            },
            // what is new comes at once, and the keys take as long as pages do
            "keys" if plan.columns.len() > 1 => {
                send(plan, &outlet, &identity, 0, 3).await.map(drop)
            }
            "keys" => {
                for _ in 0..KEY_PAGES {
                    send(plan, &outlet, &identity, 0, 3).await?;
                    self.pass(source, 1).await;
                }
                Ok(())
            }
            "pages" => {
                // a page a tick, without end, with a checkpoint behind each
                while done < 1_000 {
                    done += send(plan, &outlet, &identity, done, 1).await?;
                    self.pass(source, 1).await;
                }
                Ok(())
            }
            _ => {
                self.pass(source, TAKES).await;
                send(plan, &outlet, &identity, 0, 3).await.map(drop)
            }
        }
    }
}

fn column(name: &str) -> ColumnInfo {
    ColumnInfo {
        name: name.to_owned(),
        declared_type: String::new(),
        nullable: true,
    }
}

/// Sends rows with a checkpoint behind them; their keys come again and again.
async fn send(
    plan: &Plan,
    outlet: &Outlet,
    identity: &Identity,
    done: u64,
    count: usize,
) -> Result<u64, ConnectError> {
    let mut builder = BatchBuilder::new(plan.columns.clone());
    for number in 0..count {
        let key = number.to_string();
        let cell = |column: &String| match column.as_str() {
            "id" => Cell::Text(&key),
            "name" => Cell::Text("منى أحمد محمود حسن"),
            _ => Cell::Null,
        };
        builder.push_row(plan.columns.iter().map(cell));
    }
    outlet.send(Message::Rows(builder.take())).await?;
    let rows = count as u64;
    let position = Position::new(identity, &(done + rows))?;
    outlet.send(Message::Checkpoint { position, rows }).await?;
    Ok(rows)
}
