use std::fmt::Write;

use septet_proto_common::v1::{EventDescription, ServiceDescription};

/// What a service does, as Markdown. Its README has this below what people wrote.
pub(super) fn markdown(service: &ServiceDescription) -> String {
    let mut text = String::new();
    let rpcs = service.serves.iter().map(|rpc| {
        let (path, method) = rpc.method.rsplit_once('/').unwrap_or(("", &rpc.method));
        let service = path.trim_start_matches('/').rsplit('.').next().unwrap_or(path);
        [format!("`{service}.{method}`"), rpc.roles.join(", ")]
    });
    table(&mut text, "RPCs", ["RPC", "roles"], rpcs);
    table(&mut text, "Events in", ["type", "topic, key"], service.consumes.iter().map(event));
    table(&mut text, "Events out", ["type", "topic, key"], service.publishes.iter().map(event));
    let jobs = service.works.iter().map(|job| {
        [format!("`{}`", job.r#type), format!("`{}`, at most {} attempts", job.queue, job.max_attempts)]
    });
    table(&mut text, "Jobs", ["type", "queue"], jobs);
    // Writing to a String cannot fail.
    let calls = service.calls.iter().map(|called| format!("[{called}](../{called})")).collect::<Vec<_>>();
    let calls = if calls.is_empty() { "None".to_owned() } else { calls.join(", ") };
    let _ = writeln!(text, "## Calls\n\n{calls}.\n");
    text.push_str("## Configuration\n\n");
    text.push_str(&configuration(&service.name, &service.config));
    text.push_str(
        "\n## Metrics\n\nThose of every service, labelled with `service`: see \
         [operations](../../docs/operations.md#metrics).\n",
    );
    text
}

/// What a service reads of its own, with the values that it has where nobody sets them.
fn configuration(name: &str, config: &str) -> String {
    // Each line names where its value is from.
    let lines: Vec<&str> = config.lines().filter_map(|line| line.split("  # ").next()).collect();
    let toml = lines.join("\n");
    let defaults = match toml.trim() {
        "" => "Every key of its own is unset by default.".to_owned(),
        toml => format!("The defaults, as in `septet.toml`:\n\n```toml\n{toml}\n```"),
    };
    format!("{defaults}\n\n[Operations](../../docs/operations.md#{name}) says what each key means.\n")
}

fn event(event: &EventDescription) -> [String; 2] {
    [format!("`{}`", event.r#type), format!("`{}` by `{}`", event.topic, event.key)]
}

fn table(text: &mut String, title: &str, head: [&str; 2], rows: impl Iterator<Item = [String; 2]>) {
    let rows: Vec<_> = rows.collect();
    let _ = writeln!(text, "## {title}\n");
    if rows.is_empty() {
        let _ = writeln!(text, "None.\n");
        return;
    }
    let _ = writeln!(text, "| {} | {} |\n| --- | --- |", head[0], head[1]);
    for [one, other] in rows {
        let _ = writeln!(text, "| {one} | {other} |");
    }
    text.push('\n');
}
