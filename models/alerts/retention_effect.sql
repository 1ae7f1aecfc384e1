{# What messages do: the treated against the held out, as assigned by the hash, whether a message
   was sent or not, because who decides what is sent must not decide the result. Each customer
   counts once, with the first alert at which it could have been written to: a later one comes after
   the treatment and is no longer comparable. A view over few rows. #}
{{ config(materialized='view') }}

with

outcomes as (

    select * from {{ ref('outcomes') }}

),

sent as (

    select distinct alert_id
    from {{ ref('alert_events') }}
    where to_state = 'SENT'

),

first_alerts as (

    select *
    from {{ ref('high_risk_history') }}
    where suppressed_because is null
    qualify row_number() over (partition by customer_id order by created_at, alert_id) = 1

),

closed as (

    select
        first_alerts.alert_id,
        first_alerts.arm,
        first_alerts.offer,
        first_alerts.segment,
        outcomes.churned,
        outcomes.value,
        sent.alert_id is not null as is_sent
    from first_alerts
    inner join outcomes on first_alerts.alert_id = outcomes.alert_id
    left join sent on first_alerts.alert_id = sent.alert_id

),

grouped as (

    {%- for dimension, name in [
        ('overall', "'all'"), ('offer', 'offer'), ('segment', 'segment'),
    ] %}
    select
        '{{ dimension }}' as dimension,
        {{ name }} as name,
        count(case when arm = 'treated' then 1 end) as treated_n,
        count(case when arm = 'treated' and churned = 1 then 1 end) as treated_churned,
        count(case when arm = 'treated' and is_sent then 1 end) as sent_n,
        count(case when arm = 'holdout' then 1 end) as holdout_n,
        count(case when arm = 'holdout' and churned = 1 then 1 end) as holdout_churned,
        avg(case when arm = 'treated' then {{ finite('value') }} end) as treated_value
    from closed
    {%- if dimension != 'overall' %}
    group by {{ name }}
    {%- endif %}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}

),

{{ effect_steps('grouped') }}

select * from judged
