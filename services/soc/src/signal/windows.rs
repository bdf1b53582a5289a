//! Windows events, as EVTX readers write them in JSON: `{"Event": {"System": …, "EventData": …}}`, or flat.

use serde_json::{Map, Value};

use crate::sigma::EventSource;

/// Channels by the names that Sigma has for them; a channel begins with the text.
const SERVICES: &[(&str, &str)] = &[
    ("Security", "security"),
    ("System", "system"),
    ("Application", "application"),
    ("Microsoft-Windows-Sysmon/Operational", "sysmon"),
    ("Windows PowerShell", "powershell-classic"),
    ("Microsoft-Windows-PowerShell/Operational", "powershell"),
    ("PowerShellCore/Operational", "powershell"),
    ("Microsoft-Windows-TaskScheduler/Operational", "taskscheduler"),
    ("Microsoft-Windows-WMI-Activity/Operational", "wmi"),
    ("Microsoft-Windows-Windows Defender/Operational", "windefend"),
    ("Microsoft-Windows-Windows Firewall With Advanced Security/Firewall", "firewall-as"),
    ("Microsoft-Windows-Bits-Client/Operational", "bits-client"),
    ("Microsoft-Windows-CodeIntegrity/Operational", "codeintegrity-operational"),
    ("Microsoft-Windows-AppXDeploymentServer/Operational", "appxdeployment-server"),
    ("Microsoft-Windows-AppxPackaging/Operational", "appxpackaging-om"),
    ("Microsoft-Windows-AppLocker/", "applocker"),
    ("Microsoft-Windows-AppModel-Runtime/Admin", "appmodel-runtime"),
    ("Microsoft-Windows-Application-Experience/", "application-experience"),
    ("Microsoft-Windows-BitLocker/BitLocker Management", "bitlocker"),
    ("Microsoft-Windows-CAPI2/Operational", "capi2"),
    (
        "Microsoft-Windows-CertificateServicesClient-Lifecycle-System/Operational",
        "certificateservicesclient-lifecycle-system",
    ),
    ("Microsoft-Windows-DHCP-Server/Operational", "dhcp"),
    ("Microsoft-Windows-Diagnosis-Scripted/Operational", "diagnosis-scripted"),
    ("Microsoft-Windows-DNS Client Events/Operational", "dns-client"),
    ("Microsoft-Windows-DNS-Client/Operational", "dns-client"),
    ("Microsoft-Windows-DNS-Server/Analytical", "dns-server-analytic"),
    ("Microsoft-Windows-DNS-Server/Audit", "dns-server-audit"),
    ("DNS Server", "dns-server"),
    ("Microsoft-Windows-DriverFrameworks-UserMode/Operational", "driver-framework"),
    ("Microsoft-Windows-Hyper-V-Worker", "hyper-v-worker"),
    ("Microsoft-IIS-Configuration/Operational", "iis-configuration"),
    ("Microsoft-Windows-Kernel-EventTracing", "kernel-event-tracing"),
    ("Microsoft-Windows-Kernel-ShimEngine/", "kernel-shimengine"),
    ("Microsoft-Windows-LDAP-Client/Debug", "ldap"),
    ("Microsoft-Windows-LSA/Operational", "lsa-server"),
    ("MSExchange Management", "msexchange-management"),
    ("Microsoft-Windows-Ntfs/Operational", "ntfs"),
    ("Microsoft-Windows-NTLM/Operational", "ntlm"),
    ("OpenSSH/Operational", "openssh"),
    ("Microsoft-Windows-PrintService/Admin", "printservice-admin"),
    ("Microsoft-Windows-PrintService/Operational", "printservice-operational"),
    ("Microsoft-Windows-Security-Mitigations/", "security-mitigations"),
    ("Microsoft-Windows-SENSE/Operational", "sense"),
    ("Microsoft-ServiceBus-Client/", "servicebus-client"),
    ("Microsoft-Windows-Shell-Core/Operational", "shell-core"),
    ("Microsoft-Windows-SmbClient/Security", "smbclient-security"),
    ("Microsoft-Windows-SmbClient/Connectivity", "smbclient-connectivity"),
    (
        "Microsoft-Windows-TerminalServices-LocalSessionManager/Operational",
        "terminalservices-localsessionmanager",
    ),
    ("Microsoft-Windows-VHDMP/Operational", "vhdmp"),
];

