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
from tools.bench.contenders.clouds import CloudKitAws
from tools.bench.contenders.lineup import BASELINE, CONTENDERS

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
    "Transfer",
]
