-- What profiles hold that no seed or rule knows, so that nobody has to miss a customer to find out:
-- a region that no role is named for, a segment without a policy of its own (it has the default), a
-- monthly value that is no number.
with

profiles as (

    select * from {{ ref('customer_profiles') }}

),

known_regions as (

    select distinct {{ spelling('region') }} as region
    from {{ ref('manager_regions') }}

),

known_segments as (

    select distinct {{ spelling('segment') }} as segment
    from {{ ref('alert_policy') }}

),

found as (

    select
        'region' as field,
        profiles.region as found_value
    from profiles
    left join known_regions on profiles.region = known_regions.region
    where profiles.region is not null and known_regions.region is null
    union all
    select
        'segment' as field,
        profiles.segment as found_value
    from profiles
    left join known_segments on profiles.segment = known_segments.segment
    where profiles.segment is not null and known_segments.segment is null
    union all
    select
        'monthly_value' as field,
        'not understood' as found_value
    from profiles
    where has_unreadable_value

),

counted as (

    select
        field,
        found_value,
        count(*) as customers
    from found
    group by field, found_value

)

select * from counted
