//! The executable `rabt-connector-parquet`.

use std::process::ExitCode;
use std::sync::Arc;

use rabt_connector_parquet::Parquet;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match rabt_connect::serve(Arc::new(Parquet)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}
