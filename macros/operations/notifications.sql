{# dbt run-operation create_notifications: the integrations by which the account writes to people,
   granted to who sends. Needs ACCOUNTADMIN (CREATE INTEGRATION), and is safe to run again: what an
   administrator has set of an integration that is there stays.
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
    {%- set mail = var('digest_integration') if mail_recipients() else '' -%}
    {%- set slack = var('slack_integration') -%}
    {%- if not mail and not slack -%}
        {%- do refuse(
            'create_notifications: set var digest_recipients or warning_recipients for e-mail, or'
            ~ ' slack_integration for Slack'
        ) -%}
    {%- endif -%}
    {%- set slack_value = checked_slack_secret(dry_run) if slack else '' -%}
    {%- for name, kind in [(mail, 'EMAIL'), (slack, 'WEBHOOK')] if name and not dry_run -%}
        {%- do check_integration(name, kind) -%}
    {%- endfor -%}
    {%- do create_slack_secret(slack_value, dry_run) if slack -%}
    {%- set allowed = allowed_recipients(mail) if mail and not dry_run -%}
    {{ run_statements(mail_statements(allowed) + slack_statements(), 'create_notifications', dry_run) }}
{% endmacro %}

{# An integration that is there must be of the kind that is needed. One that an administrator has
   disabled stays so, and that is said. #}
{% macro check_integration(name, kind) %}
    {%- set there = notification_integration(name) -%}
    {%- if there is not none and kind not in there['type'] | upper -%}
        {%- do refuse(
            'create_notifications: notification integration ' ~ name ~ ' is of type ' ~ there['type']
            ~ ', not ' ~ kind ~ ': name another one in the var'
        ) -%}
    {%- elif there is not none and there['enabled'] | string | lower != 'true' -%}
        {%- do log(
            'create_notifications: ' ~ name ~ ' is disabled, and stays so: alter notification integration '
            ~ name ~ ' set enabled = true', info=True
        ) -%}
    {%- endif -%}
{% endmacro %}

{# What SHOW says of an integration, or none. LIKE takes `_` for any character: names are compared. #}
{% macro notification_integration(name) %}
    {%- for row in run_query("show notification integrations like '" ~ name ~ "'").rows
        if row['name'] | upper == name | upper -%}
        {{ return(row) }}
    {%- endfor -%}
    {{ return(none) }}
{% endmacro %}

{# The addresses that an e-mail integration may write to, as a list; none when it is not there. An
   empty list is every verified user of the account. #}
{% macro allowed_recipients(name) %}
    {%- if notification_integration(name) is none -%}{{ return(none) }}{%- endif -%}
    {%- for row in run_query('describe notification integration ' ~ name).rows
        if row['property'] | upper == 'ALLOWED_RECIPIENTS' -%}
        {{ return(modules.re.findall("[^\\s,;'\"()\\[\\]]+@[^\\s,;'\"()\\[\\]]+", row['property_value'] or '')) }}
    {%- endfor -%}
    {{ return([]) }}
{% endmacro %}

{# Whom vars name for e-mail. #}
{% macro mail_recipients() %}
    {{ return(mail_addresses(
        var('digest_recipients') ~ ',' ~ var('warning_recipients')
    ) | unique | list) }}
{% endmacro %}

{# An integration that is there keeps what an administrator has set: whom it may write to beside those
   that the vars name, and whether it is enabled. Addresses that it lacks are added.
   allowed: as allowed_recipients() has it. #}
{% macro mail_statements(allowed=none) %}
    {%- set name, wanted = var('digest_integration'), mail_recipients() -%}
    {%- if not wanted -%}{{ return([]) }}{%- endif -%}
    {%- set statements = [] -%}
    {%- if allowed is none -%}
        {%- do statements.append(
            'create notification integration if not exists ' ~ name ~ ' type = email enabled = true '
            ~ recipients_clause(wanted)
        ) -%}
    {%- elif allowed and wanted | reject('in', allowed) | list -%}
        {%- do statements.append(
            'alter notification integration ' ~ name ~ ' set '
            ~ recipients_clause((allowed + wanted) | unique | list)
        ) -%}
    {%- endif -%}
    {%- set others = (allowed or []) | reject('in', wanted) | list -%}
    {%- do log(
        'create_notifications: ' ~ name ~ ' may also write to ' ~ others | join(', ')
        ~ ', whom no var names: they stay', info=True
    ) if others -%}
    {{ return(statements + ['grant usage on integration ' ~ name ~ ' to role DATA_ENGINEER']) }}
{% endmacro %}

{% macro recipients_clause(addresses) %}
    {%- set quoted = [] -%}
    {%- for address in addresses -%}{%- do quoted.append(sql_literal(address) | trim) -%}{%- endfor -%}
    {{ return('allowed_recipients = (' ~ (quoted | join(', ')) ~ ')') }}
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

{# The webhook's secret, from the environment. Its form is checked before anything is sent, so that no
   error quotes a part of it. A dry run needs no value. #}
{% macro checked_slack_secret(dry_run) %}
    {%- set value = env_var('SLACK_WEBHOOK_SECRET', '') -%}
    {%- if not dry_run and not is_full_match('[A-Za-z0-9]+/[A-Za-z0-9]+/[A-Za-z0-9]+', value) -%}
        {%- do refuse(
            'create_notifications: SLACK_WEBHOOK_SECRET must be what comes after'
            ~ ' https://hooks.slack.com/services/ in the URL of the webhook, as T…/B…/…'
        ) -%}
    {%- endif -%}
    {{ return(value) }}
{% endmacro %}

{# Made if it is missing, and given the value of today; the integration refers to it by name. #}
{% macro create_slack_secret(value, dry_run) %}
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
    {%- do named.append(var('digest_integration')) if mail_recipients() -%}
    {%- for name in named if name != '' -%}
        {%- if notification_integration(name) is none -%}
            {%- do missing.append(
                'notification integration ' ~ name ~ ' is not there, or not for role ' ~ target.role
                ~ ': run create_notifications as ACCOUNTADMIN'
            ) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(missing) }}
{% endmacro %}
