"""What type checkers must say of this provider; a line with an ignore comment must be an error."""

from typing import assert_type

from cloudkit.gcp import GcpCloud, GcpConfig
from cloudkit.gcp.cloud_tasks import CloudTasksQueue
from cloudkit.gcp.storage import GcsObjectStorage
from cloudkit.prelude import CloudKit, TokenCredentials

cloud = CloudKit.gcp(project="p", region="europe-west1", auth=TokenCredentials(token="t"))
assert_type(cloud, GcpCloud)
assert_type(cloud.config, GcpConfig)
assert_type(cloud.storage, GcsObjectStorage)
assert_type(cloud.cloud_tasks, CloudTasksQueue)

CloudKit.gcp(service_account_info={"type": "service_account"}, timeout=5)
CloudKit.gcp(projekt="p")  # type: ignore[call-arg]
CloudKit.gcp(anonymous="yes")  # type: ignore[arg-type]
cloud.cosmos()  # type: ignore[attr-defined]
cloud.native.s3()  # type: ignore[attr-defined]
