"""Has Septet's review service review a diff over gRPC. Exit status 3 if the gate failed."""

import argparse
import pathlib
import sys
import uuid

import grpc

# Made from proto/ by grpc_tools.protoc.
from septet.common.v1 import types_pb2
from septet.review.v1 import review_service_pb2, review_service_pb2_grpc


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--address", default="127.0.0.1:50054")
    parser.add_argument("--token-file", type=pathlib.Path)
    parser.add_argument("--repository", required=True)
    parser.add_argument("--commit", default="")
    parser.add_argument("diff", type=pathlib.Path)
    arguments = parser.parse_args()

    metadata = []
    if arguments.token_file:
        metadata.append(("authorization", f"Bearer {arguments.token_file.read_text().strip()}"))
    request = review_service_pb2.ReviewDiffRequest(
        # A retry with the same id gets the same reply.
        request_id=str(uuid.uuid4()),
        repository=arguments.repository,
        commit=arguments.commit,
        diff=arguments.diff.read_bytes(),
    )
    with grpc.insecure_channel(arguments.address) as channel:
        review = review_service_pb2_grpc.ReviewServiceStub(channel)
        try:
            reply = review.ReviewDiff(request, metadata=metadata, timeout=30)
        except grpc.RpcError as error:
            sys.exit(f"error: {error.code().name}: {error.details()}")
    for finding in reply.findings:
        print(f"{finding.file}:{finding.line}  {finding.rule_id}  {finding.excerpt}")
    print(reply.review.reason)
    if reply.review.verdict == types_pb2.VERDICT_FAILED:
        sys.exit(3)


if __name__ == "__main__":
    main()
