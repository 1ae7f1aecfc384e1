{# What messages earn: the money that treated and held-out customers really spent in the days after
   their alert, as drawn, less what contacts and offers cost. Compared by the same alerts, within
   segment, hold-out share and the moment of the draw, as in retention_effect. A view over few rows. #}
{{ config(materialized='view') }}

with

alerts as (

    select * from {{ ref('compared_alerts') }}

),

spans as (

    select * from {{ ref('alert_spend') }}

),

offers as (

    select
        offer,
        {{ finite('max(cost)') }} as offer_cost
    from {{ ref('offers') }}
    group by offer

),

costs as (

    select
        alerts.*,
        spans.days,
        {{ finite('spans.spend') }} as spend,
        case
            when alerts.arm = 'treated' and alerts.is_sent
                then
                    {{ var('contact_cost') }}
                    + coalesce(offers.offer_cost, {{ var('offer_cost') }})
            else 0
        end as cost
    from alerts
    inner join spans on alerts.alert_id = spans.alert_id
    left join offers on alerts.offer = offers.offer

),

earnings as (

    select
        *,
        spend - cost as earned
    from costs

),

strata as (

    {%- for dimension, name in [
        ('overall', "'all'"), ('offer', 'offer'), ('segment', 'segment'),
    ] %}
    select
        '{{ dimension }}' as dimension,
        {{ name }} as name,
        days,
        segment,
        holdout_percent,
        arm_drawn,
        {%- for arm in ['treated', 'holdout'] %}
        count(case when arm = '{{ arm }}' then earned end) as {{ arm }}_n,
        coalesce(sum(case when arm = '{{ arm }}' then earned end), 0) as {{ arm }}_sum,
        coalesce(sum(case when arm = '{{ arm }}' then earned * earned end), 0) as {{ arm }}_squares,
        {%- endfor %}
        sum(cost) as cost_sum
    from earnings
    group by
        days, segment, holdout_percent, arm_drawn
        {%- if dimension == 'offer' %}, offer{% endif %}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}

),

{{ money_steps('strata') }}

select * from judged
