use std::{fs, time::Duration};

use septet_proto_common::v1::{ApplyTopicsRequest, admin_service_client::AdminServiceClient};
use septet_testkit::{Deadline, within};
use tokio::time::{Instant, sleep};

use super::{Deployment, config::Backends, database, keys::Keys};

impl Deployment {
    /// Does what an operator does the first time: makes keys and databases, writes a configuration for each process, brings
    /// schemas up to date, starts every process, and applies the topics.
    ///
    /// # Panics
    /// If one of these fails.
    pub async fn up(mut self) -> Self {
        fs::create_dir_all(&self.dir).expect("a directory for the deployment");
        self.keys = Keys::make(&self.dir);
        if let Backends::Real(real) = &self.backends {
            for service in &self.services {
                self.databases.insert(*service, database::create(&real.postgres_url, service).await);
            }
        }
        self.write_configuration();
        if matches!(self.backends, Backends::Real(_)) {
            self.migrate().await;
        }
        for process in &mut self.processes {
            process.start();
        }
        self.ready().await;
        self.apply_topics().await;
        self
    }

    /// Waits until every process that was started says that it is ready.
    ///
    /// # Panics
    /// If one ends, or takes longer than [`Deadline::LONG`].
    pub async fn ready(&mut self) {
        let start = Instant::now();
        for process in self.processes.iter_mut().filter(|process| process.runs()) {
            loop {
                let said = match process.readiness().await {
                    Some(Ok(())) => break,
                    Some(Err(said)) => said,
                    None => "nothing".to_owned(),
                };
                assert!(
                    start.elapsed() < Deadline::LONG,
                    "{} is not ready: {said}\n{}",
                    process.name(),
                    process.log()
                );
                sleep(Duration::from_millis(50)).await;
            }
        }
    }

    fn write_configuration(&self) {
        let mut shared = self.backends.settings(&self.databases);
        shared.set_path("auth.api_keys.file", &Keys::accepted(&self.dir));
        shared.set_path("clients.token_file", &Keys::of_services(&self.dir));
        for service in &self.services {
            let urls: Vec<_> =
                self.addresses(service).iter().map(|address| format!("http://{address}")).collect();
            shared.set_text(&format!("clients.urls.{service}"), &urls.join(","));
        }
        // What a failed test leaves should tell what happened.
        shared.set_text("telemetry.log_filter", "info");
        for process in &self.processes {
            let mut settings = shared.clone();
            settings.extend(&process.settings());
            settings.extend(&self.settings);
            fs::write(process.config(), settings.to_string()).expect("the configuration is written");
        }
    }

    /// Once for each service: its replicas share a database.
    async fn migrate(&self) {
        for service in &self.services {
            let process = self.processes.iter().find(|process| process.serves(service));
            let command = process.expect("a process of the service").command("migrate");
            let mut migrate = tokio::process::Command::from(command);
            let output =
                within(Deadline::LONG, format!("{service} migrates"), migrate.kill_on_drop(true).output());
            let output = output.await.expect("the migration starts");
            assert!(
                output.status.success(),
                "{service} migrate: {}\n{}",
                output.status,
                String::from_utf8_lossy(&output.stderr)
            );
        }
    }

    /// Each service knows the topics of its own contract and of those it consumes.
    async fn apply_topics(&self) {
        for service in &self.services {
            let mut client = AdminServiceClient::new(self.channel(service));
            client.apply_topics(ApplyTopicsRequest {}).await.expect("the topics are applied");
        }
    }
}
