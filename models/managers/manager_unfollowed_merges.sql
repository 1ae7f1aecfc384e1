-- Counts over everyone: only for roles that see every region.
with

unfollowed as (

    select
        reason,
        count(*) as events
    from {{ ref('unfollowed_merges') }}
    group by reason

),

visible as (

    select
        reason,
        events
    from unfollowed
    where {{ may_see_all_regions() }}

)

select * from visible
