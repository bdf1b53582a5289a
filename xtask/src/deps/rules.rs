use super::manifest::Kind;
use super::{Dependency, Package, Violation};

const PREFIX: &str = "septet-";

/// Starts and ends real servers: for tests and development, never for the product.
const SERVERS: &str = "septet-servers";

/// Crates that one place owns, so that a backend can be changed there: (crate, folders that may import it, way out).
const OWNED: [(&str, &[&str], &str); 3] = [
    // Outside producers and consumers are no clients of ours, so tests and benchmarks stand in for them.
    (
        "rdkafka",
        &["libs/messaging", "libs/testkit", "tests/e2e", "bench"],
        "go through septet-messaging's log",
    ),
    ("lapin", &["libs/messaging", "libs/testkit"], "go through septet-messaging's queue"),
    ("figment", &["libs/chassis"], "take the configuration from septet-chassis"),
];

/// What does I/O or needs a runtime, and so has no place in the contracts.
const IO: [&str; 8] = ["tokio", "tonic", "sqlx", "rdkafka", "lapin", "reqwest", "axum", "hyper-util"];

/// Which of our packages a folder may import, and how a message puts it.
struct Rule {
    allows: fn(folder: &str, name: &str) -> bool,
    says: &'static str,
}

fn is_proto(name: &str) -> bool {
    name.starts_with("septet-proto-")
}

fn is_library(name: &str) -> bool {
    let libraries = ["contract", "store", "messaging", "telemetry", "chassis"];
    name.strip_prefix(PREFIX).is_some_and(|short| libraries.contains(&short))
}

/// The package that `services/<x>` holds.
fn own_name(folder: &str) -> String {
    format!("{PREFIX}{}", folder.rsplit('/').next().unwrap_or(folder))
}

fn rule(folder: &str) -> Option<Rule> {
    let rule = |allows, says| Some(Rule { allows, says });
    match folder {
        "libs/contract" | "libs/contract-build" | "libs/store" | "libs/telemetry" | "libs/servers" => {
            rule(|_, _| false, "it imports nothing of ours")
        }
        "libs/messaging" => rule(
            |_, name| matches!(name, "septet-contract" | "septet-store" | "septet-telemetry"),
            "it may import contract, store and telemetry",
        ),
        "libs/chassis" => rule(
            |_, name| is_library(name) || name == "septet-proto-common",
            "it may import the other libs and proto/septet/common",
        ),
        "libs/testkit" => rule(
            |_, name| is_library(name) || is_proto(name) || name == SERVERS,
            "it may import libs, servers and contracts",
        ),
        "proto/septet/common" => rule(|_, name| name == "septet-contract", "it may import contract"),
        "services/suite" => rule(
            |_, name| name == "septet-chassis" || is_proto(name) || is_service(name),
            "it may import chassis, the services and contracts",
        ),
        "tests/e2e" => rule(
            |_, name| name == "septet-testkit" || name == SERVERS || is_proto(name),
            "it may import testkit, servers and contracts: journeys go through public interfaces",
        ),
        "bench" => rule(|_, _| true, "it may import everything"),
        "xtask" => rule(
            |_, name| name == "septet-contract-build" || name == SERVERS,
            "it may import contract-build and servers",
        ),
        _ if folder.starts_with("proto/septet/") => rule(
            |_, name| matches!(name, "septet-contract" | "septet-proto-common"),
            "it may import contract and proto/septet/common",
        ),
        _ if folder.starts_with("services/") => rule(
            |folder, name| name == "septet-chassis" || is_proto(name) || name == own_name(folder),
            "it may import chassis and contracts: no service depends on another service's crate",
        ),
        _ => None,
    }
}

/// A service's own crate: ours, and neither a library nor a contract nor a tool.
fn is_service(name: &str) -> bool {
    let tools = ["septet-testkit", SERVERS, "septet-contract-build", "septet-bench", "septet-e2e"];
    name.starts_with(PREFIX) && !is_library(name) && !is_proto(name) && !tools.contains(&name)
}

