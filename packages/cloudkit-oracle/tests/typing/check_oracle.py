"""What type checkers must say of the Oracle provider; a line with an ignore comment must be an error."""

from typing import assert_type

from cloudkit.oracle import OracleCloud, OracleConfig, OracleNative
from cloudkit.oracle.functions import OracleFunctions
from cloudkit.oracle.nosql import NosqlKeyValueStore
from cloudkit.oracle.object_storage import OracleObjectStorage
from cloudkit.prelude import CloudKit, SigningKeyCredentials

credentials = SigningKeyCredentials(tenancy="t", user="u", fingerprint="f", private_key="k")

assert_type(CloudKit.oracle(), OracleCloud)
assert_type(CloudKit.oracle().storage, OracleObjectStorage)
assert_type(CloudKit.oracle().object_storage, OracleObjectStorage)
assert_type(CloudKit.oracle().kv, NosqlKeyValueStore)
assert_type(CloudKit.oracle().nosql, NosqlKeyValueStore)
assert_type(CloudKit.oracle().functions, OracleFunctions)
assert_type(CloudKit.oracle().native, OracleNative)
assert_type(CloudKit.oracle().config, OracleConfig)

CloudKit.oracle(region="eu-frankfurt-1", profile="DEFAULT", compartment="c", auth=credentials)
CloudKit.oracle(nosql_read_units=10, nosql_on_demand=True)
CloudKit.oracle(nosql_read_units="10")  # type: ignore[arg-type]
CloudKit.oracle(profil="DEFAULT")  # type: ignore[call-arg]
CloudKit.oracle(namespace=5)  # type: ignore[arg-type]
CloudKit.oracle().cosmos  # type: ignore[attr-defined]  # noqa: B018


async def check_calls(cloud: OracleCloud) -> None:
    await cloud.functions.check_invoke("application/function", b"payload")
    await cloud.functions.check_invoke("function", payload=5)  # type: ignore[arg-type]
