{# dbt run-operation show_pipeline: dynamic tables, streams and tasks, how they last fared, what the last
   training came to, and on Snowflake what all of it has cost so far. #}
{% macro show_pipeline() %}
    {%- if execute -%}
        {%- for title, query in pipeline_queries().items() -%}
            {%- do show_rows(title, query, "none yet: run 'dbt build'") -%}
        {%- endfor -%}
        {%- for title, query in training_queries() + unusual_data_queries() -%}
            {%- do show_rows(title, query, 'none') -%}
        {%- endfor -%}
        {%- do log_scoring_status() -%}
    {%- endif -%}
{% endmacro %}

{# The rows of a query under a title, or the words that stand for none. #}
{% macro show_rows(title, query, if_none) %}
    {%- do log('', info=True) -%}
    {%- do log(title, info=True) -%}
    {%- set found = run_query(query) -%}
    {%- set columns = shown_columns(title, found.column_names) -%}
    {%- for row in found.rows -%}
        {%- set values = [] -%}
        {%- for column in columns -%}{%- do values.append(row[column] | string) -%}{%- endfor -%}
        {%- do log('  ' ~ (values | join(' | ')), info=True) -%}
    {%- else -%}
        {%- do log('  ' ~ if_none, info=True) -%}
    {%- endfor -%}
{% endmacro %}

{# What the last training came to, and what it waits for: the same on both engines, once it has run. #}
{% macro training_queries() %}
    {%- set runs = load_relation(model_relation('train_churn_model')) -%}
    {{ return([] if runs is none else [(
        'last training: version | status',
        'select version, ' ~ status_without_customers('status') ~ ' as status from ' ~ runs
        ~ ' order by trained_at desc limit 1',
    )]) }}
{% endmacro %}

{# Data that was accepted but is not used, or not as anybody said: the same on both engines, once the
   views are built. #}
{% macro unusual_data_queries() %}
    {%- set queries = [] -%}
    {%- for title, name, columns in [
        ('accepted events that contradict an earlier one: topic | messages', 'contradicting_events',
         'kafka_topic, count(*)'),
        ('set aside because their rows fail: table or task | error | keys', 'set_aside_keys',
         'name, error, count(*)'),
        ('profile values that no seed or rule knows: field | value | customers',
         'unknown_profile_values', 'field, found_value, max(customers)'),
        ('merges of two ids that are not followed: reason | merges', 'unfollowed_merges',
         'reason, count(*)'),
        ('event types that no category names: type | counts as | customers | last seen | events',
         'unnamed_event_types', 'event_type, counts_as, customers, last_seen_at, max(events)'),
    ] -%}
        {%- set relation = load_relation(api.Relation.create(
            database=target.database, schema=target.schema, identifier=name
        )) -%}
        {%- set groups = columns.split(', ')[:-1] | join(', ') -%}
        {%- if relation is not none -%}
            {%- do queries.append((
                title,
                'select ' ~ columns ~ ' as messages from ' ~ relation ~ ' group by ' ~ groups
                ~ ' order by messages desc limit 20',
            )) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(queries) }}
{% endmacro %}

{# SHOW cannot choose columns, and would print whole definitions: there the title names them. #}
{% macro shown_columns(title, column_names) %}
    {%- set named = title.split(': ')[1].split(' | ') -%}
    {{ return(named if title.startswith('SHOW ') else column_names) }}
{% endmacro %}

{% macro pipeline_queries() %}{{ return(adapter.dispatch('pipeline_queries')()) }}{% endmacro %}
{% macro default__pipeline_queries() %}{{ no_such_engine('pipeline_queries') }}{% endmacro %}

{# Costs come from ACCOUNT_USAGE, up to three hours late (streaming up to twelve). What is billed without
   a view for one schema, such as streaming and serverless alerts, shows in the whole account's services.
   Each block names its columns. #}
{% macro snowflake__pipeline_queries() %}
    {%- set schema = target.database ~ '.' ~ target.schema -%}
    {%- set information = target.database ~ '.information_schema' -%}
    {%- set here = "database_name = upper('" ~ target.database ~ "') and schema_name = upper('"
        ~ target.schema ~ "')" -%}
    {{ return({
        'dynamic tables: name | target lag, s | lag, s | mean | longest | refreshed at | state | error':
            'select name, target_lag_seconds, lag_seconds, mean_lag_seconds, max_lag_seconds,'
            ~ " refreshed_at, case when is_suspended then 'suspended' else 'started' end,"
            ~ " coalesce(last_error, '') from (" ~ dynamic_table_states() ~ ') order by name',
        'SHOW STREAMS: name | table_name | stale | mode': 'show streams in schema ' ~ schema,
        'SHOW TASKS: name | schedule | condition | state': 'show tasks in schema ' ~ schema,
        'last task runs: name | state | scheduled | completed | error':
            'select name, state, scheduled_time, completed_time,'
            ~ " coalesce(error_message, '') from table(" ~ information
            ~ '.task_history(result_limit => 10000)) where ' ~ here
            ~ ' order by scheduled_time desc limit 10',
        'credits of the last 30 days: what | credits':
            "select 'warehouse ' || warehouse_name as what, round(coalesce(sum(credits_used), 0), 3)"
            ~ ' as credits from snowflake.account_usage.warehouse_metering_history'
            ~ " where warehouse_name in ('" ~ warehouses() | map(attribute='name') | join("', '") ~ "')"
            ~ " and start_time >= dateadd('day', -30, current_timestamp()) group by warehouse_name"
            ~ " union all select 'serverless tasks', round(coalesce(sum(credits_used), 0), 3)"
            ~ ' from snowflake.account_usage.serverless_task_history where ' ~ here
            ~ " and start_time >= dateadd('day', -30, current_timestamp())"
            ~ " union all select 'language model', round(coalesce(sum(credits), 0), 3)"
            ~ ' from snowflake.account_usage.cortex_ai_functions_usage_history'
            ~ " where start_time >= dateadd('day', -30, current_timestamp())"
            ~ " union all select 'compute pool ' || compute_pool_name,"
            ~ ' round(coalesce(sum(credits_used), 0), 3)'
            ~ ' from snowflake.account_usage.snowpark_container_services_history'
            ~ " where compute_pool_name = '" ~ compute_pool() ~ "'"
            ~ " and start_time >= dateadd('day', -30, current_timestamp()) group by compute_pool_name",
        'credits of the last 30 days, of the whole account: service type | credits':
            'select service_type, round(coalesce(sum(credits_used), 0), 3) as credits'
            ~ ' from snowflake.account_usage.metering_history'
            ~ " where start_time >= dateadd('day', -30, current_timestamp())"
            ~ ' group by service_type order by credits desc',
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
        'streams: name | source | offset (version of the source)':
            'select name, source, consumed_version from ' ~ registry ~ '.streams order by name',
        'tasks: name | trigger | state | last run as of | failures in a row':
            "select name, coalesce('stream ' || stream, 'every ' || schedule),"
            ~ " case when is_suspended then 'suspended' else 'started' end, last_run,"
            ~ ' consecutive_failures from ' ~ registry ~ '.tasks'
            ~ ' left join (select name, max(as_of) as last_run from ' ~ registry
            ~ '.task_history group by name) using (name) order by name',
        'last task runs: name | state | seconds | error':
            "select name, state, round(seconds, 2), coalesce(error, '') from " ~ registry
            ~ '.task_history order by started_at desc limit 5',
    }) }}
{% endmacro %}
