with

customers as (

    select customer_id from {{ ref('manager_customers') }}

),

identities as (

    select * from {{ ref('customer_identities') }}

),

merged as (

    select
        identities.customer_id as merged_id,
        customers.customer_id,
        identities.merged_at
    from identities
    inner join customers on identities.surviving_id = customers.customer_id

)

select * from merged
