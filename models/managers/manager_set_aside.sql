with

set_aside as (

    select * from {{ ref('set_aside_keys') }}

),

counted as (

    select
        name,
        count(*) as keys_set_aside,
        min(since) as first_since,
        max(since) as last_since
    from set_aside
    group by name

)

select * from counted
