{# The digest, as statements of a task: a procedure takes no query as an argument, but a variable. #}
{% macro send_digest() %}{{ return(adapter.dispatch('send_digest')()) }}{% endmacro %}
{% macro default__send_digest() %}{{ no_such_engine('send_digest') }}{% endmacro %}
{% macro duckdb__send_digest() %}
    {#- dbt renders the model to find its references even where it is off. -#}
    {%- if var('digest_recipients') != '' -%}
        {%- do exceptions.raise_compiler_error(
            "var 'digest_recipients' needs Snowflake, whose SYSTEM$SEND_EMAIL sends the digest"
        ) -%}
    {%- endif -%}
{% endmacro %}
{% macro snowflake__send_digest() %}
    let digest varchar := (
        select
            count(case when state = 'DRAFTED' then 1 end) || ' messages wait for approval, '
            || count(case when state = 'OPEN' then 1 end) || ' alerts for a draft, '
            || count(case when state = 'QUEUED' then 1 end) || ' messages to be handed over. '
            || count(case when since >= {{ as_of() }} - interval '1 day' then 1 end)
            || ' alerts moved since yesterday.'
        from {{ ref('alert_states') }}
    );
    call system$send_email(
        '{{ var("digest_integration") }}',
        {{ sql_literal(var('digest_recipients')) }},
        'Churn alerts of today',
        :digest
    )
{% endmacro %}
