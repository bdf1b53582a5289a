use std::time::Duration;

use indexmap::IndexMap;
use serde_json::Value;

use super::{
    Action, After, DefinitionError, Http, Input, MAX_DEFINITION, Pipeline, Process, Retry, Task, Trigger,
    Wait, check,
    duration::parse as span,
    form::{AfterForm, Document, HttpForm, ProcessForm, RetryForm, TaskForm, TriggerForm, WaitForm},
};
use crate::{
    contracts,
    expression::{Expression, ExpressionError, Template},
    filter,
};

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);
const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

pub(super) fn read(yaml: &str) -> Result<Pipeline, DefinitionError> {
    if yaml.len() > MAX_DEFINITION {
        return Err(DefinitionError(format!("the definition is longer than {MAX_DEFINITION} bytes")));
    }
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_events: 50_000, max_aliases: 1_000, max_anchors: 1_000, max_depth: 32, max_documents: 1, max_nodes: 20_000,
        },
        with_snippet: false,
    };
    let document: Document = serde_saphyr::from_str_with_options(yaml, options)
        .map_err(|error| DefinitionError(one_line(&error.to_string())))?;
    check::pipeline_name(&document.name)?;
    let timeout = of_span("timeout", document.timeout.as_deref(), DAY, 30 * DAY)?;
    let inputs = document
        .inputs
        .into_iter()
        .map(|(name, form)| Input { name, description: form.description, default: form.default })
        .collect();
    let triggers = document.triggers.into_iter().map(trigger).collect::<Result<_, _>>()?;
    let names: Vec<String> = document.tasks.keys().cloned().collect();
    let mut tasks = Vec::with_capacity(names.len());
    for (name, form) in document.tasks {
        let task =
            task(&name, form, &names).map_err(|error| DefinitionError(format!("task {name}: {error}")))?;
        tasks.push(task);
    }
    let pipeline =
        Pipeline { name: document.name, description: document.description, inputs, triggers, timeout, tasks };
    check::whole(pipeline)
}

fn trigger(form: TriggerForm) -> Result<Trigger, DefinitionError> {
    let named = |error: ExpressionError| DefinitionError(format!("trigger {}: {error}", form.event));
    contracts::event(&form.event).map_err(|problem| DefinitionError(format!("trigger: {problem}")))?;
    Ok(Trigger {
        when: form.when.as_deref().map(Expression::new).transpose().map_err(named)?,
        inputs: members(form.inputs).map_err(named)?,
        event_type: form.event,
    })
}

fn task(name: &str, form: TaskForm, names: &[String]) -> Result<Task, DefinitionError> {
    check::identifier("task", name)?;
    let mut needs = Vec::with_capacity(form.needs.len());
    for need in &form.needs {
        let place = names.iter().position(|known| known == need);
        needs.push(place.ok_or_else(|| DefinitionError(format!("it needs `{need}`, which is no task")))?);
    }
    let is_event_wait = form.wait.as_ref().is_some_and(|wait| wait.event.is_some());
    let (timeout, most) = match (&form.wait, &form.process) {
        (Some(_), _) if is_event_wait => (DAY, 30 * DAY),
        (Some(_), _) => (30 * DAY, 30 * DAY),
        (None, Some(_)) => (HOUR, DAY),
        (None, None) => (Duration::from_secs(60), HOUR),
    };
    let action = action(&form)?;
    Ok(Task {
        name: name.to_owned(),
        needs,
        above: Vec::new(),
        after: match form.after {
            AfterForm::Success => After::Success,
            AfterForm::Failure => After::Failure,
            AfterForm::Always => After::Always,
        },
        when: form.when.as_deref().map(Expression::new).transpose().map_err(of)?,
        retry: retry(form.retry)?,
        timeout: of_span("timeout", form.timeout.as_deref(), timeout, most)?,
        allow_failure: form.allow_failure,
        outputs: form.outputs.map(members).transpose().map_err(of)?,
        action,
    })
}

fn action(form: &TaskForm) -> Result<Action, DefinitionError> {
    let mut actions = Vec::new();
    if let Some(form) = &form.http {
        actions.push(http(form)?);
    }
    if let Some(form) = &form.grpc {
        let method = contracts::method(&form.call).map_err(DefinitionError)?;
        let body = form.body.clone().unwrap_or_else(|| Value::Object(Default::default()));
        actions.push(Action::Grpc {
            service: contracts::service_of(&method),
            path: contracts::path_of(&method),
            body: Template::new(body).map_err(of)?,
        });
    }
    if let Some(form) = &form.process {
        actions.push(process(form)?);
    }
    if let Some(form) = &form.transform {
        filter::check(&form.filter).map_err(|error| DefinitionError(error.to_string()))?;
        let input = Template::new(form.input.clone().unwrap_or(Value::Null)).map_err(of)?;
        actions.push(Action::Transform { input, filter: form.filter.clone() });
    }
    if let Some(form) = &form.publish {
        check::event_name(&form.event)?;
        let data = form.data.clone().unwrap_or_else(|| Value::Object(Default::default()));
        actions.push(Action::Publish {
            event: form.event.clone(),
            key: form.key.clone().map(text).transpose()?,
            data: Template::new(data).map_err(of)?,
        });
    }
    if let Some(form) = &form.wait {
        actions.push(Action::Wait(wait(form)?));
    }
    match (actions.pop(), actions.is_empty()) {
        (Some(action), true) => Ok(action),
        _ => Err(DefinitionError(
            "it must have exactly one of http, grpc, process, transform, publish and wait".to_owned(),
        )),
    }
}

