with

outcomes as (

    select * from {{ ref('score_outcomes') }}

),

calibration as (

    select
        week,
        model_version,
        score_bin / 10.0 as score_from,
        (score_bin + 1.0) / 10 as score_to,
        n,
        churners,
        treated,
        coalesce(weight_sum, n) as weight,
        score_sum / nullif(coalesce(weight_sum, n), 0) as predicted,
        coalesce(churner_weight_sum, churners) / nullif(coalesce(weight_sum, n), 0) as observed
    from outcomes

)

select * from calibration
