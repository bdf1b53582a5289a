use std::path::{Path, PathBuf};

use figment::{
    Figment,
    providers::{Env, Format, Serialized, Toml},
    value::{Dict, Value},
};
use serde::{Serialize, de::DeserializeOwned};

use super::{ConfigError, ProcessConfig, SERVICES, ServiceConfig, error::problem};

/// The file that is read where none is named.
const DEFAULT_FILE: &str = "septet.toml";
/// Keys of a service's section that belong to the chassis.
const SHARED: [&str; 2] = ["store", "messaging"];

/// Everything that was configured, with where each value came from.
#[derive(Clone)]
pub struct Source {
    figment: Figment,
}

impl Source {
    /// Reads `file`, or `septet.toml` where there is one, and the environment. `process` is a service's name, or `suite`:
    /// it gives the prefix of the variables that set the process's own keys.
    ///
    /// # Errors
    /// [`ConfigError`] if the file cannot be read or is not TOML.
    pub fn read(process: &str, defaults: &ProcessConfig, file: Option<&Path>) -> Result<Self, ConfigError> {
        let mut figment = Figment::from(Serialized::defaults(defaults));
        let path = file.map_or_else(|| PathBuf::from(DEFAULT_FILE), Path::to_path_buf);
        match std::fs::read_to_string(&path) {
            Ok(text) => {
                if let Err(error) = toml::from_str::<toml::Table>(&text) {
                    return Err(ConfigError::Syntax { path, reason: place_and_cause(&text, &error) });
                }
                figment = figment.merge(Toml::file_exact(&path));
            }
            Err(error) if file.is_none() && error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(ConfigError::File { path, reason: error.to_string() }),
        }
        for (service, _) in SERVICES {
            let own = service == process;
            figment = figment.merge(
                Env::prefixed(&format!("SEPTET_{}__", service.to_uppercase()))
                    .map(move |key| {
                        let name = key.as_str().to_lowercase();
                        let first = name.split("__").next().unwrap_or_default();
                        let process_key = own && !SHARED.contains(&first) && process_keys().contains(&first);
                        let path = name.replace("__", ".");
                        if process_key { path } else { format!("{service}.{path}") }.into()
                    })
                    .split("."),
            );
        }
        if !SERVICES.iter().any(|(service, _)| *service == process) {
            figment =
                figment.merge(Env::prefixed(&format!("SEPTET_{}__", process.to_uppercase())).split("__"));
        }
        Ok(Self { figment })
    }

    /// Makes a service's defaults visible to [`Source::print`](Self::print).
    #[must_use]
    pub fn with_defaults<C: ServiceConfig>(self, service: &str) -> Self {
        Self { figment: self.figment.join(Serialized::default(service, C::default())) }
    }

    /// A value that a command-line option sets, over everything else.
    #[must_use]
    pub fn with_option<V: Serialize>(self, option: &'static str, key: &str, value: V) -> Self {
        let provider = Serialized::default(key, value);
        Self { figment: self.figment.merge(Named { name: option, provider }) }
    }

    /// The process's settings.
    ///
    /// # Errors
    /// [`ConfigError`] that names the offending key.
    pub fn process(&self) -> Result<ProcessConfig, ConfigError> {
        let mut root: Dict = self.figment.extract().map_err(|error| self.named(&error, ""))?;
        // One file may serve all services; each reads its own section.
        root.retain(|section, _| !SERVICES.iter().any(|(service, _)| service == section));
        let config: ProcessConfig = Figment::from(Serialized::defaults(Value::from(root)))
            .extract()
            .map_err(|error| self.named(&error, ""))?;
        config
            .telemetry
            .check()
            .map_err(|error| self.key_error("telemetry".to_owned(), error.to_string()))?;
        Ok(config)
    }

