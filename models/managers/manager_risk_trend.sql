with

snapshots as (

    select * from {{ ref('risk_snapshots') }}

),

visible_regions as (

    {{ visible_regions() }}

),

trend as (

    select
        snapshots.taken_at,
        cast(sum(snapshots.scored_customers) as bigint) as scored_customers,
        cast(sum(snapshots.customers_at_risk) as bigint) as customers_at_risk,
        round(sum({{ finite('snapshots.value_at_risk') }}), 2) as value_at_risk
    from snapshots
    inner join visible_regions on {{ in_visible_region(spelling('snapshots.region')) }}
    group by snapshots.taken_at

)

select * from trend
