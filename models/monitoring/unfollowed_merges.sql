-- Merges that join nothing, or not all of it, with the reason: so that nobody has to miss an id to
-- find out. A merge that says again what is known is not among them. A view over few rows.
with

merge_events as (

    select * from {{ ref('customer_merges') }}

),

identities as (

    select * from {{ ref('customer_identities') }}

),

judged as (

    select
        merge_events.event_id,
        merge_events.merged_id,
        merge_events.customer_id,
        merge_events.occurred_at,
        case
            when of_merged.customer_id is null
                then 'the merge would close a circle'
            when further.customer_id is not null
                then 'the id is more than {{ merge_hops() }} merges away from the last one'
            when
                of_merged.surviving_id
                <> {{ surviving_id('of_customer', 'merge_events.customer_id') }}
                then 'the id was merged into another one before'
        end as reason
    from merge_events
    left join identities as of_merged on merge_events.merged_id = of_merged.customer_id
    left join identities as of_customer on merge_events.customer_id = of_customer.customer_id
    left join identities as further on of_merged.surviving_id = further.customer_id

),

unfollowed as (

    select *
    from judged
    where reason is not null

)

select * from unfollowed
