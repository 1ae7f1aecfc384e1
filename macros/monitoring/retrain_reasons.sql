{# Why the model should be trained again, in words: one text, empty if there is no reason.
   Reads the columns that model_health puts together.

   What would give the same model again is no reason: drift, a live AUC or a calibration that is off
   call for training once new_label_days_needed() more days of labels have closed than the latest
   run knew. Figures of fewer than too_few() churners or stayers say nothing. #}
{% macro retrain_reasons() %}
    {%- set has_new_labels = "new_label_days >= " ~ new_label_days_needed() -%}
    {%- set has_live_figures -%}
        live_churners >= {{ too_few() }} and live_n - live_churners >= {{ too_few() }}
    {%- endset -%}
    {%- set reasons = [
        {
            'when': "active_version is null",
            'words': "'no model scores yet'",
        },
        {
            'when': "active_version is not null and is_fresh and coalesce(score_age_hours, 1e9) > "
                ~ longest_score_age_hours(),
            'words': "'events arrive, but nothing has been scored for "
                ~ longest_score_age_hours() ~ " hours'",
        },
        {
            'when': "new_label_days >= " ~ var('training_cutoff_every_days'),
            'words': "new_label_days || ' more days of labels have closed since the last training'",
        },
        {
            'when': "worst_psi > worst_psi_major_from and " ~ has_new_labels,
            'words': "worst_psi_feature || ' has drifted (PSI ' || " ~ two_digits('worst_psi')
                ~ " || ' of ' || worst_psi_n || ' customers)'",
        },
        {
            'when': "live_roc_auc < roc_auc_low and " ~ has_live_figures ~ " and " ~ has_new_labels,
            'words': "'the live AUC of ' || " ~ two_digits('live_roc_auc')
                ~ " || ' is below the tested interval, which begins at ' || " ~ two_digits('roc_auc_low'),
        },
        {
            'when': "abs(live_calibration_z) > 1.96 and abs(live_observed - live_predicted) > "
                ~ "0.2 * live_predicted and " ~ has_live_figures ~ " and " ~ has_new_labels,
            'words': "'of 100 customers ' || " ~ two_digits('100 * live_observed')
                ~ " || ' churned, ' || " ~ two_digits('100 * live_predicted') ~ " || ' were expected to'",
        },
    ] -%}
    coalesce(substr(
        {%- for reason in reasons %}
        case when {{ reason.when }} then '; ' || {{ reason.words }} else '' end
        {{- ' ||' if not loop.last }}
        {%- endfor %},
        3
    ), '')
{% endmacro %}

{# A number with two digits, as text; a NULL would take the other reasons away. #}
{% macro two_digits(number) -%} coalesce({{ number_text(number, 2) }}, 'no number') {%- endmacro %}

{# Rates of fewer than this say nothing. #}
{% macro too_few() %}{{ return(30) }}{% endmacro %}
{# A week of labels is the least that can make a difference. #}
{% macro new_label_days_needed() %}{{ return(7) }}{% endmacro %}
{# Time alone changes features every day, so that a working pipeline scores at least daily. #}
{% macro longest_score_age_hours() %}{{ return(36) }}{% endmacro %}
