{# Which order fills the caps and the queue, and why: what both would have kept on past alerts, and
   whether the order by value kept is proved to keep more. It is judged whether the var asks for it or
   not. By the alerts of retention_effect that have closed; whoever was raised without a hold-out share
   says nothing. One row; a view over few rows. #}
{{ config(materialized='view') }}

with

compared as (

    select * from {{ ref('compared_alerts') }}

),

outcomes as (

    select * from {{ ref('outcomes') }}

),

alerts as (

    select
        compared.alert_id,
        -- Another hash than the one that draws the arms.
        case
            when
                substr(
                    md5(compared.customer_id || '|{{ var("holdout_salt") }}|ranking'), 1, 1
                ) < '8'
                then 0
            else 1
        end as fold,
        compared.arm,
        compared.score,
        {{ finite('outcomes.value') }} as value,
        outcomes.churned,
        compared.segment,
        compared.holdout_percent,
        compared.arm_drawn
    from compared
    inner join outcomes on compared.alert_id = outcomes.alert_id
    where
        compared.holdout_percent between 1 and 99
        and compared.score between 0 and 1

),

{{ ranking_steps('alerts') }},

used as (

    select
        '{{ var("alert_order") }}' as alert_order,
        case
            when '{{ var("alert_order") }}' = 'value_kept' and verdict_low > 0 then 'value_kept'
            else 'value_at_risk'
        end as order_used,
        ranking.*
    from ranking

)

select * from used