    /// A service's own settings.
    ///
    /// # Errors
    /// [`ConfigError`] that names the offending key.
    pub fn service<C: ServiceConfig>(&self, service: &str) -> Result<C, ConfigError> {
        let mut section = self.section(service);
        section.retain(|key, _| !SHARED.contains(&key.as_str()));
        let config: C = if section.is_empty() {
            C::default()
        } else {
            // Over the defaults, since a section need not name every key.
            let defaults = Serialized::defaults(C::default());
            let values = Serialized::defaults(Value::from(section));
            Figment::from(defaults).merge(values).extract().map_err(|error| self.named(&error, service))?
        };
        config.check().map_err(|(key, problem)| self.key_error(format!("{service}.{key}"), problem))?;
        Ok(config)
    }

    /// The settings `store` or `messaging` of a service: those of the process, with what its own section says instead.
    ///
    /// # Errors
    /// [`ConfigError`] that names the offending key.
    pub fn shared<C: Serialize + DeserializeOwned>(
        &self,
        service: &str,
        key: &'static str,
        of_process: &C,
    ) -> Result<C, ConfigError> {
        let Some(own) = self.section(service).remove(key) else {
            return Figment::from(Serialized::defaults(of_process))
                .extract()
                .map_err(|error| self.named(&error, key));
        };
        Figment::from(Serialized::defaults(of_process))
            .merge(Serialized::defaults(own))
            .extract()
            .map_err(|error| self.named(&error, &format!("{service}.{key}")))
    }

    pub(super) fn figment(&self) -> &Figment {
        &self.figment
    }

    /// Where the value of a key was set, for people; `None` for a default.
    pub(super) fn origin(&self, key: &str) -> Option<String> {
        let metadata = self.figment.find_metadata(key)?;
        if metadata.name.contains("environment variable") {
            return Some("environment".to_owned());
        }
        match &metadata.source {
            Some(figment::Source::File(path)) => Some(path.display().to_string()),
            Some(figment::Source::Custom(option)) => Some(option.clone()),
            _ => None,
        }
    }

    fn section(&self, service: &str) -> Dict {
        match self.figment.find_value(service) {
            Ok(Value::Dict(_, section)) => section,
            _ => Dict::new(),
        }
    }

    fn named(&self, error: &figment::Error, section: &str) -> ConfigError {
        let mut path: Vec<&str> = section.split('.').filter(|part| !part.is_empty()).collect();
        path.extend(error.path.iter().map(String::as_str));
        if let figment::error::Kind::UnknownField(name, _) = &error.kind
            && path.last() != Some(&name.as_str())
        {
            path.push(name);
        }
        self.key_error(path.join("."), problem(&error.kind))
    }

    pub(crate) fn key_error(&self, key: String, problem: String) -> ConfigError {
        let origin = self.origin(&key).map(|origin| format!(" (set in {origin})")).unwrap_or_default();
        ConfigError::Key { key, origin, problem }
    }
}

/// Top-level keys of a process.
fn process_keys() -> &'static [&'static str] {
    &[
        "data_dir",
        "drain_secs",
        "grpc",
        "admin",
        "auth",
        "clients",
        "store",
        "log",
        "queue",
        "messaging",
        "telemetry",
    ]
}

/// A value with a name for where it came from.
struct Named<P> {
    name: &'static str,
    provider: P,
}

impl<P: figment::Provider> figment::Provider for Named<P> {
    fn metadata(&self) -> figment::Metadata {
        figment::Metadata::from("option", figment::Source::Custom(self.name.to_owned()))
    }

    fn data(&self) -> figment::Result<figment::value::Map<figment::Profile, Dict>> {
        self.provider.data()
    }
}

/// Line and cause, without the excerpt of the file that the error would show.
fn place_and_cause(text: &str, error: &toml::de::Error) -> String {
    let cause = error.message().lines().next().unwrap_or_default();
    match error.span().and_then(|span| text.get(..span.start)) {
        Some(before) => format!("line {}: {cause}", before.matches('\n').count() + 1),
        None => cause.to_owned(),
    }
}
