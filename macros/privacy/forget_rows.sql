{# The statements with which FORGET_CUSTOMER removes the rows of a customer, and makes those anonymous that
   carry counts. They read FORGETTING, which says what ids and alerts are called afterwards, and change
   nothing while that is empty. #}
{% macro forget_rows() %}
{{ move_alerts(alerts_of_the_forgotten()) }};
delete from {{ ref('churn_events_rejected') }}
using (
    with ids as ({{ forgotten_ids() }}),
    {{ needles('ids') }}
    {{ rejected_messages_of('needles') }}
) as found
where {{ is_same_message('churn_events_rejected', 'found') }};
{{ hand_needles_to_engine() }}
update {{ ref('churn_scores_raw') }} churn_scores_raw
set payload = {{ parse_json("'{}'") }}
from ({{ merges_that_name('(' ~ forgotten_ids() ~ ')') }}) as found
where {{ is_same_message('churn_scores_raw', 'found') }};
update {{ ref('train_churn_model') }} train_churn_model
set status = {{ status_without_customers('train_churn_model.status') }}
from ({{ runs_that_name('(' ~ forgotten_ids() ~ ')') }}) as runs
where train_churn_model.version = runs.version;
{%- for table in personal_tables() %}
{%- if table.set is defined %}
update {{ ref(table.name) }} {{ table.name }}
set
    {%- for column, value in table.set.items() %}
    {{ column }} = {{ value }},
    {%- endfor %}
    {%- if table.has_customer %}
    customer_id = names.anonymous_id,
    {%- endif %}
    alert_id = names.anonymous_alert_id
from {{ ref('forgetting') }} as names
where {{ table.name }}.alert_id = names.alert_id;
{%- else %}
delete from {{ ref(table.name) }}
where {{ table.key }} in (
    select {{ table.key }} from {{ ref('forgetting') }} where {{ table.key }} is not null
);
{%- endif %}
{%- endfor %}
{% endmacro %}

{# A query of all ids that are being forgotten. #}
{% macro forgotten_ids() -%}
    select customer_id from {{ ref('forgetting') }} where alert_id is null
{%- endmacro %}

{% macro is_same_message(one, other) %}
    {{ one }}.kafka_topic = {{ other }}.kafka_topic
    and {{ one }}.kafka_partition = {{ other }}.kafka_partition
    and {{ one }}.kafka_offset = {{ other }}.kafka_offset
{%- endmacro %}

{# A message that was not handed over yet is not sent any more. #}
{% macro alerts_of_the_forgotten() %}
        select
            states.alert_id,
            'SUPPRESSED' as to_state,
            'system' as moved_by,
            {{ calling_user() }} as actor,
            '{{ forgotten_text() }}' as reason
        from states
        inner join {{ ref('forgetting') }} as names on states.alert_id = names.alert_id
{% endmacro %}

{# What the embedded engine needs to clean its own tables and the files beside them, after these statements
   and in the same transaction: variables of the session (embedded/forgetting.py). #}
{% macro hand_needles_to_engine() %}{{ return(adapter.dispatch('hand_needles_to_engine')()) }}{% endmacro %}
{% macro default__hand_needles_to_engine() %}{{ no_such_engine('hand_needles_to_engine') }}{% endmacro %}
{% macro snowflake__hand_needles_to_engine() %}{% endmacro %}
{% macro duckdb__hand_needles_to_engine() -%}
set variable forgotten_ids = (
    select list(customer_id) from {{ ref('forgetting') }} where alert_id is null
);
set variable forgotten_alerts = (
    select list(alert_id) from {{ ref('forgetting') }} where alert_id is not null
);
set variable forgotten_texts = (
    with ids as ({{ forgotten_ids() }}),
    {{ needles('ids') }}
    select list(needle)
    from (
        select customer_id as needle from ids
        union
        select needle from needles where is_loose = 0 or length(needle) > 5
    ) as texts
);
{%- endmacro %}
