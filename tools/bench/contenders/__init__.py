"""The clients that are measured side by side: one file a group of them."""

from tools.bench.contenders.base import (
    ANSWERS,
    GET,
    GET_ITEM,
    LIST,
    OPERATIONS,
    PUT,
    PUT_ITEM,
    RECEIVE,
    SEND,
    Call,
    Contender,
    Transfer,
)
from tools.bench.contenders.boto import DefaultBoto, SequentialBoto, TableBoto, TunedBoto
from tools.bench.contenders.clouds import CloudKitAws
from tools.bench.contenders.loops import Aiobotocore, S3fs
from tools.bench.contenders.rust import Obstore, Opendal

BASELINE = TunedBoto
CONTENDERS: tuple[type[Contender], ...] = (
    CloudKitAws,
    TunedBoto,
    DefaultBoto,
    SequentialBoto,
    TableBoto,
    Aiobotocore,
    S3fs,
    Obstore,
    Opendal,
)

__all__ = [
    "ANSWERS",
    "BASELINE",
    "CONTENDERS",
    "GET",
    "GET_ITEM",
    "LIST",
    "OPERATIONS",
    "PUT",
    "PUT_ITEM",
    "RECEIVE",
    "SEND",
    "Call",
    "CloudKitAws",
    "Contender",
    "DefaultBoto",
    "Transfer",
    "TunedBoto",
]
