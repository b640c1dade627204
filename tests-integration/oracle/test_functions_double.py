"""The double of Functions, driven by Oracle's client."""

from __future__ import annotations

import time
from typing import Any

import pytest
from emulators.oracle import new_key
from emulators.process import Server
from oci.exceptions import ServiceError  # type: ignore[import-untyped]
from oci.functions import (  # type: ignore[import-untyped]
    FunctionsInvokeClient,
    FunctionsManagementClient,
)
from oci.retry import NoneRetryStrategy  # type: ignore[import-untyped]
from oracle.conftest import COMPARTMENT


def refused(status: int, code: str | None, call: Any, *args: Any, **named: Any) -> Any:
    with pytest.raises(ServiceError) as caught:
        call(*args, **named)
    assert (caught.value.status, caught.value.code) == (status, code)
    return caught.value


@pytest.fixture(scope="module")
def management(oci_double: Server, config: dict[str, Any]) -> Any:
    """Oracle's client of the management."""
    return FunctionsManagementClient(
        config, service_endpoint=oci_double.url, retry_strategy=NoneRetryStrategy()
    )


@pytest.fixture(scope="module")
def invoker(oci_double: Server, config: dict[str, Any]) -> Any:
    """Oracle's client that invokes."""
    return FunctionsInvokeClient(
        config, service_endpoint=oci_double.url, retry_strategy=NoneRetryStrategy()
    )


@pytest.fixture(scope="module")
def applications(management: Any) -> dict[str, str]:
    """OCIDs by display name."""
    return {each.display_name: each.id for each in management.list_applications(COMPARTMENT).data}


def function_of(management: Any, application: str, name: str) -> Any:
    (found,) = management.list_functions(application, display_name=name).data
    return found


def test_applications_are_those_of_a_compartment(management, applications):
    assert {"suite", "failing"} <= set(applications)
    (found,) = management.list_applications(COMPARTMENT, display_name="suite").data
    assert (found.id, found.lifecycle_state) == (applications["suite"], "ACTIVE")
    assert management.list_applications("ocid1.compartment.oc1..other").data == []
    assert management.get_application(found.id).data.display_name == "suite"
    refused(404, "NotAuthorizedOrNotFound", management.get_application, "ocid1.fnapp.oc1.iad.x")


def test_functions_are_listed_in_pages_by_name(management, applications):
    names: list[str] = []
    token: str | None = None
    while True:
        options = {} if token is None else {"page": token}
        answer = management.list_functions(applications["suite"], limit=4, **options)
        assert len(answer.data) <= 4
        names += [each.display_name for each in answer.data]
        token = answer.headers.get("opc-next-page")
        if token is None:
            break
    assert names == sorted(names)
    assert {"echo", "fail", "slow"} <= set(names)
    refused(400, "InvalidParameter", management.list_functions, applications["suite"], limit=51)
    refused(404, "NotAuthorizedOrNotFound", management.list_functions, "ocid1.fnapp.oc1.iad.x")


def test_a_function_tells_where_it_is_invoked(oci_double, management, applications):
    listed = function_of(management, applications["suite"], "echo")
    found = management.get_function(listed.id).data
    assert found.invoke_endpoint == listed.invoke_endpoint == oci_double.url
    assert found.application_id == applications["suite"]
    refused(404, "NotAuthorizedOrNotFound", management.get_function, "ocid1.fnfunc.oc1.iad.x")


def test_a_call_gives_the_answer_byte_for_byte(management, invoker, applications):
    echo = function_of(management, applications["suite"], "echo").id
    payload = bytes(range(256))
    answer = invoker.invoke_function(echo, invoke_function_body=payload)
    assert (answer.status, answer.data.content) == (200, payload)
    assert answer.headers["fn-http-status"] == "200"
    assert answer.headers["opc-request-id"]
    assert invoker.invoke_function(echo).data.content == b""
    refused(404, "NotAuthorizedOrNotFound", invoker.invoke_function, "ocid1.fnfunc.oc1.iad.x")


def test_what_a_function_tells_of_its_failure_comes_with_the_answer(
    management, invoker, applications
):
    fail = function_of(management, applications["suite"], "fail").id
    answer = invoker.invoke_function(fail, invoke_function_body=b"x")
    assert answer.status == 200
    assert answer.headers["fn-http-status"] == "500"
    assert answer.data.json()["type"] == "ValueError"


def test_an_exception_that_is_let_through_is_not_told(management, invoker, applications):
    crash = function_of(management, applications["failing"], "crash").id
    error = refused(502, "FunctionInvokeExecutionFailed", invoker.invoke_function, crash)
    assert error.message == "function failed"


def test_a_detached_call_is_not_waited_for(management, invoker, applications):
    def called(name: str, payload: bytes, kind: str) -> Any:
        function = function_of(management, applications["suite"], name).id
        return invoker.invoke_function(function, invoke_function_body=payload, fn_invoke_type=kind)

    answer = called("witness", b"detached", "detached")
    assert (answer.status, answer.data.content) == (202, b"")
    deadline = time.monotonic() + 10
    while called("witnessed", b"detached", "sync").data.content != b"true":
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_dry_run_runs_nothing(management, invoker, applications):
    witness = function_of(management, applications["suite"], "witness").id
    invoker.invoke_function(witness, invoke_function_body=b"dry", is_dry_run=True)
    witnessed = function_of(management, applications["suite"], "witnessed").id
    assert invoker.invoke_function(witnessed, invoke_function_body=b"dry").data.content == b"false"


def test_what_is_too_large_is_refused(management, invoker, applications):
    echo = function_of(management, applications["suite"], "echo").id
    body = bytes(6 * 1024 * 1024 + 1)
    code = "FunctionInvokeRequestContentTooLarge"
    refused(413, code, invoker.invoke_function, echo, invoke_function_body=body)


def test_only_who_is_known_may_invoke(oci_double, config, management, applications):
    stranger = FunctionsInvokeClient(
        {**config, "key_content": new_key()[0]},
        service_endpoint=oci_double.url,
        retry_strategy=NoneRetryStrategy(),
    )
    echo = function_of(management, applications["suite"], "echo").id
    refused(401, "NotAuthenticated", stranger.invoke_function, echo)
