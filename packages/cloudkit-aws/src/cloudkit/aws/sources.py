"""Where the credentials for AWS come from, in words."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import evolve
from cloudkit.aws.auth import make_session
from cloudkit.aws.config import AwsConfig
from cloudkit.common import MissingCredentialsError

_WORDS: Mapping[str, str] = {
    "env": "variable AWS_ACCESS_KEY_ID",
    "shared-credentials-file": "~/.aws/credentials",
    "config-file": "~/.aws/config",
    "assume-role": "a role of ~/.aws/config",
    "assume-role-with-web-identity": "a web identity (AWS_WEB_IDENTITY_TOKEN_FILE)",
    "sso": "IAM Identity Center ('aws sso login')",
    "custom-process": "the credential_process of ~/.aws/config",
    "container-role": "the role of the container",
    "iam-role": "the role of the machine (metadata server)",
}
"""botocore's names for its sources; others are shown as they are."""


def credential_sources(config: AwsConfig) -> dict[str, str]:
    """Where they come from when no AuthProvider was given. Blocks: may ask the metadata server.

    Args:
        config: The settings.

    Raises:
        MissingCredentialsError: There are none.
    """
    if config.anonymous:
        return {"": f"none, requests are unsigned ({config.origin('anonymous')})"}
    found = make_session(evolve(config, role_arn=None), None).get_credentials()
    if found is None:
        raise MissingCredentialsError(
            "no credentials were found",
            hint="Run 'aws configure', set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a "
            "profile of ~/.aws with AWS_PROFILE.",
        )
    source = _WORDS.get(found.method, found.method)
    if config.profile is not None:
        source += f", profile {config.profile} ({config.origin('profile')})"
    if config.role_arn is not None:
        source = f"role {config.role_arn} ({config.origin('role_arn')}), assumed with: {source}"
    return {"": source}
