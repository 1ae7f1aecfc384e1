"""One deploy, and one again, to the stand-in for an account, shared by all tests of this folder."""

import pytest

from tests.snowflake.deployment import Deployment


@pytest.fixture(scope="session")
def deployment(empty_pipelines, tmp_path_factory):
    with Deployment.start(tmp_path_factory.mktemp("account"), empty_pipelines) as deployed:
        yield deployed
