with

visits as (

    select * from {{ ref('visible_visits') }}

),

months as (

    select * from {{ ref('activity_months') }}

),

joined as (

    select
        customer_id,
        segment,
        min(activity_month) as join_month
    from visits
    group by customer_id, segment

),

sizes as (

    select
        join_month,
        segment,
        count(*) as customers
    from joined
    group by join_month, segment

),

active as (

    select
        joined.join_month,
        joined.segment,
        visits.activity_month,
        count(*) as active_customers
    from visits
    inner join joined on visits.customer_id = joined.customer_id
    group by joined.join_month, joined.segment, visits.activity_month

),

-- A month in which nobody of a cohort came is a row as well.
cohorts as (

    select
        sizes.join_month,
        sizes.segment,
        first_months.activity_month is not null as is_first_month,
        months.activity_month,
        months.is_unfinished,
        datediff('month', sizes.join_month, months.activity_month) as month_number,
        sizes.customers,
        coalesce(active.active_customers, 0) as active_customers
    from sizes
    inner join months on sizes.join_month <= months.activity_month
    left join months as first_months
        on sizes.join_month = first_months.activity_month and first_months.is_first
    left join active
        on
            sizes.join_month = active.join_month
            and sizes.segment = active.segment
            and months.activity_month = active.activity_month

)

select * from cohorts
