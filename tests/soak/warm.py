"""Imported by the process that others are forked from: the shapes of dbt's own configuration.

dbt works them out anew in every process, which is most of its start; they stay in memory.
"""

from dbt.adapters.duckdb.credentials import DuckDBCredentials
from dbt.artifacts.resources.v1 import components, config, exposure, model, seed
from dbt.contracts import project, selection
from dbt.contracts.graph import nodes, unparsed

for shape in (
    DuckDBCredentials,
    *(project.ProjectFlags, project.ProfileConfig, project.Project, project.PackageConfig),
    *(project.Configuration, selection.SelectorFile, components.Contract),
    *(model.ModelConfig, seed.SeedConfig, config.TestConfig, config.NodeConfig),
    *(nodes.ModelNode, nodes.SeedNode, nodes.HookNode, nodes.GenericTestNode),
    *(nodes.SingularTestNode, exposure.ExposureConfig),
    *(unparsed.UnparsedModelUpdate, unparsed.UnparsedNodeUpdate, unparsed.UnparsedUnitTest),
):
    shape.json_schema()
