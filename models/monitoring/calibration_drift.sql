with

outcomes as (

    select * from {{ ref('score_outcomes') }}

),

calibration as (

    select
        week,
        model_version,
        score_bin / 10.0 as score_from,
        (score_bin + 1) / 10.0 as score_to,
        n,
        churners,
        treated,
        score_sum / n as predicted,
        churners / cast(n as double) as observed
    from outcomes

)

select * from calibration