fn http(form: &HttpForm) -> Result<Action, DefinitionError> {
    let method = form.method.as_deref().unwrap_or("GET").to_ascii_uppercase();
    if !METHODS.contains(&method.as_str()) {
        return Err(DefinitionError(format!("http.method must be one of {}", METHODS.join(", "))));
    }
    if form.expect.iter().any(|status| !(100..=599).contains(status)) {
        return Err(DefinitionError("http.expect holds numbers from 100 to 599".to_owned()));
    }
    Ok(Action::Http(Http {
        url: text(form.url.clone())?,
        method,
        headers: texts(&form.headers)?,
        body: form.body.clone().map(Template::new).transpose().map_err(of)?,
        expect: form.expect.clone(),
    }))
}

fn process(form: &ProcessForm) -> Result<Action, DefinitionError> {
    let commands = match (&form.argv, &form.commands) {
        (Some(argv), None) => vec![argv.clone()],
        (None, Some(commands)) => commands.clone(),
        _ => return Err(DefinitionError("process needs either `argv` or `commands`".to_owned())),
    };
    if commands.is_empty()
        || commands.len() > 50
        || commands.iter().any(|argv| argv.is_empty() || argv.len() > 200)
    {
        return Err(DefinitionError(
            "process has 1 to 50 commands of 1 to 200 words: a program and its arguments".to_owned(),
        ));
    }
    if let Some(name) = form.env.keys().find(|name| !check::is_variable(name)) {
        return Err(DefinitionError(format!("process.env: `{name}` is no variable that a task may set")));
    }
    let commands =
        commands.into_iter().map(|argv| argv.into_iter().map(text).collect()).collect::<Result<_, _>>()?;
    Ok(Action::Process(Process {
        commands,
        checkout: form.checkout.clone().map(text).transpose()?,
        directory: form.directory.clone().map(text).transpose()?,
        env: texts(&form.env)?,
    }))
}

fn wait(form: &WaitForm) -> Result<Wait, DefinitionError> {
    match (&form.span, &form.until, &form.event) {
        (Some(span), None, None) if form.when.is_none() => {
            Ok(Wait::For(of_span("wait.for", Some(span), DAY, 30 * DAY)?))
        }
        (None, Some(until), None) if form.when.is_none() => Ok(Wait::Until(text(until.clone())?)),
        (None, None, Some(event)) => {
            contracts::event(event).map_err(DefinitionError)?;
            let when = form.when.as_deref().map(Expression::new).transpose().map_err(of)?;
            Ok(Wait::Event { event_type: event.clone(), when })
        }
        _ => Err(DefinitionError(
            "wait needs exactly one of `for`, `until` and `event`; `when` belongs to `event`".to_owned(),
        )),
    }
}

fn retry(form: Option<RetryForm>) -> Result<Retry, DefinitionError> {
    let Some(form) = form else {
        return Ok(Retry {
            attempts: 1,
            backoff: Duration::from_secs(1),
            max_backoff: Duration::from_secs(60),
        });
    };
    if !(1..=20).contains(&form.attempts) {
        return Err(DefinitionError("retry.attempts must be 1 to 20".to_owned()));
    }
    let backoff = of_span("retry.backoff", form.backoff.as_deref(), Duration::from_secs(1), HOUR)?;
    let longest = backoff.max(Duration::from_secs(60));
    let max_backoff = of_span("retry.max_backoff", form.max_backoff.as_deref(), longest, DAY)?;
    Ok(Retry { attempts: form.attempts, backoff, max_backoff })
}

fn of_span(
    field: &str,
    text: Option<&str>,
    default: Duration,
    most: Duration,
) -> Result<Duration, DefinitionError> {
    let Some(text) = text else { return Ok(default) };
    let Some(read) = span(text) else {
        return Err(DefinitionError(format!(
            "{field}: `{text}` is no time span such as 500ms, 10s, 1h30m or 7d"
        )));
    };
    if read.is_zero() || read > most {
        return Err(DefinitionError(format!(
            "{field} must be more than nothing, and at most {}s",
            most.as_secs()
        )));
    }
    Ok(read)
}

fn text(text: String) -> Result<Template, DefinitionError> {
    Template::new(Value::String(text)).map_err(of)
}

fn texts(texts: &IndexMap<String, String>) -> Result<Vec<(String, Template)>, DefinitionError> {
    texts.iter().map(|(name, value)| Ok((name.clone(), text(value.clone())?))).collect()
}

fn members(members: IndexMap<String, Value>) -> Result<Vec<(String, Template)>, ExpressionError> {
    members.into_iter().map(|(name, value)| Ok((name, Template::new(value)?))).collect()
}

fn of(ExpressionError(problem): ExpressionError) -> DefinitionError {
    DefinitionError(problem)
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
