"""The production profile: three ways to log in, each as the connector wants it, nothing written."""

import jinja2
import pytest
import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from dbt.adapters.snowflake.connections import SnowflakeCredentials

from tests.dbt import PROJECT

ACCOUNT = {"SNOWFLAKE_ACCOUNT": "org-account", "SNOWFLAKE_USER": "LOADER"}


def credentials(**environment: str) -> SnowflakeCredentials:
    """Return the profile as dbt reads it in an environment."""
    text = (PROJECT / "profiles.example.yml").read_text()
    profile = yaml.safe_load(text)["churn_intelligence"]["outputs"]["snowflake"]
    given = {**ACCOUNT, **environment}

    def env_var(name: str, default: str) -> str:
        return given.get(name, default)

    rendered = {
        key: jinja2.Template(value).render(env_var=env_var) if isinstance(value, str) else value
        for key, value in profile.items()
        if key not in ("type", "threads")
    }
    return SnowflakeCredentials(**rendered)


def test_a_key_pair(tmp_path):
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    path = tmp_path / "key.p8"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"phrase"),
        )
    )
    arguments = credentials(
        SNOWFLAKE_PRIVATE_KEY_PATH=str(path),
        DBT_ENV_SECRET_SNOWFLAKE_KEY_PASSPHRASE="phrase",  # noqa: S106 - no secret
    ).auth_args()
    assert arguments["private_key"]
    assert "password" not in arguments
    assert "authenticator" not in arguments


@pytest.mark.parametrize(
    ("variable", "expected"),
    [
        ("SNOWFLAKE_TOKEN", {"password": "secret"}),
        ("SNOWFLAKE_OAUTH_TOKEN", {"authenticator": "oauth", "token": "secret"}),
    ],
)
def test_a_token(variable, expected):
    arguments = credentials(**{variable: "secret"}).auth_args()
    assert {name: arguments.get(name) for name in expected} == expected
    assert not arguments["private_key"]


def test_nothing_secret_stands_in_the_profile():
    text = (PROJECT / "profiles.example.yml").read_text()
    for line in text.split("snowflake:")[1].splitlines():
        name, _, value = line.partition(":")
        if name.strip() in ("account", "user", "password", "token", "private_key_passphrase"):
            assert "env_var(" in value, line
