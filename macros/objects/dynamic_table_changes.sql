{# dbt-snowflake's dynamic_table materialization, made to notice a changed query. These two macros
   take the place of the adapter's own and call them.
   on_configuration_change decides: apply replaces the table (its streams are re-created after it),
   fail stops, continue keeps the old query and says so. #}
{% macro dynamic_table_get_build_sql(existing_relation, target_relation) %}
    {%- do name_warehouses(config.model) -%}
    {%- if existing_relation is not none and existing_relation.is_dynamic_table
        and not should_full_refresh() -%}
        {%- set shown = shown_object('dynamic table', target_relation) -%}
        {%- if not is_unchanged('dynamic table', target_relation, shown, sql) -%}
            {{ return(changed_query_sql(existing_relation, target_relation)) }}
        {%- elif snowflake__get_dynamic_table_configuration_changes(existing_relation, config)
            is none -%}
            {{ return('') }}
        {%- endif -%}
    {%- endif -%}
    {{ return(full_references(
        dbt.dynamic_table_get_build_sql(existing_relation, target_relation)
    )) }}
{% endmacro %}

{# Hands the warehouses of a model's meta to the adapter, which reads them among the settings of the node.
   There dbt, whose list of settings does not know them, would warn of them in each run. #}
{% macro name_warehouses(node) %}
    {%- for setting in ['refresh_warehouse', 'snowflake_initialization_warehouse'] -%}
        {%- do node.config.extra.update({setting: node.config.meta.get(setting)}) -%}
    {%- endfor -%}
{% endmacro %}

{% macro changed_query_sql(existing_relation, target_relation) %}
    {%- set words = target_relation ~ ': its query has changed since it was created' -%}
    {%- set on_configuration_change = config.get('on_configuration_change') -%}
    {%- if on_configuration_change == 'fail' -%}
        {%- do exceptions.raise_compiler_error(
            words ~ ": build it with --full-refresh, or set on_configuration_change to apply"
        ) -%}
    {%- elif on_configuration_change == 'continue' -%}
        {%- do exceptions.warn(words ~ ', and on_configuration_change is continue: it is kept') -%}
        {{ return('') }}
    {%- endif -%}
    {%- do log(words ~ ', so it is replaced', info=True) -%}
    {{ return(full_references(get_replace_sql(existing_relation, target_relation, sql))) }}
{% endmacro %}

{# The mark is kept last: a table without it is replaced by the next run. A table that was suspended is
   made active by its replacement, and is suspended again; with --full-refresh it runs. #}
{% macro dynamic_table_execute_build_sql(build_sql, existing_relation, target_relation) %}
    {%- set was_suspended = is_suspended(shown_object('dynamic table', target_relation))
        and not flags.FULL_REFRESH -%}
    {%- do dbt.dynamic_table_execute_build_sql(build_sql, existing_relation, target_relation) -%}
    {%- do run_query(alter_relation_comment(target_relation, model.description | trim)) -%}
    {%- do run_query('alter dynamic table ' ~ target_relation ~ ' suspend') if was_suspended -%}
    {%- do run_query(keep_mark('dynamic table', target_relation, definition_mark(sql))) -%}
{% endmacro %}
