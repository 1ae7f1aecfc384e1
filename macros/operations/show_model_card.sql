{# dbt run-operation show_model_card · --args '{version: forest-…}': the card that a training run has
   written beside its artefact, by default of the version that serves, and who decided on it. #}
{% macro show_model_card(version=none) %}
    {%- if execute -%}
        {%- set version = trained_run(version or active_version()).version -%}
        {%- for statement in model_card_statements(model_card_file(version)) -%}
            {%- for row in run_query(statement).rows if statement.strip().startswith('select') -%}
                {%- do print(row[0] or '') -%}
            {%- endfor -%}
        {%- endfor -%}
        {%- do print('\nDecisions on ' ~ version ~ ':\n') -%}
        {%- for row in run_query(
            "select decided_at, action, actor, reason from " ~ model_relation('model_promotions')
            ~ " where version = " ~ sql_literal(version) ~ " order by decided_at"
        ).rows -%}
            {%- do print('- ' ~ row[0] ~ ' ' ~ row[1] ~ ' by ' ~ row[2] ~ ': ' ~ row[3]) -%}
        {%- endfor -%}
    {%- endif -%}
{% endmacro %}

{# The version that serves; a sentence when there is none. #}
{% macro active_version() %}
    {%- set found = run_query('select version from ' ~ model_relation('active_churn_model')) -%}
    {%- if not found.rows -%}
        {%- do exceptions.raise_compiler_error(
            "no model scores yet: run 'dbt build' once there is history"
        ) -%}
    {%- endif -%}
    {{ return(found.rows[0][0]) }}
{% endmacro %}

{% macro model_card_file(version) %}
    {%- for node in graph.nodes.values() if node.name == 'train_churn_model' -%}
        {{ return(node.config.meta.artefact_location ~ '/' ~ version ~ '.md') }}
    {%- endfor -%}
{% endmacro %}

{# What reads a text file line by line: Snowflake by the stage's file format. #}
{% macro model_card_statements(file) %}{{ return(adapter.dispatch('model_card_statements')(file)) }}{% endmacro %}
{% macro default__model_card_statements(file) %}{{ no_such_engine('model_card_statements') }}{% endmacro %}
{% macro snowflake__model_card_statements(file) %}
    {{ return(['select $1 from ' ~ file ~ ' order by metadata$file_row_number']) }}
{% endmacro %}
{% macro duckdb__model_card_statements(file) %}
    {%- if execute and not run_query("select 1 from glob(" ~ sql_literal(file) ~ ")").rows -%}
        {%- do exceptions.raise_compiler_error(
            "there is no model card at " ~ file ~ ": run 'dbt build -s train_churn_model' to train again, which writes one"
        ) -%}
    {%- endif -%}
    {{ return(["select content from read_text(" ~ sql_literal(file) ~ ")"]) }}
{% endmacro %}
