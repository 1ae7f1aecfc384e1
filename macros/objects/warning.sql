{# WARNING: an ALERT object of Snowflake (the word alert means a customer's alert here): looks again
   and again whether a query has rows, and tells the operators. The query's one column is what it
   tells, one sentence a row, without quotes or line ends, so that it fits into any message.
   meta: schedule ('60 MINUTE'; 'off' drops an alert that was made before) and told (the name of the
   model, read by the query, that keeps what was told: warning, told_at). DuckDB has nobody to tell:
   the same rows are in pipeline_warnings. #}
{% macro create_warning(relation, query, schedule, told) %}
    {{ return(adapter.dispatch('create_warning')(relation, query, schedule, told)) }}
{% endmacro %}
{% macro default__create_warning(relation, query, schedule, told) %}
    {{ no_such_engine('create_warning') }}
{% endmacro %}

{# Serverless (no warehouse), suspended as a new task is. What was told is kept after it was sent:
   a failed message is sent again by the next run. It is taken out of the message itself, because
   the query may find more by then. The body is quoted with $$, as in a task. #}
{% macro snowflake__create_warning(relation, query, schedule, told) %}
    {%- set query = full_references(query) | trim %}
    create or replace alert {{ relation }}
        schedule = '{{ schedule }}'
        if (exists (
            {{ query }}
        ))
        then
        execute immediate $$
        declare
            message varchar;
            content varchar;
        begin
            select listagg(warning, '; ') into :message from ({{ query }}) as found;
            if (message = '') then
                return 'nothing to tell any more';
            end if;
            select to_json(object_construct('text/plain', :message)) into :content;
            {%- for destination in warning_destinations(relation) %}
            call system$send_snowflake_notification(:content, {{ sql_literal(destination) }});
            {%- endfor %}
            insert into {{ told }} (warning, told_at)
            select cast(value as varchar), sysdate()
            from table(flatten(input => split(:message, '; ')));
            return message;
        end;
        $$
{% endmacro %}
{% macro duckdb__create_warning(relation, query, schedule, told) %}
    {%- do log(
        relation.identifier ~ ': DuckDB sends no warnings; read them in the view pipeline_warnings',
        info=True
    ) if execute -%}
    select 1
{% endmacro %}

{% materialization warning, default %}
    {%- set target_relation = this.incorporate(type='view') -%}
    {%- set told = upstream_model(model, config.meta_require('told')) -%}
    {{ run_hooks(pre_hooks) }}
    {%- set schedule = config.meta_require('schedule') -%}
    {% call statement('main') -%}
        {%- if schedule == 'off' -%} {{ drop_warning(target_relation) }}
        {%- else -%}
            {{ deploy_task(target_relation, create_warning(target_relation, sql, schedule, told), 'alert') }}
        {%- endif -%}
    {%- endcall %}
    {% do adapter.commit() %}
    {{ run_hooks(post_hooks) }}
    {{ return({'relations': []}) }}
{% endmaterialization %}

{% macro drop_warning(relation) %}{{ return(adapter.dispatch('drop_warning')(relation)) }}{% endmacro %}
{% macro default__drop_warning(relation) %}{{ no_such_engine('drop_warning') }}{% endmacro %}
{% macro snowflake__drop_warning(relation) %}drop alert if exists {{ relation }}{% endmacro %}
{% macro duckdb__drop_warning(relation) %}select 1{% endmacro %}

{# The notification integrations that a warning goes to, as SYSTEM$SEND_SNOWFLAKE_NOTIFICATION takes
   them: JSON with the integration's name, and for e-mail the subject and the addresses. #}
{% macro warning_destinations(relation) %}
    {%- set destinations, addresses = [], mail_addresses(var('warning_recipients')) -%}
    {%- if addresses -%}
        {%- do destinations.append(tojson({var('digest_integration'): {
            'subject': 'Churn pipeline ' ~ relation.database ~ '.' ~ relation.schema
                ~ ' needs attention',
            'toAddress': addresses,
        }})) -%}
    {%- endif -%}
    {%- if var('slack_integration') != '' -%}
        {%- do destinations.append(tojson({var('slack_integration'): {}})) -%}
    {%- endif -%}
    {{ return(destinations) }}
{% endmacro %}

{# Whether there is anybody to warn. #}
{% macro warns() %}
    {{ return(var('warning_recipients') != '' or var('slack_integration') != '') }}
{% endmacro %}

{# Addresses between commas as a list. #}
{% macro mail_addresses(text) %}
    {%- set addresses = [] -%}
    {%- for address in text.split(',') if address | trim -%}
        {%- do addresses.append(address | trim) -%}
    {%- endfor -%}
    {{ return(addresses) }}
{% endmacro %}
