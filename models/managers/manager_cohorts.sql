with

customers as (

    select
        customer_id,
        segment
    from {{ ref('manager_customers') }}

),

monthly as (

    select
        customer_id,
        activity_month
    from {{ ref('customer_activity_monthly') }}
    where active_days > 0

),

joined as (

    select
        customer_id,
        min(activity_month) as join_month
    from monthly
    group by customer_id

),

months as (

    select
        activity_month,
        activity_month = max(activity_month) over () as is_unfinished,
        min(activity_month) over () as first_month
    from monthly
    group by activity_month

),

sizes as (

    select
        joined.join_month,
        customers.segment,
        count(*) as customers
    from joined
    inner join customers on joined.customer_id = customers.customer_id
    group by joined.join_month, customers.segment

),

active as (

    select
        joined.join_month,
        customers.segment,
        monthly.activity_month,
        count(*) as active_customers
    from monthly
    inner join joined on monthly.customer_id = joined.customer_id
    inner join customers on monthly.customer_id = customers.customer_id
    group by joined.join_month, customers.segment, monthly.activity_month

),

-- A month in which nobody of a cohort came is a row as well.
cohorts as (

    select
        sizes.join_month,
        sizes.segment,
        sizes.join_month = months.first_month as is_first_month,
        months.activity_month,
        months.is_unfinished,
        datediff('month', sizes.join_month, months.activity_month) as month_number,
        sizes.customers,
        coalesce(active.active_customers, 0) as active_customers
    from sizes
    inner join months on sizes.join_month <= months.activity_month
    left join active
        on
            sizes.join_month = active.join_month
            and sizes.segment = active.segment
            and months.activity_month = active.activity_month

)

select * from cohorts
