{# What messages do: the treated against the held out, as drawn by the hash, whether a message was
   sent or not in the end, because what happens after the draw must not decide the result. Arms are
   compared within segment, hold-out share and the moment of the draw, because managers approve other
   customers than those who are alerted; alerts from before the share was stored are strata of their
   own. `later` is the same comparison some time afterwards (alert_spend): who had left by then. A group
   is there from its first drawn alert on, so that its verdict does not become stricter with others
   that come later. A view over few rows. #}
{{ config(materialized='view') }}

with

alerts as (

    select * from {{ ref('compared_alerts') }}

),

outcomes as (

    select * from {{ ref('outcomes') }}

),

spans as (

    select * from {{ ref('alert_spend') }}

),

later_outcomes as (

    select
        alert_id,
        has_left
    from spans
    where days = {{ spend_spans() | max }} and has_left is not null

),

followed as (

    select
        alerts.*,
        outcomes.alert_id is not null as is_closed,
        outcomes.churned,
        outcomes.value,
        later_outcomes.alert_id is not null as is_closed_later,
        later_outcomes.has_left as churned_later
    from alerts
    left join outcomes on alerts.alert_id = outcomes.alert_id
    left join later_outcomes on alerts.alert_id = later_outcomes.alert_id

),

strata as (

    {%- for dimension, name in [
        ('overall', "'all'"), ('later', "'" ~ (spend_spans() | max) ~ "'"),
        ('risk_band', 'risk_band'), ('offer', 'offer'), ('segment', 'segment'),
    ] %}
    {%- set later = '_later' if dimension == 'later' else '' %}
    select
        '{{ dimension }}' as dimension,
        {{ name }} as name,
        segment,
        holdout_percent,
        arm_drawn,
        {%- for arm in ['treated', 'holdout'] %}
        count(case when arm = '{{ arm }}' and is_closed{{ later }} then 1 end) as {{ arm }}_n,
        count(case when arm = '{{ arm }}' and churned{{ later }} = 1 then 1 end)
            as {{ arm }}_churned,
        {%- endfor %}
        count(case when arm = 'treated' and is_closed{{ later }} and is_sent then 1 end)
            as sent_n,
        count(case when arm = 'treated' then {{ finite('value') }} end) as valued_n,
        sum(case when arm = 'treated' then {{ finite('value') }} end) as treated_value
    from followed
    group by segment, holdout_percent, arm_drawn{{ ', ' ~ name if name in ('risk_band', 'offer') }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}

),

{{ effect_steps('strata') }}

select * from judged
