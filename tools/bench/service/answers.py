"""The answers, made once: what S3, DynamoDB and SQS would say."""

from __future__ import annotations

import json
import zlib
from functools import cache
from typing import Any

from tools.bench.service.shapes import (
    BUCKET,
    DOCUMENT,
    ITEM_KEY,
    LISTED,
    PREFIX,
    QUEUE,
    RECEIVED,
    SMALL,
    TABLE,
)

ETAG = b'"0123456789abcdef0123456789abcdef"'
MOMENT = b"Thu, 01 Jan 2026 00:00:00 GMT"
PIECE = bytes(range(256)) * 4096
"""A mebibyte; objects repeat it."""

_NAMESPACE = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
_XML = "application/xml"
_JSON = "application/x-amz-json-1.0"


def answer(
    status: str, body: bytes = b"", kind: str = "application/octet-stream", *headers: bytes
) -> bytes:
    """A whole answer."""
    lines = (
        b"HTTP/1.1 %s" % status.encode(),
        b"Content-Type: %s" % kind.encode(),
        b"Content-Length: %d" % len(body),
        b"x-amz-request-id: 0123456789ABCDEF",
        b"x-amzn-RequestId: 0123456789ABCDEF",
        *headers,
    )
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


@cache
def checksum(size: int) -> bytes:
    """CRC32 of an object, as S3 writes it."""
    from base64 import b64encode

    value, left = 0, size
    while left:
        length = min(left, len(PIECE))
        value = zlib.crc32(memoryview(PIECE)[:length], value)
        left -= length
    return b64encode(value.to_bytes(4, "big"))


@cache
def head(size: int, first: int, last: int, ranged: bool, checked: bool) -> bytes:
    """The head of the answer to GET or HEAD of an object, or of a range of it."""
    lines = [
        b"HTTP/1.1 206 Partial Content" if ranged else b"HTTP/1.1 200 OK",
        b"Content-Type: application/octet-stream",
        b"Content-Length: %d" % (last - first + 1),
        b"ETag: " + ETAG,
        b"Last-Modified: " + MOMENT,
        b"Accept-Ranges: bytes",
        b"x-amz-request-id: 0123456789ABCDEF",
    ]
    if ranged:
        lines.append(b"Content-Range: bytes %d-%d/%d" % (first, last, size))
    if checked:
        lines += [b"x-amz-checksum-crc32: " + checksum(size), b"x-amz-checksum-type: FULL_OBJECT"]
    return b"\r\n".join(lines) + b"\r\n\r\n"


def _listing() -> bytes:
    entry = (
        f"<Contents><Key>{PREFIX}{{:06}}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
        "<ETag>&quot;0123456789abcdef0123456789abcdef&quot;</ETag><Size>1024</Size>"
        "<StorageClass>STANDARD</StorageClass></Contents>"
    )
    contents = "".join(entry.format(number) for number in range(LISTED))
    text = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult {_NAMESPACE}><Name>{BUCKET}'
        f"</Name><Prefix>{PREFIX}</Prefix><KeyCount>{LISTED}</KeyCount><MaxKeys>1000</MaxKeys>"
        f"<EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>{contents}"
        "</ListBucketResult>"
    )
    return answer("200 OK", text.encode(), _XML)


def _upload(kind: str, inner: str) -> bytes:
    text = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<{kind} {_NAMESPACE}><Bucket>{BUCKET}</Bucket>'
        f"<Key>object</Key>{inner}</{kind}>"
    )
    return answer("200 OK", text.encode(), _XML)


def _json(value: Any) -> bytes:
    return answer("200 OK", json.dumps(value, separators=(",", ":")).encode(), _JSON)


def attribute(value: Any) -> dict[str, Any]:
    """A value as DynamoDB has it."""
    match value:
        case bool():
            return {"BOOL": value}
        case int():
            return {"N": str(value)}
        case str():
            return {"S": value}
        case list():
            return {"L": [attribute(inner) for inner in value]}
        case dict():
            return {"M": {name: attribute(inner) for name, inner in value.items()}}
    raise TypeError(f"no attribute is made of {value!r}")


def _table() -> dict[str, Any]:
    return {
        "Table": {
            "TableName": TABLE,
            "TableStatus": "ACTIVE",
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        }
    }


def _message(number: int) -> dict[str, Any]:
    return {
        "MessageId": f"00000000-0000-0000-0000-{number:012}",
        "ReceiptHandle": "handle" * 20 + str(number),
        "MD5OfBody": "0" * 32,
        "Body": "x" * SMALL,
        "Attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": "1767225600000"},
    }


LISTING = _listing()
CREATED = _upload("InitiateMultipartUploadResult", "<UploadId>upload-1</UploadId>")
COMPLETED = _upload("CompleteMultipartUploadResult", f"<ETag>{ETAG.decode()}</ETag>")
STORED = answer("200 OK", b"", _XML, b"ETag: " + ETAG)
EMPTY = answer("204 No Content", b"", _XML)
MISSING = answer("404 Not Found", b"<Error><Code>NoSuchKey</Code></Error>", _XML)
UNKNOWN = answer("501 Not Implemented", b"<Error><Code>NotImplemented</Code></Error>", _XML)
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

ITEM = {"id": ITEM_KEY, **DOCUMENT}
_MESSAGES = [_message(number) for number in range(RECEIVED)]
TARGETS = {
    b"dynamodb_20120810.getitem": _json({"Item": attribute(ITEM)["M"]}),
    b"dynamodb_20120810.putitem": _json({}),
    b"dynamodb_20120810.describetable": _json(_table()),
    b"amazonsqs.sendmessage": _json({"MessageId": _message(0)["MessageId"]}),
    b"amazonsqs.receivemessage": _json({"Messages": _MESSAGES}),
    b"amazonsqs.getqueueattributes": _json(
        {
            "Attributes": {
                "QueueArn": f"arn:aws:sqs:us-east-1:000000000000:{QUEUE}",
                "VisibilityTimeout": "30",
                "MessageRetentionPeriod": "345600",
            }
        }
    ),
}
"""By the header X-Amz-Target in small letters. GetQueueUrl is missing: it depends on the port."""


def queue_url(port: int) -> bytes:
    """The answer to GetQueueUrl."""
    return _json({"QueueUrl": f"http://127.0.0.1:{port}/000000000000/{QUEUE}"})
