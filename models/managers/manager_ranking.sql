with

ranking as (

    select * from {{ ref('alert_ranking') }}

),

-- Sums over everyone: only for roles that see every region.
visible as (

    select ranking.*
    from ranking
    where {{ may_see_all_regions() }}

)

select * from visible
