{# dbt run-operation create_connector_pipe: for who runs Snowflake's own Kafka connector in the place
   of the loader (connector_configuration.sql). The connector uses a pipe of the table's
   name, if there is one: this one turns its records into the rows that the loader would write. What
   the account cannot read as such a row goes to the table's error table. The loader has a pipe of
   another name, and is not touched. #}
{% macro create_connector_pipe(dry_run=false) %}
    {%- if execute -%}{{ return(adapter.dispatch('create_connector_pipe')(dry_run)) }}{%- endif -%}
{% endmacro %}
{% macro default__create_connector_pipe(dry_run) %}{{ no_such_engine('create_connector_pipe') }}{% endmacro %}
{% macro duckdb__create_connector_pipe(dry_run) %}
    {%- do log(
        'create_connector_pipe: nothing to do on DuckDB, which python -m ingest load fills', info=True
    ) -%}
{% endmacro %}
{% macro snowflake__create_connector_pipe(dry_run) %}
    {{ run_statements(connector_pipe_statements(), 'create_connector_pipe', dry_run) }}
{% endmacro %}

{# A pipe that is replaced loses its channels, and with them the offsets: so it is made once. #}
{% macro connector_pipe_statements() %}
    {%- set table = model_relation('churn_scores_raw') -%}
    {%- set columns = connector_columns() -%}
    {{ return([
        'alter table ' ~ table ~ ' set error_logging = true',
        'create pipe if not exists ' ~ table ~ ' as copy into ' ~ table ~ ' ('
        ~ (columns.keys() | join(', ')) ~ ') from (select ' ~ (columns.values() | join(', '))
        ~ " from table(data_source(type => 'STREAMING')))",
        'grant operate on pipe ' ~ table ~ ' to role CHURN_LOADER',
    ]) }}
{% endmacro %}

{# Each column of CHURN_SCORES_RAW, as the connector's record gives it: the message's fields beside
   RECORD_METADATA, whose times are milliseconds. A time without an offset would be taken for one of
   the account's zone: it becomes NULL, which a test of CHURN_SCORES_RAW finds. The
   time of loading is the connector's: a pipe evaluates the current time once, when it is made. #}
{% macro connector_columns() %}
    {{ return({
        'event_id': '$1:event_id::varchar',
        'customer_id': '$1:customer_id::varchar',
        'event_type': '$1:event_type::varchar',
        'occurred_at': "convert_timezone('UTC', case when regexp_like($1:occurred_at::varchar,"
            ~ " '.*([zZ]|[+-][0-9]{2}:?[0-9]{2})') then to_timestamp_tz($1:occurred_at::varchar, 'AUTO') end)::timestamp_ntz",
        'amount': '$1:amount::double',
        'payload': '$1',
        'kafka_topic': '$1:RECORD_METADATA.topic::varchar',
        'kafka_partition': '$1:RECORD_METADATA.partition::integer',
        'kafka_offset': '$1:RECORD_METADATA.offset::bigint',
        'published_at': 'to_timestamp_ntz($1:RECORD_METADATA.CreateTime::number, 3)',
        'loaded_at': 'to_timestamp_ntz($1:RECORD_METADATA.SnowflakeConnectorPushTime::number, 3)',
    }) }}
{% endmacro %}
