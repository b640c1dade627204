"""KeyValueStore: documents by key, in tables."""

from cloudkit.api.kv.codec import decode_document, decode_value, encode_document, encode_value
from cloudkit.api.kv.conditions import (
    And,
    Attr,
    BeginsWith,
    Between,
    Compare,
    Condition,
    Contains,
    Exists,
    In,
    Not,
    Or,
    attr,
)
from cloudkit.api.kv.contract import KeyValueStore
from cloudkit.api.kv.hooks import KeyValueStoreHooks
from cloudkit.api.kv.models import (
    KEEP,
    BatchWrite,
    Check,
    Delete,
    ExpiryChange,
    Item,
    Key,
    KeyLike,
    Put,
    TableInfo,
    TransactWrite,
    Update,
    Write,
)
from cloudkit.api.kv.sorting import SortCondition, SortKey, sort
from cloudkit.api.kv.updates import apply_update
from cloudkit.api.kv.values import Document, Value

__all__ = [
    "KEEP",
    "And",
    "Attr",
    "BatchWrite",
    "BeginsWith",
    "Between",
    "Check",
    "Compare",
    "Condition",
    "Contains",
    "Delete",
    "Document",
    "Exists",
    "ExpiryChange",
    "In",
    "Item",
    "Key",
    "KeyLike",
    "KeyValueStore",
    "KeyValueStoreHooks",
    "Not",
    "Or",
    "Put",
    "SortCondition",
    "SortKey",
    "TableInfo",
    "TransactWrite",
    "Update",
    "Value",
    "Write",
    "apply_update",
    "attr",
    "decode_document",
    "decode_value",
    "encode_document",
    "encode_value",
    "sort",
]
