"""Writes what independent implementations make of the contracts: golden bytes and JSON of each event and job (Google's
protobuf for Python), and records of the CloudEvents SDK for Python. Run once for each new event; golden files of a
released event are never written again. Events and jobs without a sample of their own here get one in which every field says something.

    pip install cloudevents==2.2.0 protobuf==7.36.2 grpcio-tools==1.85.1
    python libs/contract/tests/data/generate.py
"""

import json
import pathlib
import tempfile
from datetime import datetime, timezone

from cloudevents.core.bindings import kafka
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory
from google.protobuf.descriptor import FieldDescriptor
from grpc_tools import protoc

HERE = pathlib.Path(__file__).resolve().parent
GOLDEN = HERE.parent / "golden"
PROTO = HERE.parents[3] / "proto"
# How deep samples go: some messages hold others of their own kind.
DEPTH = 4

MESSAGES = {
    "septet.devops.v1.ChangePushed": {
        "changeId": "5f0c9f0e-6a58-5c0f-8f39-0f1f7c6f2b11",
        "change": {
            "id": "5f0c9f0e-6a58-5c0f-8f39-0f1f7c6f2b11",
            "repositoryId": "0198f0a2-7c1e-7d3a-9b52-2f60c1a4e9d0",
            "repositoryName": "größe-demo",
            "ref": "refs/heads/main",
            "commit": "9fceb02d0ae598e95dc970b74767f19372d61af8",
            "parents": ["1a410efbd13591db07496601ebc7a059dd55cfe9"],
            "author": {"name": "Ada Lovelace", "email": "ada@example.org"},
            "authoredTime": "2026-01-31T12:00:00Z",
            "committedTime": "2026-01-31T12:00:01.500Z",
            "subject": "Läuft 🚀",
            "files": [
                {"path": "src/main.rs", "status": "FILE_STATUS_MODIFIED", "linesAdded": 3, "linesDeleted": 1},
                {
                    "path": "b.bin",
                    "previousPath": "a.bin",
                    "status": "FILE_STATUS_RENAMED",
                    "binary": True,
                },
            ],
            "filesTotal": 2,
        },
        "diff": {
            "inline": "LS0tIGEKKysrIGIKAP8=",
            "size": "9007199254740993",
            "complete": True,
            "sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        },
    },
    "septet.devops.v1.ImportCommits": {"repositoryId": "0198f0a2-7c1e-7d3a-9b52-2f60c1a4e9d0"},
    "septet.review.v1.ReviewCompleted": {
        "changeId": "5f0c9f0e-6a58-5c0f-8f39-0f1f7c6f2b11",
        "review": {
            "id": "0198f0a2-7c1e-7d3a-9b52-2f60c1a4e9d1",
            "changeId": "5f0c9f0e-6a58-5c0f-8f39-0f1f7c6f2b11",
            "repositoryName": "demo",
            "commit": "9fceb02d0ae598e95dc970b74767f19372d61af8",
            "verdict": "VERDICT_FAILED",
            "reason": "1 critical finding",
            "counts": [{"severity": "SEVERITY_CRITICAL", "count": 1}, {"severity": "SEVERITY_LOW"}],
            "filesScanned": 2,
            "linesScanned": 4294967295,
            "time": "2026-01-31T12:00:02.000001Z",
            "rulesVersion": "0123456789ab",
            "repositoryId": "0198f0a2-7c1e-7d3a-9b52-2f60c1a4e9d0",
        },
        "findings": [
            {
                "file": "src/main.rs",
                "line": 7,
                "ruleId": "aws-access-key-id",
                "description": "AWS access key id",
                "severity": "SEVERITY_CRITICAL",
                "excerpt": "let key = \"[redacted]\";",
                "fingerprint": "00ff",
            }
        ],
        "findingsTotal": 1,
    },
    "septet.review.v1.DiffSubmitted": {
        "repository": "demo",
        "commit": "9fceb02",
        "diff": "--- a/x\n+++ b/x\n@@ -0,0 +1 @@\n+größe\t\"quoted\" \u2028\n",
    },
}


def contracts():
    """All contracts as protoc reads them, and the names of their events and jobs."""
    with tempfile.TemporaryDirectory() as directory:
        out = pathlib.Path(directory) / "set"
        sources = sorted(str(path) for path in (PROTO / "septet").glob("*/v1/*.proto"))
        well_known = pathlib.Path(protoc.__file__).parent / "_proto"
        arguments = ["protoc", f"-I{PROTO}", f"-I{well_known}", "--include_imports", f"--descriptor_set_out={out}"]
        if protoc.main(arguments + sources) != 0:
            raise SystemExit("protoc cannot read the contracts")
        files = descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes())
    pool = descriptor_pool.DescriptorPool()
    for file in files.file:
        pool.Add(file)
    options = {pool.FindExtensionByName(f"septet.common.v1.{name}") for name in ("event", "job")}
    option_class = message_factory.GetMessageClass(pool.FindMessageTypeByName("google.protobuf.MessageOptions"))
    names = []
    for file in files.file:
        for message in file.message_type:
            read = option_class.FromString(message.options.SerializeToString())
            if any(read.HasExtension(option) for option in options):
                names.append(f"{file.package}.{message.name}")
    return pool, sorted(names)


