{# Draws the differences of the groups of a dimension towards their mean, by as much as chance explains
   how far apart they are (`shrunken`): the best guess for each, where the greatest of several noisy
   differences is mostly the luckiest. How much groups really differ is the variance between them of
   DerSimonian and Laird, "Meta-analysis in clinical trials", Controlled Clinical Trials 7(3), 1986;
   a group keeps the share of its distance from the mean that this is of both variances together
   (Morris, "Parametric empirical Bayes inference", Journal of the American Statistical Association 78,
   1983). A group of which nothing is known gets the mean, and the only group of a dimension its own.
   groups: a relation with dimension, difference and standard_error. Ends with the step `shrunk`. #}
{% macro shrunken_steps(groups) %}
precisions as (

    select
        *,
        power(standard_error, 2) as within_variance,
        1 / nullif(power(standard_error, 2), 0) as certainty
    from {{ groups }}

),

moments as (

    select
        *,
        count(certainty) over (partition by dimension) as groups_n,
        {%- for name, power in [
            ('certainty_sum', 'certainty'), ('squares_sum', 'power(certainty, 2)'),
            ('weighed_sum', 'certainty * difference'),
            ('weighed_squares', 'certainty * power(difference, 2)'),
        ] %}
        sum({{ finite(power) }}) over (partition by dimension) as {{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from precisions

),

spread as (

    select
        *,
        case
            when groups_n > 1
                then greatest(
                    coalesce(
                        (
                            weighed_squares
                            - power(weighed_sum, 2) / nullif(certainty_sum, 0)
                            - (groups_n - 1)
                        )
                        / nullif(certainty_sum - squares_sum / nullif(certainty_sum, 0), 0),
                        0
                    ),
                    0
                )
            else 0
        end as between_variance
    from moments

),

centred as (

    select
        *,
        sum({{ finite('difference / nullif(within_variance + between_variance, 0)') }})
            over (partition by dimension)
        / nullif(
            sum({{ finite('1 / nullif(within_variance + between_variance, 0)') }})
                over (partition by dimension),
            0
        ) as common_difference
    from spread

),

shrunk as (

    select
        *,
        common_difference + coalesce(
            between_variance / nullif(within_variance + between_variance, 0)
            * (difference - common_difference),
            0
        ) as shrunken
    from centred

)
{% endmacro %}
