//! Journeys that are the same however Septet is deployed: as a suite on embedded backends, as a suite on real servers, and
//! as two replicas of each service on real servers. Each topology is deployed once for all its journeys, which use
//! repositories of their own.

/// Makes three tests of a journey `async fn(&Site)`, one for each topology, in a module of its name.
macro_rules! in_each_topology {
    ($journey:ident) => {
        mod $journey {
            use crate::deployed::site::Topology;

            #[tokio::test]
            async fn suite() {
                Topology::Suite.travel(super::$journey).await;
            }

            #[tokio::test]
            async fn suite_on_servers() {
                Topology::SuiteOnServers.travel(super::$journey).await;
            }

            #[tokio::test]
            async fn services_on_servers() {
                Topology::ServicesOnServers.travel(super::$journey).await;
            }
        }
    };
}

mod alone;
mod changes;
mod command_line;
mod dead_letters;
mod releases;
mod replicas;
mod requests;
mod reviews;
pub mod site;
mod submissions;
mod tokens;
pub mod wire;

pub use reviews::Reviews;
