use septet_chassis::{Process, ProcessConfig};

use crate::console;

/// gRPC and HTTP ports of the suite.
const GRPC_PORT: u16 = 50050;
const HTTP_PORT: u16 = 8080;

/// All services in one process. The same `service()` functions as in their own binaries.
pub fn process() -> Process {
    let mut defaults = ProcessConfig::defaults(GRPC_PORT, HTTP_PORT, true);
    // The table is what a person watches; the log speaks up when something is wrong.
    defaults.telemetry.log_filter = "warn".to_owned();
    Process::new("suite", defaults)
        .with(septet_devops::service())
        .with(septet_review::service())
        .with(septet_docs::service())
        .with(septet_cost::service())
        .with(septet_pipeline::service())
        .with(septet_cx::service())
        .with(septet_soc::service())
        .http(|boot| console::router(&boot))
}
