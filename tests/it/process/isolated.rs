//! The compliance suite on a kind of this executable in a process of its own.

use std::sync::Arc;

use async_trait::async_trait;
use rabt_connect::compliance::{Place, Subject};
use rabt_connect::{Connector, Program, Remote};
use rabt_connector_sqlite::Sqlite;
use rabt_tests::executable;

use super::place::Folder;

struct Isolated(Arc<dyn Connector>);

/// Returns the kind `sqlite` in a process of its own.
pub(super) fn sqlite() -> Arc<dyn Connector> {
    let program = Program::of_kind(executable(), "sqlite");
    Arc::new(Remote::isolating(Arc::new(Sqlite), program))
}

#[async_trait]
impl Subject for Isolated {
    fn connector(&self) -> Arc<dyn Connector> {
        Arc::clone(&self.0)
    }

    fn program(&self) -> Option<Program> {
        Some(Program::of_kind(executable(), "sqlite"))
    }

    async fn place(&self) -> Option<Box<dyn Place>> {
        Some(Box::new(Folder::new().await))
    }
}

rabt_connect::compliance_tests!(Isolated(sqlite()));

mod handshake {
    rabt_connect::handshake_tests!(super::Isolated(super::sqlite()));
}

mod postgres {
    use std::sync::Arc;

    use async_trait::async_trait;
    use rabt_connect::compliance::{Place, Subject};
    use rabt_connect::{Connector, Program, Remote};
    use rabt_connector_postgres::Postgres;
    use rabt_tests::executable;

    use crate::process::server::Server;

    struct Isolated;

    #[async_trait]
    impl Subject for Isolated {
        fn connector(&self) -> Arc<dyn Connector> {
            let program = Program::of_kind(executable(), "postgres");
            Arc::new(Remote::isolating(Arc::new(Postgres), program))
        }

        async fn place(&self) -> Option<Box<dyn Place>> {
            Some(Box::new(Server::start().await?))
        }
    }

    rabt_connect::compliance_tests!(Isolated);
}
