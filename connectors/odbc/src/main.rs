//! The executable `rabt-connector-odbc`. Linking it needs unixODBC.

use std::process::ExitCode;
use std::sync::Arc;

use rabt_connector_odbc::Odbc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match rabt_connect::serve(Arc::new(Odbc)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}
