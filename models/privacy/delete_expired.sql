{# Hourly: takes out what came again of customers who were forgotten, by a way that does not ask
   before it stores (Snowflake's Kafka connector, or a loader that was started before), and what is
   older than the retention vars allow. While nobody is forgotten and no such var is set it does
   nothing. #}
{{ config(materialized='task', meta={'schedule': '60 MINUTES'}) }}

{{ stop_unless(expired_rows()) }}
{%- if keeps_for_days('rejected_days') %}
delete from {{ ref('churn_events_rejected') }}
where {{ is_older('loaded_at', 'rejected_days') }};
{%- endif %}
{%- if keeps_for_days('letter_days') %}
{% call in_turn() %}
{{ delete_old_letters() }}
{% endcall %};
{%- endif %}
{%- if keeps_for_days('inactive_customer_days') %}
delete from {{ ref('churn_score_history') }} where customer_id in ({{ inactive_customers() }});
{% call in_turn() %}
delete from {{ ref('churn_scores') }} where customer_id in ({{ inactive_customers() }})
{% endcall %};
delete from {{ ref('churn_scores_raw') }} where customer_id in ({{ inactive_customers() }});
{%- endif %}
delete from {{ ref('churn_scores_raw') }}
where customer_id in ({{ forgotten_among(ref('churn_scores_raw'), 'loaded_at') }});
delete from {{ ref('churn_score_history') }}
where customer_id in ({{ forgotten_among(ref('churn_score_history'), 'scored_at') }});
{{ delete_late_outcomes() }};
{% call in_turn() %}
delete from {{ ref('churn_scores') }}
where customer_id in ({{ forgotten_among(ref('churn_scores'), 'scored_at') }})
{% endcall %}
