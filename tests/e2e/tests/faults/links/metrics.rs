use septet_e2e::Deployment;

/// What a process measures.
pub struct Metrics(String);

impl Metrics {
    /// Those of a process that runs.
    pub async fn of(deployment: &Deployment, process: &str) -> Self {
        Self(deployment.metrics(process).await)
    }

    /// Calls of a method that reached the process.
    pub fn served(&self, method: &str) -> f64 {
        self.sum("rpc_server_call_duration_seconds_count", method)
    }

    /// Calls of a method that the process asked for.
    pub fn called(&self, method: &str) -> f64 {
        self.sum("rpc_client_call_duration_seconds_count", method)
    }

    fn sum(&self, name: &str, method: &str) -> f64 {
        let of_it = |line: &&str| line.starts_with(name) && line.contains(&format!("/{method}\""));
        let value = |line: &str| line.rsplit_once(' ')?.1.parse::<f64>().ok();
        self.0.lines().filter(of_it).filter_map(value).sum()
    }
}
