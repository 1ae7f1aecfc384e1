{# dbt -q run-operation connector_configuration --args '{topic: churn.events}' > connector.json: prints
   the configuration of Snowflake's own Kafka connector, version 4, for the database, schema, role and
   table of this target, as Kafka Connect takes it by POST. It needs no connection and holds no secret.
   topic: what the connector reads; what it cannot read as JSON goes to a topic of that name with
   `.unreadable` behind it.
   user: who logs in, by default the worker's environment variable SNOWFLAKE_USER.
   secrets: a file of the worker with the line private.key=…, the key without its first and last line,
   in one line. tasks: how many work in parallel, at most one for each partition. #}
{% macro connector_configuration(
    topic='churn.events', user='${env:SNOWFLAKE_USER}',
    secrets='/opt/kafka/secrets/snowflake.properties', tasks=4
) %}
    {%- if execute -%}
        {{ return(adapter.dispatch('connector_configuration')(topic, user, secrets, tasks)) }}
    {%- endif -%}
{% endmacro %}
{% macro default__connector_configuration(topic, user, secrets, tasks) %}
    {{ no_such_engine('connector_configuration') }}
{% endmacro %}
{% macro duckdb__connector_configuration(topic, user, secrets, tasks) %}
    {%- do refuse(
        'connector_configuration: the connector loads into Snowflake only: set DBT_TARGET=snowflake'
    ) -%}
{% endmacro %}
{% macro snowflake__connector_configuration(topic, user, secrets, tasks) %}
    {%- set table = model_relation('churn_scores_raw') -%}
    {%- set host = target.get('host') or target.account ~ '.snowflakecomputing.com' -%}
    {%- do print(tojson({
        'name': (target.database ~ '_' ~ target.schema ~ '_events') | lower,
        'config': {
            'connector.class': 'com.snowflake.kafka.connector.SnowflakeStreamingSinkConnector',
            'tasks.max': tasks | string,
            'topics': topic,
            'snowflake.topic2table.map': topic ~ ':' ~ table.identifier | upper,
            'snowflake.url.name': 'https://' ~ host,
            'snowflake.user.name': user,
            'snowflake.private.key': '${file:' ~ secrets ~ ':private.key}',
            'snowflake.role.name': 'CHURN_LOADER',
            'snowflake.database.name': table.database | upper,
            'snowflake.schema.name': table.schema | upper,
            'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
            'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
            'value.converter.schemas.enable': 'false',
            'behavior.on.null.values': 'IGNORE',
            'snowflake.enable.schematization': 'true',
            'snowflake.validation': 'server_side',
            'snowflake.streaming.validate.compatibility.with.classic': 'false',
            'snowflake.metadata.all': 'true',
            'errors.tolerance': 'all',
            'errors.deadletterqueue.topic.name': topic ~ '.unreadable',
            'errors.deadletterqueue.context.headers.enable': 'true',
            'enable.task.fail.on.authorization.errors': 'true',
        },
    })) -%}
{% endmacro %}
