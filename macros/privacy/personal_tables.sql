{# Where rows of a customer lie, and what forget_customer makes of them: the one list. A table that the
   pipeline computes from the raw events is left out, because their rows go with these.
   key: the column that says whose a row is, the customer's id or the alert's.
   set: for rows that are kept, what columns become beside customer_id and alert_id; an expression. #}
{% macro personal_tables() %}
    {%- set forgotten = "'" ~ forgotten_text() ~ "'" -%}
    {%- set tables = [
        {'name': 'churn_scores_raw', 'key': 'customer_id'},
        {'name': 'churn_score_history', 'key': 'customer_id'},
        {'name': 'churn_scores', 'key': 'customer_id'},
        {'name': 'suppressions', 'key': 'customer_id'},
        {'name': 'training_snapshots', 'key': 'customer_id'},
        {'name': 'high_risk_history', 'key': 'alert_id', 'has_customer': true, 'set': {
            'top_reasons': "'[]'",
            'suppressed_because': 'case when suppressed_because is not null then ' ~ forgotten ~ ' end',
        }},
        {'name': 'outcomes', 'key': 'alert_id', 'has_customer': true, 'set': {}},
        {'name': 'alert_spend', 'key': 'alert_id', 'set': {}},
        {'name': 'alert_events', 'key': 'alert_id', 'set': {
            'event_id': anonymous_id(),
            'reason': 'case when reason is not null then ' ~ forgotten ~ ' end',
        }},
        {'name': 'alert_assignments', 'key': 'alert_id', 'set': {}},
        {'name': 'retention_emails', 'key': 'alert_id', 'set': {
            'subject': 'null', 'body': 'null', 'checks': 'null', 'error': 'null', 'marks': "'[]'",
        }},
        {'name': 'llm_calls', 'key': 'alert_id', 'set': {
            'call_id': anonymous_id(), 'detail': 'null', 'reply': 'null', 'own_words': 'null',
        }},
        {'name': 'outbox', 'key': 'alert_id', 'has_customer': true, 'set': {
            'message_id': 'names.anonymous_alert_id', 'detail': 'null',
        }},
    ] -%}
    {%- if target.type == 'snowflake' and var('email_provider') == 'cortex' -%}
        {%- do tables.append({'name': 'llm_answers', 'key': 'alert_id'}) -%}
    {%- endif -%}
    {{ return(tables) }}
{% endmacro %}

{# What stands in the place of words about a customer. #}
{% macro forgotten_text() %}{{ return('the customer was forgotten') }}{% endmacro %}

{# CTEs asked → ids (customer_id: all ids of the customer), needles (texts that a rejected message of the
   customer may hold) and personal_rows (name, action, row_count: what there is of the customer).
   customer_id: an expression, the id that is asked about. #}
{% macro personal_rows(customer_id) %}
    asked as (
        select {{ customer_id }} as customer_id
    ),
    {{ ids_of_customer('asked') }},
    {{ needles('ids') }},
    alerts as (
        select high_risk_history.alert_id
        from {{ ref('high_risk_history') }} as high_risk_history
        inner join ids on high_risk_history.customer_id = ids.customer_id
    ),
    personal_rows as (
        {%- for table in personal_tables() %}
        select
            '{{ table.name }}' as name,
            '{{ 'removed' if table.set is not defined else 'made anonymous' }}' as action,
            count(*) as row_count
        from {{ ref(table.name) }}
        where {{ table.key }} in (
            select {{ table.key }} from {{ 'ids' if table.key == 'customer_id' else 'alerts' }}
        )
        union all
        {%- endfor %}
        select
            'churn_events_rejected' as name,
            'removed' as action,
            count(*) as row_count
        from ({{ rejected_messages_of('needles') }}) as rejected
        union all
        select
            'churn_scores_raw.payload, merges of others' as name,
            'made anonymous' as action,
            count(*) as row_count
        from ({{ merges_that_name('ids') }}) as merges
        union all
        select
            'train_churn_model.status' as name,
            'made anonymous' as action,
            count(*) as row_count
        from ({{ runs_that_name('ids') }}) as runs
    )
{% endmacro %}

{# CTEs survivors and ids (customer_id): all ids of a customer, the one asked about and those that it is
   merged with. The one place to extend where a customer may have more.
   asked: a CTE with one customer_id. #}
{% macro ids_of_customer(asked) %}
    survivors as (
        select {{ surviving_id('identities', asked ~ '.customer_id') }} as customer_id
        from {{ asked }}
        left join {{ ref('customer_identities') }} as identities
            on {{ asked }}.customer_id = identities.customer_id
    ),
    ids as (
        select known_id as customer_id
        from {{ ids_of_customers('survivors') }} as known_ids
    )
{% endmacro %}

{# Merges of others that name an id of the customer: those that were not followed. The event stays, because
   it is the other customer's; what it names does not. #}
{% macro merges_that_name(ids) %}
    select
        raw_events.kafka_topic,
        raw_events.kafka_partition,
        raw_events.kafka_offset
    from {{ ref('churn_scores_raw') }} as raw_events
    inner join {{ ids }} as named_ids
        on {{ json_text(json_part('raw_events.payload', 'properties'), 'merged_id') }} = named_ids.customer_id
    where
        {{ is_merge('raw_events.event_type') }}
        and raw_events.customer_id not in (select customer_id from {{ ids }})
{% endmacro %}

{# Trainings whose status names an id of the customer. #}
{% macro runs_that_name(ids) %}
    select distinct runs.version
    from {{ ref('train_churn_model') }} as runs
    inner join {{ ids }} as named_ids
        on contains(
            substr(runs.status, length({{ status_without_customers('runs.status') }}) + 1),
            named_ids.customer_id
        )
{% endmacro %}