/// Categories by service and number of the event. Registry keys that are made and deleted have one number in Sysmon.
const CATEGORIES: &[(&str, &[i64], &str)] = &[
    ("sysmon", &[1], "process_creation"),
    ("sysmon", &[2], "file_change"),
    ("sysmon", &[3], "network_connection"),
    ("sysmon", &[4, 16], "sysmon_status"),
    ("sysmon", &[5], "process_termination"),
    ("sysmon", &[6], "driver_load"),
    ("sysmon", &[7], "image_load"),
    ("sysmon", &[8], "create_remote_thread"),
    ("sysmon", &[9], "raw_access_thread"),
    ("sysmon", &[10], "process_access"),
    ("sysmon", &[11], "file_event"),
    ("sysmon", &[12], "registry_add"),
    ("sysmon", &[13], "registry_set"),
    ("sysmon", &[14], "registry_rename"),
    ("sysmon", &[15], "create_stream_hash"),
    ("sysmon", &[17, 18], "pipe_created"),
    ("sysmon", &[19, 20, 21], "wmi_event"),
    ("sysmon", &[22], "dns_query"),
    ("sysmon", &[23], "file_delete"),
    ("sysmon", &[24], "clipboard_capture"),
    ("sysmon", &[25], "process_tampering"),
    ("sysmon", &[26], "file_delete_detected"),
    ("sysmon", &[27], "file_block_executable"),
    ("sysmon", &[28], "file_block_shredding"),
    ("sysmon", &[29], "file_executable_detected"),
    ("sysmon", &[255], "sysmon_error"),
    ("security", &[4688], "process_creation"),
    ("security", &[4657], "registry_event"),
    ("powershell-classic", &[400], "ps_classic_start"),
    ("powershell-classic", &[600], "ps_classic_provider_start"),
    ("powershell-classic", &[800], "ps_classic_script"),
    ("powershell", &[4103], "ps_module"),
    ("powershell", &[4104], "ps_script"),
];

/// What the Security log calls fields that Sigma has under Sysmon's names.
const MAPPED: &[(&str, &str)] = &[
    ("NewProcessName", "Image"),
    ("ParentProcessName", "ParentImage"),
    ("NewValue", "Details"),
    ("SubjectLogonId", "LogonId"),
];

/// The log of a Windows event, and its fields with the names that Sigma has for them. What is none comes back as it is.
pub(super) fn recognise(mut fields: Map<String, Value>) -> (EventSource, Map<String, Value>) {
    let is_nested = |fields: &Map<String, Value>| {
        fields.get("Event").and_then(|event| event.get("System")).is_some_and(Value::is_object)
    };
    if is_nested(&fields)
        && let Some(Value::Object(event)) = fields.remove("Event")
    {
        fields = flat(event, fields);
    }
    let source = source(&fields);
    if source.service == "security" && !source.category.is_empty() {
        for (own, sigma) in MAPPED {
            if let Some(value) = fields.get(*own).cloned() {
                fields.entry(*sigma).or_insert(value);
            }
        }
    }
    (source, fields)
}

fn source(fields: &Map<String, Value>) -> EventSource {
    let Some(channel) = fields.get("Channel").and_then(Value::as_str) else { return EventSource::default() };
    let Some(number) = fields.get("EventID").and_then(number) else { return EventSource::default() };
    let service = SERVICES.iter().find(|(start, _)| {
        let same = |part: &str| part.eq_ignore_ascii_case(start);
        if start.ends_with('/') { channel.get(..start.len()).is_some_and(same) } else { same(channel) }
    });
    let service = service.map_or("", |(_, service)| service);
    let category = CATEGORIES.iter().find(|(of, numbers, _)| *of == service && numbers.contains(&number));
    let mut category = category.map_or("", |(.., category)| category);
    let kind = fields.get("EventType").and_then(Value::as_str).unwrap_or_default();
    if category == "registry_add" && kind.starts_with("Delete") {
        category = "registry_delete";
    }
    EventSource { product: "windows".to_owned(), service: service.to_owned(), category: category.to_owned() }
}

