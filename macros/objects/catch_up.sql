{# What a stream missed while it could not follow its table is made good once, by the scheduled task
   that its meta.caught_up_by names: it looks at every row through the same code. Asked for whenever
   the stream's own task runs or is resumed, so that a deploy that broke off is made good as well. #}
{% macro catch_up(stream) %}{{ return(adapter.dispatch('catch_up')(stream)) }}{% endmacro %}
{% macro default__catch_up(stream) %}{{ no_such_engine('catch_up') }}{% endmacro %}

{% macro snowflake__catch_up(stream) %}
    {%- if has_mark('stream', stream, shown_object('stream', stream), catch_up_is_due()) -%}
        {%- set task = caught_up_by(stream) -%}
        {%- do run_query('execute task ' ~ task) -%}
        {%- do run_query(keep_mark('stream', stream, 'caught up')) -%}
        {%- do log(
            stream.identifier ~ ' was re-created: ' ~ task.identifier ~ ' runs once to catch up',
            info=True
        ) -%}
    {%- endif -%}
{% endmacro %}

{# On DuckDB a table that is rebuilt keeps its log of changes: its streams miss nothing. #}
{% macro duckdb__catch_up(stream) %}{% endmacro %}

{# The task that catches up a stream, as a relation; a sentence when there is none. #}
{% macro caught_up_by(stream) %}
    {%- set wanted = [] -%}
    {%- for node in graph.nodes.values()
        if node.config.materialized == 'stream' and node.alias | lower == stream.identifier | lower -%}
        {%- do wanted.append(node.config.meta.get('caught_up_by', '')) -%}
    {%- endfor -%}
    {%- for task in pipeline_relations('task') if task.identifier in wanted -%}
        {{ return(task) }}
    {%- endfor -%}
    {%- do exceptions.raise_compiler_error(
        stream.identifier ~ " needs meta.caught_up_by, the name of a scheduled task that looks at"
        ~ " every row of its table, for what it misses when that table is replaced"
    ) -%}
{% endmacro %}
