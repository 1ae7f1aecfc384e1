{# The share of churners in each segment, drawn towards everybody's the more, the fewer customers the
   segment has and the less segments differ (Bühlmann and Straub's credibility): one row per segment and
   one without a segment for everybody, with how many outcomes it rests on (n). Segments that differ no
   more than chance explains share one figure. Without any outcome the share is NULL.
   outcomes: a relation with segment, has_churned and weight, one row per outcome. #}
{% macro shrunken_shares(outcomes) %}
    with counted as (

        select
            segment,
            count(*) as n,
            sum(weight) as weight,
            sum(weight * has_churned) as churner_weight,
            least(sum(weight * has_churned) / nullif(sum(weight), 0), 1) as share
        from {{ outcomes }}
        where weight > 0
        group by segment

    ),

    everybody as (

        select
            cast(coalesce(sum(n), 0) as bigint) as n,
            count(*) as segments,
            case
                when sum(weight) > 0 then least(sum(churner_weight) / nullif(sum(weight), 0), 1)
            end as share,
            sum(weight) - sum(weight * weight) / nullif(sum(weight), 0) as compared_weight
        from counted

    ),

    -- What segments differ by chance, per customer, and what they differ beyond that.
    variances as (

        select
            everybody.share,
            everybody.share * (1 - everybody.share) as by_chance,
            coalesce(greatest(
                (
                    sum(
                        counted.weight
                        * (counted.share - everybody.share) * (counted.share - everybody.share)
                    )
                    - (everybody.segments - 1) * everybody.share * (1 - everybody.share)
                ) / nullif(everybody.compared_weight, 0),
                0
            ), 0) as beyond_chance
        from counted
        cross join everybody
        group by everybody.share, everybody.segments, everybody.compared_weight

    ),

    credible as (

        select
            counted.segment,
            counted.n,
            counted.share,
            variances.share as share_of_everybody,
            coalesce(
                counted.weight * variances.beyond_chance
                / nullif(counted.weight * variances.beyond_chance + variances.by_chance, 0),
                0
            ) as credibility
        from counted
        cross join variances

    )

    select
        segment,
        n,
        credibility * share + (1 - credibility) * share_of_everybody as share
    from credible
    union all
    select
        cast(null as {{ dbt.type_string() }}) as segment,
        n,
        share
    from everybody
{% endmacro %}
