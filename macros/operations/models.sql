{# Which version of the churn model serves. Scores follow with the next sweep.
   dbt run-operation promote_model --args '{version: forest-…, reason: why}'
   dbt run-operation rollback_model --args '{reason: why}' #}

{% macro promote_model(version='', reason='') %}
    {%- if execute -%}
        {%- if not version -%}
            {%- do refuse("promote_model needs a version: --args '{version: forest-…, reason: why}'") -%}
        {%- endif -%}
        {%- set run = trained_run(version) -%}
        {%- do serve_version(run, 'promoted', reason) -%}
    {%- endif -%}
{% endmacro %}

{# Back to the version that served before the active one was promoted. #}
{% macro rollback_model(reason='') %}
    {%- if execute -%}
        {%- set promotions = model_relation('model_promotions') -%}
        {%- set active = model_relation('active_churn_model') -%}
        {%- set found = run_query(
            "select version from " ~ promotions ~ " where action <> 'kept' and decided_at < ("
            ~ "select min(decided_at) from " ~ promotions ~ " where action = 'promoted' "
            ~ "and version = (select version from " ~ active ~ ")"
            ~ ") order by decided_at desc, version desc limit 1"
        ) -%}
        {%- if not found.rows -%}
            {%- do exceptions.raise_compiler_error(
                "there is no earlier version to go back to: see " ~ promotions
            ) -%}
        {%- endif -%}
        {%- do serve_version(trained_run(found.rows[0][0]), 'rolled_back', reason) -%}
    {%- endif -%}
{% endmacro %}

{# The artefact is opened and scores its golden rows first: what is broken never serves. #}
{% macro serve_version(run, action, reason) %}
    {%- do check_artefact(run) -%}
    {%- set because = reason | string or 'asked for' -%}
    {%- do run_query(
        "insert into " ~ model_relation('model_promotions')
        ~ " (version, action, reason, actor, decided_at) values ("
        ~ sql_literal(run.version) ~ ", '" ~ action ~ "', " ~ sql_literal(because) ~ ", "
        ~ sql_literal(operator_name()) ~ ", " ~ utc_now() ~ ")"
    ) -%}
    {%- do log(
        run.version ~ ' serves now; scores follow with the next sweep_silent_customers, or at once: '
        ~ "dbt run-operation execute_task --args '{name: sweep_silent_customers}'", info=True
    ) -%}
{% endmacro %}

{# One training run by its version, as a dictionary; a sentence when there is no such run. #}
{% macro trained_run(version) %}
    {%- set found = run_query(
        "select version, artefact, features, golden_rows from " ~ model_relation('train_churn_model')
        ~ " where " ~ has_trained('status') ~ " and version = " ~ sql_literal(version)
    ) -%}
    {%- if not found.rows -%}
        {%- do exceptions.raise_compiler_error(
            "there is no trained version '" ~ version ~ "': see " ~ model_relation('train_churn_model')
        ) -%}
    {%- endif -%}
    {%- set row = found.rows[0] -%}
    {{ return({'version': row[0], 'artefact': row[1], 'features': row[2], 'golden_rows': row[3]}) }}
{% endmacro %}

{# A run-operation has no ref() that follows the target's schema: the graph knows the relation. #}
{% macro model_relation(name) %}
    {%- for node in graph.nodes.values() if node.resource_type == 'model' and node.name == name -%}
        {{ return(api.Relation.create(
            database=node.database, schema=node.schema, identifier=node.alias
        )) }}
    {%- endfor -%}
{% endmacro %}
