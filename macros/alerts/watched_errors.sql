{# How many standard errors wide, to either side, an interval of 1 - alpha must be that is looked at as
   often as one likes: one of 95 % has 1.96 at a single look, and is wrong at some look far more
   often than in 5 %. With t for the customers seen so far, by the normal mixture of Robbins:

       sqrt(2 (t rho² + 1) / (t rho²) * ln(sqrt(t rho² + 1) / alpha))

   (Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, "Time-uniform central limit theory and asymptotic
   confidence sequences", Annals of Statistics 52(6), 2024, theorem 2.2.) rho is fixed before anything
   is seen: so that the interval is narrowest beside others at effect_best_n customers. t counts both
   arms: their uneven sizes are in the standard error.
   n, alpha: SQL expressions, n a double. #}
{% macro watched_errors(n, alpha) -%}
    {%- set seen -%}({{ n }} * {{ watched_errors_best() }} / {{ var('effect_best_n') }}){%- endset -%}
    sqrt(greatest(
        2 * ({{ seen }} + 1) / nullif({{ seen }}, 0)
        * (0.5 * ln(greatest({{ seen }}, 0) + 1) - ln(greatest({{ alpha }}, 1e-9))),
        0
    ))
{%- endmacro %}

{# t rho² where the interval of 95 % is narrowest: a + ln(1 + a), where a is -2 ln(0.05). #}
{% macro watched_errors_best() -%}7.936154{%- endmacro %}
