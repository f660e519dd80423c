//! The compliance suite on the example in Python.

use std::sync::Arc;

use async_trait::async_trait;
use rabt_connect::Connector;
use rabt_connect::compliance::{Place, Subject};
use rabt_connect::{Program, Remote};
use rabt_connector_sqlite::Sqlite;
use rabt_tests::{Plugins, python_plugins};

use super::place::Folder;

/// The kind of the example.
pub(super) const KIND: &str = "sqlite-python";

struct Python {
    /// Without Python the cases are skipped, so it does not matter which one.
    connector: Arc<dyn Connector>,
    plugins: Option<Plugins>,
}

async fn python() -> Python {
    let plugins = python_plugins();
    let connector: Arc<dyn Connector> = match &plugins {
        Some(plugins) => Arc::new(open(plugins).await),
        None => Arc::new(Sqlite),
    };
    Python { connector, plugins }
}

/// Returns the example, started.
pub(super) async fn open(plugins: &Plugins) -> Remote {
    let program = plugins.program(KIND);
    Remote::open(program, Some(KIND)).await.unwrap()
}

#[async_trait]
impl Subject for Python {
    fn connector(&self) -> Arc<dyn Connector> {
        Arc::clone(&self.connector)
    }

    fn program(&self) -> Option<Program> {
        self.plugins.as_ref().map(|plugins| plugins.program(KIND))
    }

    async fn place(&self) -> Option<Box<dyn Place>> {
        self.plugins.as_ref()?;
        Some(Box::new(Folder::new().await))
    }
}

rabt_connect::compliance_tests!(python().await);

mod handshake {
    rabt_connect::handshake_tests!(super::python().await);
}
