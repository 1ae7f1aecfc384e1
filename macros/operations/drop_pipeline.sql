{# dbt run-operation drop_pipeline --args '{confirm: CHURN.MAIN}': everything that dbt has built or
   uploaded, the raw events included. Tasks go first, then what reads others before what it reads.
   With drop_schema: true the schema goes, too, if nothing of anybody else is left in it: for the
   schema of a pull request. On DuckDB deleting the folder is the same. #}
{% macro drop_pipeline(confirm='', drop_schema=false, dry_run=false) %}
    {%- set schema = target.database ~ '.' ~ target.schema -%}
    {%- if execute and target.type == 'snowflake' and not dry_run and confirm | upper != schema | upper -%}
        {%- do refuse(
            "drop_pipeline drops all that was built and loaded in " ~ schema ~ ": say --args '{confirm: "
            ~ schema ~ "}', or {dry_run: true} to see what"
        ) -%}
    {%- endif -%}
    {%- if execute -%}
        {{ return(adapter.dispatch('drop_pipeline')(drop_schema, dry_run)) }}
    {%- endif -%}
{% endmacro %}

{% macro default__drop_pipeline(drop_schema, dry_run) %}{{ no_such_engine('drop_pipeline') }}{% endmacro %}
{% macro snowflake__drop_pipeline(drop_schema, dry_run) %}
    {{ run_statements(drop_statements(), 'drop_pipeline', dry_run) }}
    {%- if drop_schema -%}
        {%- set left = [] if dry_run else left_in_schema() -%}
        {%- if left -%}
            {%- do exceptions.raise_compiler_error(
                'drop_pipeline: the schema stays, because it holds what dbt has not made: '
                ~ left | join(', ')
            ) -%}
        {%- endif -%}
        {{ run_statements(
            ['drop schema if exists ' ~ target.database ~ '.' ~ target.schema], 'drop_pipeline', dry_run
        ) }}
    {%- endif -%}
{% endmacro %}
{% macro duckdb__drop_pipeline(drop_schema, dry_run) %}
    {%- do log(
        'drop_pipeline: on DuckDB the pipeline is the folder ' ~ env_var('CHURN_HOME', '.churn')
        ~ ': stop what runs on it and delete it', info=True
    ) -%}
{% endmacro %}

{% macro drop_statements() %}
    {%- set schema = target.database ~ '.' ~ target.schema -%}
    {%- set statements = [
        'drop pipe if exists ' ~ schema ~ '.churn_scores_raw',
        'drop dbt project if exists ' ~ schema ~ '.churn_intelligence',
        'drop stage if exists ' ~ schema ~ '.churn_project',
    ] -%}
    {%- for materialized, kind in [
        ('warning', 'alert'), ('task', 'task'), ('stream', 'stream'),
        ('semantic_view', 'semantic view'), ('view', 'view'),
        ('dynamic_table', 'dynamic table'), ('table', 'table'), ('incremental', 'table'),
        ('seed', 'table'), ('stage', 'stage'),
    ] -%}
        {%- for relation in in_order_of_the_flow(materialized) | reverse -%}
            {%- do statements.append('drop ' ~ kind ~ ' if exists ' ~ relation) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- do statements.append(
        'drop function if exists ' ~ schema ~ '.predict_churn('
        ~ (['float'] * (churn_features() | length)) | join(', ') ~ ')'
    ) -%}
    {%- for name in ['generate_retention_email', 'review_retention_email'] -%}
        {%- do statements.append('drop function if exists ' ~ schema ~ '.' ~ name ~ '(varchar, varchar)') -%}
    {%- endfor -%}
    {%- for name, function in message_functions().items() -%}
        {%- do statements.append(
            'drop function if exists ' ~ schema ~ '.' ~ name ~ text_signature(function.parameters)
        ) -%}
    {%- endfor -%}
    {%- for node in graph.nodes.values() | sort(attribute='name')
        if node.config.materialized == 'procedure' -%}
        {%- do statements.append(
            'drop procedure if exists ' ~ schema ~ '.' ~ node.alias ~ text_signature(node.config.meta.parameters)
        ) -%}
    {%- endfor -%}
    {%- do statements.append('drop procedure if exists ' ~ schema ~ '.train_churn_model()') -%}
    {#- LLM_ANSWERS is no model while Cortex is off. The last two are an earlier version's. -#}
    {%- do statements.extend([
        'drop table if exists ' ~ schema ~ '.llm_answers',
        'drop table if exists ' ~ object_definitions(target),
        'drop stage if exists ' ~ schema ~ '.churn_code',
        'drop table if exists ' ~ schema ~ '.procedure_turn',
        'drop file format if exists ' ~ schema ~ '.lines_of_text',
    ]) -%}
    {%- if var('snowflake_edition') == 'enterprise' -%}
        {%- do statements.append('drop row access policy if exists ' ~ schema ~ '.visible_region') -%}
        {%- do statements.append('drop masking policy if exists ' ~ schema ~ '.personal_data_of_region') -%}
    {%- endif -%}
    {{ return(statements) }}
{% endmacro %}

{# What else is in the schema, as far as this role may see it, with its kind. `objects` are tables of all
   kinds and views; a budget is an instance of a class, which has a SHOW of its own. #}
{% macro left_in_schema() %}
    {%- set kinds = [
        'objects', 'tasks', 'alerts', 'streams', 'pipes', 'stages', 'file formats', 'sequences', 'secrets',
        'user functions', 'procedures', 'semantic views', 'dbt projects', 'streamlits', 'notebooks',
        'models', 'network rules', 'snowflake.core.budget instances',
    ] -%}
    {%- if var('snowflake_edition') == 'enterprise' -%}
        {%- do kinds.extend(['row access policies', 'masking policies', 'tags']) -%}
    {%- endif -%}
    {%- set left = [] -%}
    {%- for kind in kinds -%}
        {%- for row in run_query('show ' ~ kind ~ ' in schema ' ~ target.database ~ '.' ~ target.schema).rows -%}
            {%- do left.append(
                row['name'] ~ ' (' ~ kind | replace('snowflake.core.budget instances', 'budgets') ~ ')'
            ) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(left | unique | list) }}
{% endmacro %}

{# The signature of a function or procedure whose parameters are all texts. #}
{% macro text_signature(parameters) %}
    {{ return('(' ~ (['varchar'] * (parameters | length)) | join(', ') ~ ')') }}
{% endmacro %}
