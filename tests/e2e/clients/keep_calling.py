"""Calls Septet's review and devops services, with gRPC's standard retries, until standard input ends.

Prints one JSON object: how many calls were made, and each one that failed.
"""

import argparse
import json
import pathlib
import sys
import threading
import uuid

import grpc

# Made from proto/ by grpc_tools.protoc.
from septet.devops.v1 import devops_service_pb2, devops_service_pb2_grpc
from septet.review.v1 import review_service_pb2, review_service_pb2_grpc

# What gRPC's documentation shows: each replica in turn, and again where one is not there.
SERVICE_CONFIG = {
    "loadBalancingConfig": [{"round_robin": {}}],
    "methodConfig": [
        {
            "name": [{}],
            "retryPolicy": {
                "maxAttempts": 4,
                "initialBackoff": "0.1s",
                "maxBackoff": "2s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ],
}
DIFF = b"--- a/x\n+++ b/x\n@@ -0,0 +1 @@\n+hello\n"


def channel(addresses):
    options = [
        ("grpc.enable_retries", 1),
        ("grpc.service_config", json.dumps(SERVICE_CONFIG)),
        # Else it is the whole list, whose comma no authority may have: HTTP/2 servers refuse such requests.
        ("grpc.default_authority", "septet"),
    ]
    return grpc.insecure_channel("ipv4:" + ",".join(addresses), options)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--review", action="append", required=True)
    parser.add_argument("--devops", action="append", required=True)
    parser.add_argument("--token-file", type=pathlib.Path, required=True)
    parser.add_argument("--threads", type=int, default=4)
    arguments = parser.parse_args()

    metadata = [("authorization", f"Bearer {arguments.token_file.read_text().strip()}")]
    stop, lock, made, failed = threading.Event(), threading.Lock(), [0], []

    def attempt(what, call, request):
        try:
            call(request, metadata=metadata, timeout=20)
        except grpc.RpcError as error:
            with lock:
                failed.append(f"{what}: {error.code().name}: {error.details()}")
        with lock:
            made[0] += 1

    def run(review, devops):
        while not stop.wait(0.02):
            attempt("ListRepositories", devops.ListRepositories, devops_service_pb2.ListRepositoriesRequest())
            request = review_service_pb2.ReviewDiffRequest(
                # A retry with the same id gets the same reply.
                request_id=str(uuid.uuid4()),
                repository="rolling",
                commit="",
                diff=DIFF,
            )
            attempt("ReviewDiff", review.ReviewDiff, request)

    with channel(arguments.review) as review, channel(arguments.devops) as devops:
        stubs = (
            review_service_pb2_grpc.ReviewServiceStub(review),
            devops_service_pb2_grpc.DevopsServiceStub(devops),
        )
        threads = [threading.Thread(target=run, args=stubs) for _ in range(arguments.threads)]
        for thread in threads:
            thread.start()
        sys.stdin.read()
        stop.set()
        for thread in threads:
            thread.join()
    print(json.dumps({"made": made[0], "failed": failed}))


if __name__ == "__main__":
    main()
