{# How each dynamic table fares, as its engine knows it: a relation with the columns
   name, target_lag_seconds (NULL for DOWNSTREAM), lag_seconds, mean_lag_seconds, max_lag_seconds
   (both of the last seven days), refreshed_at, is_suspended, consecutive_failures, last_error. #}
{% macro dynamic_table_states() %}{{ return(adapter.dispatch('dynamic_table_states')()) }}{% endmacro %}
{% macro default__dynamic_table_states() %}{{ no_such_engine('dynamic_table_states') }}{% endmacro %}

{# Snowflake counts the lag from the data timestamp, whether anything changed since or not. #}
{% macro snowflake__dynamic_table_states() %}
    select
        lower(name) as name,
        case when target_lag_type = 'USER_DEFINED' then target_lag_sec end as target_lag_seconds,
        datediff('second', latest_data_timestamp, current_timestamp()) as lag_seconds,
        mean_lag_sec as mean_lag_seconds,
        maximum_lag_sec as max_lag_seconds,
        cast(convert_timezone('UTC', latest_data_timestamp) as timestamp_ntz) as refreshed_at,
        coalesce(cast(get_path(scheduling_state, 'state') as varchar), '') = 'SUSPENDED'
            as is_suspended,
        cast(null as integer) as consecutive_failures,
        case
            when last_completed_refresh_state in ('FAILED', 'UPSTREAM_FAILED')
                then last_completed_refresh_state_message
        end as last_error
    from table({{ target.database }}.information_schema.dynamic_tables(result_limit => 10000))
    where schema_name = upper('{{ target.schema }}')
{% endmacro %}

{# On DuckDB the lag is the age of the oldest loaded row that is not taken in yet: the engine keeps
   the views table_sources and arrivals, which say what each table has read, and what came when. #}
{% macro duckdb__dynamic_table_states() %}
    {%- set registry = target.database ~ '.embedded' %}
    select
        tables.name,
        epoch(try_cast(tables.target_lag as interval)) as target_lag_seconds,
        coalesce(pending.lag_seconds, 0) as lag_seconds,
        lags.mean_lag_seconds,
        lags.max_lag_seconds,
        states.refreshed_at,
        coalesce(failures.is_suspended, false) as is_suspended,
        coalesce(failures.consecutive_failures, 0) as consecutive_failures,
        failures.error as last_error
    from {{ registry }}.dynamic_tables as tables
    left join {{ registry }}.refresh_states as states on tables.name = states.name
    left join {{ registry }}.refresh_failures as failures on tables.name = failures.name
    left join (
        select name, avg({{ finite('lag_seconds') }}) as mean_lag_seconds, max(lag_seconds) as max_lag_seconds
        from {{ registry }}.refresh_lags
        where refreshed_at >= {{ utc_now() }} - interval '7 days'
        group by name
    ) as lags on tables.name = lags.name
    left join (
        select
            sources.name,
            epoch({{ utc_now() }}) - epoch(min(unread.loaded_at)) as lag_seconds
        from {{ registry }}.table_sources as sources
        inner join {{ registry }}.arrivals as unread
            on sources.source = unread.source and unread.row_number >= sources.next_row
        group by sources.name
    ) as pending on tables.name = pending.name
{% endmacro %}
