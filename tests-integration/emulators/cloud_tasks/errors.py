"""Refusals, as gRPC tells them."""

from __future__ import annotations

import grpc  # type: ignore[import-untyped]


class Refusal(Exception):  # noqa: N818  (an answer)
    """The service refuses a call.

    Args:
        code: Of gRPC.
        message: Why.
    """

    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def missing(message: str) -> Refusal:
    """There is no such thing."""
    return Refusal(grpc.StatusCode.NOT_FOUND, message)


def invalid(message: str) -> Refusal:
    """The request is not what it should be."""
    return Refusal(grpc.StatusCode.INVALID_ARGUMENT, message)


def exists(message: str) -> Refusal:
    """There is one already, or was lately."""
    return Refusal(grpc.StatusCode.ALREADY_EXISTS, message)


def not_now(message: str) -> Refusal:
    """The state stands in the way."""
    return Refusal(grpc.StatusCode.FAILED_PRECONDITION, message)
