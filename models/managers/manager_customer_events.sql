with

customers as (

    select customer_id from {{ ref('manager_customers') }}

),

events as (

    select * from {{ ref('customer_events') }}

),

-- Properties stay behind: customers write into them.
timeline as (

    select
        events.event_id,
        events.customer_id,
        events.event_type,
        events.category,
        events.occurred_at,
        events.activity_date,
        events.amount
    from events
    inner join customers on events.customer_id = customers.customer_id

)

select * from timeline
