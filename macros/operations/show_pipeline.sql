{# dbt run-operation show_pipeline: dynamic tables, streams and tasks, and how they last fared. #}
{% macro show_pipeline() %}
    {%- if execute -%}
        {%- for title, query in pipeline_queries().items() -%}
            {%- do log('', info=True) -%}
            {%- do log(title, info=True) -%}
            {%- set rows = run_query(query).rows -%}
            {%- for row in rows -%}
                {%- do log('  ' ~ (row.values() | map('string') | join(' | ')), info=True) -%}
            {%- else -%}
                {%- do log("  none yet: run 'dbt build'", info=True) -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endif -%}
{% endmacro %}

{% macro pipeline_queries() %}{{ return(adapter.dispatch('pipeline_queries')()) }}{% endmacro %}
{% macro default__pipeline_queries() %}{{ no_such_engine('pipeline_queries') }}{% endmacro %}

{% macro snowflake__pipeline_queries() %}
    {{ return({
        'dynamic tables': 'show dynamic tables in schema ' ~ target.database ~ '.' ~ target.schema,
        'streams': 'show streams in schema ' ~ target.database ~ '.' ~ target.schema,
        'tasks': 'show tasks in schema ' ~ target.database ~ '.' ~ target.schema,
    }) }}
{% endmacro %}

{% macro duckdb__pipeline_queries() %}
    {%- set registry = target.database ~ '.embedded' -%}
    {{ return({
        'dynamic tables: name | target lag, s | lag, s | mean | longest | refreshed at | state | error':
            'select name, target_lag_seconds, round(lag_seconds, 1), round(mean_lag_seconds, 1),'
            ~ ' round(max_lag_seconds, 1), refreshed_at,'
            ~ " case when is_suspended then 'suspended'"
            ~ " when lag_seconds > target_lag_seconds then 'overdue' else 'started' end,"
            ~ " coalesce(last_error, '') from (" ~ dynamic_table_states() ~ ') order by name',
        'streams: name | source | offset (snapshot)':
            'select name, source, offset_snapshot from ' ~ registry ~ '.streams order by name',
        'tasks: name | trigger | state | last run as of | failures in a row':
            "select name, coalesce('stream ' || stream, 'every ' || schedule),"
            ~ " case when is_suspended then 'suspended' else 'started' end, last_as_of,"
            ~ ' consecutive_failures from ' ~ registry ~ '.tasks order by name',
        'last task runs: name | state | seconds | error':
            "select name, state, round(seconds, 2), coalesce(error, '') from " ~ registry
            ~ '.task_history order by started_at desc limit 5',
    }) }}
{% endmacro %}
