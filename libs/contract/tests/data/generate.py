"""Writes what independent implementations make of the contracts: golden bytes and JSON of each event and job (Google's
protobuf for Python), and records of the CloudEvents SDK for Python. Run once for each new event; golden files of a
released event are never written again.

    pip install cloudevents==2.2.0 protobuf==7.36.2
    python libs/contract/tests/data/generate.py
"""

import json
import pathlib
from datetime import datetime, timezone

from cloudevents.core.bindings import kafka
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

HERE = pathlib.Path(__file__).resolve().parent
GOLDEN = HERE.parent / "golden"
BASELINE = HERE.parents[3] / "proto" / "baseline.binpb"

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


def pool():
    files = descriptor_pb2.FileDescriptorSet.FromString(BASELINE.read_bytes())
    result = descriptor_pool.DescriptorPool()
    for file in files.file:
        result.Add(file)
    return result


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
    known = pool()
    for name, data in MESSAGES.items():
        message = message_factory.GetMessageClass(known.FindMessageTypeByName(name))()
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
