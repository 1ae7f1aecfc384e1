{# What messages do: the treated against the held out, as assigned by the hash, whether a message
   was sent or not, because who decides what is sent must not decide the result. Each customer
   counts once, with the first alert at which it could have been written to: a later one comes after
   the treatment and is no longer comparable. Arms are compared within segment and hold-out share;
   alerts from before the share was stored are strata of their own. A group is there from its first
   alert on, so that its verdict does not become stricter with others that come later. A view over
   few rows. #}
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

followed as (

    select
        first_alerts.arm,
        first_alerts.offer,
        first_alerts.segment,
        first_alerts.holdout_percent,
        outcomes.alert_id is not null as is_closed,
        outcomes.churned,
        outcomes.value,
        sent.alert_id is not null as is_sent
    from first_alerts
    left join outcomes on first_alerts.alert_id = outcomes.alert_id
    left join sent on first_alerts.alert_id = sent.alert_id

),

strata as (

    {%- for dimension, name in [
        ('overall', "'all'"), ('offer', 'offer'), ('segment', 'segment'),
    ] %}
    select
        '{{ dimension }}' as dimension,
        {{ name }} as name,
        segment,
        holdout_percent,
        {%- for arm in ['treated', 'holdout'] %}
        count(case when arm = '{{ arm }}' and is_closed then 1 end) as {{ arm }}_n,
        count(case when arm = '{{ arm }}' and churned = 1 then 1 end) as {{ arm }}_churned,
        {%- endfor %}
        count(case when arm = 'treated' and is_closed and is_sent then 1 end) as sent_n,
        count(case when arm = 'treated' then {{ finite('value') }} end) as valued_n,
        sum(case when arm = 'treated' then {{ finite('value') }} end) as treated_value
    from followed
    group by segment, holdout_percent{% if dimension == 'offer' %}, offer{% endif %}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}

),

{{ effect_steps('strata') }}

select * from judged
