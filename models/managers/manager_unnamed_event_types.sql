-- Counts over all customers, so only for roles that see every region.
with

event_types as (

    select * from {{ ref('unnamed_event_types') }}

),

visible as (

    select
        event_type,
        counts_as,
        events,
        customers,
        last_seen_at
    from event_types
    where {{ may_see_all_regions() }}

)

select * from visible
