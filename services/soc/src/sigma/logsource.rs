/// The log that a rule is about. An empty part says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct LogSource {
    /// For example `windows`.
    pub product: String,
    /// For example `security`.
    pub service: String,
    /// For example `process_creation`.
    pub category: String,
}

/// The log that an event belongs to. An empty part is not known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct EventSource {
    /// For example `windows`.
    pub product: String,
    /// For example `sysmon`.
    pub service: String,
    /// For example `registry_set`.
    pub category: String,
}

/// Categories that Sigma's taxonomy defines as several others together.
const TOGETHER: &[(&str, &[&str])] =
    &[("registry_event", &["registry_add", "registry_delete", "registry_set", "registry_rename"])];

impl EventSource {
    /// An event of the suite's own, by the service that published it and its kind.
    pub fn septet(service: &str, category: &str) -> Self {
        Self { product: "septet".to_owned(), service: service.to_owned(), category: category.to_owned() }
    }

    /// True if nothing is known of it.
    pub fn is_unknown(&self) -> bool {
        self.product.is_empty() && self.service.is_empty() && self.category.is_empty()
    }
}

impl LogSource {
    /// True if an event of that log is one that the rule is about: every part that the rule names is the event's.
    pub fn covers(&self, event: &EventSource) -> bool {
        let same = |rule: &str, event: &str| rule.is_empty() || rule.eq_ignore_ascii_case(event);
        same(&self.product, &event.product)
            && same(&self.service, &event.service)
            && (same(&self.category, &event.category) || self.has_among(&event.category))
    }

    fn has_among(&self, category: &str) -> bool {
        TOGETHER.iter().any(|(whole, parts)| self.category == *whole && parts.contains(&category))
    }
}
