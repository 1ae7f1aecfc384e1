-- What profiles hold that no seed or rule knows, so that nobody has to miss a customer to find out:
-- a region that no role is named for, a segment without a policy of its own (it has the default), a
-- monthly value that is no number.
with

profiles as (

    select * from {{ ref('customer_profiles') }}

),

{%- set seeds = {'region': ref('manager_regions'), 'segment': ref('alert_policy')} %}
{%- for field, seed in seeds.items() %}

known_{{ field }}s as (

    select distinct {{ spelling(field) }} as {{ field }}
    from {{ seed }}

),
{%- endfor %}

found as (

    {%- for field in seeds %}
    select
        '{{ field }}' as field,
        profiles.{{ field }} as found_value
    from profiles
    left join known_{{ field }}s on profiles.{{ field }} = known_{{ field }}s.{{ field }}
    where profiles.{{ field }} is not null and known_{{ field }}s.{{ field }} is null
    union all
    {%- endfor %}
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