pub(super) fn check(packages: &[Package]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for package in packages {
        let Some(rule) = rule(&package.folder) else {
            violations.push(Violation {
                file: package.file(),
                problem: format!("no rule says what `{}` may import", package.folder),
                fix: "add one to xtask/src/deps/rules.rs".to_owned(),
            });
            continue;
        };
        for dependency in &package.dependencies {
            let faults =
                [inheritance(dependency), ours(package, dependency, &rule), owned(package, dependency)];
            violations.extend(faults.into_iter().flatten().map(|(problem, fix)| Violation {
                file: package.file(),
                problem,
                fix,
            }));
        }
    }
    violations
}

type Fault = Option<(String, String)>;

fn inheritance(dependency: &Dependency) -> Fault {
    let name = &dependency.name;
    if !dependency.inherited {
        let problem = format!("`{name}` in [{}] does not say `workspace = true`", dependency.kind.table());
        return Some((
            problem,
            format!("write `{name}.workspace = true` and its version in the root Cargo.toml"),
        ));
    }
    dependency.sets_features.then(|| {
        let fix = "set them in the root's [workspace.dependencies], else `-p` builds compile the world again";
        (format!("`{name}` in [{}] sets features", dependency.kind.table()), fix.to_owned())
    })
}

fn ours(package: &Package, dependency: &Dependency, rule: &Rule) -> Fault {
    let name = dependency.name.as_str();
    if !name.starts_with(PREFIX) {
        return None;
    }
    let allowed = match dependency.kind {
        Kind::Build => name == "septet-contract-build",
        Kind::Normal => (rule.allows)(&package.folder, name),
        // A test may use what would be too much for the product, but never another service.
        Kind::Dev => !is_service(name) || (rule.allows)(&package.folder, name),
    };
    if allowed {
        return None;
    }
    let problem = format!("`{}` imports `{name}` in [{}]", package.name, dependency.kind.table());
    let fix = match name {
        "septet-testkit" => "move it to [dev-dependencies]".to_owned(),
        "septet-contract-build" => "move it to [build-dependencies]".to_owned(),
        _ => format!("remove it; {}", rule.says),
    };
    Some((problem, fix))
}

