"""Submits a diff to Septet's review service over Kafka, in any of the forms that it accepts."""

import argparse
import json
import pathlib
import sys
import uuid

from confluent_kafka import Producer

TOPIC = "review.diff.ingest.v1"
TYPE = "septet.review.v1.DiffSubmitted"


def record(form, submission):
    """The value and the headers of a record that carries this submission."""
    attributes = {"specversion": "1.0", "id": str(uuid.uuid4()), "source": "/ci/python", "type": TYPE}
    headers = {f"ce_{name}": value for name, value in attributes.items()}
    if form == "plain":
        return json.dumps(submission), {}
    if form == "json":
        return json.dumps(submission), headers | {"content-type": "application/json"}
    if form == "structured":
        return json.dumps(attributes | {"data": submission}), {"content-type": "application/cloudevents+json"}
    # Made from proto/ by grpc_tools.protoc; only this form needs it.
    from septet.review.v1 import events_pb2

    message = events_pb2.DiffSubmitted(**submission)
    return message.SerializeToString(), headers | {"content-type": "application/protobuf"}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--brokers", default="127.0.0.1:9092")
    parser.add_argument("--form", choices=["plain", "json", "structured", "protobuf"], default="json")
    parser.add_argument("--repository", required=True)
    parser.add_argument("--commit", default="")
    parser.add_argument("diff", type=pathlib.Path)
    arguments = parser.parse_args()

    producer = Producer(
        {
            "bootstrap.servers": arguments.brokers,
            "enable.idempotence": True,
            # The partition that Java's clients and Septet choose for a key.
            "partitioner": "murmur2_random",
        }
    )
    failures = []

    def delivered(error, message):
        if error:
            failures.append(error)
        else:
            print(f"{message.topic()} partition {message.partition()} offset {message.offset()}")

    diff = arguments.diff.read_text()
    submission = {"repository": arguments.repository, "commit": arguments.commit, "diff": diff}
    value, headers = record(arguments.form, submission)
    producer.produce(TOPIC, value, key=arguments.repository, headers=headers, on_delivery=delivered)
    waiting = producer.flush(30)
    if waiting or failures:
        sys.exit(f"error: not delivered: {failures or 'Kafka did not answer within 30 s'}")


if __name__ == "__main__":
    main()
