{# dbt run-operation create_notifications: the integrations by which the account writes to people,
   granted to who sends. Needs ACCOUNTADMIN (CREATE INTEGRATION), and is safe to run again.
   - e-mail: var digest_integration, to digest_recipients and warning_recipients, who must be users of
     the account with a verified address;
   - Slack: var slack_integration, with SLACK_WEBHOOK_SECRET in the environment: what comes after
     https://hooks.slack.com/services/ in the webhook's URL. It is bound, not written into the
     statement, so that no log, dry run or record of dbt has it. #}
{% macro create_notifications(dry_run=false) %}
    {%- if execute -%}{{ return(adapter.dispatch('create_notifications')(dry_run)) }}{%- endif -%}
{% endmacro %}

{% macro default__create_notifications(dry_run) %}{{ no_such_engine('create_notifications') }}{% endmacro %}
{% macro duckdb__create_notifications(dry_run) %}
    {%- do log('create_notifications: nothing to do on DuckDB, which writes to nobody', info=True) -%}
{% endmacro %}
{% macro snowflake__create_notifications(dry_run) %}
    {%- if not (mail_statements() or slack_statements()) -%}
        {%- do exceptions.raise_compiler_error(
            'create_notifications: set var digest_recipients or warning_recipients for e-mail, or'
            ~ ' slack_integration for Slack'
        ) -%}
    {%- endif -%}
    {%- if slack_statements() -%}{%- do create_slack_secret(dry_run) -%}{%- endif -%}
    {{ run_statements(mail_statements() + slack_statements(), 'create_notifications', dry_run) }}
{% endmacro %}

{# A mail integration that exists gets the recipients of today. #}
{% macro mail_statements() %}
    {%- set name = var('digest_integration') -%}
    {%- set addresses = mail_addresses(
        var('digest_recipients') ~ ',' ~ var('warning_recipients')
    ) | unique | list -%}
    {%- if not addresses -%}{{ return([]) }}{%- endif -%}
    {%- set quoted = [] -%}
    {%- for address in addresses -%}{%- do quoted.append(sql_literal(address)) -%}{%- endfor -%}
    {%- set recipients = 'allowed_recipients = (' ~ (quoted | join(', ')) ~ ')' -%}
    {{ return([
        'create notification integration if not exists ' ~ name ~ ' type = email enabled = true '
        ~ recipients,
        'alter notification integration ' ~ name ~ ' set enabled = true ' ~ recipients,
        'grant usage on integration ' ~ name ~ ' to role DATA_ENGINEER',
    ]) }}
{% endmacro %}

{# The message is put where the template says; warnings hold nothing that JSON would quote. #}
{% macro slack_statements() %}
    {%- set name = var('slack_integration') -%}
    {%- if name == '' -%}{{ return([]) }}{%- endif -%}
    {{ return([
        'create notification integration if not exists ' ~ name ~ ' type = webhook enabled = true'
        ~ " webhook_url = 'https://hooks.slack.com/services/SNOWFLAKE_WEBHOOK_SECRET'"
        ~ ' webhook_secret = ' ~ slack_secret()
        ~ " webhook_body_template = '{\"text\": \"SNOWFLAKE_WEBHOOK_MESSAGE\"}'"
        ~ " webhook_headers = ('Content-Type' = 'application/json')",
        'grant usage on integration ' ~ name ~ ' to role DATA_ENGINEER',
        'grant read on secret ' ~ slack_secret() ~ ' to role DATA_ENGINEER',
    ]) }}
{% endmacro %}

{% macro slack_secret() %}
    {{ return(target.database ~ '.' ~ target.schema ~ '.' ~ var('slack_secret')) }}
{% endmacro %}

{# Made if it is missing, and given the value of today; the integration refers to it by name. The
   form is checked first, so that no error quotes a part of it. A dry run needs no value. #}
{% macro create_slack_secret(dry_run) %}
    {%- set value = env_var('SLACK_WEBHOOK_SECRET', '') -%}
    {%- if not dry_run and not is_full_match('[A-Za-z0-9]+/[A-Za-z0-9]+/[A-Za-z0-9]+', value) -%}
        {%- do exceptions.raise_compiler_error(
            'create_notifications: SLACK_WEBHOOK_SECRET must be what comes after'
            ~ ' https://hooks.slack.com/services/ in the URL of the webhook, as T…/B…/…'
        ) -%}
    {%- endif -%}
    {%- for statement in [
        'create secret if not exists ' ~ slack_secret() ~ ' type = generic_string secret_string = %s',
        'alter secret ' ~ slack_secret() ~ ' set secret_string = %s',
    ] -%}
        {%- do log(statement | replace('%s', "'***'") ~ ';', info=True) -%}
        {%- do adapter.add_query(statement, bindings=[value]) if not dry_run -%}
    {%- endfor -%}
{% endmacro %}

{# The integrations that are named in vars and not there, or not for this role; for check_setup. #}
{% macro missing_notifications() %}
    {%- set missing = [] -%}
    {%- set named = [var('slack_integration')] -%}
    {%- do named.append(var('digest_integration')) if mail_statements() -%}
    {%- for name in named if name != '' -%}
        {%- if not run_query("show notification integrations like '" ~ name ~ "'").rows -%}
            {%- do missing.append(
                'notification integration ' ~ name ~ ' is not there, or not for role ' ~ target.role
                ~ ': run create_notifications as ACCOUNTADMIN'
            ) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(missing) }}
{% endmacro %}