fn number(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.trim().parse().ok())
}

/// The members of `System` with their attributes (`Provider_Name`), and the data of `EventData` or `UserData`, side by side.
fn flat(event: Map<String, Value>, mut fields: Map<String, Value>) -> Map<String, Value> {
    for (name, part) in event {
        let Value::Object(part) = part else { continue };
        match name.as_str() {
            "System" => part.into_iter().for_each(|(name, value)| system(name, value, &mut fields)),
            "EventData" => data(part, &mut fields),
            // One element of any name, with the data in it.
            "UserData" => {
                for (_, value) in part {
                    if let Value::Object(inner) = value {
                        data(inner, &mut fields);
                    }
                }
            }
            _ => {}
        }
    }
    fields
}

fn system(name: String, value: Value, fields: &mut Map<String, Value>) {
    let Value::Object(element) = value else {
        fields.insert(name, value);
        return;
    };
    for (member, value) in element {
        match (member.as_str(), value) {
            ("#attributes", Value::Object(attributes)) => {
                for (attribute, value) in attributes {
                    fields.insert(format!("{name}_{attribute}"), value);
                }
            }
            ("#text", value) => {
                fields.insert(name.clone(), value);
            }
            (_, value) => {
                fields.insert(format!("{name}_{member}"), value);
            }
        }
    }
}

fn data(part: Map<String, Value>, fields: &mut Map<String, Value>) {
    for (mut name, value) in part {
        // Sigma writes names of fields without blanks.
        name.retain(|c| c != ' ');
        match value {
            _ if name == "#attributes" => {}
            // What `System` says is not for the data to say.
            Value::Object(mut element) if element.contains_key("#text") => {
                fields.entry(name).or_insert(element.remove("#text").unwrap_or_default());
            }
            value => {
                fields.entry(name).or_insert(value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn recognised(event: Value) -> (EventSource, Map<String, Value>) {
        let Value::Object(fields) = event else { panic!("an object") };
        recognise(fields)
    }

    #[test]
    fn a_nested_event_is_flat_with_sigmas_names() {
        let (source, fields) = recognised(json!({"Event": {
            "System": {
                "Provider": {"#attributes": {"Name": "Service Control Manager"}},
                "EventID": {"#attributes": {"Qualifiers": 16384}, "#text": 7045},
                "Channel": "System",
                "Execution": {"#attributes": {"ProcessID": 788}}
            },
            "EventData": {"Service Name": "x", "EventID": "forged"}
        }}));
        assert_eq!((source.service.as_str(), source.category.as_str()), ("system", ""));
        let expected = json!({
            "Provider_Name": "Service Control Manager", "EventID": 7045, "EventID_Qualifiers": 16384,
            "Channel": "System", "Execution_ProcessID": 788, "ServiceName": "x"
        });
        assert_eq!(Value::Object(fields), expected);
    }

    #[test]
    fn a_log_is_known_by_channel_and_number() {
        let of = |event: Value| {
            let (source, fields) = recognised(event);
            (source.service, source.category, fields)
        };
        let sysmon = "Microsoft-Windows-Sysmon/Operational";
        let (service, category, _) =
            of(json!({"Channel": sysmon, "EventID": "12", "EventType": "DeleteKey"}));
        assert_eq!((service.as_str(), category.as_str()), ("sysmon", "registry_delete"));
        let (service, category, fields) =
            of(json!({"Channel": "Security", "EventID": 4688, "NewProcessName": "C:\\a.exe"}));
        assert_eq!((service.as_str(), category.as_str()), ("security", "process_creation"));
        assert_eq!(fields["Image"], "C:\\a.exe");
        let (service, ..) =
            of(json!({"Channel": "Microsoft-Windows-AppLocker/EXE and DLL", "EventID": 8003}));
        assert_eq!(service, "applocker");
        let (source, fields) = recognised(json!({"EventID": 1}));
        assert!(source.is_unknown() && fields.len() == 1);
    }
}