def sample(descriptor, depth=0):
    """JSON in which every field says something, as far down as DEPTH."""
    well_known = {
        "google.protobuf.Timestamp": "2026-01-31T12:00:00.250Z",
        "google.protobuf.Duration": "90s",
        "google.protobuf.Struct": {"a": [1.5, "b", None, {"c": True}]},
        "google.protobuf.ListValue": [1, "two"],
        "google.protobuf.Value": "v",
    }
    if descriptor.full_name in well_known:
        return well_known[descriptor.full_name]
    data = {}
    for field in descriptor.fields:
        chosen = field.containing_oneof
        if chosen is not None and chosen.fields[0].number != field.number:
            continue
        is_map = field.message_type is not None and field.message_type.GetOptions().map_entry
        if field.message_type is not None and not is_map and depth >= DEPTH:
            continue
        value = one(field.message_type.fields_by_name["value"] if is_map else field, depth)
        if is_map:
            value = {"key": value}
        elif field.is_repeated:
            value = [value]
        data[field.json_name] = value
    return data


def one(field, depth):
    """A value of one field, told apart by its number."""
    if field.type == FieldDescriptor.TYPE_MESSAGE:
        return sample(field.message_type, depth + 1)
    if field.type == FieldDescriptor.TYPE_ENUM:
        return field.enum_type.values[-1].name
    if field.type == FieldDescriptor.TYPE_BYTES:
        return "AP8="
    if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        return True
    if field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
        return f"größe {field.number}"
    if field.cpp_type in (FieldDescriptor.CPPTYPE_DOUBLE, FieldDescriptor.CPPTYPE_FLOAT):
        return field.number + 0.25
    if field.cpp_type in (FieldDescriptor.CPPTYPE_INT64, FieldDescriptor.CPPTYPE_UINT64):
        return str(9007199254740993 + field.number)
    return 4000 + field.number


def records(data, binary):
    """One event in each form, as the SDK writes it to Kafka."""
    attributes = {
        "id": "a-1",
        "source": "https://example.org/ci",
        "type": "septet.review.v1.DiffSubmitted",
        "specversion": "1.0",
        "time": datetime(2026, 1, 31, 12, 0, 0, 250000, tzinfo=timezone.utc),
        "subject": "demo",
        "partitionkey": "demo",
        "correlationid": "run-7",
    }

    def event(content_type, payload):
        return CloudEvent({**attributes, "datacontenttype": content_type}, payload)

    forms = {
        "binary protobuf": kafka.to_binary(event("application/protobuf", binary), JSONFormat()),
        "binary json": kafka.to_binary(event("application/json", data), JSONFormat()),
        "structured json": kafka.to_structured(event("application/json", data), JSONFormat()),
        "structured protobuf": kafka.to_structured(event("application/protobuf", binary), JSONFormat()),
    }
    for form, record in forms.items():
        yield {
            "form": form,
            "key": record.key,
            "headers": {name: value.decode() for name, value in record.headers.items()},
            "value_hex": record.value.hex(),
        }


def main():
    known, names = contracts()
    for name in names:
        descriptor = known.FindMessageTypeByName(name)
        data = MESSAGES.get(name) or sample(descriptor)
        message = message_factory.GetMessageClass(descriptor)()
        json_format.ParseDict(data, message)
        encoded = message.SerializeToString(deterministic=True)
        if not (GOLDEN / f"{name}.hex").exists():
            (GOLDEN / f"{name}.hex").write_text(encoded.hex() + "\n")
            canonical = json_format.MessageToDict(message)
            text = json.dumps(canonical, indent=2, ensure_ascii=False, sort_keys=True)
            (GOLDEN / f"{name}.json").write_text(text + "\n")
        if name == "septet.review.v1.DiffSubmitted":
            text = json.dumps(list(records(data, encoded)), indent=2)
            (HERE / "cloudevents-sdk.json").write_text(text + "\n")


main()
