"""An S3 server on this machine: moto's, in a thread of the tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

KEY = "AKIAEXAMPLE"
SECRET = "s3-canary"


@contextmanager
def object_store() -> Iterator[str]:
    """Run a server until the block ends; yield its URL."""
    from moto.server import ThreadedMotoServer
    from s3fs import S3FileSystem

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    # An instance without keys may be from a test that had no server.
    S3FileSystem.clear_instance_cache()
    try:
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
    finally:
        server.stop()
        # A later server has another port, and an instance may have read its address from the
        # environment.
        S3FileSystem.clear_instance_cache()


def put(endpoint: str, path: str, body: bytes) -> None:
    """Write one object, and create the bucket if it does not exist: ``bucket/folder/name``."""
    import boto3

    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        aws_access_key_id=KEY,
        aws_secret_access_key=SECRET,
        region_name="us-east-1",
    )
    bucket, _, name = path.partition("/")
    client.create_bucket(Bucket=bucket)
    client.put_object(Bucket=bucket, Key=name, Body=body)
    client.close()