fn owned(package: &Package, dependency: &Dependency) -> Fault {
    let name = dependency.name.as_str();
    if dependency.kind != Kind::Dev && package.folder == "libs/contract" && IO.contains(&name) {
        let problem = format!("`{}` imports `{name}`", package.name);
        return Some((problem, "remove it: the contract has no runtime and does no I/O".to_owned()));
    }
    let (_, owners, fix) = OWNED.iter().find(|(owned, ..)| *owned == name)?;
    if owners.contains(&package.folder.as_str()) {
        return None;
    }
    Some((
        format!("`{}` imports `{name}`, which {} owns", package.name, owners[0]),
        format!("remove it and {fix}"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(folder: &str, name: &str, tables: &str) -> Package {
        Package::parse(folder, &format!("package.name = \"{name}\"\n{tables}")).unwrap()
    }

    /// The single violation of one package.
    fn violation(folder: &str, tables: &str) -> String {
        let violations = check(&[package(folder, "septet-x", tables)]);
        assert_eq!(violations.len(), 1, "{violations:#?}");
        violations[0].to_string()
    }

    fn passes(folder: &str, name: &str, tables: &str) {
        assert_eq!(check(&[package(folder, name, tables)]), vec![], "{folder}");
    }

    #[test]
    fn the_architecture_passes() {
        passes("libs/contract", "septet-contract", "[dependencies]\nprost.workspace = true");
        passes(
            "proto/septet/review",
            "septet-proto-review",
            "[dependencies]\nseptet-contract.workspace = true\nseptet-proto-common.workspace = true\n\
             [build-dependencies]\nseptet-contract-build.workspace = true",
        );
        passes(
            "libs/chassis",
            "septet-chassis",
            "[dependencies]\nseptet-messaging.workspace = true\nseptet-telemetry.workspace = true",
        );
        passes(
            "services/review",
            "septet-review",
            "[dependencies]\nseptet-chassis.workspace = true\nseptet-proto-devops.workspace = true\n\
             [dev-dependencies]\nseptet-testkit.workspace = true\nseptet-messaging.workspace = true",
        );
        passes(
            "services/suite",
            "septet",
            "[dependencies]\nseptet-review.workspace = true\nseptet-chassis.workspace = true",
        );
        passes("tests/e2e", "septet-e2e", "[dependencies]\nseptet-testkit.workspace = true");
        passes("bench", "septet-bench", "[dependencies]\nseptet-testkit.workspace = true");
    }

    #[test]
    fn no_service_imports_another() {
        for table in ["dependencies", "dev-dependencies"] {
            let text = violation("services/review", &format!("[{table}]\nseptet-devops.workspace = true"));
            assert!(
                text.starts_with("services/review/Cargo.toml: `septet-x` imports `septet-devops`"),
                "{text}"
            );
            assert!(text.contains("no service depends on another service's crate"), "{text}");
        }
    }

    #[test]
    fn layers_point_downwards() {
        for (folder, import) in [
            ("libs/contract", "septet-proto-common"),
            ("libs/store", "septet-contract"),
            ("libs/telemetry", "septet-contract"),
            ("libs/messaging", "septet-chassis"),
            ("libs/chassis", "septet-proto-review"),
            ("libs/chassis", "septet-review"),
            ("proto/septet/review", "septet-proto-devops"),
            ("proto/septet/common", "septet-proto-review"),
            ("services/review", "septet-messaging"),
            ("services/review", "septet-store"),
            ("tests/e2e", "septet-messaging"),
            ("xtask", "septet-store"),
        ] {
            let text = violation(folder, &format!("[dependencies]\n{import}.workspace = true"));
            assert!(
                text.contains(import) && text.contains("may import") || text.contains("nothing of ours"),
                "{text}"
            );
        }
    }

    #[test]
    fn the_testkit_is_for_tests() {
        let text = violation("services/review", "[dependencies]\nseptet-testkit.workspace = true");
        assert!(text.contains("[dev-dependencies]"), "{text}");
        let text = violation("libs/store", "[build-dependencies]\nseptet-testkit.workspace = true");
        assert!(text.contains("[dev-dependencies]"), "{text}");
        let text = violation("proto/septet/review", "[dependencies]\nseptet-contract-build.workspace = true");
        assert!(text.contains("[build-dependencies]"), "{text}");
    }

    #[test]
    fn versions_and_features_are_the_roots() {
        assert!(violation("libs/store", "[dependencies]\nserde = \"1\"").contains("serde.workspace = true"));
        let target = "[target.'cfg(unix)'.dependencies]\nserde = { version = \"1\" }";
        assert!(violation("libs/store", target).contains("does not say `workspace = true`"));
        let features = "[dev-dependencies]\ntokio = { workspace = true, features = [\"full\"] }";
        assert!(violation("libs/store", features).contains("sets features"));
        let defaults = "[dependencies]\ntokio = { workspace = true, default-features = false }";
        assert!(violation("libs/store", defaults).contains("sets features"));
    }

    #[test]
    fn backends_have_one_owner_and_contracts_do_no_io() {
        let text = violation("services/review", "[dependencies]\nrdkafka.workspace = true");
        assert!(text.contains("libs/messaging owns"), "{text}");
        assert!(violation("libs/contract", "[dependencies]\ntokio.workspace = true").contains("no I/O"));
        passes("libs/contract", "septet-contract", "[dev-dependencies]\ntokio.workspace = true");
    }

    #[test]
    fn a_new_folder_needs_a_rule() {
        assert!(violation("plugins/x", "").contains("add one to xtask/src/deps/rules.rs"));
    }
}
